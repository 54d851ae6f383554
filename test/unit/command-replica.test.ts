import { expect, test } from 'vitest';
import type { CallerContext } from '../../src/access/access-rules';
import type { Commands } from '../../src/domains';
import { type Change, changes, euros, newPassword } from '../support/command-changes';
import { type CommandWorld, createCommandWorld, now, refreshToken } from '../support/command-world';
import { address, password } from '../support/factories';
import { unsubscribeTokenOf } from '../support/given-commands';
import type { MemoryState } from '../support/memory/state';

// The rule: whatever a command decided on is either checked in its commit or read from the primary. So on a replica that
// does not know a change yet, each command must do and answer what it does and answers on the primary.

type Person = 'customer' | 'seller' | 'agent' | 'admin' | 'otherAdmin';

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
    command: 'RecordExport',
    by: 'admin',
    send: ({ RecordExport }) => RecordExport({ kind: 'tickets', includesPersonal: false }),
  },
  ...(['customer', 'admin'] as const).map(
    (by): Sent => ({
      command: 'RecordAccountExport',
      by,
      send: ({ RecordAccountExport }, { customer }) => RecordAccountExport({ userId: customer.id }),
    }),
  ),
  {
    command: 'RegisterUser',
    send: ({ RegisterUser }) => RegisterUser({ name: 'Ada', email: 'new@example.com', password }),
    only: ['somebody has registered'],
  },
  {
    command: 'CreateFirstAdmin',
    send: ({ CreateFirstAdmin }) => CreateFirstAdmin({ name: 'Ada', email: 'ada@example.com', password }),
  },
  {
    command: 'ContinueErasure',
    send: ({ ContinueErasure }, { customer }) => ContinueErasure({ userId: customer.id, step: 1 }),
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
  ...(['customer', 'seller'] as const).map(
    (of): Sent => ({
      command: 'RequestEmailConfirmation',
      by: 'admin',
      send: ({ RequestEmailConfirmation }, world) => RequestEmailConfirmation({ userId: world[of].id }),
    }),
  ),
  { command: 'ConfirmEmail', send: ({ ConfirmEmail }, { changeToken }) => ConfirmEmail({ token: changeToken }) },
  {
    command: 'ConfirmEmail',
    send: ({ ConfirmEmail }, { registrationToken }) => ConfirmEmail({ token: registrationToken }),
  },
  {
    command: 'ExpireEmailChange',
    send: ({ ExpireEmailChange }, { expiredId }) => ExpireEmailChange({ confirmationId: expiredId }),
  },
  ...(['customer', 'agent', 'inactive'] as const).map(
    (of): Sent => ({
      command: 'ReleaseTickets',
      send: ({ ReleaseTickets }, world) => ReleaseTickets({ assigneeId: world[of].id }),
    }),
  ),
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
    command: 'Unsubscribe',
    send: ({ Unsubscribe }, { customer }) => Unsubscribe({ token: unsubscribeTokenOf(customer.id) }),
  },
  {
    command: 'CreateServiceAccount',
    by: 'admin',
    send: ({ CreateServiceAccount }) => CreateServiceAccount({ name: 'Robot', role: 'agent' }),
  },
  ...(['customer', 'inactive', 'service'] as const).flatMap((of): Sent[] => [
    {
      command: 'CreateApiKey',
      by: 'admin',
      send: ({ CreateApiKey }, world) =>
        CreateApiKey({ name: 'Scanner', scopes: ['orders:read'], accountId: world[of].id }),
    },
  ]),
  {
    command: 'CreateApiKey',
    by: 'customer',
    send: ({ CreateApiKey }) => CreateApiKey({ name: 'Scanner', scopes: ['orders:read'] }),
  },
  ...(['customer', 'admin'] as const).map(
    (by): Sent => ({
      command: 'RevokeApiKey',
      by,
      send: ({ RevokeApiKey }, { key }) => RevokeApiKey({ keyId: key.id }),
    }),
  ),
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
    command: 'SearchUsers',
    by: 'agent',
    send: ({ SearchUsers }) => SearchUsers({ search: 'co' }),
  },
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
  {
    command: 'OpenTicket',
    by: 'agent',
    send: ({ OpenTicket }, { customer, placed }) =>
      OpenTicket({ subject: 'a', message: 'b', customerId: customer.id, orderId: placed.id }),
  },
  ...(['open', 'closed'] as const).map(
    (status): Sent => ({
      command: 'ChangeTicketStatus',
      by: 'agent',
      send: ({ ChangeTicketStatus }, { ticket }) => ChangeTicketStatus({ ticketId: ticket.id, status }),
    }),
  ),
  {
    command: 'ReplyToTicket',
    by: 'customer',
    send: ({ ReplyToTicket }, { ticket }) => ReplyToTicket({ ticketId: ticket.id, message: 'a' }),
  },
  {
    command: 'ReplyToTicket',
    by: 'agent',
    send: ({ ReplyToTicket }, { ticket }) => ReplyToTicket({ ticketId: ticket.id, message: 'a' }),
  },
  {
    command: 'AssignTicket',
    by: 'agent',
    send: ({ AssignTicket }, { agent, ticket }) => AssignTicket({ ticketId: ticket.id, assigneeId: agent.id }),
  },
  {
    command: 'AssignTicket',
    by: 'agent',
    send: ({ AssignTicket }, { otherAdmin, ticket }) =>
      AssignTicket({ ticketId: ticket.id, assigneeId: otherAdmin.id }),
  },
  {
    command: 'AddTicketNote',
    by: 'agent',
    send: ({ AddTicketNote }, { ticket }) => AddTicketNote({ ticketId: ticket.id, note: 'a' }),
  },
  ...[{}, { position: 7 }, { position: 8 }].flatMap((filter): Sent[] => [
    { command: 'ReplayDeadLetters', by: 'admin', send: ({ ReplayDeadLetters }) => ReplayDeadLetters(filter) },
    { command: 'DiscardDeadLetters', by: 'admin', send: ({ DiscardDeadLetters }) => DiscardDeadLetters(filter) },
  ]),
  ...(['customer', 'admin'] as const).map(
    (by): Sent => ({
      command: 'RevokeSession',
      by,
      send: ({ RevokeSession }, { customer, session }) => RevokeSession({ userId: customer.id, sessionId: session.id }),
    }),
  ),
  { command: 'StartRebuild', by: 'admin', send: ({ StartRebuild }) => StartRebuild({ view: 'order' }) },
  {
    command: 'RequestProjection',
    by: 'admin',
    send: ({ RequestProjection }) => RequestProjection({ view: 'order', key: 'all' }),
  },
  { command: 'CancelRebuild', by: 'admin', send: ({ CancelRebuild }, { rebuildId }) => CancelRebuild({ rebuildId }) },
];

const toText = (value: unknown) => JSON.stringify(value, (_, part) => (part instanceof Map ? [...part] : part), 1);

/** The prefix of an API key, an id, a token, the hash of one, or the hash of a password. */
const madeByChance =
  /fd_[0-9A-Za-z]{22}|\$scrypt[^"]+|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|"[\w-]{43}"/g;

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
  expect([...named].toSorted(), 'Add a new command to `sent` in this test.').toEqual(
    Object.keys(createCommandWorld().anonymous()).toSorted(),
  );
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
