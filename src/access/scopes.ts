/** What an API key may do; each scope is a part of what the role of the key's account allows. */
export const scopes = [
  'items:read',
  'items:write',
  'orders:read',
  'orders:write',
  'tickets:read',
  'tickets:write',
  'users:read',
  'users:write',
  'operations:read',
  'operations:write',
  'events:read',
  'exports:read',
] as const;
export type Scope = (typeof scopes)[number];

/** What each scope permits, in the words of the API's documentation. */
export const scopeMeanings: Readonly<Record<Scope, string>> = {
  'items:read': 'Read items that are not for everybody.',
  'items:write': 'Create, change and delete items.',
  'orders:read': 'Read orders.',
  'orders:write': 'Place, cancel, ship and deliver orders.',
  'tickets:read': 'Read tickets, their notes and their dashboard.',
  'tickets:write': 'Open tickets, change their status and add notes.',
  'users:read': 'Read accounts and settings.',
  'users:write': 'Change settings, and deactivate and reactivate accounts.',
  'operations:read': 'Read the audit trail, dead letters, read models, queues, the schedule and metrics.',
  'operations:write': 'Rebuild read models, project documents, and replay and discard dead letters.',
  'events:read': 'Read the feed of events.',
  'exports:read': 'Export orders, tickets and events.',
};
