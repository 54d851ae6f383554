import { expect, test } from 'vitest';
import type { CallerContext } from '../../src/access/access-rules';
import type { Commands } from '../../src/domains';
import { type CommandWorld, createCommandWorld, now, refreshToken } from '../support/command-world';
import { address, password } from '../support/factories';
import type { MemoryState } from '../support/memory/state';

// The rule: whatever a command decided on is either checked in its commit or read from the primary. So on a replica that
// does not know a change yet, each command must do and answer what it does and answers on the primary.

type Person = 'customer' | 'seller' | 'agent' | 'admin' | 'otherAdmin';
type Change = (world: CommandWorld) => unknown;

const newPassword = 'another long password';
const euros = (amount: number) => ({ amount, currency: 'EUR' });

/** Everything that can happen while a replica lags behind, by its own name. */
const changes = {
  'the customer has another name': ({ as, customer }) =>
    as(customer).UpdateUser({ userId: customer.id, changes: { name: 'Countess' } }),
  'the customer has another address': ({ as, customer }) =>
    as(customer).UpdateUser({
      userId: customer.id,
      changes: { email: 'new@example.com', currentPassword: password },
    }),
  'the customer has another password': ({ as, customer }) =>
    as(customer).UpdateUser({
      userId: customer.id,
      changes: { password: newPassword, currentPassword: password },
    }),
  'the customer is an agent': ({ as, admin, customer }) => as(admin).ChangeRole({ userId: customer.id, role: 'agent' }),
  'the customer is deactivated': ({ as, admin, customer }) => as(admin).DeactivateUser({ userId: customer.id }),
  'the customer is deleted': ({ as, customer }) => as(customer).DeleteUser({ userId: customer.id }),
  'the customer has other settings': ({ as, customer }) =>
    as(customer).UpdateSettings({ userId: customer.id, changes: { locale: 'de' } }),
  'the customer has signed in again': ({ anonymous, customer }) =>
    anonymous().SignIn({ username: customer.email, password }),
  'the customer has refreshed the session': ({ anonymous }) =>
    anonymous({ issuedAt: now }).RefreshSession({ refreshToken }),
  'the customer has signed out': ({ anonymous }) => anonymous().SignOut({ refreshToken }),
  'the customer has asked for another reset': ({ anonymous, customer }) =>
    anonymous().RequestPasswordReset({ email: customer.email }),
  'the customer has used the reset': ({ anonymous, resetToken }) =>
    anonymous({ issuedAt: now }).ConfirmPasswordReset({ token: resetToken, password: newPassword }),
  'the inactive account is active': ({ as, admin, inactive }) => as(admin).ReactivateUser({ userId: inactive.id }),
  'the agent is a customer': ({ as, admin, agent }) => as(admin).ChangeRole({ userId: agent.id, role: 'customer' }),
  'the admin is an agent': ({ as, admin, otherAdmin }) =>
    as(otherAdmin).ChangeRole({ userId: admin.id, role: 'agent' }),
  'the other admin is an agent': ({ as, admin, otherAdmin }) =>
    as(admin).ChangeRole({ userId: otherAdmin.id, role: 'agent' }),
  'the other admin is deleted': ({ as, otherAdmin }) => as(otherAdmin).DeleteUser({ userId: otherAdmin.id }),
  'somebody has registered': ({ anonymous }) =>
    anonymous().RegisterUser({ name: 'Eve', email: 'new@example.com', password }),
  'the seller is deleted': ({ as, seller }) => as(seller).DeleteUser({ userId: seller.id }),
  'the seller has another item': ({ as, seller }) => as(seller).CreateItem({ title: 'Cup', price: euros(1) }),
  'the item has another title': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { title: 'Pot' } }),
  'the item has another price': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { price: euros(1) } }),
  'the item has another currency': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { price: { amount: 1, currency: 'USD' } } }),
  'the item is not for sale': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { isActive: false } }),
  'the item has another stock': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { stock: 9 } }),
  'the item is unlimited': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { stock: null } }),
  'the unlimited item has a stock': ({ as, seller, unlimited }) =>
    as(seller).UpdateItem({ itemId: unlimited.id, changes: { stock: 9 } }),
  'the item is deleted': ({ as, item, seller }) => as(seller).DeleteItem({ itemId: item.id }),
  'the item is sold out': ({ as, agent, item }) =>
    as(agent).PlaceOrder({ items: [{ itemId: item.id, quantity: 5 }], shippingAddress: address }),
  'the customer has another order': ({ as, customer, item }) =>
    as(customer).PlaceOrder({ items: [{ itemId: item.id, quantity: 1 }], shippingAddress: address }),
  'the order is cancelled': ({ as, customer, placed }) => as(customer).CancelOrder({ orderId: placed.id }),
  'the order is shipped': ({ agent, as, placed }) => as(agent).ShipOrder({ orderId: placed.id }),
  'the shipped order is delivered': ({ agent, as, shipped }) => as(agent).DeliverOrder({ orderId: shipped.id }),
  'the customer has another ticket': ({ as, customer }) => as(customer).OpenTicket({ subject: 'a', message: 'b' }),
  'the ticket is closed': ({ agent, as, ticket }) =>
    as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' }),
  'the ticket has a note': ({ agent, as, ticket }) => as(agent).AddTicketNote({ ticketId: ticket.id, note: 'a' }),
  'the dead letters are replayed': ({ admin, as }) => as(admin).ReplayDeadLetters({}),
  'the dead letters are discarded': ({ admin, as }) => as(admin).DiscardDeadLetters({}),
  'there is another dead letter': ({ state }) =>
    state().deliveries.set('8-emails', {
      position: 8,
      subscription: 'emails',
      status: 'dead',
      attempts: 9,
      availableAt: 0,
    }),
  'a rebuild is started': ({ admin, as }) => as(admin).StartRebuild({ view: 'order' }),
  'the rebuild is cancelled': ({ admin, as, rebuildId }) => as(admin).CancelRebuild({ rebuildId }),
  'the rebuild is done': ({ rebuildId, state }) => {
    const rebuild = state().rebuilds.get(rebuildId);
    if (rebuild) state().rebuilds.set(rebuildId, { ...rebuild, status: 'done' });
  },
} satisfies Record<string, Change>;

interface Sent {
  command: keyof Commands;
  by?: Person;
  /** The version of `If-Match`. */
  ifMatch?: number;
  send(commands: Commands, world: CommandWorld): Promise<unknown>;
  /** For a command that hashes a password, which takes long: the changes that concern the command. */
  only?: readonly (keyof typeof changes)[];
}

/** Every command, in each way in which it decides on something that it has read. */
const sent: readonly Sent[] = [
  {
    command: 'RegisterUser',
    send: ({ RegisterUser }) => RegisterUser({ name: 'Ada', email: 'new@example.com', password }),
    only: ['somebody has registered'],
  },
  {
    command: 'CreateFirstAdmin',
    send: ({ CreateFirstAdmin }) => CreateFirstAdmin({ name: 'Ada', email: 'ada@example.com', password }),
  },
  ...(['customer', 'admin'] as const).map(
    (by): Sent => ({
      command: 'UpdateUser',
      by,
      send: ({ UpdateUser }, { customer }) => UpdateUser({ userId: customer.id, changes: { name: 'Countess' } }),
    }),
  ),
  {
    command: 'UpdateUser',
    by: 'customer',
    send: ({ UpdateUser }, { customer }) =>
      UpdateUser({ userId: customer.id, changes: { email: 'new@example.com', currentPassword: password } }),
    only: ['the customer has another address', 'somebody has registered'],
  },
  ...(['customer', 'admin', 'otherAdmin', 'agent', 'inactive'] as const).flatMap((of): Sent[] => [
    {
      command: 'ChangeRole',
      by: 'admin',
      send: ({ ChangeRole }, world) => ChangeRole({ userId: world[of].id, role: 'customer' }),
    },
    {
      command: 'DeactivateUser',
      by: 'admin',
      send: ({ DeactivateUser }, world) => DeactivateUser({ userId: world[of].id }),
    },
    {
      command: 'ReactivateUser',
      by: 'admin',
      send: ({ ReactivateUser }, world) => ReactivateUser({ userId: world[of].id }),
    },
    { command: 'DeleteUser', by: 'admin', send: ({ DeleteUser }, world) => DeleteUser({ userId: world[of].id }) },
    {
      command: 'UpdateSettings',
      by: 'admin',
      send: ({ UpdateSettings }, world) => UpdateSettings({ userId: world[of].id, changes: { locale: 'de' } }),
    },
  ]),
  {
    command: 'DeleteUser',
    by: 'customer',
    send: ({ DeleteUser }, { customer }) => DeleteUser({ userId: customer.id }),
  },
  { command: 'DeleteUser', by: 'seller', send: ({ DeleteUser }, { seller }) => DeleteUser({ userId: seller.id }) },
  {
    command: 'SignIn',
    send: ({ SignIn }, { customer }) => SignIn({ username: customer.email, password }),
    only: ['the customer is deactivated'],
  },
  { command: 'RefreshSession', send: ({ RefreshSession }) => RefreshSession({ refreshToken }) },
  { command: 'SignOut', send: ({ SignOut }) => SignOut({ refreshToken }) },
  {
    command: 'RequestPasswordReset',
    send: ({ RequestPasswordReset }, { customer }) => RequestPasswordReset({ email: customer.email }),
  },
  {
    command: 'ConfirmPasswordReset',
    send: ({ ConfirmPasswordReset }, { resetToken }) =>
      ConfirmPasswordReset({ token: resetToken, password: newPassword }),
    only: [
      'the customer has another address',
      'the customer has another password',
      'the customer has asked for another reset',
      'the customer has used the reset',
    ],
  },
  {
    command: 'CreateItem',
    by: 'seller',
    send: ({ CreateItem }) => CreateItem({ title: 'Cup', price: euros(1) }),
  },
  ...[undefined, 1].flatMap((ifMatch): Sent[] => [
    ...[{ title: 'Pot' }, { stock: 5 }, { stock: 5, title: 'Teapot' }, { stock: 5, title: 'Pot' }, { stock: null }].map(
      (fields): Sent => ({
        command: 'UpdateItem',
        by: 'seller',
        ...(ifMatch && { ifMatch }),
        send: ({ UpdateItem }, { item }) => UpdateItem({ itemId: item.id, changes: fields }),
      }),
    ),
    {
      command: 'DeleteItem',
      by: 'seller',
      ...(ifMatch && { ifMatch }),
      send: ({ DeleteItem }, { item }) => DeleteItem({ itemId: item.id }),
    },
  ]),
  {
    command: 'PlaceOrder',
    by: 'customer',
    send: ({ PlaceOrder }, { item, unlimited }) =>
      PlaceOrder({ items: [item, unlimited].map(({ id }) => ({ itemId: id, quantity: 2 })), shippingAddress: address }),
  },
  ...(['customer', 'agent'] as const).flatMap((by): Sent[] => [
    { command: 'CancelOrder', by, send: ({ CancelOrder }, { placed }) => CancelOrder({ orderId: placed.id }) },
    { command: 'ShipOrder', by, send: ({ ShipOrder }, { placed }) => ShipOrder({ orderId: placed.id }) },
    { command: 'DeliverOrder', by, send: ({ DeliverOrder }, { shipped }) => DeliverOrder({ orderId: shipped.id }) },
  ]),
  {
    command: 'OpenTicket',
    by: 'customer',
    send: ({ OpenTicket }, { placed }) => OpenTicket({ subject: 'a', message: 'b', orderId: placed.id }),
  },
  ...(['open', 'closed'] as const).map(
    (status): Sent => ({
      command: 'ChangeTicketStatus',
      by: 'agent',
      send: ({ ChangeTicketStatus }, { ticket }) => ChangeTicketStatus({ ticketId: ticket.id, status }),
    }),
  ),
  {
    command: 'AddTicketNote',
    by: 'agent',
    send: ({ AddTicketNote }, { ticket }) => AddTicketNote({ ticketId: ticket.id, note: 'a' }),
  },
  ...[{}, { position: 7 }, { position: 8 }].flatMap((filter): Sent[] => [
    { command: 'ReplayDeadLetters', by: 'admin', send: ({ ReplayDeadLetters }) => ReplayDeadLetters(filter) },
    { command: 'DiscardDeadLetters', by: 'admin', send: ({ DiscardDeadLetters }) => DiscardDeadLetters(filter) },
  ]),
  { command: 'StartRebuild', by: 'admin', send: ({ StartRebuild }) => StartRebuild({ view: 'order' }) },
  { command: 'CancelRebuild', by: 'admin', send: ({ CancelRebuild }, { rebuildId }) => CancelRebuild({ rebuildId }) },
];

const toText = (value: unknown) => JSON.stringify(value, (_, part) => (part instanceof Map ? [...part] : part), 1);

/** An id, a token, the hash of one, or the hash of a password. */
const madeByChance = /\$scrypt[^"]+|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"[\w-]{43}"/g;

/** The text of an outcome, in which everything that the command itself made by chance has a number. */
function comparable(value: unknown, known: ReadonlySet<string>): string {
  const names = new Map<string, string>();
  return toText(value).replace(madeByChance, (text) => {
    if (known.has(text)) return text;
    if (!names.has(text)) names.set(text, `<new ${names.size + 1}>`);
    return names.get(text) ?? text;
  });
}

/** Sends a command in exactly this state, and returns everything that can be seen of it. */
async function runIn(
  state: MemoryState,
  known: ReadonlySet<string>,
  world: CommandWorld,
  { by, ifMatch, send }: Sent,
  readFrom: string,
) {
  Object.assign(world.state(), structuredClone(state));
  const context: Partial<CallerContext> = {
    commandId: 'command',
    requestId: 'request',
    issuedAt: now,
    readFrom,
    expectedVersion: ifMatch,
  };
  const commands = by === undefined ? world.anonymous(context) : world.as(world[by], context);
  const outcome = await send(commands, world).catch((error: { code?: string; details?: unknown }) => {
    if (error.code === undefined) throw error;
    return { code: error.code, details: error.details };
  });
  return comparable({ outcome, state: world.state() }, known);
}

test('the table names every command', () => {
  const named = new Set(sent.map(({ command }) => command));
  expect([...named].toSorted()).toEqual(Object.keys(createCommandWorld().anonymous()).toSorted());
});

test.each(Object.entries(changes) as [keyof typeof changes, Change][])(
  'while a replica does not know yet that %s, every command does and answers what it does and answers on the primary',
  async (name, change) => {
    const world = createCommandWorld();
    const before = toText(world.state());
    world.freezeReplica();
    await change(world);
    const state = structuredClone(world.state());
    expect(toText(state)).not.toBe(before);
    const known = new Set(toText(state).match(madeByChance));
    for (const one of sent.filter(({ only }) => only === undefined || only.includes(name))) {
      const onPrimary = await runIn(state, known, world, one, 'first-primary');
      const onReplica = await runIn(state, known, world, one, 'first-unconstrained');
      expect(onReplica, `${one.command}: ${one.send}`).toBe(onPrimary);
    }
  },
);
