import { describe, expect, test } from 'vitest';
import type { Commands } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import type { User } from '../../src/users/user';
import {
  aDeadLetter,
  address,
  aLine,
  aLink,
  anApiKey,
  anItem,
  anOrder,
  aRebuild,
  aTicket,
  aUser,
  createdAt,
  password,
} from '../support/factories';
import { type GivenCommands, givenCommands } from '../support/given-commands';

/** A customer with an item, orders and a ticket; the staff; another customer; and what operators work with. */
function createWorld() {
  const [customer, other] = [aUser({ emailConfirmedAt: null }), aUser({ emailConfirmedAt: null })];
  const [agent, admin] = [aUser({ role: 'agent' }), aUser({ role: 'admin' })];
  const inactive = aUser({ isActive: false });
  const item = anItem({ ownerId: customer.id });
  const order = anOrder({ customerId: customer.id, lines: [aLine({ itemId: item.id })] });
  const shipped = anOrder({ ...order, id: newId(), status: 'shipped' });
  const ticket = aTicket({ customerId: customer.id });
  const commands = givenCommands({
    users: [customer, other, agent, admin, inactive],
    items: [item],
    orders: [order, shipped],
    tickets: [ticket],
  });
  const key = anApiKey({ userId: customer.id });
  commands.state().apiKeys.set(key.id, key);
  commands.state().deliveries.set('7-emails', aDeadLetter());
  const session = { id: newId(), userId: customer.id, version: 1, createdAt, revokedAt: null, network: null };
  commands.state().sessions.set(session.id, session);
  const rebuild = aRebuild();
  commands.state().rebuilds.set(rebuild.id, rebuild);
  const accounts = { customer, other, agent, admin, inactive };
  return { ...commands, ...accounts, item, key, order, shipped, ticket, rebuildId: rebuild.id, sessionId: session.id };
}

type World = ReturnType<typeof createWorld>;
type Person = 'customer' | 'other' | 'agent' | 'admin';
type Send = (commands: Commands, world: World) => Promise<unknown>;

interface SecuredCommand {
  /** Sends the command about the world's customer, and with an effect. */
  send: Send;
  /** The same command where it has nothing to change; absent where that is impossible. */
  sendUnchanged?: Send;
  /** The same command with a payload for which its handler refuses it; absent where it refuses none. */
  sendRefused?: Send;
  /** What each of the four people gets: the command has its effect, or it is refused with this code. */
  outcomes: Record<Person, 'done' | string>;
}

const role = 'auth.insufficient-role';
const everybody = { customer: 'done', other: 'done', agent: 'done', admin: 'done' };
const ownAccountOrAdmin = { customer: 'done', other: 'users.not-yours', agent: 'users.not-yours', admin: 'done' };
const adminsOnly = { customer: role, other: role, agent: role, admin: 'done' };
const ownItemOrAdmin = { customer: 'done', other: 'items.not-found', agent: 'items.not-yours', admin: 'done' };
const staffOnOrders = { customer: role, other: 'orders.not-found', agent: 'done', admin: 'done' };
const staffOnTickets = { customer: role, other: 'tickets.not-found', agent: 'done', admin: 'done' };

type PublicName =
  | 'RegisterUser'
  | 'CreateFirstAdmin'
  | 'ContinueErasure'
  | 'SignIn'
  | 'RefreshSession'
  | 'SignOut'
  | 'RequestPasswordReset'
  | 'ConfirmPasswordReset'
  | 'ConfirmEmail'
  | 'ExpireEmailChange'
  | 'ReleaseTickets'
  | 'Unsubscribe';

/** Every command that needs a token. A new command does not compile until it has an entry here. */
const secured: Record<Exclude<keyof Commands, PublicName>, SecuredCommand> = {
  UpdateUser: {
    send: (commands, { customer }) => commands.UpdateUser({ userId: customer.id, changes: { name: 'Changed' } }),
    sendUnchanged: (commands, { customer }) =>
      commands.UpdateUser({ userId: customer.id, changes: { name: customer.name } }),
    sendRefused: (commands, { customer }) =>
      commands.UpdateUser({ userId: customer.id, changes: { email: 'new@example.com' } }),
    outcomes: ownAccountOrAdmin,
  },
  RequestEmailConfirmation: {
    send: (commands, { customer }) => commands.RequestEmailConfirmation({ userId: customer.id }),
    sendUnchanged(commands, { customer, state }) {
      const link = aLink({ userId: customer.id, kind: 'registration', email: customer.email });
      state().emailConfirmations.set(link.id, link);
      return commands.RequestEmailConfirmation({ userId: customer.id });
    },
    sendRefused: (commands, { admin }) => commands.RequestEmailConfirmation({ userId: admin.id }),
    outcomes: ownAccountOrAdmin,
  },
  ChangeRole: {
    send: (commands, { customer }) => commands.ChangeRole({ userId: customer.id, role: 'agent' }),
    sendUnchanged: (commands, { customer }) => commands.ChangeRole({ userId: customer.id, role: 'customer' }),
    sendRefused: (commands) => commands.ChangeRole({ userId: newId(), role: 'agent' }),
    outcomes: adminsOnly,
  },
  DeactivateUser: {
    send: (commands, { customer }) => commands.DeactivateUser({ userId: customer.id }),
    sendUnchanged: (commands, { inactive }) => commands.DeactivateUser({ userId: inactive.id }),
    sendRefused: (commands) => commands.DeactivateUser({ userId: newId() }),
    outcomes: adminsOnly,
  },
  ReactivateUser: {
    send: (commands, { inactive }) => commands.ReactivateUser({ userId: inactive.id }),
    sendUnchanged: (commands, { customer }) => commands.ReactivateUser({ userId: customer.id }),
    sendRefused: (commands) => commands.ReactivateUser({ userId: newId() }),
    outcomes: adminsOnly,
  },
  DeleteUser: {
    send: (commands, { customer }) => commands.DeleteUser({ userId: customer.id }),
    sendRefused: (commands) => commands.DeleteUser({ userId: newId() }),
    outcomes: ownAccountOrAdmin,
  },
  UpdateSettings: {
    send: (commands, { customer }) => commands.UpdateSettings({ userId: customer.id, changes: { locale: 'de' } }),
    sendUnchanged: (commands, { customer }) =>
      commands.UpdateSettings({ userId: customer.id, changes: { locale: 'en' } }),
    sendRefused: (commands) => commands.UpdateSettings({ userId: newId(), changes: { locale: 'de' } }),
    outcomes: ownAccountOrAdmin,
  },
  RevokeSession: {
    send: (commands, { customer, sessionId }) => commands.RevokeSession({ userId: customer.id, sessionId }),
    sendRefused: (commands, { customer }) => commands.RevokeSession({ userId: customer.id, sessionId: newId() }),
    outcomes: { customer: 'done', other: role, agent: role, admin: 'done' },
  },
  SearchUsers: {
    send: (commands) => commands.SearchUsers({ search: 'ada' }),
    outcomes: { customer: role, other: role, agent: 'done', admin: 'done' },
  },
  CreateServiceAccount: {
    send: (commands) => commands.CreateServiceAccount({ name: 'Robot', role: 'agent' }),
    outcomes: adminsOnly,
  },
  CreateApiKey: {
    send: (commands) => commands.CreateApiKey({ name: 'Scanner', scopes: ['orders:read'] }),
    sendRefused: (commands) =>
      commands.CreateApiKey({ name: 'a', scopes: ['orders:read'], expiresAt: '2020-01-01T00:00:00Z' }),
    outcomes: everybody,
  },
  RevokeApiKey: {
    send: (commands, { key }) => commands.RevokeApiKey({ keyId: key.id }),
    sendRefused: (commands) => commands.RevokeApiKey({ keyId: newId() }),
    outcomes: { customer: 'done', other: 'api-keys.not-found', agent: 'api-keys.not-found', admin: 'done' },
  },
  CreateItem: {
    send: (commands) => commands.CreateItem({ title: 'Cup', price: { amount: 1, currency: 'EUR' } }),
    outcomes: everybody,
  },
  UpdateItem: {
    send: (commands, { item }) => commands.UpdateItem({ itemId: item.id, changes: { title: 'Changed' } }),
    sendUnchanged: (commands, { item }) => commands.UpdateItem({ itemId: item.id, changes: { title: item.title } }),
    sendRefused: (commands) => commands.UpdateItem({ itemId: newId(), changes: { title: 'Changed' } }),
    outcomes: ownItemOrAdmin,
  },
  DeleteItem: {
    send: (commands, { item }) => commands.DeleteItem({ itemId: item.id }),
    sendRefused: (commands) => commands.DeleteItem({ itemId: newId() }),
    outcomes: ownItemOrAdmin,
  },
  PlaceOrder: {
    send: (commands, { item }) =>
      commands.PlaceOrder({ items: [{ itemId: item.id, quantity: 1 }], shippingAddress: address }),
    sendRefused: (commands) =>
      commands.PlaceOrder({ items: [{ itemId: newId(), quantity: 1 }], shippingAddress: address }),
    outcomes: everybody,
  },
  CancelOrder: {
    send: (commands, { order }) => commands.CancelOrder({ orderId: order.id }),
    sendRefused: (commands) => commands.CancelOrder({ orderId: newId() }),
    outcomes: { customer: 'done', other: 'orders.not-found', agent: 'done', admin: 'done' },
  },
  ShipOrder: {
    send: (commands, { order }) => commands.ShipOrder({ orderId: order.id }),
    sendRefused: (commands, { shipped }) => commands.ShipOrder({ orderId: shipped.id }),
    outcomes: staffOnOrders,
  },
  DeliverOrder: {
    send: (commands, { shipped }) => commands.DeliverOrder({ orderId: shipped.id }),
    sendRefused: (commands, { order }) => commands.DeliverOrder({ orderId: order.id }),
    outcomes: staffOnOrders,
  },
  OpenTicket: {
    send: (commands) => commands.OpenTicket({ subject: 'Late', message: 'Where is it?' }),
    sendRefused: (commands) => commands.OpenTicket({ subject: 'Late', message: 'Where is it?', orderId: newId() }),
    outcomes: everybody,
  },
  ChangeTicketStatus: {
    send: (commands, { ticket }) => commands.ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' }),
    sendUnchanged: (commands, { ticket }) => commands.ChangeTicketStatus({ ticketId: ticket.id, status: 'open' }),
    sendRefused: (commands) => commands.ChangeTicketStatus({ ticketId: newId(), status: 'closed' }),
    outcomes: staffOnTickets,
  },
  ReplyToTicket: {
    send: (commands, { ticket }) => commands.ReplyToTicket({ ticketId: ticket.id, message: 'A reply' }),
    sendRefused: (commands) => commands.ReplyToTicket({ ticketId: newId(), message: 'A reply' }),
    outcomes: { customer: 'done', other: 'tickets.not-found', agent: 'done', admin: 'done' },
  },
  AssignTicket: {
    send: (commands, { agent, ticket }) => commands.AssignTicket({ ticketId: ticket.id, assigneeId: agent.id }),
    sendUnchanged: (commands, { ticket }) => commands.AssignTicket({ ticketId: ticket.id, assigneeId: null }),
    sendRefused: (commands, { customer, ticket }) =>
      commands.AssignTicket({ ticketId: ticket.id, assigneeId: customer.id }),
    outcomes: staffOnTickets,
  },
  AddTicketNote: {
    send: (commands, { ticket }) => commands.AddTicketNote({ ticketId: ticket.id, note: 'A note' }),
    sendRefused: (commands) => commands.AddTicketNote({ ticketId: newId(), note: 'A note' }),
    outcomes: staffOnTickets,
  },
  RecordExport: {
    send: (commands) => commands.RecordExport({ kind: 'orders', includesPersonal: true }),
    outcomes: adminsOnly,
  },
  RecordAccountExport: {
    send: (commands, { customer }) => commands.RecordAccountExport({ userId: customer.id }),
    outcomes: { customer: 'done', other: 'exports.not-yours', agent: 'exports.not-yours', admin: 'done' },
  },
  ReplayDeadLetters: {
    send: (commands) => commands.ReplayDeadLetters({}),
    sendUnchanged: (commands) => commands.ReplayDeadLetters({ subscription: 'events' }),
    sendRefused: (commands) => commands.ReplayDeadLetters({ position: 8, subscription: 'emails' }),
    outcomes: adminsOnly,
  },
  DiscardDeadLetters: {
    send: (commands) => commands.DiscardDeadLetters({}),
    sendUnchanged: (commands) => commands.DiscardDeadLetters({ subscription: 'events' }),
    sendRefused: (commands) => commands.DiscardDeadLetters({ position: 8, subscription: 'emails' }),
    outcomes: adminsOnly,
  },
  StartRebuild: {
    send: (commands) => commands.StartRebuild({ view: 'order' }),
    sendRefused: (commands) => commands.StartRebuild({ view: 'no-such-view' }),
    outcomes: adminsOnly,
  },
  RequestProjection: {
    send: (commands) => commands.RequestProjection({ view: 'order', key: 'all' }),
    sendRefused: (commands) => commands.RequestProjection({ view: 'no-such-view', key: 'all' }),
    outcomes: adminsOnly,
  },
  CancelRebuild: {
    send: (commands, { rebuildId }) => commands.CancelRebuild({ rebuildId }),
    sendRefused: (commands) => commands.CancelRebuild({ rebuildId: newId() }),
    outcomes: adminsOnly,
  },
};

/** Every command that needs no token. */
const open: Record<PublicName, Send> = {
  RegisterUser: (commands) => commands.RegisterUser({ name: 'Ada', email: 'ada@example.com', password }),
  CreateFirstAdmin: (commands) => commands.CreateFirstAdmin({ name: 'Ada', email: 'ada@example.com', password }),
  ContinueErasure: (commands, { customer }) => commands.ContinueErasure({ userId: customer.id, step: 1 }),
  SignIn: (commands, { customer }) => commands.SignIn({ username: customer.email, password }),
  RefreshSession: (commands) => commands.RefreshSession({ refreshToken: 'unknown' }),
  SignOut: (commands) => commands.SignOut({ refreshToken: 'unknown' }),
  RequestPasswordReset: (commands, { customer }) => commands.RequestPasswordReset({ email: customer.email }),
  ConfirmPasswordReset: (commands) => commands.ConfirmPasswordReset({ token: 'unknown', password }),
  ConfirmEmail: (commands) => commands.ConfirmEmail({ token: 'unknown' }),
  ReleaseTickets: (commands, { customer }) => commands.ReleaseTickets({ assigneeId: customer.id }),
  ExpireEmailChange: (commands) => commands.ExpireEmailChange({ confirmationId: newId() }),
  Unsubscribe: (commands) => commands.Unsubscribe({ token: 'unknown' }),
};

const entries = Object.entries(secured);

/** The command's effect, as the number of events that it recorded, or the code of its refusal. */
async function outcomeOf({ state }: GivenCommands, sent: Promise<unknown>): Promise<string> {
  const before = state().events.length;
  try {
    await sent;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  return state().events.length > before ? 'done' : 'unchanged';
}

test('the table of commands that need a token, and the list of those that do not, name every command', () => {
  const all = Object.keys(createWorld().anonymous());
  expect([...Object.keys(secured), ...Object.keys(open)].toSorted()).toEqual(all.toSorted());
});

describe.each(entries)('the command %s', (name, { outcomes, send, sendRefused, sendUnchanged }) => {
  test(`${name} is refused without a token`, async () => {
    const world = createWorld();
    expect(await outcomeOf(world, send(world.anonymous(), world))).toBe('auth.required');
  });

  test.each(Object.entries(outcomes))(`${name}, sent by “%s”, ends with “%s”`, async (person, expected) => {
    const world = createWorld();
    const caller = world[person as Person];
    expect(await outcomeOf(world, send(world.as(caller), world))).toBe(expected);
    // A refusal is the same on a replica.
    const onReplica = createWorld();
    const commands = onReplica.as(onReplica[person as Person], { readFrom: 'first-unconstrained' });
    expect(await outcomeOf(onReplica, send(commands, onReplica))).toBe(expected);
  });

  /** Somebody who may send the command. */
  const person = Object.entries(outcomes).find(([, outcome]) => outcome === 'done')?.[0] as Person;

  if (sendUnchanged) {
    test(`${name} can have nothing to change`, async () => {
      const world = createWorld();
      expect(await outcomeOf(world, sendUnchanged(world.as(world[person]), world))).toBe('unchanged');
    });
  }

  if (sendRefused) {
    test(`${name} can be refused for its payload`, async () => {
      const world = createWorld();
      const outcome = await outcomeOf(world, sendRefused(world.as(world[person]), world));
      expect(outcome).not.toMatch(/^(done|unchanged|auth\..*)$/);
    });
  }

  /** Each way in which a token can lose its validity; the version rises with each, as the commands do it. */
  const revocations: [string, (world: World, user: User) => void][] = [
    [
      'of an account that was deactivated',
      ({ state }, user) =>
        state().users.set(user.id, { ...user, version: 2, isActive: false, tokenGeneration: user.tokenGeneration + 1 }),
    ],
    [
      'of an account that was deleted',
      ({ state }, { id }) => {
        state().users.delete(id);
        state().settings.delete(id);
      },
    ],
    [
      'of an account whose role or password was changed',
      ({ state }, user) =>
        state().users.set(user.id, { ...user, version: 2, tokenGeneration: user.tokenGeneration + 1 }),
    ],
  ];

  describe.each(revocations)('with the token %s (product 1.7)', (_name, revoke) => {
    const ways: [string, Send | undefined][] = [
      ['where it would have an effect', send],
      ['where it would have nothing to change', sendUnchanged],
      ['where it would be refused for its payload', sendRefused],
    ];

    test.each(ways.filter(([, way]) => way))(
      `${name} with a revoked token gets 401 and leaves nothing %s`,
      async (_way, way) => {
        for (const readFrom of ['first-primary', 'first-unconstrained']) {
          const world = createWorld();
          const caller = world[person];
          world.freezeReplica();
          revoke(world, caller);
          const before = world.state();
          const repeatable = { commandId: newId(), isRepeatable: true };
          for (const context of [{ readFrom }, { readFrom, ...repeatable }]) {
            const sent = way?.(world.as(caller, context), world) ?? Promise.resolve();
            await expect(sent).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-token' });
          }
          expect(world.state()).toBe(before);
        }
      },
    );

    test(`${name} with a revoked token gets no stored response, which it would get with a valid token`, async () => {
      const world = createWorld();
      const caller = world[person];
      const repeatable = { commandId: newId(), isRepeatable: true };
      await send(world.as(caller, repeatable), world);
      // A command may change the caller's own account, so the token is that of the account as it is now.
      const current = world.state().users.get(caller.id);
      if (current?.tokenGeneration === caller.tokenGeneration) {
        expect(await send(world.as(caller, repeatable), world)).toMatchObject({ isReplayed: true });
        revoke(world, current);
      }
      const replayed = send(world.as(caller, repeatable), world);
      await expect(replayed).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-token' });
    });
  });
});

describe.each(Object.entries(open))('the command %s', (name, send) => {
  test(`${name} needs no token`, async () => {
    const world = createWorld();
    expect(await outcomeOf(world, send(world.anonymous(), world))).not.toMatch(/^auth\.(required|invalid-token)$/);
  });
});
