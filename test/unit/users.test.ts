import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Role } from '../../src/access/caller';
import type { Passwords } from '../../src/access/passwords';
import type { Commands } from '../../src/domains';
import type { Order } from '../../src/orders/order';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { verifyPassword } from '../../src/platform/password';
import { applySettings, changedSettings, defaultSettings, type SettingsChanges } from '../../src/users/settings';
import {
  applyChanges,
  type ChangedField,
  changedFields,
  isActiveAdmin,
  requireReadable,
  requireSelfOrAdmin,
  type User,
  type UserChanges,
} from '../../src/users/user';
import {
  aLine,
  anItem,
  anOrder,
  aTicket,
  aUser,
  cheapPasswords,
  checked,
  createdAt,
  password,
  settingsOf,
} from '../support/factories';
import { givenCommands, unsubscribeTokenOf } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);

describe('the rule who may change an account (product 1.4)', () => {
  const owner = aUser();

  test.each<[string, User, boolean]>([
    ['the owner may change the account', owner, true],
    ['another customer may not change the account', aUser(), false],
    ['an agent may not change the account of another user', aUser({ role: 'agent' }), false],
    ['an admin may change the account', aUser({ role: 'admin' }), true],
    ['an agent may change the agent’s own account', { ...owner, role: 'agent' }, true],
  ])('%s', (_, actor, isAllowed) => {
    const check = () => requireSelfOrAdmin(checked(actor), owner.id);
    if (isAllowed) return check();
    const refusal = { kind: 'forbidden', code: 'users.not-yours', details: { userId: owner.id } };
    expect(check).toThrow(expect.objectContaining(refusal));
  });
});

describe('the rule who may read an account (product 1.6)', () => {
  const owner = aUser();

  test.each<[string, User, boolean]>([
    ['the owner may read the account', owner, true],
    ['another customer may not read the account, as if the account did not exist', aUser(), false],
    ['an agent may read the account', aUser({ role: 'agent' }), true],
    ['an admin may read the account', aUser({ role: 'admin' }), true],
  ])('%s', (_, actor, isAllowed) => {
    const check = () => requireReadable(checked(actor), owner.id);
    if (isAllowed) return check();
    const refusal = { kind: 'not-found', code: 'users.not-found', details: { userId: owner.id } };
    expect(check).toThrow(expect.objectContaining(refusal));
  });
});

describe('the rule which changes of an account end its tokens (product 1.7)', () => {
  const user = aUser({ tokenGeneration: 4, version: 8 });
  const changes = {
    name: 'Countess',
    passwordHash: 'other',
    role: 'agent',
    isActive: false,
  } as const satisfies UserChanges;

  test.each<[ChangedField[], 'ends them' | 'keeps them']>([
    [['name'], 'keeps them'],
    [['passwordHash'], 'ends them'],
    [['role'], 'ends them'],
    [['isActive'], 'ends them'],
    [['name', 'passwordHash'], 'ends them'],
    [['name', 'role'], 'ends them'],
    [['passwordHash', 'role'], 'ends them'],
    [['passwordHash', 'isActive'], 'ends them'],
    [['role', 'isActive'], 'ends them'],
    [['passwordHash', 'role', 'isActive'], 'ends them'],
    [['name', 'passwordHash', 'role', 'isActive'], 'ends them'],
  ])('as for the tokens of an account, a change of %j %s', (fields, effect) => {
    const sent: UserChanges = Object.fromEntries(fields.map((field) => [field, changes[field]]));
    expect(changedFields(user, sent)).toEqual(fields);
    expect(applyChanges(user, sent, at)).toEqual({
      ...user,
      ...sent,
      version: 9,
      updatedAt: at,
      // One change raises the generation by one, however many of its fields end tokens.
      tokenGeneration: effect === 'ends them' ? 5 : 4,
    });
  });

  test('a reactivation ends the tokens from before the deactivation', () => {
    const inactive = { ...user, isActive: false };
    expect(applyChanges(inactive, { isActive: true }, at)).toMatchObject({ isActive: true, tokenGeneration: 5 });
  });

  test.each<UserChanges>([
    {},
    { name: user.name },
    { passwordHash: user.passwordHash },
    { role: user.role },
    { isActive: user.isActive },
    { name: undefined, passwordHash: undefined, role: undefined, isActive: undefined },
  ])('values that the account has already are no change: %j', (sent) => {
    expect(changedFields(user, sent)).toEqual([]);
    expect(applyChanges(user, sent, at).tokenGeneration).toBe(4);
  });

  test('a value that the account has already is left out of a change that has another field', () => {
    const sent = { name: 'Countess', role: user.role };
    expect(changedFields(user, sent)).toEqual(['name']);
    expect(applyChanges(user, sent, at)).toMatchObject({ name: 'Countess', tokenGeneration: 4 });
  });
});

describe('the rules of settings (product 1.6)', () => {
  const settings = defaultSettings(newId(), createdAt);

  test('a new account has English, UTC and e-mail notifications', () => {
    expect(settings).toEqual({
      userId: settings.userId,
      version: 1,
      locale: 'en',
      timezone: 'UTC',
      emailNotifications: true,
      updatedAt: createdAt,
    });
  });

  test.each<[SettingsChanges, string[]]>([
    [{ locale: 'de' }, ['locale']],
    [{ timezone: 'Europe/Berlin' }, ['timezone']],
    [{ emailNotifications: false }, ['emailNotifications']],
    [
      { locale: 'de', timezone: 'Europe/Berlin', emailNotifications: false },
      ['locale', 'timezone', 'emailNotifications'],
    ],
    [{ locale: 'en', timezone: 'Europe/Berlin' }, ['timezone']],
    [{ locale: 'en', timezone: 'UTC', emailNotifications: true }, []],
    [{ locale: undefined }, []],
    [{}, []],
  ])('the change %j of settings differs in %j', (changes, fields) => {
    expect(changedSettings(settings, changes)).toEqual(fields);
    const differing = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    expect(applySettings(settings, changes, at)).toEqual({ ...settings, ...differing, version: 2, updatedAt: at });
  });
});

describe('registering', () => {
  test('a registration creates account and default settings with one event that names nobody (product 1.1, 1.2)', async () => {
    const { account, anonymous, state, types } = givenCommands();
    const payload = { name: ' Ada Byron ', email: ' Ada@Example.com ', password };
    const { result } = await anonymous({ issuedAt }).RegisterUser(payload);
    const user = account(result.id);
    expect(user).toEqual({
      id: result.id,
      version: 1,
      name: 'Ada Byron',
      email: 'ada@example.com',
      passwordHash: expect.any(String),
      role: 'customer',
      isActive: true,
      tokenGeneration: 1,
      createdAt: at,
      updatedAt: at,
      lastLoginAt: null,
      emailConfirmedAt: null,
    });
    expect(result.version).toBe(1);
    expect(state().settings.get(result.id)).toEqual(defaultSettings(result.id, at));
    expect(types()).toEqual(['UserRegistered']);
    expect(JSON.stringify(state().events)).not.toMatch(/byron|example\.com/i);
    expect((await verifyPassword(password, user.passwordHash)).ok).toBe(true);
  });

  test('a registration with a taken address, in upper or lower case, is refused and leaves nothing (product 1.1)', async () => {
    const { anonymous, state } = givenCommands({ users: [aUser({ email: 'ada@example.com' })] });
    const before = state();
    const refused = anonymous().RegisterUser({ name: 'Eve', email: 'ADA@example.com', password });
    await expect(refused).rejects.toMatchObject({ kind: 'already-exists', code: 'users.email-taken' });
    expect(state()).toBe(before);
  });

  test('CreateFirstAdmin creates one first admin, and no second one', async () => {
    const { anonymous, state } = givenCommands();
    const payload = { name: 'Administrator', email: 'admin@example.com', password };
    const first = await anonymous().CreateFirstAdmin(payload);
    expect(first.result).toMatchObject({ version: 1 });
    const second = await anonymous().CreateFirstAdmin({ ...payload, email: 'second@example.com' });
    expect(second.result).toBeUndefined();
    expect([...state().users.values()].map(({ email, role }) => [email, role])).toEqual([
      ['admin@example.com', 'admin'],
    ]);
  });

  test.each([
    ['a customer', aUser({ email: 'admin@example.com' }), ['UserPasswordChanged', 'UserRoleChanged']],
    [
      'a deactivated admin',
      aUser({ email: 'admin@example.com', role: 'admin', isActive: false }),
      ['UserPasswordChanged', 'UserReactivated'],
    ],
    [
      'a deactivated agent',
      aUser({ email: 'admin@example.com', role: 'agent', isActive: false }),
      ['UserPasswordChanged', 'UserRoleChanged', 'UserReactivated'],
    ],
  ])(
    'CreateFirstAdmin makes %s with the address an active admin with the password (product 2.8)',
    async (_, user, expected) => {
      const { account, anonymous, state, types } = givenCommands({
        users: [user, aUser({ role: 'admin', isActive: false })],
      });
      const { passwordResets, sessions } = state();
      const row = { id: 'x', userId: user.id };
      sessions.set('x', { ...row, version: 1, createdAt, revokedAt: null, network: null });
      passwordResets.set('x', { ...row, tokenHash: 'h', expiresAt: issuedAt + 1000, usedAt: null });
      const payload = { name: 'Administrator', email: 'Admin@example.com', password: 'the configured password' };
      const { result } = await anonymous({ issuedAt }).CreateFirstAdmin(payload);
      const version = 1 + expected.length;
      expect(result).toEqual({ id: user.id, version });
      const healed = account(user.id);
      expect(healed).toEqual({
        ...user,
        ...{ version, role: 'admin', isActive: true, tokenGeneration: user.tokenGeneration + 1, updatedAt: at },
        passwordHash: healed.passwordHash,
      });
      expect((await cheapPasswords.verify(payload.password, healed.passwordHash)).ok).toBe(true);
      expect(types()).toEqual(expected);
      expect(state().events.map((event) => event.version)).toEqual(expected.map((__, index) => index + 2));
      expect([state().sessions.get('x')?.revokedAt, state().passwordResets.get('x')?.usedAt]).toEqual([
        issuedAt,
        issuedAt,
      ]);
    },
  );

  test('CreateFirstAdmin hashes nothing while there is an active admin (product 2.8)', async () => {
    const passwords = { hash: () => expect.unreachable('A password was hashed.'), verify: cheapPasswords.verify };
    const users = [aUser({ role: 'admin' }), aUser({ email: 'admin@example.com' })];
    const { anonymous, state } = givenCommands({ users, passwords });
    const before = structuredClone(state());
    const payload = { name: 'Administrator', email: 'admin@example.com', password };
    expect((await anonymous().CreateFirstAdmin(payload)).result).toBeUndefined();
    expect(state()).toEqual(before);
  });

  test('CreateFirstAdmin heals nothing when an admin is made active in the meantime (product 2.8)', async () => {
    const [user, other] = [aUser({ email: 'admin@example.com' }), aUser({ role: 'admin', isActive: false })];
    const passwords: Passwords = {
      ...cheapPasswords,
      async hash(secret) {
        state().users.set(other.id, { ...other, isActive: true });
        return cheapPasswords.hash(secret);
      },
    };
    const { account, anonymous, state } = givenCommands({ users: [user, other], passwords });
    const payload = { name: 'Administrator', email: 'admin@example.com', password };
    expect((await anonymous().CreateFirstAdmin(payload)).result).toBeUndefined();
    expect(account(user.id)).toEqual(user);
  });
});

describe('the last active admin (product 1.7)', () => {
  const removals = [
    ['ChangeRole', (admin: User, commands: Commands) => commands.ChangeRole({ userId: admin.id, role: 'agent' })],
    ['DeactivateUser', (admin: User, commands: Commands) => commands.DeactivateUser({ userId: admin.id })],
    ['DeleteUser', (admin: User, commands: Commands) => commands.DeleteUser({ userId: admin.id })],
  ] as const;

  test.each(removals)('%s is refused for the last active admin, and leaves nothing', async (_, remove) => {
    const admin = aUser({ role: 'admin' });
    const others = [aUser({ role: 'admin', isActive: false }), aUser({ role: 'agent' })];
    const { as, state } = givenCommands({ users: [admin, ...others] });
    const before = state();
    await expect(remove(admin, as(admin))).rejects.toMatchObject({
      kind: 'conflict',
      code: 'users.last-admin',
      details: { userId: admin.id },
    });
    expect(state()).toBe(before);
  });

  test.each(removals)('%s is possible for an admin while there is another active one', async (_, remove) => {
    const [admin, other] = [aUser({ role: 'admin' }), aUser({ role: 'admin' })];
    const { as, state } = givenCommands({ users: [admin, other] });
    await remove(admin, as(admin));
    expect(state().events).toHaveLength(1);
  });

  test.each(removals)('%s of an account that is no active admin needs no other admin', async (_, remove) => {
    const admin = aUser({ role: 'admin' });
    const [inactive, customer] = [aUser({ role: 'admin', isActive: false }), aUser()];
    const { as } = givenCommands({ users: [admin, inactive, customer] });
    for (const account of [inactive, customer]) await remove(account, as(admin));
  });

  test.each(removals)('the last two admins cannot both be gone after %s at the same time', async (_, remove) => {
    const [one, two] = [aUser({ role: 'admin' }), aUser({ role: 'admin' })];
    for (const [first, second] of [
      [one, two],
      [two, one],
    ] as const) {
      const { as, state } = givenCommands({ users: [one, two] });
      const outcomes = await Promise.allSettled([remove(first, as(one)), remove(second, as(two))]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect([...state().users.values()].filter(isActiveAdmin)).toHaveLength(1);
    }
  });

  test('the last admin can be changed in every other way', async () => {
    const admin = aUser({ role: 'admin' });
    const { as, types } = givenCommands({ users: [admin] });
    await as(admin).UpdateUser({ userId: admin.id, changes: { name: 'Countess' } });
    expect(types()).toEqual(['UserUpdated']);
  });
});

test('CreateFirstAdmin creates no second admin when a replica does not know the first one yet', async () => {
  const { anonymous, freezeReplica, state } = givenCommands();
  const admin = aUser({ role: 'admin' });
  freezeReplica();
  state().users.set(admin.id, admin);
  const payload = { name: 'Administrator', email: 'admin@example.com', password };
  const { result } = await anonymous({ readFrom: 'first-unconstrained' }).CreateFirstAdmin(payload);
  expect([result, state().users.size]).toEqual([undefined, 1]);
});

describe('changing an account (product 1.4)', () => {
  test('a change of an account changes only the fields that were sent', async () => {
    const user = aUser();
    const { account, as, lastEvent } = givenCommands({ users: [user] });
    const { result } = await as(user, { issuedAt }).UpdateUser({ userId: user.id, changes: { name: 'Countess' } });
    expect(result).toEqual({ id: user.id, version: 2 });
    expect(account(user.id)).toEqual({ ...user, name: 'Countess', version: 2, updatedAt: at });
    expect(lastEvent()).toMatchObject({ type: 'UserUpdated', version: 2, data: { fields: ['name'] } });
  });

  test('a change of an account to the values that it has already changes nothing and records nothing', async () => {
    const user = aUser();
    const { as, state } = givenCommands({ users: [user] });
    const before = structuredClone(state());
    const changes = { name: user.name, email: user.email };
    const { result } = await as(user).UpdateUser({ userId: user.id, changes });
    expect(result).toEqual({ id: user.id, version: 1 });
    expect(state()).toEqual(before);
  });

  test.each([{ email: 'new@example.com' }, { password: 'another long password' }])(
    'a change of an account needs the current password of the caller for %j',
    async (sensitive) => {
      const user = aUser();
      const { as, types } = givenCommands({ users: [user] });
      const update = (currentPassword?: string) =>
        as(user).UpdateUser({ userId: user.id, changes: { ...sensitive, currentPassword } });
      await expect(update()).rejects.toMatchObject({
        kind: 'invalid',
        code: 'users.password-required',
        errors: [{ pointer: '/currentPassword', code: 'users.password-required' }],
      });
      await expect(update('wrong password')).rejects.toMatchObject({
        kind: 'invalid',
        code: 'users.wrong-password',
        errors: [{ pointer: '/currentPassword', code: 'users.wrong-password' }],
      });
      expect(types()).toEqual([]);
      await update(password);
      expect(types()).toHaveLength(1);
    },
  );

  test('an admin who changes the address of an account needs the admin’s password, and not that of the account', async () => {
    const user = aUser({ passwordHash: 'is never looked at' });
    const admin = aUser({ role: 'admin' });
    const { account, as, state } = givenCommands({ users: [user, admin] });
    const changes = { email: 'new@example.com', currentPassword: password };
    await as(admin).UpdateUser({ userId: user.id, changes });
    expect(account(user.id)).toMatchObject({ email: user.email, version: 2 });
    expect([...state().emailConfirmations.values()]).toMatchObject([{ userId: user.id, email: 'new@example.com' }]);
  });

  test('a change of the name needs no password, whether or not one is sent', async () => {
    const user = aUser();
    const { account, as } = givenCommands({ users: [user] });
    const changes = { name: 'Countess', currentPassword: 'wrong password' };
    await as(user).UpdateUser({ userId: user.id, changes });
    expect(account(user.id).name).toBe('Countess');
  });

  test('a change to an address that another account has is refused', async () => {
    const [user, other] = [aUser(), aUser()];
    const { as } = givenCommands({ users: [user, other] });
    const changes = { email: other.email, currentPassword: password };
    const refused = as(user).UpdateUser({ userId: user.id, changes });
    await expect(refused).rejects.toMatchObject({ kind: 'already-exists', code: 'users.email-taken' });
  });

  test('a change of an account records an event for each kind of change, each with a version of its own', async () => {
    const user = aUser();
    const { account, as, state } = givenCommands({ users: [user] });
    const changes = {
      name: 'Countess',
      email: 'countess@example.com',
      password: 'another long password',
      currentPassword: password,
    };
    const { result } = await as(user).UpdateUser({ userId: user.id, changes });
    expect(result.version).toBe(4);
    expect(account(user.id)).toMatchObject({ version: 4, tokenGeneration: 2, email: user.email });
    const [link] = [...state().emailConfirmations.keys()];
    expect(state().events.map(({ data, type, version }) => [type, version, data])).toEqual([
      ['UserUpdated', 2, { fields: ['name'] }],
      ['UserPasswordChanged', 3, { by: 'change' }],
      ['EmailConfirmationRequested', 4, { purpose: 'change', confirmationId: link }],
    ]);
    expect(JSON.stringify(state().events)).not.toMatch(/countess|password"/);
  });

  test('an account is changed when If-Match names its version, and the change gets 412 otherwise (product 6.3)', async () => {
    const user = aUser();
    const { as } = givenCommands({ users: [user] });
    const update = (expectedVersion: number) =>
      as(user, { expectedVersion }).UpdateUser({ userId: user.id, changes: { name: 'Countess' } });
    await expect(update(7)).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 1 } });
    expect((await update(1)).result.version).toBe(2);
  });

  test('a change of an account with an unknown id is refused as not found', async () => {
    const admin = aUser({ role: 'admin' });
    const { as } = givenCommands({ users: [admin] });
    const userId = newId();
    const refused = as(admin).UpdateUser({ userId, changes: { name: 'X' } });
    await expect(refused).rejects.toMatchObject({ code: 'users.not-found', details: { userId } });
  });
});

describe('token generations (product 1.7)', () => {
  async function given() {
    const [user, admin] = [aUser(), aUser({ role: 'admin' })];
    const commands = givenCommands({ users: [user, admin] });
    const sessions = ['first', 'second'].map((id) => ({
      id,
      userId: user.id,
      version: 0,
      createdAt,
      revokedAt: null,
      network: null,
    }));
    const foreign = { id: 'foreign', userId: admin.id, version: 0, createdAt, revokedAt: null, network: null };
    for (const session of [...sessions, foreign]) commands.state().sessions.set(session.id, session);
    const revokedSessions = () =>
      [...commands.state().sessions.values()].filter(({ revokedAt }) => revokedAt !== null).map(({ id }) => id);
    return { ...commands, user, admin, revokedSessions };
  }

  test('a new password raises the token generation, ends the sender’s token, and revokes every session of the account', async () => {
    const { account, as, revokedSessions, state, user } = await given();
    const changes = { password: 'another long password', currentPassword: password };
    await as(user, { issuedAt }).UpdateUser({ userId: user.id, changes });
    const { passwordHash: renewed, tokenGeneration } = account(user.id);
    expect(tokenGeneration).toBe(2);
    expect(await cheapPasswords.verify(changes.password, renewed)).toEqual({ ok: true, needsRehash: false });
    expect(revokedSessions()).toEqual(['first', 'second']);
    expect(state().sessions.get('first')?.revokedAt).toBe(issuedAt);
    const refused = as(user).UpdateUser({ userId: user.id, changes: { name: 'X' } });
    await expect(refused).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-token' });
    await as(account(user.id)).UpdateUser({ userId: user.id, changes: { name: 'X' } });
  });

  type Given = Awaited<ReturnType<typeof given>>;

  test.each<[string, (given: Given) => unknown, boolean]>([
    [
      'a new password',
      ({ as, user }) =>
        as(user).UpdateUser({
          userId: user.id,
          changes: { password: 'another long password', currentPassword: password },
        }),
      true,
    ],
    ['a new e-mail address', ({ changeEmail, user }) => changeEmail(user, 'new@example.com'), true],
    // An old mailbox must not be enough to take the account over; a name has nothing to do with it.
    ['a new name', ({ as, user }) => as(user).UpdateUser({ userId: user.id, changes: { name: 'Countess' } }), false],
  ])(
    'of %s: the open reset links of the account end with a new password or address only (product 2.6)',
    async (_, change, ends) => {
      const system = await given();
      const { admin, state, user } = system;
      const reset = { tokenHash: '', expiresAt: Date.now() + 1_000_000, usedAt: null };
      state().passwordResets.set('own', { ...reset, id: 'own', userId: user.id });
      state().passwordResets.set('foreign', { ...reset, id: 'foreign', userId: admin.id });
      await change(system);
      expect(state().passwordResets.get('own')?.usedAt !== null).toBe(ends);
      expect(state().passwordResets.get('foreign')?.usedAt).toBeNull();
    },
  );

  test('a new role raises the token generation, and sessions go on under the new role', async () => {
    const { account, admin, as, lastEvent, revokedSessions, user } = await given();
    const { result } = await as(admin).ChangeRole({ userId: user.id, role: 'agent' });
    expect(result).toEqual({ id: user.id, version: 2 });
    expect(account(user.id)).toMatchObject({ role: 'agent', tokenGeneration: 2, version: 2 });
    expect(lastEvent()).toMatchObject({ type: 'UserRoleChanged', version: 2, data: { role: 'agent' } });
    expect(revokedSessions()).toEqual([]);
    const refused = as(user).UpdateUser({ userId: user.id, changes: { name: 'X' } });
    await expect(refused).rejects.toMatchObject({ code: 'auth.invalid-token' });
  });

  test('a deactivation raises the token generation and revokes every session, and a reactivation raises it again', async () => {
    const { account, admin, as, revokedSessions, types, user } = await given();
    await as(admin).DeactivateUser({ userId: user.id });
    expect(account(user.id)).toMatchObject({ isActive: false, tokenGeneration: 2, version: 2 });
    expect(revokedSessions()).toEqual(['first', 'second']);
    await as(admin).ReactivateUser({ userId: user.id });
    expect(account(user.id)).toMatchObject({ isActive: true, tokenGeneration: 3, version: 3 });
    expect(types()).toEqual(['UserDeactivated', 'UserReactivated']);
    const update = (caller: User) => as(caller).UpdateUser({ userId: user.id, changes: { name: 'X' } });
    await expect(update(user)).rejects.toMatchObject({ code: 'auth.invalid-token' });
    await expect(update({ ...user, tokenGeneration: 2 })).rejects.toMatchObject({ code: 'auth.invalid-token' });
    await update(account(user.id));
  });

  test.each(['DeactivateUser', 'ReactivateUser'] as const)('%s without an effect keeps the tokens', async (name) => {
    const { admin, as, state, user } = await given();
    if (name === 'DeactivateUser') state().users.set(user.id, { ...user, isActive: false });
    const before = structuredClone(state());
    const { result } = await as(admin)[name]({ userId: user.id });
    expect(result).toEqual({ id: user.id, version: 1 });
    expect(state()).toEqual(before);
  });

  test('a new name or address keeps the token generation and the sessions', async () => {
    const { account, as, changeEmail, revokedSessions, user } = await given();
    await as(user).UpdateUser({ userId: user.id, changes: { name: 'Countess' } });
    await changeEmail(account(user.id), 'countess@example.com');
    expect(account(user.id)).toMatchObject({ name: 'Countess', email: 'countess@example.com' });
    expect(account(user.id).tokenGeneration).toBe(1);
    expect(revokedSessions()).toEqual([]);
    await as(user).UpdateUser({ userId: user.id, changes: { name: 'Ada' } });
  });

  test('an agent who was made a customer gets 401 for an agent’s command, and 403 with a new token', async () => {
    const { admin, as, account, state } = await given();
    const agent = aUser({ role: 'agent' });
    const ticket = aTicket({ customerId: agent.id });
    state().users.set(agent.id, agent);
    state().tickets.set(ticket.id, { ...ticket, preview: '', hasNote: false, notePreview: null });
    await as(admin).ChangeRole({ userId: agent.id, role: 'customer' });
    const close = (caller: User) => as(caller).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' });
    await expect(close(agent)).rejects.toMatchObject({ code: 'auth.invalid-token' });
    await expect(close(account(agent.id))).rejects.toMatchObject({ code: 'auth.insufficient-role' });
  });

  test.each(['ChangeRole', 'DeactivateUser', 'ReactivateUser'] as const)(
    '%s is refused with 412 when If-Match names another version',
    async (name) => {
      const { admin, as, user } = await given();
      const commands = as(admin, { expectedVersion: 2 });
      const payload = { userId: user.id };
      const refused =
        name === 'ChangeRole' ? commands.ChangeRole({ ...payload, role: 'agent' }) : commands[name](payload);
      await expect(refused).rejects.toMatchObject({ kind: 'precondition' });
    },
  );
});

describe('deleting an account (product 1.5)', () => {
  function given(role: Role = 'customer') {
    const [user, other] = [aUser({ version: 6, role }), aUser()];
    const [item, otherItem] = [anItem({ ownerId: user.id, version: 2 }), anItem({ ownerId: other.id })];
    const [order, otherOrder] = [
      anOrder({ customerId: user.id, version: 3, status: 'shipped', lines: [aLine({ itemId: item.id })] }),
      anOrder({ customerId: other.id }),
    ];
    const [ticket, otherTicket] = [aTicket({ customerId: user.id, version: 4 }), aTicket({ customerId: other.id })];
    const commands = givenCommands({
      users: [user, other],
      items: [item, otherItem],
      orders: [order, otherOrder],
      tickets: [ticket, otherTicket],
    });
    return { ...commands, user, other, item, order, ticket, otherItem, otherOrder, otherTicket };
  }

  test('a deletion removes only the settings, items and tickets of its account, and keeps orders without a customer', async () => {
    const { as, item, order, other, otherItem, otherOrder, otherTicket, state, ticket, user } = given();
    const { result } = await as(user).DeleteUser({ userId: user.id });
    expect(result).toEqual({ id: user.id, version: 7 });
    const { items, orders, settings, tickets, users } = state();
    expect([...users.keys()]).toEqual([other.id]);
    expect([...settings.keys()]).toEqual([other.id]);
    expect([...items.keys()]).toEqual([otherItem.id]);
    expect([...tickets.keys()]).toEqual([otherTicket.id]);
    expect([...orders.values()]).toEqual([{ ...order, customerId: null, version: 4 }, otherOrder]);
    const facts = state().events.map(({ type, streamId, version, data }) => [type, streamId, version, data]);
    expect(facts).toHaveLength(4);
    expect(facts).toEqual(
      expect.arrayContaining([
        ['TicketDeleted', ticket.id, 5, { customerId: user.id }],
        ['OrderAnonymised', order.id, 4, { customerId: user.id }],
        ['ItemDeleted', item.id, 3, { ownerId: user.id }],
        ['UserDeleted', user.id, 7, {}],
      ]),
    );
    expect(state().events.at(-1)?.type).toBe('UserDeleted');
  });

  test('a deletion cancels the orders that are not shipped, and puts all their pieces back at once', async () => {
    const { as, other, otherItem, otherOrder, state, user } = given();
    const line = aLine({ itemId: otherItem.id, quantity: 2, tookStock: true });
    const add = (order: Partial<Order>) => {
      const added = anOrder({ customerId: user.id, lines: [line], ...order });
      state().orders.set(added.id, added);
      return added;
    };
    const unlimited = aLine({ itemId: otherItem.id, quantity: 9, tookStock: false });
    const placed = [add({ version: 2 }), add({ lines: [{ ...line, quantity: 3 }] }), add({ lines: [unlimited] })];
    const kept = [add({ status: 'shipped' }), add({ status: 'delivered' }), add({ status: 'cancelled' })];
    await as(user, { issuedAt }).DeleteUser({ userId: user.id });
    const { items, orders } = state();
    expect(items.get(otherItem.id)).toEqual({ ...otherItem, stock: (otherItem.stock ?? 0) + 5, stockVersion: 1 });
    for (const order of placed) {
      const cancelled = { status: 'cancelled', customerId: null, version: order.version + 2, updatedAt: at } as const;
      expect(orders.get(order.id)).toEqual({ ...order, ...cancelled });
      const items = order.lines.map(({ itemId, quantity }) => ({ itemId, quantity }));
      expect(state().events.filter(({ streamId }) => streamId === order.id)).toMatchObject([
        { type: 'OrderCancelled', version: order.version + 1, data: { customerId: user.id, items } },
        { type: 'OrderAnonymised', version: order.version + 2, data: { customerId: user.id } },
      ]);
    }
    for (const order of kept) expect(orders.get(order.id)).toEqual({ ...order, customerId: null, version: 2 });
    expect(orders.get(otherOrder.id)).toEqual({ ...otherOrder, customerId: other.id });
    expect(state().shippingAddresses.size).toBe(0);
  });

  test.each([
    ['ShipOrder', 'shipped', 3],
    ['CancelOrder', 'cancelled', 5],
  ] as const)('of a deletion and %s at the same time, only one ends a placed order', async (name, status, stock) => {
    const { as, otherItem, state, user } = given();
    const agent = aUser({ role: 'agent' });
    state().users.set(agent.id, agent);
    state().items.set(otherItem.id, { ...otherItem, stock: 3 });
    const lines = [aLine({ itemId: otherItem.id, quantity: 2, tookStock: true })];
    const order = anOrder({ customerId: user.id, lines });
    state().orders.set(order.id, order);
    await Promise.all([as(agent)[name]({ orderId: order.id }), as(user).DeleteUser({ userId: user.id })]);
    expect(state().orders.get(order.id)).toMatchObject({ status, customerId: null, version: 3 });
    expect(state().items.get(otherItem.id)?.stock).toBe(stock);
  });

  test('the deletion of an account is refused with 412 when If-Match names another version', async () => {
    const { as, state, user } = given();
    const before = state();
    const refused = as(user, { expectedVersion: 5 }).DeleteUser({ userId: user.id });
    await expect(refused).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 6 } });
    expect(state()).toBe(before);
  });

  test('an admin can delete the account of a customer once', async () => {
    const { as, state, user } = given();
    const admin = aUser({ role: 'admin' });
    state().users.set(admin.id, admin);
    await as(admin).DeleteUser({ userId: user.id });
    expect(state().users.has(user.id)).toBe(false);
    const again = as(admin).DeleteUser({ userId: user.id });
    await expect(again).rejects.toMatchObject({ code: 'users.not-found', details: { userId: user.id } });
  });
});

describe('the erasure of what a large account owned (product 1.10)', () => {
  const real = limits.rowsPerErasureStep;
  beforeEach(() => {
    limits.rowsPerErasureStep = 2;
  });
  afterEach(() => {
    limits.rowsPerErasureStep = real;
  });

  async function given() {
    const [user, seller] = [aUser(), aUser()];
    const item = anItem({ ownerId: seller.id });
    const order = () => anOrder({ customerId: user.id, lines: [aLine({ itemId: item.id, tookStock: true })] });
    const commands = givenCommands({
      users: [user, seller],
      items: [item, anItem({ ownerId: user.id })],
      orders: [order(), order(), order()],
      tickets: [aTicket({ customerId: user.id })],
    });
    await commands.as(user, { issuedAt }).DeleteUser({ userId: user.id });
    const left = () => {
      const { items, orders, tickets } = commands.state();
      const placed = [...orders.values()].filter(({ customerId }) => customerId === user.id).length;
      return { items: items.size - 1, orders: placed, tickets: tickets.size };
    };
    const next = async (step: number) => (await commands.anonymous().ContinueErasure({ userId: user.id, step })).result;
    return { ...commands, left, next, user };
  }

  test('a deletion takes as many rows as one commit may have, items first, and steps take the rest', async () => {
    const { left, next, state, user } = await given();
    expect(state().users.has(user.id)).toBe(false);
    expect(left()).toEqual({ items: 0, orders: 2, tickets: 1 });
    expect(state().events.at(-1)?.type).toBe('UserDeleted');
    expect(await next(1)).toEqual({ rows: 2, isFinished: false });
    expect(left()).toEqual({ items: 0, orders: 0, tickets: 1 });
    expect(await next(2)).toEqual({ rows: 1, isFinished: true });
    expect(left()).toEqual({ items: 0, orders: 0, tickets: 0 });
    expect(await next(3)).toEqual({ rows: 0, isFinished: true });
    expect(state().erasures.get(user.id)).toMatchObject({ steps: 3, rows: 5 });
  });

  test('of two deletions of a large account at the same time, one finds no account', async () => {
    const [user, admin] = [aUser(), aUser({ role: 'admin' })];
    const orders = [1, 2, 3].map(() => anOrder({ customerId: user.id }));
    const { as, freezeReplica, state } = givenCommands({ users: [user, admin], orders });
    freezeReplica();
    await as(user).DeleteUser({ userId: user.id });
    const again = as(admin, { readFrom: 'first-unconstrained' }).DeleteUser({ userId: user.id });
    await expect(again).rejects.toMatchObject({ code: 'users.not-found' });
    expect(state().erasures.get(user.id)).toMatchObject({ steps: 1 });
  });

  test('an order that a later step cancels is cancelled as of the deletion', async () => {
    const { next, state } = await given();
    await next(1);
    for (const { status, updatedAt } of state().orders.values()) {
      expect([status, updatedAt]).toEqual(['cancelled', at]);
    }
  });

  test.each([0, 2, 7])('the step %i, which is not the next one, has no effect', async (step) => {
    const { next, state } = await given();
    const before = structuredClone(state());
    expect(await next(step)).toBeUndefined();
    expect(state()).toEqual(before);
  });

  test('of two messages with the same step, only one takes rows', async () => {
    const { left, next } = await given();
    const done = await Promise.all([next(1), next(1)]);
    expect(done.filter((one) => one !== undefined)).toHaveLength(1);
    expect(left()).toEqual({ items: 0, orders: 0, tickets: 1 });
  });
});

describe('changing settings (product 1.6)', () => {
  test('a change of settings saves the fields that differ, and names them in the event', async () => {
    const user = aUser();
    const { as, lastEvent, state } = givenCommands({ users: [user] });
    const changes = { locale: 'de', timezone: 'UTC', emailNotifications: false };
    const { result } = await as(user, { issuedAt }).UpdateSettings({ userId: user.id, changes });
    expect(result).toEqual({ id: user.id, version: 2 });
    const expected = { ...settingsOf(user), ...changes, version: 2, updatedAt: at };
    expect(state().settings.get(user.id)).toEqual(expected);
    expect(lastEvent()).toMatchObject({
      type: 'SettingsUpdated',
      streamType: 'settings',
      version: 2,
      data: { fields: ['locale', 'emailNotifications'] },
    });
  });

  test('a change of settings to the values that they have already changes nothing and records nothing', async () => {
    const user = aUser();
    const { as, types } = givenCommands({ users: [user] });
    const { result } = await as(user).UpdateSettings({ userId: user.id, changes: { locale: 'en' } });
    expect([result.version, types()]).toEqual([1, []]);
  });

  test('a change of settings is refused with 412 when If-Match names another version', async () => {
    const user = aUser();
    const { as } = givenCommands({ users: [user] });
    const refused = as(user, { expectedVersion: 2 }).UpdateSettings({ userId: user.id, changes: { locale: 'de' } });
    await expect(refused).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 1 } });
  });

  test.each([{}, { locale: 'not a language!' }, { timezone: 'Mars/Olympus' }])(
    'a change of settings that is empty or unknown is refused: %j',
    async (changes) => {
      const user = aUser();
      const { as } = givenCommands({ users: [user] });
      await expect(as(user).UpdateSettings({ userId: user.id, changes })).rejects.toThrow();
    },
  );
});

describe('turning e-mails off with a link (product 11.5)', () => {
  test('whoever has the link turns e-mails off, and the event names no actor', async () => {
    const [user, other] = [aUser(), aUser()];
    const { anonymous, lastEvent, state } = givenCommands({ users: [user, other] });
    await anonymous({ issuedAt }).Unsubscribe({ token: unsubscribeTokenOf(user.id) });
    const expected = { ...settingsOf(user), emailNotifications: false, version: 2, updatedAt: at };
    expect(state().settings.get(user.id)).toEqual(expected);
    expect(state().settings.get(other.id)).toEqual(settingsOf(other));
    expect(lastEvent()).toMatchObject({
      type: 'SettingsUpdated',
      version: 2,
      data: { fields: ['emailNotifications'] },
    });
    expect(lastEvent()?.metadata.actorId).toBeUndefined();
  });

  test.each([
    ['of an account that is gone', () => unsubscribeTokenOf(newId())],
    ['that this API did not make', (user: User) => `${user.id}.${'0'.repeat(64)}`],
    [
      'of another account with the id of this one',
      (user: User) => `${user.id}.${unsubscribeTokenOf(newId()).split('.')[1]}`,
    ],
    ['without a signature', (user: User) => user.id],
    ['with something after it', (user: User) => `${unsubscribeTokenOf(user.id)}.x`],
  ])('a link %s changes nothing, and its answer is the same', async (_, tokenFor) => {
    const user = aUser();
    const { anonymous, state, types } = givenCommands({ users: [user] });
    const done = await anonymous().Unsubscribe({ token: unsubscribeTokenOf(user.id) });
    const before = state();
    expect((await anonymous().Unsubscribe({ token: tokenFor(user) })).result).toEqual(done.result);
    expect([state().settings, types()]).toEqual([before.settings, ['SettingsUpdated']]);
  });

  test('a second click records nothing', async () => {
    const user = aUser();
    const { anonymous, types } = givenCommands({ users: [user] });
    for (const _ of [1, 2]) await anonymous().Unsubscribe({ token: unsubscribeTokenOf(user.id) });
    expect(types()).toEqual(['SettingsUpdated']);
  });
});
