import type { Translation } from '../../texts/translation';

export const english = {
  filters: 'Filters',
  state: { on: 'on sale', off: 'off sale', takenDown: 'taken down' },
  all: 'All',
  mine: 'My items',
  search: 'Items of a person',
  ofPerson: 'Items of',
  everybody: 'Items of everybody',
  list: 'Items, newest first',
  columns: { title: 'Item', owner: 'Owner', state: 'State', price: 'Price' },
} as const;

export const german: Translation<typeof english> = {
  filters: 'Filter',
  state: { on: 'im Verkauf', off: 'nicht im Verkauf', takenDown: 'gesperrt' },
  all: 'Alle',
  mine: 'Meine Artikel',
  search: 'Artikel einer Person',
  ofPerson: 'Artikel von',
  everybody: 'Artikel von allen',
  list: 'Artikel, neueste zuerst',
  columns: { title: 'Artikel', owner: 'Verkauft von', state: 'Zustand', price: 'Preis' },
};
