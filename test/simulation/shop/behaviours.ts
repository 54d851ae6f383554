/**
 * What the clients do and what the check of their history demands, by name. Each can be turned off like a hardship, so
 * that a defect can be attributed to the behaviour that shows it.
 */
const behaviours = {
  'signing-in': 'people sign in, refresh their sessions and sign out',
  resets: 'people ask for a password reset and use the link of the e-mail',
  confirmations: 'people confirm addresses with the links of e-mails, and ask for other links',
  profiles: 'people change names, addresses, passwords and settings',
  unsubscribing: 'people turn e-mails off with the link in one of them',
  roles: 'admins change roles',
  'last-admin': 'admins change, deactivate and delete every account, so that one of them tries it with the last admin',
  deactivation: 'admins deactivate and reactivate accounts',
  deletion: 'people and admins delete accounts',
  items: 'owners change and delete items while others order them',
  'taking-down': 'agents and admins take items of others off sale, and put them back on sale',
  'unlimited-items': 'items have no stock, get one and lose it again',
  orders: 'people cancel orders, and the staff ships and delivers them',
  tickets: 'people open tickets, and the staff works on them',
  replies: 'customers and the staff reply on tickets, also on triaged and closed ones',
  assignees: 'agents and admins take, give and release tickets, while accounts change their roles and are deleted',
  searches: 'agents and admins look for people',
  operators: 'admins replay dead letters, and start and cancel rebuilds',
  discards: 'admins discard dead letters of e-mails',
  'discarded-projections': 'admins discard dead letters of projections, too',
  'first-admin': 'a new installation asks for its first admin again and again',
  'if-match': 'commands name the version that the client has read, an old one or a wrong one',
  strangers: 'people try what only others may do, and name what does not exist',
  'revoked-callers': 'people use access tokens that may be revoked',
  'revocation-races':
    'people refresh their tokens and send commands while these tokens are revoked, or the account is deleted',
  'double-sends': 'a client sends a command twice at the same time',
  repeats: 'a client sends a command again under the same key after an answer',
  'other-bodies': 'a client sends another body under the same key',
  'no-keys': 'a client sends commands without an Idempotency-Key',
  tokens: 'reads and commands carry the Consistency-Token of an earlier answer',
  lists: 'people read lists, and the pages after the first one',
  'operator-reads': 'admins read what operators need',
  ages: 'the check demands that a read without a token is not older than its answer says',
  'access-time': 'the check demands that a revoked caller reads for a minute at most after the access document changed',
} as const;

export type Behaviour = keyof typeof behaviours;
export type Behaviours = ReadonlySet<Behaviour>;

const behaviourNames = Object.keys(behaviours) as Behaviour[];

export function isBehaviour(name: string): name is Behaviour {
  return behaviourNames.some((known) => known === name);
}

/** All behaviours except those that are turned off. */
export function behavioursWithout(names: readonly Behaviour[]): Behaviours {
  return new Set(behaviourNames.filter((name) => !names.includes(name)));
}
