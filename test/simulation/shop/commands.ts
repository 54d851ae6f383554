import type { Commands } from '../../../src/domains';
import { nextId } from '../ids';
import type { Behaviour } from './behaviours';
import { type Credential, type Knowledge, needsSignIn, type Person } from './knowledge';

/** A command that a client is about to send. */
export interface Draft<Payload = unknown> {
  payload: Payload;
  /** Absent for a visitor. */
  by?: Credential | undefined;
  expectedVersion?: number | undefined;
}

type Payload<Name extends keyof Commands> = Parameters<Commands[Name]>[0];

interface Generator<Payload> {
  behaviour?: Behaviour;
  /** How often a client chooses it, compared with the others. */
  weight: number;
  /** Only requests with POST take an `Idempotency-Key`. The token endpoint ignores it. */
  takesKey: boolean;
  /** Undefined when no client can send it at the moment. */
  draft(shop: Knowledge): Draft<Payload> | undefined;
}

const all = ['customer', 'agent', 'admin'] as const;
const areas = ['items', 'orders', 'tickets', 'users', 'operations'] as const;
const scopes = areas.flatMap((area) => [`${area}:read`, `${area}:write`] as const);
const staff = ['agent', 'admin'] as const;
const address = (line1: string) => ({ name: 'A', line1, postalCode: 'C', city: 'D', country: 'DE' });

/** A draft about something known, or about something that does not exist. */
function about<Payload>(
  shop: Knowledge,
  list: Knowledge['items'],
  make: (id: string, ownerId: string) => Draft<Payload> | undefined,
): Draft<Payload> | undefined {
  if (shop.does('strangers', 0.03)) return make(nextId(), '');
  const known = shop.someOf(list);
  return known && make(known.id, known.ownerId);
}

/** A draft with a caller: without one there is nothing to send, except that now and then a visitor tries. */
function by<Payload>(
  shop: Knowledge,
  credential: Credential | undefined,
  draft: Omit<Draft<Payload>, 'by'>,
): Draft<Payload> | undefined {
  if (shop.does('strangers', 0.02)) return draft;
  return credential && { ...draft, by: credential };
}

function registration(shop: Knowledge): Draft<Payload<'RegisterUser'>> {
  const taken = shop.world.chance(0.15) ? shop.anyone()?.emails.at(-1) : undefined;
  const email = taken ?? shop.email();
  return {
    payload: {
      name: shop.name(),
      email: shop.world.chance(0.2) ? email.toUpperCase() : email,
      password: shop.text('a long password'),
      ...(shop.world.chance(0.2) && { locale: 'de', timezone: 'Europe/Berlin' }),
    },
  };
}

function moveOrder(shop: Knowledge, isForCustomers: boolean): Draft<{ orderId: string }> | undefined {
  return about(shop, shop.orders, (orderId, ownerId) => {
    const caller = isForCustomers ? shop.ownerOr(ownerId, ...staff) : shop.holderOf(...staff);
    return by(shop, caller, { payload: { orderId }, expectedVersion: shop.ifMatch(orderId) });
  });
}

function byAdmin<Payload>(shop: Knowledge, make: (userId: string) => Payload): Draft<Payload> | undefined {
  const target = shop.does('strangers', 0.03) ? { id: nextId() } : shop.target();
  if (!target) return undefined;
  return by(shop, shop.holderOf('admin'), { payload: make(target.id), expectedVersion: shop.ifMatch(target.id) });
}

function currentPassword(shop: Knowledge, credential: Credential | undefined) {
  if (shop.world.chance(0.1)) return {};
  const known = credential && shop.person(credential.caller.userId)?.passwords;
  return { currentPassword: shop.world.chance(0.1) ? 'a wrong password' : (known?.at(-1) ?? 'unknown') };
}

const someStock = (shop: Knowledge) => (shop.does('unlimited-items', 0.15) ? null : shop.world.between(0, 6));
const somePrice = (shop: Knowledge) => ({
  amount: shop.world.between(1, 40) * 100,
  currency: shop.world.chance(0.06) ? 'USD' : 'EUR',
});

/** Somebody who has to sign in before they can do anything, or anybody. */
function whoSignsIn(shop: Knowledge): Person | undefined {
  const waiting = [...shop.people.values()].filter(({ credentials, emails }) => {
    if (emails.length === 0) return false;
    const newest = credentials.at(-1);
    return !newest || needsSignIn(newest, shop.world.now);
  });
  if (waiting.length > 0 && shop.world.chance(0.9)) return shop.world.pick(waiting);
  return shop.world.chance(0.1) ? shop.anyone() : undefined;
}

/** How clients make each command. A command of domains.ts that is missing here fails the type check. */
export const generators: { readonly [Name in keyof Commands]: Generator<Payload<Name>> } = {
  RegisterUser: {
    weight: 3,
    takesKey: true,
    draft: (shop) => (shop.people.size > 6 && shop.world.chance(0.8) ? undefined : registration(shop)),
  },
  CreateFirstAdmin: {
    behaviour: 'first-admin',
    weight: 1,
    takesKey: false,
    draft: (shop) => ({ payload: { ...registration(shop).payload, email: 'first-admin@example.com' } }),
  },
  UpdateUser: {
    behaviour: 'profiles',
    weight: 5,
    takesKey: false,
    draft(shop) {
      const person = shop.anyone();
      const caller = person && shop.ownerOr(person.id, 'admin');
      if (!person) return undefined;
      const { world } = shop;
      const taken = world.chance(0.2) ? shop.anyone()?.emails.at(-1) : undefined;
      const kind = world.between(0, 4);
      const changes = {
        ...(kind < 3 && { name: world.chance(0.2) ? person.name : shop.name() }),
        ...(kind === 3 && { email: taken ?? shop.email() }),
        ...((kind === 4 || kind === 2) && { password: shop.text('a long password') }),
        ...(kind >= 2 && currentPassword(shop, caller)),
      };
      return by(shop, caller, {
        payload: { userId: person.id, changes },
        expectedVersion: shop.ifMatch(person.id),
      });
    },
  },
  RequestEmailConfirmation: {
    behaviour: 'confirmations',
    weight: 2,
    takesKey: true,
    draft(shop) {
      const person = shop.anyone();
      if (!person) return undefined;
      const draft = { payload: { userId: person.id }, expectedVersion: shop.ifMatch(person.id) };
      return by(shop, shop.ownerOr(person.id, 'admin'), draft);
    },
  },
  ConfirmEmail: {
    behaviour: 'confirmations',
    weight: 4,
    takesKey: true,
    draft(shop) {
      const token = shop.does('strangers', 0.1) ? `${nextId()}.wrong` : shop.confirmationToken();
      return token === undefined ? undefined : { payload: { token } };
    },
  },
  // The system sends it when the time of a link is over. At another time it has no effect.
  ExpireEmailChange: {
    behaviour: 'confirmations',
    weight: 1,
    takesKey: false,
    draft(shop) {
      const [confirmationId] = shop.confirmationToken()?.split('.') ?? [];
      return confirmationId === undefined ? undefined : { payload: { confirmationId } };
    },
  },
  ChangeRole: {
    behaviour: 'roles',
    weight: 3,
    takesKey: true,
    draft: (shop) => {
      const role = shop.world.pick([...all, 'admin'] as const) ?? 'agent';
      return byAdmin(shop, (userId) => ({ userId, role }));
    },
  },
  DeactivateUser: {
    behaviour: 'deactivation',
    weight: 2,
    takesKey: true,
    draft: (shop) => byAdmin(shop, (userId) => ({ userId })),
  },
  ReactivateUser: {
    behaviour: 'deactivation',
    weight: 3,
    takesKey: true,
    draft: (shop) => byAdmin(shop, (userId) => ({ userId })),
  },
  DeleteUser: {
    behaviour: 'deletion',
    weight: 2,
    takesKey: false,
    draft(shop) {
      const person = shop.people.size > 4 ? (shop.world.chance(0.5) && shop.richest()) || shop.target() : undefined;
      if (!person) return undefined;
      const payload = { userId: person.id };
      return by(shop, shop.ownerOr(person.id, 'admin'), { payload, expectedVersion: shop.ifMatch(person.id) });
    },
  },
  // The system sends it, step by step. A duplicate of a step, or one that comes too early, has no effect.
  ContinueErasure: {
    behaviour: 'deletion',
    weight: 2,
    takesKey: false,
    draft(shop) {
      const userId = shop.world.pick(shop.deleted);
      return userId === undefined ? undefined : { payload: { userId, step: shop.world.between(1, 4) } };
    },
  },
  CreateServiceAccount: {
    behaviour: 'keys',
    weight: 1,
    takesKey: true,
    draft(shop) {
      if (shop.serviceRoles.size > 2 && shop.world.chance(0.8)) return undefined;
      const role = shop.world.pick(all) ?? 'agent';
      return by(shop, shop.holderOf('admin'), { payload: { name: shop.text('Robot'), role } });
    },
  },
  CreateApiKey: {
    behaviour: 'keys',
    weight: 4,
    takesKey: true,
    draft(shop) {
      const caller = shop.holderOf(...all);
      const isForOther = caller?.caller.role === 'admin' ? shop.world.chance(0.6) : shop.does('strangers', 0.05);
      const programs = shop.does('strangers', 0.1) ? [shop.anyone()?.id ?? nextId()] : [...shop.serviceRoles.keys()];
      const accountId = isForOther ? shop.world.pick(programs) : undefined;
      const seconds = shop.world.between(-5, 600);
      const expiresAt = shop.world.chance(0.2) ? new Date(shop.world.now + seconds * 1000).toISOString() : undefined;
      const chosen = scopes.filter(() => shop.world.chance(0.6));
      const payload = { name: shop.text('Key'), scopes: chosen.length > 0 ? chosen : [...scopes] };
      return by(shop, caller, {
        payload: { ...payload, ...(accountId && { accountId }), ...(expiresAt && { expiresAt }) },
      });
    },
  },
  RevokeApiKey: {
    behaviour: 'keys',
    weight: 3,
    takesKey: false,
    draft: (shop) =>
      about(shop, shop.apiKeys, (keyId, ownerId) => by(shop, shop.ownerOr(ownerId, 'admin'), { payload: { keyId } })),
  },
  UpdateSettings: {
    behaviour: 'profiles',
    weight: 3,
    takesKey: false,
    draft(shop) {
      const person = shop.anyone();
      if (!person) return undefined;
      const locale = shop.world.pick(['en', 'de', 'fr']) ?? 'en';
      const changes = shop.world.chance(0.5) ? { emailNotifications: shop.world.chance(0.5) } : { locale };
      const payload = { userId: person.id, changes };
      return by(shop, shop.ownerOr(person.id, 'admin'), {
        payload,
        expectedVersion: shop.ifMatch(`settings ${person.id}`),
      });
    },
  },
  SignIn: {
    behaviour: 'signing-in',
    weight: 10,
    takesKey: false,
    draft(shop) {
      const person = whoSignsIn(shop);
      if (!person) return undefined;
      const username = shop.world.pick(person.emails.slice(-2));
      const password = shop.world.chance(0.05) ? 'a wrong password' : shop.world.pick(person.passwords.slice(-2));
      // Of an account that the clients know by its tokens alone, they know neither.
      return username && password ? { payload: { username, password } } : undefined;
    },
  },
  RefreshSession: {
    behaviour: 'signing-in',
    weight: 3,
    takesKey: false,
    draft: (shop) => aboutRefreshToken(shop),
  },
  SignOut: {
    behaviour: 'signing-in',
    weight: 2,
    takesKey: true,
    draft: (shop) => aboutRefreshToken(shop),
  },
  RevokeSession: {
    behaviour: 'signing-in',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const known = shop.world.pick(shop.anyone()?.credentials ?? [])?.caller;
      if (!known) return undefined;
      const sessionId = shop.does('strangers', 0.1) ? nextId() : (known.sessionId ?? nextId());
      const userId = shop.does('strangers', 0.1) ? nextId() : known.userId;
      return by(shop, shop.ownerOr(userId, 'admin'), { payload: { userId, sessionId } });
    },
  },
  RequestPasswordReset: {
    behaviour: 'resets',
    weight: 2,
    takesKey: true,
    draft(shop) {
      const email = shop.world.chance(0.1) ? shop.email() : shop.anyone()?.emails.at(-1);
      return email === undefined ? undefined : { payload: { email } };
    },
  },
  ConfirmPasswordReset: {
    behaviour: 'resets',
    weight: 3,
    takesKey: true,
    draft(shop) {
      const token = shop.does('strangers', 0.1) ? `${nextId()}.wrong` : shop.resetToken();
      return token === undefined ? undefined : { payload: { token, password: shop.text('a long password') } };
    },
  },
  Unsubscribe: {
    behaviour: 'unsubscribing',
    weight: 2,
    takesKey: false,
    draft(shop) {
      const forged = shop.does('strangers', 0.2) ? shop.anyone()?.id : undefined;
      const token = forged === undefined ? shop.unsubscribeToken() : `${forged}.wrong`;
      return token === undefined ? undefined : { payload: { token } };
    },
  },
  CreateItem: {
    weight: 3,
    takesKey: true,
    draft(shop) {
      const stock = someStock(shop);
      const payload = { title: shop.text('Rope'), price: somePrice(shop), ...(stock !== null && { stock }) };
      return by(shop, shop.holderOf(...all), { payload });
    },
  },
  UpdateItem: {
    behaviour: 'items',
    weight: 6,
    takesKey: false,
    draft(shop) {
      const { disputed } = shop;
      if (disputed && shop.does('taking-down', 0.5)) {
        shop.disputed = undefined;
        const payload = { itemId: disputed.id, changes: { isActive: true } };
        return by(shop, shop.ownerOr(disputed.ownerId), { payload });
      }
      return about(shop, shop.items, (itemId, ownerId) => {
        const isDeskWork = shop.does('taking-down', 0.4);
        const kind = isDeskWork ? 4 : shop.world.between(0, 5);
        const changes = {
          ...(kind === 0 && { title: shop.text('Rope') }),
          ...((kind === 1 || kind === 2) && { price: somePrice(shop) }),
          ...((kind === 3 || kind === 2) && { stock: someStock(shop) }),
          ...(kind === 4 && { isActive: shop.world.chance(isDeskWork ? 0.3 : 0.7) }),
          ...(kind === 5 && { description: shop.world.chance(0.5) ? null : 'long' }),
        };
        if (isDeskWork && changes.isActive === false) shop.disputed = { id: itemId, ownerId };
        const caller = isDeskWork ? shop.holderOf(...staff) : shop.ownerOr(ownerId, 'admin');
        return by(shop, caller, { payload: { itemId, changes }, expectedVersion: shop.ifMatch(itemId) });
      });
    },
  },
  DeleteItem: {
    behaviour: 'items',
    weight: 1,
    takesKey: false,
    draft: (shop) =>
      about(shop, shop.items, (itemId, ownerId) =>
        by(shop, shop.ownerOr(ownerId, 'admin'), { payload: { itemId }, expectedVersion: shop.ifMatch(itemId) }),
      ),
  },
  PlaceOrder: {
    weight: 10,
    takesKey: true,
    draft(shop) {
      const chosen = [shop.someOf(shop.items), ...(shop.world.chance(0.3) ? [shop.someOf(shop.items)] : [])];
      const ids = new Set(chosen.flatMap((item) => item?.id ?? []));
      if (shop.does('strangers', 0.03)) ids.add(nextId());
      if (ids.size === 0) return undefined;
      const items = [...ids].map((itemId) => ({ itemId, quantity: shop.world.between(1, 3) }));
      return by(shop, shop.holderOf(...all), { payload: { items, shippingAddress: address(shop.text('Lane')) } });
    },
  },
  CancelOrder: { behaviour: 'orders', weight: 3, takesKey: true, draft: (shop) => moveOrder(shop, true) },
  ShipOrder: { behaviour: 'orders', weight: 3, takesKey: true, draft: (shop) => moveOrder(shop, false) },
  DeliverOrder: { behaviour: 'orders', weight: 3, takesKey: true, draft: (shop) => moveOrder(shop, false) },
  OpenTicket: {
    behaviour: 'tickets',
    weight: 3,
    takesKey: true,
    draft(shop) {
      const caller = shop.holderOf(...all);
      // Agents and admins open tickets for others; now and then a customer tries it too.
      const isForOther = caller?.caller.role === 'customer' ? shop.does('strangers', 0.05) : shop.world.chance(0.4);
      const customerId = isForOther ? (shop.does('strangers', 0.1) ? nextId() : shop.anyone()?.id) : undefined;
      const customer = customerId ?? caller?.caller.userId;
      const own = shop.orders.filter(({ ownerId }) => ownerId === customer);
      const order = shop.world.pick(shop.does('strangers', 0.1) ? shop.orders : own);
      const payload = { subject: shop.text('Question'), message: shop.text('Hello') };
      return by(shop, caller, {
        payload: { ...payload, ...(order && { orderId: order.id }), ...(customerId !== undefined && { customerId }) },
      });
    },
  },
  ChangeTicketStatus: {
    behaviour: 'tickets',
    weight: 5,
    takesKey: true,
    draft: (shop) =>
      about(shop, shop.tickets, (ticketId) => {
        const status = shop.world.pick(['triaged', 'closed', 'open'] as const) ?? 'open';
        const payload = { ticketId, status };
        return by(shop, shop.holderOf(...staff), { payload, expectedVersion: shop.ifMatch(ticketId) });
      }),
  },
  AddTicketNote: {
    behaviour: 'tickets',
    weight: 5,
    takesKey: true,
    draft: (shop) =>
      about(shop, shop.tickets, (ticketId) => {
        const payload = { ticketId, note: shop.text('Note') };
        return by(shop, shop.holderOf(...staff), { payload, expectedVersion: shop.ifMatch(ticketId) });
      }),
  },
  RecordExport: {
    behaviour: 'exports',
    weight: 1,
    takesKey: false,
    draft(shop) {
      const kind = shop.world.pick(['orders', 'tickets', 'events'] as const) ?? 'orders';
      return by(shop, shop.holderOf('admin'), { payload: { kind, includesPersonal: shop.world.chance(0.5) } });
    },
  },
  RecordAccountExport: {
    behaviour: 'exports',
    weight: 1,
    takesKey: false,
    draft(shop) {
      const userId = shop.does('strangers', 0.05) ? nextId() : shop.anyone()?.id;
      return userId === undefined ? undefined : by(shop, shop.ownerOr(userId, 'admin'), { payload: { userId } });
    },
  },
  ReplyToTicket: {
    behaviour: 'replies',
    weight: 6,
    takesKey: true,
    draft: (shop) =>
      about(shop, shop.tickets, (ticketId, ownerId) => {
        const payload = { ticketId, message: shop.text('Reply') };
        return by(shop, shop.ownerOr(ownerId, ...staff), { payload, expectedVersion: shop.ifMatch(ticketId) });
      }),
  },
  AssignTicket: {
    behaviour: 'assignees',
    weight: 4,
    takesKey: true,
    draft: (shop) =>
      about(shop, shop.tickets, (ticketId) => {
        const assigneeId = shop.world.chance(0.2) ? null : (shop.holderOf(...staff)?.caller.userId ?? nextId());
        const payload = { ticketId, assigneeId };
        return by(shop, shop.holderOf(...staff), { payload, expectedVersion: shop.ifMatch(ticketId) });
      }),
  },
  // The system sends it for accounts that may not work on tickets any more. For others it has no effect.
  ReleaseTickets: {
    behaviour: 'assignees',
    weight: 1,
    takesKey: false,
    draft(shop) {
      const person = shop.anyone();
      return person && { payload: { assigneeId: person.id } };
    },
  },
  SearchUsers: {
    behaviour: 'searches',
    weight: 2,
    takesKey: false,
    draft(shop) {
      const person = shop.anyone();
      const search = shop.world.chance(0.5) ? person?.name.slice(0, 5) : person?.emails.at(-1)?.slice(0, 9);
      return by(shop, shop.holderOf(...staff), { payload: { search: search || 'nobody' } });
    },
  },
  ReplayDeadLetters: {
    behaviour: 'operators',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const letters = [{ position: shop.world.between(1, 60), subscription: 'emails' as const }];
      return by(shop, shop.holderOf('admin'), { payload: shop.world.chance(0.3) ? { letters } : {} });
    },
  },
  DiscardDeadLetters: {
    behaviour: 'discards',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const subscription = shop.does('discarded-projections', 0.5) ? 'projections' : 'emails';
      return by(shop, shop.holderOf('admin'), { payload: { subscription } });
    },
  },
  StartRebuild: {
    behaviour: 'operators',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const view = shop.does('strangers', 0.1) ? 'no-such-view' : shop.world.pick(shop.views);
      return view === undefined ? undefined : by(shop, shop.holderOf('admin'), { payload: { view } });
    },
  },
  RequestProjection: {
    behaviour: 'operators',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const view = shop.does('strangers', 0.1) ? 'no-such-view' : shop.world.pick(shop.views);
      const key = shop.world.chance(0.3) ? 'all' : shop.anyone()?.id;
      return view === undefined || key === undefined
        ? undefined
        : by(shop, shop.holderOf('admin'), { payload: { view, key } });
    },
  },
  CancelRebuild: {
    behaviour: 'operators',
    weight: 1,
    takesKey: true,
    draft(shop) {
      const rebuildId = shop.does('strangers', 0.1) ? nextId() : shop.world.pick(shop.rebuilds.slice(-2));
      if (rebuildId === undefined) return undefined;
      return by(shop, shop.holderOf('admin'), { payload: { rebuildId }, expectedVersion: shop.ifMatch(rebuildId) });
    },
  },
};

function aboutRefreshToken(shop: Knowledge): Draft<{ refreshToken: string }> | undefined {
  const { refreshTokens = [] } = shop.anyone() ?? {};
  const known = shop.world.chance(0.7) ? refreshTokens.at(-1) : shop.world.pick(refreshTokens);
  const refreshToken = shop.does('strangers', 0.1) ? 'unknown' : known;
  return refreshToken === undefined ? undefined : { payload: { refreshToken } };
}

export const commandNames = Object.keys(generators) as (keyof Commands)[];
