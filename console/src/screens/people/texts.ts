import type { Translation } from '../../texts/translation';

export const english = {
  label: 'Find a person',
  hint: 'The search looks at the beginning of names and e-mail addresses. Each search is in the event log, without its text.',
  newest: 'Newest accounts',
  found: { one: 'One person found', other: '{count} people found' },
  most: 'These are the first 20. Type more of the name or the address to see others.',
  all: 'Show the newest accounts instead',
  columns: { name: 'Name', email: 'E-mail address', role: 'Role', state: 'State', registered: 'Registered' },
  active: 'active',
  inactive: 'deactivated',
  erasures: {
    title: 'Erasures under way',
    hint: 'These accounts are deleted. What they owned is being erased.',
    account: 'Account',
    rows: 'Erased so far',
    of: '{rows} of {total}',
    progress: 'Last progress',
  },
} as const;

export const german: Translation<typeof english> = {
  label: 'Person suchen',
  hint: 'Gesucht wird am Anfang von Namen und E-Mail-Adressen. Jede Suche steht im Ereignisprotokoll, ohne ihren Text.',
  newest: 'Neueste Konten',
  found: { one: 'Eine Person gefunden', other: '{count} Personen gefunden' },
  most: 'Das sind die ersten 20. Tippen Sie mehr vom Namen oder der Adresse, um andere zu sehen.',
  all: 'Stattdessen die neuesten Konten zeigen',
  columns: { name: 'Name', email: 'E-Mail-Adresse', role: 'Rolle', state: 'Zustand', registered: 'Registriert' },
  active: 'aktiv',
  inactive: 'deaktiviert',
  erasures: {
    title: 'Laufende Löschungen',
    hint: 'Diese Konten sind gelöscht. Was ihnen gehörte, wird gerade entfernt.',
    account: 'Konto',
    rows: 'Bisher entfernt',
    of: '{rows} von {total}',
    progress: 'Letzter Fortschritt',
  },
};
