import type { Translation } from '../../texts/translation';

export const english = {
  filters: 'Filters',
  status: { placed: 'placed', shipped: 'shipped', delivered: 'delivered', cancelled: 'cancelled' },
  all: 'All',
  number: 'Order number',
  find: 'Find',
  withNumber: 'The order with the number',
  noNumber: 'No order has the number {number}.',
  search: 'Orders of a person',
  ofPerson: 'Orders of',
  everything: 'All orders',
  list: 'Orders, newest first',
  columns: {
    number: 'Order',
    customer: 'Customer',
    placed: 'Placed',
    items: 'Items',
    total: 'Total',
    status: 'Status',
  },
} as const;

export const german: Translation<typeof english> = {
  filters: 'Filter',
  status: { placed: 'eingegangen', shipped: 'versandt', delivered: 'zugestellt', cancelled: 'storniert' },
  all: 'Alle',
  number: 'Bestellnummer',
  find: 'Suchen',
  withNumber: 'Die Bestellung mit der Nummer',
  noNumber: 'Keine Bestellung hat die Nummer {number}.',
  search: 'Bestellungen einer Person',
  ofPerson: 'Bestellungen von',
  everything: 'Alle Bestellungen',
  list: 'Bestellungen, neueste zuerst',
  columns: {
    number: 'Bestellung',
    customer: 'Kundschaft',
    placed: 'Eingang',
    items: 'Artikel',
    total: 'Summe',
    status: 'Status',
  },
};
