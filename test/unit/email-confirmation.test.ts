import { describe, expect, test } from 'vitest';
import { hashSecret } from '../../src/auth/secret-token';
import { newId } from '../../src/platform/ids';
import type { EmailConfirmation } from '../../src/users/email-confirmation';
import type { User } from '../../src/users/user';
import { aLink, aUser, password } from '../support/factories';
import { confirmationTokens, givenCommands, resetTokens } from '../support/given-commands';

const issuedAt = Date.parse('2026-03-01T10:00:00.000Z');
const at = new Date(issuedAt).toISOString();
const [minute, day] = [60_000, 86_400_000];
const ended = { kind: 'invalid', code: 'users.confirmation-ended' };
const used = { kind: 'invalid', code: 'users.confirmation-used' };

/** An account that nobody has confirmed, with the link of its registration, and an account with a pending change. */
function givenLinks() {
  const newcomer = aUser({ emailConfirmedAt: null });
  const [mover, admin] = [aUser({ version: 3 }), aUser({ role: 'admin' })];
  const registration = aLink({
    ...{ userId: newcomer.id, kind: 'registration', email: newcomer.email },
    expiresAt: issuedAt + 7 * day,
  });
  const change = aLink({ userId: mover.id, email: 'next@example.com', expiresAt: issuedAt + 7 * day });
  const commands = givenCommands({ users: [newcomer, mover, admin] });
  for (const link of [registration, change]) commands.state().emailConfirmations.set(link.id, link);
  const confirm = ({ id }: EmailConfirmation, later = 0) =>
    commands.anonymous({ issuedAt: issuedAt + later }).ConfirmEmail({ token: confirmationTokens.tokenFor(id) });
  const ask = (user: User, email: string, more: { password?: string; by?: User; later?: number } = {}) =>
    commands.as(commands.account(more.by?.id ?? user.id), { issuedAt: issuedAt + (more.later ?? 0) }).UpdateUser({
      userId: user.id,
      changes: { email, currentPassword: password, ...(more.password && { password: more.password }) },
    });
  const again = (user: User, later = 0) =>
    commands
      .as(commands.account(user.id), { issuedAt: issuedAt + later })
      .RequestEmailConfirmation({ userId: user.id });
  const link = (id: string) => commands.state().emailConfirmations.get(id);
  const linksOf = (user: User) =>
    [...commands.state().emailConfirmations.values()].filter((one) => one.userId === user.id);
  return { ...commands, newcomer, mover, admin, registration, change, confirm, ask, again, link, linksOf };
}

describe('confirming the address of a new account (product 1.12)', () => {
  test('a registration makes a link for a week, with the language and the time zone that were sent (product 1.14)', async () => {
    const { anonymous, state } = givenCommands();
    const chosen = { locale: 'de', timezone: 'Europe/Berlin' };
    const payload = { name: 'Ada', email: 'Ada@example.com', password, ...chosen };
    const { result } = await anonymous({ issuedAt }).RegisterUser(payload);
    expect([...state().emailConfirmations.values()]).toEqual([
      {
        ...{ id: result.id, userId: result.id, kind: 'registration', email: 'ada@example.com' },
        ...{ previousEmail: null, isPreviousConfirmed: false, expiresAt: issuedAt + 7 * day, usedAt: null },
      },
    ]);
    expect(state().settings.get(result.id)).toMatchObject({ ...chosen, emailNotifications: true, version: 1 });
  });

  test.each([{ locale: 'not a locale' }, { timezone: 'Europe/Atlantis' }])(
    'a registration with %j is refused as wrong (product 1.14)',
    async (wrong) => {
      const { anonymous, state } = givenCommands();
      const refused = anonymous().RegisterUser({ name: 'Ada', email: 'ada@example.com', password, ...wrong });
      await expect(refused).rejects.toThrow(/must be/);
      expect(state().users.size).toBe(0);
    },
  );

  test('the link confirms the address once, with an event that names neither address nor token', async () => {
    const { account, confirm, lastEvent, link, newcomer, registration, state } = givenLinks();
    expect((await confirm(registration)).result).toBeUndefined();
    expect(account(newcomer.id)).toEqual({ ...newcomer, version: 2, emailConfirmedAt: at, updatedAt: at });
    expect(link(registration.id)).toMatchObject({ usedAt: issuedAt, previousEmail: null });
    expect(lastEvent()).toMatchObject({
      ...{ type: 'UserEmailConfirmed', streamId: newcomer.id, version: 2 },
      data: { by: 'registration', confirmationId: registration.id },
    });
    expect(JSON.stringify(state())).not.toContain(confirmationTokens.tokenFor(registration.id));
    const before = state();
    await expect(confirm(registration)).rejects.toMatchObject(used);
    expect(state()).toBe(before);
  });

  test('a link works until a week after it was made, and not at that moment', async () => {
    const { account, confirm, newcomer, registration } = givenLinks();
    await expect(confirm(registration, 7 * day)).rejects.toMatchObject(ended);
    await confirm(registration, 7 * day - 1);
    expect(account(newcomer.id).emailConfirmedAt).not.toBeNull();
  });

  test.each<[string, (tokens: { id: string }) => string]>([
    ['another text', () => 'unknown'],
    ['an id alone', ({ id }) => id],
    ['a token of a password reset', ({ id }) => resetTokens.tokenFor(id)],
    ['a token with another id', ({ id }) => confirmationTokens.tokenFor(id).replace(id, newId())],
  ])('%s is no token of a link', async (_, make) => {
    const { anonymous, registration, state } = givenLinks();
    const before = state();
    const refused = anonymous({ issuedAt }).ConfirmEmail({ token: make(registration) });
    await expect(refused).rejects.toMatchObject({ kind: 'invalid', code: 'users.invalid-confirmation' });
    expect(state()).toBe(before);
  });

  test('a link works with the secret from before, and no longer when that secret is gone', async () => {
    const [old, next] = ['first-secret-0123456789-abcdefghij', 'other-secret-0123456789-abcdefghij'] as const;
    const token = givenLinks().registration.id;
    for (const [secrets, code] of [
      [[next, old], 'users.confirmation-ended'],
      [[next], 'users.invalid-confirmation'],
    ] as const) {
      const { anonymous } = givenCommands({ secrets });
      const refused = anonymous().ConfirmEmail({ token: confirmationTokens.tokenFor(token) });
      await expect(refused).rejects.toMatchObject({ code });
    }
  });

  test('the link of an account that is inactive or deleted does not work, and works again when the account is active', async () => {
    const { account, admin, as, confirm, newcomer, registration } = givenLinks();
    await as(admin).DeactivateUser({ userId: newcomer.id });
    await expect(confirm(registration)).rejects.toMatchObject(ended);
    await as(admin).ReactivateUser({ userId: newcomer.id });
    await confirm(registration);
    await as(account(newcomer.id)).DeleteUser({ userId: newcomer.id });
    await expect(confirm(registration)).rejects.toMatchObject(ended);
  });

  test('a password reset confirms the address to which its link was mailed, and uses the link of the registration up', async () => {
    const { account, anonymous, confirm, newcomer, registration, state, types } = givenLinks();
    const reset = { id: newId(), userId: newcomer.id, expiresAt: issuedAt + 1, usedAt: null };
    const token = resetTokens.tokenFor(reset.id);
    state().passwordResets.set(reset.id, { ...reset, tokenHash: hashSecret(token) });
    await anonymous({ issuedAt }).ConfirmPasswordReset({ token, password: 'another long password' });
    expect(account(newcomer.id)).toMatchObject({ version: 3, emailConfirmedAt: at, tokenGeneration: 2 });
    expect(types()).toEqual(['UserPasswordChanged', 'UserEmailConfirmed']);
    expect(state().events.map(({ version, data }) => [version, data])).toEqual([
      [2, { by: 'reset' }],
      [3, { by: 'password-reset', confirmationId: null }],
    ]);
    await expect(confirm(registration)).rejects.toMatchObject(used);
  });

  test('the first admin is confirmed, also one whose account existed before (product 2.8)', async () => {
    const created = givenCommands();
    const payload = { name: 'Administrator', email: 'admin@example.com', password };
    const { result } = await created.anonymous({ issuedAt }).CreateFirstAdmin(payload);
    expect(created.account(result?.id ?? '')).toMatchObject({ emailConfirmedAt: at });
    expect(created.state().emailConfirmations.size).toBe(0);

    const user = aUser({ email: payload.email, emailConfirmedAt: null });
    const registration = aLink({ userId: user.id, kind: 'registration', email: user.email });
    const restored = givenCommands({ users: [user] });
    restored.state().emailConfirmations.set(registration.id, registration);
    const { result: same } = await restored.anonymous({ issuedAt }).CreateFirstAdmin(payload);
    expect(restored.account(user.id)).toMatchObject({ emailConfirmedAt: at, version: same?.version });
    expect(restored.types()).toEqual(['UserPasswordChanged', 'UserRoleChanged', 'UserEmailConfirmed']);
    expect(restored.lastEvent()).toMatchObject({ version: 4, data: { by: 'configuration', confirmationId: null } });
    expect(restored.state().emailConfirmations.get(registration.id)?.usedAt).toBe(issuedAt);
  });
});

describe('changing the address (product 1.13)', () => {
  test('a new address is pending, and the account keeps the old one for signing in until the link is used', async () => {
    const { account, admin, anonymous, ask, confirm, linksOf, state } = givenLinks();
    await ask(admin, 'new@example.com');
    expect(account(admin.id)).toMatchObject({ email: admin.email, version: 2, tokenGeneration: 1, updatedAt: at });
    await anonymous().SignIn({ username: admin.email, password });
    const [link] = linksOf(admin);
    if (!link) throw new Error('The change has no link.');
    expect(link).toMatchObject({ kind: 'change', email: 'new@example.com', expiresAt: issuedAt + 7 * day });
    await confirm(link, day);
    expect(account(admin.id)).toMatchObject({ email: 'new@example.com', version: 4 });
    const { events } = state();
    expect(
      events.filter(({ streamId }) => streamId === admin.id).map(({ type, version, data }) => [type, version, data]),
    ).toEqual([
      ['EmailConfirmationRequested', 2, { purpose: 'change', confirmationId: link.id }],
      ['UserUpdated', 3, { fields: ['email'] }],
      ['UserEmailConfirmed', 4, { by: 'change', confirmationId: link.id }],
    ]);
    expect(JSON.stringify(events)).not.toContain('example.com');
    await expect(anonymous().SignIn({ username: admin.email, password })).rejects.toMatchObject({
      code: 'auth.invalid-grant',
    });
    await anonymous().SignIn({ username: 'new@example.com', password });
    await expect(confirm(link, day)).rejects.toMatchObject(used);
  });

  test('the used link keeps the old address for a week, for the e-mail that tells its owner', async () => {
    const { change, confirm, link, mover } = givenLinks();
    await confirm(change, 6 * day);
    const usedAt = issuedAt + 6 * day;
    const previous = { previousEmail: mover.email, isPreviousConfirmed: mover.emailConfirmedAt !== null };
    expect(link(change.id)).toEqual({ ...change, usedAt, ...previous, expiresAt: usedAt + 7 * day });
  });

  test('the used link knows whether anybody had confirmed the old address, where a stranger may have registered (product 1.9)', async () => {
    const { account, ask, confirm, link, linksOf, newcomer } = givenLinks();
    for (const [email, isConfirmed] of [
      ['new@example.com', false],
      ['newer@example.com', true],
    ] as const) {
      await ask(account(newcomer.id), email);
      const change = linksOf(newcomer).find(({ usedAt, kind }) => kind === 'change' && usedAt === null);
      await confirm(change as EmailConfirmation);
      expect(link(`${change?.id}`)?.isPreviousConfirmed).toBe(isConfirmed);
    }
  });

  test('a confirmed change confirms the address of an account that was never confirmed, and ends the link of its registration', async () => {
    const { account, ask, confirm, link, linksOf, newcomer, registration } = givenLinks();
    await ask(newcomer, 'new@example.com');
    const change = linksOf(newcomer).find(({ kind }) => kind === 'change');
    await confirm(change as EmailConfirmation);
    expect(account(newcomer.id)).toMatchObject({ email: 'new@example.com', emailConfirmedAt: at });
    expect(link(registration.id)).toBeUndefined();
    await expect(confirm(registration)).rejects.toMatchObject(ended);
  });

  test('a newer request replaces an older one, whose link does not work any more', async () => {
    const { ask, change, confirm, linksOf, mover } = givenLinks();
    await ask(mover, 'newer@example.com', { later: minute });
    expect(linksOf(mover)).toMatchObject([{ email: 'newer@example.com', usedAt: null }]);
    await expect(confirm(change, minute)).rejects.toMatchObject(ended);
    await confirm(linksOf(mover)[0] as EmailConfirmation, minute);
  });

  test('the same address again keeps the link for 15 minutes, and later gets a newer one', async () => {
    const { account, ask, change, linksOf, mover, types } = givenLinks();
    const { result } = await ask(mover, change.email, { later: 15 * minute - 1 });
    expect([result.version, types(), linksOf(mover)]).toEqual([3, [], [change]]);
    await ask(mover, change.email, { later: 15 * minute });
    expect(linksOf(mover)).toMatchObject([{ email: change.email, expiresAt: issuedAt + 15 * minute + 7 * day }]);
    expect(account(mover.id).version).toBe(4);
  });

  test.each<[string, (given: ReturnType<typeof givenLinks>) => unknown]>([
    [
      'a new password',
      ({ as, mover }) =>
        as(mover).UpdateUser({ userId: mover.id, changes: { password: 'a new password', currentPassword: password } }),
    ],
    ['a deactivation', ({ admin, as, mover }) => as(admin).DeactivateUser({ userId: mover.id })],
    ['another role', ({ admin, as, mover }) => as(admin).ChangeRole({ userId: mover.id, role: 'agent' })],
    [
      'a password reset',
      ({ anonymous, mover, state }) => {
        const id = newId();
        const token = resetTokens.tokenFor(id);
        const tokenHash = hashSecret(token);
        state().passwordResets.set(id, { id, userId: mover.id, expiresAt: issuedAt + 1, usedAt: null, tokenHash });
        return anonymous({ issuedAt }).ConfirmPasswordReset({ token, password: 'a new password' });
      },
    ],
  ])('%s ends the pending change, for which somebody else may have asked', async (_, change) => {
    const given = givenLinks();
    await change(given);
    expect(given.linksOf(given.mover)).toEqual([]);
    await expect(given.confirm(given.change)).rejects.toMatchObject(ended);
    expect(given.account(given.mover.id).email).toBe(given.mover.email);
  });

  test('an address that is sent together with a new password is pending after it', async () => {
    const { ask, change, linksOf, mover } = givenLinks();
    await ask(mover, change.email, { password: 'a new password', later: minute });
    expect(linksOf(mover)).toMatchObject([{ email: change.email, expiresAt: issuedAt + minute + 7 * day }]);
  });

  test('the address of another account is refused at once, and one that was taken meanwhile when it is confirmed (product 1.1)', async () => {
    const { account, admin, anonymous, ask, change, confirm, link, mover, state } = givenLinks();
    const taken = { kind: 'already-exists', code: 'users.email-taken' };
    const before = state();
    await expect(ask(mover, admin.email)).rejects.toMatchObject(taken);
    expect(state()).toBe(before);
    const { result } = await anonymous().RegisterUser({ name: 'Eve', email: change.email, password });
    await expect(confirm(change)).rejects.toMatchObject(taken);
    await expect(ask(mover, change.email)).rejects.toMatchObject(taken);
    expect(account(mover.id)).toEqual(mover);
    expect(link(change.id)).toEqual(change);
    await anonymous().SignIn({ username: change.email, password });
    const eve = account(result.id);
    expect(eve.email).toBe(change.email);
  });

  test('a pending change that nobody has confirmed ends after its week with an event, and not before', async () => {
    const { account, anonymous, change, lastEvent, linksOf, mover, registration, state } = givenLinks();
    const expire = (confirmationId: string, later: number) =>
      anonymous({ issuedAt: issuedAt + later }).ExpireEmailChange({ confirmationId });
    const before = state();
    for (const [id, later] of [
      [change.id, 7 * day - 1],
      [registration.id, 7 * day],
      [newId(), 7 * day],
    ] as const)
      expect((await expire(id, later)).result).toBeUndefined();
    expect(state().events).toEqual(before.events);
    expect((await expire(change.id, 7 * day)).result).toEqual({ id: mover.id, version: 4 });
    expect(linksOf(mover)).toEqual([]);
    expect(account(mover.id)).toMatchObject({ email: mover.email, version: 4 });
    expect(lastEvent()).toMatchObject({ type: 'EmailChangeExpired', streamId: mover.id, version: 4, data: {} });
    expect((await expire(change.id, 7 * day)).result).toBeUndefined();
  });

  test('a change that was confirmed does not expire', async () => {
    const { anonymous, change, confirm, link } = givenLinks();
    await confirm(change);
    const { result } = await anonymous({ issuedAt: issuedAt + 30 * day }).ExpireEmailChange({
      confirmationId: change.id,
    });
    expect([result, link(change.id)?.usedAt]).toEqual([undefined, issuedAt]);
  });
});

describe('asking for another link (product 1.12)', () => {
  test('within 15 minutes of the last link nothing is sent, and later a newer link ends the older one', async () => {
    const { account, again, confirm, lastEvent, linksOf, newcomer, registration, types } = givenLinks();
    expect((await again(newcomer, 15 * minute - 1)).result).toEqual({ id: newcomer.id, version: 1 });
    expect([types(), linksOf(newcomer)]).toEqual([[], [registration]]);
    expect((await again(newcomer, 15 * minute)).result).toEqual({ id: newcomer.id, version: 2 });
    const [link] = linksOf(newcomer);
    expect(linksOf(newcomer)).toMatchObject([{ kind: 'registration', email: newcomer.email, usedAt: null }]);
    expect(lastEvent()).toMatchObject({
      ...{ type: 'EmailConfirmationRequested', streamId: newcomer.id, version: 2 },
      data: { purpose: 'again', confirmationId: link?.id },
    });
    await expect(confirm(registration)).rejects.toMatchObject(ended);
    await confirm(link as EmailConfirmation, 15 * minute);
    expect(account(newcomer.id).emailConfirmedAt).not.toBeNull();
  });

  test('the link of a pending change is sent again to the new address', async () => {
    const { again, change, linksOf, mover } = givenLinks();
    await again(mover, 15 * minute);
    expect(linksOf(mover)).toMatchObject([{ kind: 'change', email: change.email, usedAt: null }]);
    expect(linksOf(mover)[0]?.id).not.toBe(change.id);
  });

  test('no link is sent again to an address that another account has by now', async () => {
    const { again, anonymous, change, linksOf, mover } = givenLinks();
    await anonymous().RegisterUser({ name: 'Eve', email: change.email, password });
    await expect(again(mover, 15 * minute)).rejects.toMatchObject({ code: 'users.email-taken' });
    expect(linksOf(mover)).toEqual([change]);
  });

  test('an account from before 0.7.0, which has no link, gets one', async () => {
    const { again, linksOf, newcomer, registration, state } = givenLinks();
    state().emailConfirmations.delete(registration.id);
    await again(newcomer);
    expect(linksOf(newcomer)).toMatchObject([{ kind: 'registration', email: newcomer.email }]);
  });

  test('the link of an address that an older version has changed since is not kept', async () => {
    const { again, confirm, linksOf, newcomer, registration, state } = givenLinks();
    state().users.set(newcomer.id, { ...newcomer, version: 2, email: 'changed@example.com' });
    await expect(confirm(registration)).rejects.toMatchObject(ended);
    await again(newcomer, minute);
    expect(linksOf(newcomer)).toMatchObject([{ email: 'changed@example.com' }]);
  });

  test('there is nothing to confirm for an account whose address is confirmed', async () => {
    const { again, admin } = givenLinks();
    const refused = { kind: 'conflict', code: 'users.email-confirmed', details: { userId: admin.id } };
    await expect(again(admin)).rejects.toMatchObject(refused);
  });

  test('another link is refused with 412 when If-Match names another version (product 6.3)', async () => {
    const { as, newcomer } = givenLinks();
    const refused = as(newcomer, { expectedVersion: 7 }).RequestEmailConfirmation({ userId: newcomer.id });
    await expect(refused).rejects.toMatchObject({ kind: 'precondition' });
  });

  test('another link of an unknown account is refused as not found', async () => {
    const { admin, as } = givenLinks();
    const refused = as(admin).RequestEmailConfirmation({ userId: newId() });
    await expect(refused).rejects.toMatchObject({ code: 'users.not-found' });
  });
});
