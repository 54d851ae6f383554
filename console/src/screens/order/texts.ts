import { textsOf } from '../../language';

const english = {
  back: 'Orders',
  missing: 'There is no such order.',
  title: (number: string) => `Order ${number}`,
  placed: (time: string) => `Placed ${time}`,
  changed: (time: string) => `last change ${time}`,
  work: 'Status of the order',
  act: { ship: 'Ship', deliver: 'Deliver', cancel: 'Cancel the order' },
  done: (status: string) => `Done: the order is ${status}.`,
  hint: 'Shipping and delivering change no stock: the pieces were taken when the order was placed.',
  noAddress: 'The customer’s account was deleted, and the address with it. Such an order can only be cancelled.',
  refused: (before: string, after: string) =>
    before === after
      ? 'Nothing was done, because the order was changed meanwhile. It is being read again.'
      : `Nothing was done, because somebody else was faster: the order was ${before}, and is ${after} now.`,
  question: (number: string) => `Cancel order ${number}?`,
  effect: {
    back: (count: number, pieces: string, title: string, stock: string) =>
      `${pieces} ${count === 1 ? 'piece of' : 'pieces of'} ${title} ${count === 1 ? 'goes' : 'go'} back to the stock (now ${stock}).`,
    none: (title: string, why: string) => `No stock of ${title} changes (${why}).`,
  },
  underWay: 'The parcel is under way. Its pieces count as being back at once, before the parcel is.',
  final: 'The customer is told by e-mail, unless they want no such e-mails. This cannot be undone.',
  lines: 'Items',
  columns: { item: 'Item', pieces: 'Pieces', price: 'Price', sum: 'Sum', stock: 'In stock now' },
  deleted: 'deleted',
  unlimited: 'unlimited',
  notTaken: 'unlimited when it was ordered',
  total: 'Total',
  address: 'Ship to',
  customer: 'Customer',
  theirOrders: 'Their orders',
  theirTickets: 'Their tickets',
};

export const texts = textsOf<typeof english>({
  english,
  german: {
    back: 'Bestellungen',
    missing: 'Diese Bestellung gibt es nicht.',
    title: (number) => `Bestellung ${number}`,
    placed: (time) => `Eingegangen ${time}`,
    changed: (time) => `zuletzt geändert ${time}`,
    work: 'Status der Bestellung',
    act: { ship: 'Versenden', deliver: 'Zustellen', cancel: 'Bestellung stornieren' },
    done: (status) => `Erledigt: Die Bestellung ist ${status}.`,
    hint: 'Versand und Zustellung ändern keinen Bestand: Die Stücke wurden beim Eingang der Bestellung abgezogen.',
    noAddress: 'Das Konto wurde gelöscht und mit ihm die Adresse. Eine solche Bestellung lässt sich nur stornieren.',
    refused: (before, after) =>
      before === after
        ? 'Es wurde nichts getan, weil die Bestellung inzwischen geändert wurde. Sie wird neu gelesen.'
        : `Es wurde nichts getan, weil jemand schneller war: Die Bestellung war ${before} und ist jetzt ${after}.`,
    question: (number) => `Bestellung ${number} stornieren?`,
    effect: {
      back: (count, pieces, title, stock) =>
        `${pieces} Stück von ${title} ${count === 1 ? 'geht' : 'gehen'} zurück in den Bestand (jetzt ${stock}).`,
      none: (title, why) => `Kein Bestand von ${title} ändert sich (${why}).`,
    },
    underWay: 'Das Paket ist unterwegs. Seine Stücke zählen sofort als zurück, noch vor dem Paket.',
    final:
      'Die Kundschaft erfährt es per E-Mail, wenn sie solche E-Mails will. Das lässt sich nicht rückgängig machen.',
    lines: 'Artikel',
    columns: { item: 'Artikel', pieces: 'Stück', price: 'Preis', sum: 'Summe', stock: 'Bestand jetzt' },
    deleted: 'gelöscht',
    unlimited: 'unbegrenzt',
    notTaken: 'bei der Bestellung unbegrenzt',
    total: 'Summe',
    address: 'Lieferadresse',
    customer: 'Kundschaft',
    theirOrders: 'Alle Bestellungen',
    theirTickets: 'Alle Anfragen',
  },
});
