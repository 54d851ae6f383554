import type { Translation } from '../../texts/translation';

export const english = {
  health: {
    title: 'State of the system',
    ready: 'Everything works.',
    degraded: 'The shop works, but something needs attention.',
    unavailable: 'The shop does not work as it should.',
    unknown: 'The state of the system cannot be read.',
  },
  lag: {
    title: 'Lag of the read models',
    model: 'Read model',
    now: 'Now',
    usual: 'Usually (p50)',
    late: 'At worst (p99)',
    seconds: '{value} s',
    none: 'no event',
  },
  tickets: { title: 'Tickets of the last 30 days', opened: 'opened', closed: 'closed' },
} as const;

export const german: Translation<typeof english> = {
  health: {
    title: 'Zustand des Systems',
    ready: 'Alles funktioniert.',
    degraded: 'Der Shop funktioniert, aber etwas braucht Aufmerksamkeit.',
    unavailable: 'Der Shop funktioniert nicht, wie er soll.',
    unknown: 'Der Zustand des Systems ist nicht lesbar.',
  },
  lag: {
    title: 'Rückstand der Lesemodelle',
    model: 'Lesemodell',
    now: 'Jetzt',
    usual: 'Meist (p50)',
    late: 'Höchstens (p99)',
    seconds: '{value} s',
    none: 'kein Ereignis',
  },
  tickets: { title: 'Anfragen der letzten 30 Tage', opened: 'eröffnet', closed: 'geschlossen' },
};
