import { isoTime, type Rule, refuse, signedIn } from './rule';
import { all, type Caller, each, put } from './state';

/** How many keys an account may have. */
const keysPerAccount = 20;

const needed: Readonly<Record<string, readonly string[]>> = {
  'items:write': ['CreateItem', 'UpdateItem', 'DeleteItem'],
  'orders:read': ['GetOrder', 'ListOrders', 'GetSalesDashboard'],
  'orders:write': ['PlaceOrder', 'CancelOrder', 'ShipOrder', 'DeliverOrder'],
  'tickets:read': ['GetTicket', 'ListTickets', 'ListTicketNotes', 'ListTicketReplies', 'GetTicketDashboard'],
  'tickets:write': ['OpenTicket', 'ChangeTicketStatus', 'AddTicketNote', 'ReplyToTicket', 'AssignTicket'],
  'users:read': ['GetUser', 'GetOwnUser', 'ListUsers', 'GetSettings', 'SearchUsers'],
  'events:read': ['ReadEvents'],
  'exports:read': [
    ...['ExportOrders', 'ExportTickets', 'ExportEvents', 'ExportAccount'],
    ...['RecordExport', 'RecordAccountExport'],
  ],
  'users:write': ['UpdateSettings', 'DeactivateUser', 'ReactivateUser'],
  'operations:read': [
    ...['ListProjections', 'ListRebuilds', 'GetRebuild', 'ListErasures', 'ListWaitingDeliveries', 'ListDeadLetters'],
    ...[
      'ListDeadLetterGroups',
      'GetDeadLetter',
      'GetDeadLetterDecision',
      'GetEvent',
      'GetSchedule',
      'ListQueues',
      'ListRechecks',
      'ListEvents',
      'GetMetrics',
    ],
  ],
  'operations:write': [
    ...['ReplayDeadLetters', 'DiscardDeadLetters', 'StartRebuild', 'RequestProjection', 'CancelRebuild'],
  ],
};

/** Why an API key may not carry out an operation that asks for credentials; undefined for a person. */
export function refusedByScope(caller: Caller | undefined, name: string): string | undefined {
  if (!caller?.key) return undefined;
  const scope = Object.keys(needed).find((one) => needed[one]?.includes(name));
  if (scope === undefined) return 'auth.key-not-allowed';
  return caller.key.scopes.includes(scope) ? undefined : 'auth.insufficient-scope';
}

/** The rules of API keys and of accounts for programs. */
export const keyRules: Readonly<Record<string, Rule>> = {
  CreateServiceAccount: signedIn((_, { payload, issuedAt }, { id }) => {
    const at = isoTime(issuedAt);
    const account = {
      ...{
        id,
        version: 1,
        name: payload.name,
        email: `${id}@service-account.invalid`,
        password: '',
        role: payload.role,
      },
      ...{ isActive: true, isService: true, generation: 1, createdAt: at, updatedAt: at, lastLoginAt: null },
      emailConfirmedAt: null,
    };
    const settings = { version: 1, locale: 'en', timezone: 'UTC', emailNotifications: true, updatedAt: at };
    const effect = all(put('users', id, account), put('settings', id, settings));
    return { events: [`UserRegistered ${id} 1`], result: { id, version: 1 }, effect };
  }, 'admin'),

  CreateApiKey: signedIn((state, { caller, payload, issuedAt }, { id }) => {
    const userId: string = payload.accountId ?? caller.userId;
    if (userId !== caller.userId && caller.role !== 'admin') return refuse('auth.insufficient-role');
    if (userId !== caller.userId && state.users.get(userId)?.isService !== true)
      return refuse('api-keys.no-service-account');
    const expiresAt = payload.expiresAt === undefined ? null : Date.parse(payload.expiresAt);
    if (expiresAt !== null && expiresAt <= issuedAt) return refuse('api-keys.expired');
    const own = [...state.apiKeys.values()].filter((key) => key.userId === userId);
    if (own.length >= keysPerAccount) return refuse('api-keys.too-many');
    const { name, scopes } = payload;
    const key = { userId, name, scopes, createdAt: isoTime(issuedAt), expiresAt };
    return { events: [`ApiKeyCreated ${id} 1`], effect: put('apiKeys', id, key) };
  }),

  RevokeApiKey: signedIn((state, { caller, payload }) => {
    const key = state.apiKeys.get(payload.keyId);
    if (!key || (key.userId !== caller.userId && caller.role !== 'admin')) return refuse('api-keys.not-found');
    return {
      events: [`ApiKeyRevoked ${payload.keyId} 2`],
      effect: each(
        'apiKeys',
        (_, id) => id === payload.keyId,
        () => undefined,
      ),
    };
  }),
};
