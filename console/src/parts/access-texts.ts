import type { Translation } from '../texts/translation';

/** The texts of the lists that say who and what can act for an account. */
export const english = {
  keys: {
    title: 'API keys',
    none: 'No API keys.',
    name: 'Key',
    scopes: 'May',
    created: 'Created',
    used: 'Last used',
    ends: 'Ends',
    never: 'never',
    whenRevoked: 'when revoked',
    revoke: 'Revoke',
    question: 'Revoke the key “{name}”?',
    effect:
      'Programs that use it are refused: their commands at once, and their reads within a minute. It cannot be undone; a program then needs a new key.',
    done: 'The key was revoked.',
  },
  sessions: {
    title: 'Sessions',
    hint: 'A session is one sign-in in a browser or a program.',
    none: 'No open session.',
    started: 'Signed in',
    used: 'Last used',
    ends: 'Ends',
    current: 'this session',
    revoke: 'End it',
    question: 'End this session?',
    effect: 'Whoever uses it has to sign in again, within 15 minutes at most. Nothing else changes.',
    done: 'The session was ended.',
  },
  action: 'Action',
} as const;

export const german: Translation<typeof english> = {
  keys: {
    title: 'API-Schlüssel',
    none: 'Keine API-Schlüssel.',
    name: 'Schlüssel',
    scopes: 'Darf',
    created: 'Erstellt',
    used: 'Zuletzt benutzt',
    ends: 'Endet',
    never: 'nie',
    whenRevoked: 'bei Widerruf',
    revoke: 'Widerrufen',
    question: 'Den Schlüssel „{name}“ widerrufen?',
    effect:
      'Programme, die ihn benutzen, werden abgewiesen: Befehle sofort, Lesezugriffe binnen einer Minute. Das lässt sich nicht rückgängig machen; ein Programm braucht dann einen neuen Schlüssel.',
    done: 'Der Schlüssel wurde widerrufen.',
  },
  sessions: {
    title: 'Sitzungen',
    hint: 'Eine Sitzung ist eine Anmeldung in einem Browser oder Programm.',
    none: 'Keine offene Sitzung.',
    started: 'Angemeldet',
    used: 'Zuletzt benutzt',
    ends: 'Endet',
    current: 'diese Sitzung',
    revoke: 'Beenden',
    question: 'Diese Sitzung beenden?',
    effect: 'Wer sie benutzt, muss sich neu anmelden, spätestens nach 15 Minuten. Sonst ändert sich nichts.',
    done: 'Die Sitzung wurde beendet.',
  },
  action: 'Aktion',
};
