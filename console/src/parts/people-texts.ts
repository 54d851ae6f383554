import { textsOf } from '../language';

const english = {
  deleted: 'Deleted account',
  beginning: 'Name or e-mail address',
  find: 'Find',
  found: (count: number) => (count === 1 ? 'One person found.' : `${count} people found.`),
  nobody: 'Nobody found. The search looks at the beginning of first names, last names and e-mail addresses.',
};

export const texts = textsOf<typeof english>({
  english,
  german: {
    deleted: 'Gelöschtes Konto',
    beginning: 'Name oder E-Mail-Adresse',
    find: 'Suchen',
    found: (count) => (count === 1 ? 'Eine Person gefunden.' : `${count} Personen gefunden.`),
    nobody: 'Niemand gefunden. Gesucht wird am Anfang von Vornamen, Nachnamen und E-Mail-Adressen.',
  },
});
