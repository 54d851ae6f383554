import type { Translation } from '../../texts/translation';

export const english = {
  health: {
    title: 'State of the system',
    ready: 'Everything works.',
    degraded: 'The shop works, but something needs attention.',
    unavailable: 'The shop does not work as it should.',
    unknown: 'The state of the system cannot be read.',
    issues: {
      'd1-unreachable': 'The database does not answer',
      'kv-unreachable': 'The store of documents does not answer',
      'deliveries-late': 'Work waits too long',
      'projections-slow': 'Read models are late',
      'dead-letters': 'Dead letters',
      'erasures-stalled': 'An erasure is stuck',
    },
  },
  tickets: {
    title: 'Tickets',
    open: 'Open',
    triaged: 'Triaged',
    oldest: 'Oldest open one waits',
    median: 'Usual time to triage',
    chart: 'Tickets by day, last 30 days',
    opened: 'opened',
    closed: 'closed',
  },
  sales: {
    title: 'Sales',
    currency: 'Currency',
    placed: 'To ship',
    shipped: 'Under way',
    revenue: 'Revenue, 30 days',
    average: 'Average order',
    chart: 'Revenue in {currency} by day, last 30 days',
    orders: 'Orders',
    best: 'Best sellers:',
    others: { one: '{count} more currency is not shown.', other: '{count} more currencies are not shown.' },
  },
} as const;

export const german: Translation<typeof english> = {
  health: {
    title: 'Zustand des Systems',
    ready: 'Alles funktioniert.',
    degraded: 'Der Shop funktioniert, aber etwas braucht Aufmerksamkeit.',
    unavailable: 'Der Shop funktioniert nicht, wie er soll.',
    unknown: 'Der Zustand des Systems ist nicht lesbar.',
    issues: {
      'd1-unreachable': 'Die Datenbank antwortet nicht',
      'kv-unreachable': 'Der Speicher der Dokumente antwortet nicht',
      'deliveries-late': 'Arbeit wartet zu lange',
      'projections-slow': 'Lesemodelle sind im Rückstand',
      'dead-letters': 'Unzustellbares',
      'erasures-stalled': 'Eine Löschung steckt fest',
    },
  },
  tickets: {
    title: 'Anfragen',
    open: 'Offen',
    triaged: 'Gesichtet',
    oldest: 'Älteste offene wartet',
    median: 'Übliche Zeit bis zur Sichtung',
    chart: 'Anfragen nach Tagen, letzte 30 Tage',
    opened: 'eröffnet',
    closed: 'geschlossen',
  },
  sales: {
    title: 'Verkäufe',
    currency: 'Währung',
    placed: 'Zu versenden',
    shipped: 'Unterwegs',
    revenue: 'Umsatz, 30 Tage',
    average: 'Bestellung im Mittel',
    chart: 'Umsatz in {currency} nach Tagen, letzte 30 Tage',
    orders: 'Bestellungen',
    best: 'Meistverkauft:',
    others: {
      one: '{count} weitere Währung wird nicht gezeigt.',
      other: '{count} weitere Währungen werden nicht gezeigt.',
    },
  },
};
