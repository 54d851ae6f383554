import { describe, expect, test } from 'vitest';
import { createBus } from '../../src/cqrs/writing/command';
import { verifyPassword } from '../../src/platform/password';
import { createUserCommands } from '../../src/users/commands';
import { applyChanges, isTokenValid, type User } from '../../src/users/user';
import { aContext, actingAs, aUser, password, settingsOf } from '../support/factories';
import { createMemoryUnitOfWork } from '../support/memory-unit-of-work';

async function given(...users: User[]) {
  const { unitOfWork, state } = createMemoryUnitOfWork();
  for (const user of users) {
    state().users.set(user.id, user);
    state().settings.set(user.id, settingsOf(user));
  }
  const bus = createBus(createUserCommands(unitOfWork), (text) => text);
  const types = () => state().events.map(({ type }) => type);
  return { bus, state, types };
}

describe('registering (product 1.1 to 1.3)', () => {
  test('creates the user and their default settings together, with one event that names nobody', async () => {
    const { bus, state, types } = await given();
    const payload = { name: 'Ada Byron', email: ' Ada@Example.com ', password };
    const { result } = await bus.execute('RegisterUser', payload, aContext());
    const user = state().users.get(result.id);
    expect(user).toMatchObject({ email: 'ada@example.com', role: 'customer', isActive: true, version: 1 });
    expect(state().settings.get(result.id)).toMatchObject({ locale: 'en', timezone: 'UTC', emailNotifications: true });
    expect(types()).toEqual(['UserRegistered']);
    expect(JSON.stringify(state().events)).not.toMatch(/byron|example\.com/i);
    expect(user?.passwordHash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect((await verifyPassword(password, user?.passwordHash)).ok).toBe(true);
  });

  test('refuses an address that is taken, in whatever case', async () => {
    const { bus, state } = await given(aUser({ email: 'ada@example.com' }));
    const command = bus.execute('RegisterUser', { name: 'X', email: 'ADA@example.com', password }, aContext());
    await expect(command).rejects.toMatchObject({ kind: 'already-exists', code: 'users.email-taken' });
    expect(state().users.size).toBe(1);
    expect(state().settings.size).toBe(1);
  });
});

describe('changing an account (product 1.4)', () => {
  test('changes only what was sent', async () => {
    const user = aUser();
    const { bus, state, types } = await given(user);
    await bus.execute('UpdateUser', { userId: user.id, changes: { name: 'Countess' } }, actingAs(user));
    expect(state().users.get(user.id)).toMatchObject({
      ...user,
      name: 'Countess',
      version: 2,
      updatedAt: expect.any(String),
    });
    expect(types()).toEqual(['UserUpdated']);
  });

  test('what it already is changes nothing and records nothing', async () => {
    const user = aUser();
    const { bus, types } = await given(user);
    const { result } = await bus.execute(
      'UpdateUser',
      { userId: user.id, changes: { name: user.name } },
      actingAs(user),
    );
    expect(result.version).toBe(1);
    expect(types()).toEqual([]);
  });

  test.each([{ email: 'new@example.com' }, { password: 'another long password' }])(
    'asks for the current password: %j',
    async (changes) => {
      const user = aUser();
      const { bus, types } = await given(user);
      const execute = (currentPassword?: string) =>
        bus.execute('UpdateUser', { userId: user.id, changes: { ...changes, currentPassword } }, actingAs(user));
      await expect(execute()).rejects.toMatchObject({ code: 'users.password-required' });
      await expect(execute('wrong password')).rejects.toMatchObject({ code: 'users.wrong-password' });
      expect(types()).toEqual([]);
      await execute(password);
      expect(types()).toHaveLength(1);
    },
  );

  test('a new password revokes every token and session', async () => {
    const user = aUser();
    const { bus, state } = await given(user);
    const session = { id: 's', userId: user.id, version: 0, createdAt: user.createdAt, revokedAt: null };
    state().sessions.set('s', session);
    const context = actingAs(user);
    const changes = { password: 'another long password', currentPassword: password };
    await bus.execute('UpdateUser', { userId: user.id, changes }, context);
    expect(isTokenValid(state().users.get(user.id), context.issuedAt)).toBe(false);
    expect(state().sessions.get('s')?.revokedAt).toBe(context.issuedAt);
  });

  test('another customer may not (403), an admin may, and a stale If-Match is refused', async () => {
    const [user, other, admin] = [aUser(), aUser(), aUser({ role: 'admin' })];
    const { bus } = await given(user, other, admin);
    const command = { userId: user.id, changes: { name: 'Changed' } };
    await expect(bus.execute('UpdateUser', command, actingAs(other))).rejects.toMatchObject({ kind: 'forbidden' });
    await expect(bus.execute('UpdateUser', command, actingAs(admin, { expectedVersion: 7 }))).rejects.toMatchObject({
      kind: 'precondition',
    });
    await bus.execute('UpdateUser', command, actingAs(admin, { expectedVersion: 1 }));
  });
});

describe('roles and standing (product 1.5 to 1.7)', () => {
  test.each(['ChangeRole', 'DeactivateUser', 'ReactivateUser'] as const)('%s is for admins', async (name) => {
    const [user, agent] = [aUser(), aUser({ role: 'agent' })];
    const { bus } = await given(user, agent);
    const payload = { userId: user.id, role: 'admin' as const };
    const command = name === 'ChangeRole' ? payload : { userId: user.id };
    // The payload is the one that the name in the table stands for.
    await expect(bus.execute(name, command as typeof payload, actingAs(agent))).rejects.toMatchObject({
      code: 'auth.insufficient-role',
    });
  });

  test('a token from before a deactivation no longer commands anything', async () => {
    const [user, admin] = [aUser(), aUser({ role: 'admin' })];
    const { bus } = await given(user, admin);
    await bus.execute('DeactivateUser', { userId: user.id }, actingAs(admin));
    const command = bus.execute('UpdateUser', { userId: user.id, changes: { name: 'X' } }, actingAs(user));
    await expect(command).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-token' });
  });

  test('deleting takes settings and sessions along, and records only the id', async () => {
    const user = aUser();
    const { bus, state, types } = await given(user);
    await bus.execute('DeleteUser', { userId: user.id }, actingAs(user));
    expect(state().users.size + state().settings.size).toBe(0);
    expect(types()).toEqual(['UserDeleted']);
  });

  test('one first admin, and no second', async () => {
    const { bus, state } = await given();
    const payload = { name: 'Administrator', email: 'admin@example.com', password };
    await bus.execute('CreateFirstAdmin', payload, aContext());
    await bus.execute('CreateFirstAdmin', { ...payload, email: 'second@example.com' }, aContext());
    expect([...state().users.values()].map(({ role }) => role)).toEqual(['admin']);
  });

  test('a change of name revokes no token; a change of role does', () => {
    const at = { iso: '2026-01-02T00:00:00.000Z', ms: 5 };
    expect(applyChanges(aUser(), { name: 'X' }, at).tokenGeneration).toBe(0);
    expect(applyChanges(aUser(), { role: 'agent' }, at).tokenGeneration).toBe(5);
  });
});
