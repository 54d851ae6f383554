import type { Translation } from '../texts/translation';

export const english = {
  deleted: 'Deleted account',
  beginning: 'Name or e-mail address',
  find: 'Find',
  found: { one: 'One person found.', other: '{count} people found.' },
  nobody: 'Nobody found. The search looks at the beginning of first names, last names and e-mail addresses.',
} as const;

export const german: Translation<typeof english> = {
  deleted: 'Gelöschtes Konto',
  beginning: 'Name oder E-Mail-Adresse',
  find: 'Suchen',
  found: { one: 'Eine Person gefunden.', other: '{count} Personen gefunden.' },
  nobody: 'Niemand gefunden. Gesucht wird am Anfang von Vornamen, Nachnamen und E-Mail-Adressen.',
};
