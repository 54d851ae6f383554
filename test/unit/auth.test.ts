import { describe, expect, test, vi } from 'vitest';
import type { AccessTokens } from '../../src/access/access-token';
import type { Passwords } from '../../src/access/passwords';
import { withPassword } from '../../src/auth/account';
import { createResetTokens } from '../../src/auth/reset-tokens';
import { createKeyedHashes, hashSecret, newSecret } from '../../src/auth/secret-token';
import {
  decideRefresh,
  isResetUsable,
  lifetimes,
  type RefreshDecision,
  type RefreshToken,
  type Session,
} from '../../src/auth/session';
import { newId } from '../../src/platform/ids';
import { verifyPassword } from '../../src/platform/password';
import type { User } from '../../src/users/user';
import { aUser, cheapPasswords, createdAt, outdatedPasswordHash, password, passwordHash } from '../support/factories';
import { givenCommands, resetTokens } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);
const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

describe('the lifetimes of secrets', () => {
  test('a refresh token lasts 30 days (product 2.1), the grace 10 seconds (product 2.3), a reset an hour (product 2.6)', () => {
    expect(lifetimes).toEqual({
      refreshTokenMs: 30 * day,
      refreshGraceMs: 10 * second,
      passwordResetMs: hour,
      knownNetworkMs: 30 * day,
      betweenResetsMs: 5 * 60_000,
    });
  });
});

describe('the rule what a refresh token leads to (product 2.3)', () => {
  const expiresAt = 100_000;

  test.each<[string, number, number | null, number | null, RefreshDecision]>([
    // what is tested, now, used at, revoked at, decision
    ['an unused refresh token is exchanged', 1, null, null, 'rotate'],
    ['an unused refresh token is exchanged in its last millisecond', expiresAt - 1, null, null, 'rotate'],
    ['an unused refresh token is refused at the moment it expires', expiresAt, null, null, 'refuse'],
    ['an unused refresh token is refused after it expired', expiresAt + 1, null, null, 'refuse'],
    ['a refresh token that is used twice in one millisecond is a race', 5000, 5000, null, 'retry'],
    ['a refresh token that was used ten seconds ago is a race', 15_000, 5000, null, 'retry'],
    ['a refresh token that was used more than ten seconds ago counts as stolen', 15_001, 5000, null, 'revoke'],
    ['a refresh token that was used long ago counts as stolen until it expires', expiresAt - 1, 5000, null, 'revoke'],
    ['a used refresh token is refused at the moment it expires, and revokes nothing', expiresAt, 5000, null, 'refuse'],
    ['a refresh token that was used at time 0 counts as used', 20_000, 0, null, 'revoke'],
    ['an unused refresh token of a revoked family is refused', 5000, null, 4000, 'refuse'],
    ['a refresh token of a family that was revoked at time 0 is refused', 5000, null, 0, 'refuse'],
    ['a refresh token of a revoked family is refused when it was used a moment ago', 5001, 5000, 4000, 'refuse'],
    ['a refresh token of a revoked family is refused when it was used long ago', 50_000, 5000, 4000, 'refuse'],
  ])('%s', (_, now, usedAt, revokedAt, expected) => {
    const session: Session = { id: 's', userId: 'u', version: 0, createdAt, revokedAt, network: null };
    const token: RefreshToken = { hash: 'h', sessionId: 's', expiresAt, usedAt };
    expect(decideRefresh(token, session, now)).toBe(expected);
  });
});

describe('the rule whether a password reset can be used (product 2.6)', () => {
  test.each<[string, number, number | null, boolean]>([
    ['a password reset can be used before it expires', 99, null, true],
    ['a password reset cannot be used at the moment it expires', 100, null, false],
    ['a password reset cannot be used after it expired', 101, null, false],
    ['a password reset cannot be used a second time', 50, 40, false],
    ['a password reset that was used at time 0 cannot be used again', 50, 0, false],
  ])('%s', (_, now, usedAt, expected) => {
    const reset = { id: 'r', userId: 'u', tokenHash: 'h', expiresAt: 100, usedAt };
    expect(isResetUsable(reset, now)).toBe(expected);
  });
});

test('a password reset raises the version and the token generation of the account (product 1.7)', () => {
  const user = aUser({ version: 5, tokenGeneration: 3 });
  expect(withPassword(user, 'new')).toEqual({ ...user, passwordHash: 'new', version: 6, tokenGeneration: 4 });
});

describe('secrets', () => {
  const [current, previous] = ['first-secret-0123456789-abcdefghij', 'second-secret-0123456789-abcdefghi'];

  test('a secret has 256 random bits, and is stored as a hash (product 2.1)', () => {
    const [one, two] = [newSecret(), newSecret()];
    expect(one).toMatch(/^[\w-]{43}$/);
    expect(one).not.toBe(two);
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('each secret makes another fingerprint of the same text, and that of the current secret is the first', () => {
    const hashA = (...secrets: [string, ...string[]]) => createKeyedHashes(secrets)('a');
    const [first, second] = hashA(current, previous);
    expect([first, second]).toEqual(Array(2).fill(expect.stringMatching(/^[0-9a-f]{64}$/)));
    expect(first).not.toBe(second);
    expect([hashA(current), hashA(previous)]).toEqual([[first], [second]]);
    expect(createKeyedHashes([current])('b')).not.toEqual([first]);
  });

  test('the secrets are encoded once, and not for each fingerprint', () => {
    const fingerprints = createKeyedHashes([current, previous]);
    const encode = vi.spyOn(TextEncoder.prototype, 'encode');
    fingerprints('a');
    expect(encode).not.toHaveBeenCalled();
    encode.mockRestore();
  });

  test('the stored hash of a reset counts with the secret of its request, as long as the secret is known', () => {
    const [id, otherId] = [newId(), newId()];
    const stored = hashSecret(createResetTokens([previous]).tokenFor(id));
    expect(createResetTokens([previous]).isHashFor(id, stored)).toBe(true);
    expect(createResetTokens([current, previous]).isHashFor(id, stored)).toBe(true);
    expect(createResetTokens([current]).isHashFor(id, stored)).toBe(false);
    expect(createResetTokens([current, previous]).isHashFor(otherId, stored)).toBe(false);
  });

  test('a reset token names its reset, also after the secret was changed (product 2.6)', () => {
    const id = newId();
    const token = createResetTokens([previous]).tokenFor(id);
    expect(createResetTokens([previous]).idOf(token)).toBe(id);
    expect(createResetTokens([current, previous]).idOf(token)).toBe(id);
    expect(createResetTokens([current, previous]).tokenFor(id)).toBe(createResetTokens([current]).tokenFor(id));
  });

  test('a reset token that was not made with a known secret is refused', () => {
    const tokens = createResetTokens([current]);
    const [id, otherId] = [newId(), newId()];
    const mac = tokens.tokenFor(id).split('.')[1];
    const forged = [
      createResetTokens([previous]).tokenFor(id),
      `${otherId}.${mac}`,
      `${id}.${mac}.more`,
      `${id}.${mac?.slice(1)}`,
      `${id}.${mac?.slice(0, 20)}`,
      `${id}.`,
      id,
      `.${mac}`,
      '',
    ];
    expect(forged.map(tokens.idOf)).toEqual(forged.map(() => undefined));
  });
});

/** Access tokens that run something before the next one is issued, which is between the command's reads and its commit. */
function interruptedTokens() {
  const { accessTokens } = givenCommands();
  const interruptions: (() => Promise<unknown>)[] = [];
  const interrupted: AccessTokens = {
    verify: accessTokens.verify,
    async issue(caller) {
      await interruptions.shift()?.();
      return accessTokens.issue(caller);
    },
  };
  return { accessTokens: interrupted, interruptions };
}

describe('signing in', () => {
  test('a sign-in starts a session, returns a pair of tokens and sets lastLoginAt with an event (product 2.1, 2.5)', async () => {
    const user = aUser();
    const { account, accessTokens, anonymous, lastEvent, state } = givenCommands({ users: [user] });
    const payload = { username: ` ${user.email.toUpperCase()} `, password, network: '192.0.2.7' };
    const sent = anonymous({ issuedAt }).SignIn(payload);
    const { result } = await sent;
    expect(result).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    expect(result.refresh_token).toMatch(/^[\w-]{43}$/);
    expect(await accessTokens.verify(result.access_token)).toEqual({
      userId: user.id,
      role: 'customer',
      tokenGeneration: 1,
      sessionId: expect.any(String),
    });
    const [session] = state().sessions.values();
    expect(session).toEqual({
      id: expect.any(String),
      userId: user.id,
      version: 1,
      createdAt: at,
      revokedAt: null,
      network: 'hash of 192.0.2.7',
    });
    const hash = hashSecret(result.refresh_token);
    const expiresAt = issuedAt + 30 * day;
    expect([...state().refreshTokens.values()]).toEqual([{ hash, sessionId: session?.id, expiresAt, usedAt: null }]);
    // The account keeps its version, so that a sign-in elsewhere does not end what a client has read (If-Match).
    expect(account(user.id)).toEqual({ ...user, lastLoginAt: at });
    expect(lastEvent()).toMatchObject({
      type: 'SessionStarted',
      streamId: session?.id,
      version: 1,
      data: { userId: user.id },
    });
    expect(JSON.stringify(state())).not.toContain(result.refresh_token);
  });

  test.each([
    ['an unknown address', { username: 'nobody@example.com' }],
    ['a wrong password', { password: 'not the password' }],
    ['a deactivated account', {}],
  ])('a sign-in with %s gets the refusal that every failed sign-in gets (product 2.2)', async (name, wrong) => {
    const user = aUser({ isActive: name !== 'a deactivated account' });
    const { anonymous, state } = givenCommands({ users: [user] });
    const before = state();
    const refused = anonymous().SignIn({ username: user.email, password, ...wrong });
    await expect(refused).rejects.toMatchObject({ kind: 'invalid', code: 'auth.invalid-grant', details: {} });
    expect(state()).toBe(before);
  });

  test('a sign-in replaces a password hash that was made with other parameters (product 1.3)', async () => {
    const user = aUser({ passwordHash: outdatedPasswordHash });
    const { account, anonymous } = givenCommands({ users: [user] });
    await anonymous().SignIn({ username: user.email, password });
    const renewed = account(user.id).passwordHash;
    expect(await cheapPasswords.verify(password, renewed)).toEqual({ ok: true, needsRehash: false });
    await anonymous().SignIn({ username: user.email, password });
    expect(account(user.id).passwordHash).toBe(renewed);
  });

  /** Passwords that count the hashes, and run something during the next one. */
  function interruptedPasswords() {
    const interruptions: (() => Promise<unknown>)[] = [];
    const hashes: string[] = [];
    const passwords: Passwords = {
      async hash(secret) {
        hashes.push(`hash ${secret}`);
        return cheapPasswords.hash(secret);
      },
      async verify(secret, storedHash) {
        hashes.push(`verify ${secret}`);
        const verified = await cheapPasswords.verify(secret, storedHash);
        await interruptions.shift()?.();
        return verified;
      },
    };
    return { hashes, interruptions, passwords };
  }

  test('sign-ins at the same time do not conflict, so each hashes once (product 2.5)', async () => {
    const user = aUser();
    const { hashes, interruptions, passwords } = interruptedPasswords();
    const { account, anonymous, state } = givenCommands({ users: [user], passwords });
    const signIn = (time: number) => anonymous({ issuedAt: time }).SignIn({ username: user.email, password });
    interruptions.push(() => signIn(issuedAt + 5));
    await signIn(issuedAt);
    expect(hashes).toEqual([`verify ${password}`, `verify ${password}`]);
    expect(state().sessions.size).toBe(2);
    expect(account(user.id)).toEqual({ ...user, lastLoginAt: '2026-03-01T10:00:00.005Z' });
  });

  test('a change of the account during a sign-in does not conflict with it, and both are kept (product 2.5)', async () => {
    const user = aUser();
    const { hashes, interruptions, passwords } = interruptedPasswords();
    const { account, anonymous, as } = givenCommands({ users: [user], passwords });
    const signIn = () => anonymous({ issuedAt }).SignIn({ username: user.email, password });
    const rename = (name: string, changes = {}) =>
      as(user, { issuedAt, expectedVersion: name === 'A' ? 1 : 2 }).UpdateUser({
        userId: user.id,
        changes: { name, ...changes },
      });
    interruptions.push(() => rename('A'));
    await signIn();
    interruptions.push(signIn);
    await rename('B', { email: 'b@example.com', currentPassword: password });
    expect(hashes).toHaveLength(3);
    expect(account(user.id)).toMatchObject({ name: 'B', version: 4, lastLoginAt: at });
  });

  test('a hash that a sign-in makes again is not put back by a change of the account at the same time', async () => {
    const user = aUser({ passwordHash: outdatedPasswordHash });
    const { interruptions, passwords } = interruptedPasswords();
    const { account, anonymous, as } = givenCommands({ users: [user], passwords });
    interruptions.push(() => anonymous().SignIn({ username: user.email, password }));
    await as(user).UpdateUser({ userId: user.id, changes: { email: 'b@example.com', currentPassword: password } });
    expect(account(user.id).passwordHash).not.toBe(outdatedPasswordHash);
  });

  test.each(['ChangeRole', 'DeactivateUser', 'UpdateUser'] as const)(
    'a sign-in whose account is changed by %s while the password is hashed decides again (product 1.7)',
    async (name) => {
      const [user, admin] = [aUser(), aUser({ role: 'admin' })];
      const { interruptions, passwords } = interruptedPasswords();
      const { accessTokens, anonymous, as, state } = givenCommands({ users: [user, admin], passwords });
      const changes = { password: 'another long password', currentPassword: password };
      interruptions.push(() =>
        ({
          ChangeRole: () => as(admin).ChangeRole({ userId: user.id, role: 'agent' }),
          DeactivateUser: () => as(admin).DeactivateUser({ userId: user.id }),
          UpdateUser: () => as(user).UpdateUser({ userId: user.id, changes }),
        })[name](),
      );
      const signedIn = anonymous().SignIn({ username: user.email, password });
      if (name === 'ChangeRole') {
        const issued = await accessTokens.verify((await signedIn).result.access_token);
        expect(issued).toMatchObject({ role: 'agent', tokenGeneration: 2 });
      } else {
        await expect(signedIn).rejects.toMatchObject({ code: 'auth.invalid-grant' });
        expect(state().sessions.size).toBe(0);
      }
    },
  );

  test('a sign-in during the deletion of the account is refused as if the account did not exist (product 2.2)', async () => {
    const user = aUser();
    const { accessTokens, interruptions } = interruptedTokens();
    const { anonymous, as, state } = givenCommands({ users: [user], accessTokens });
    interruptions.push(() => as(user).DeleteUser({ userId: user.id }));
    const refused = anonymous().SignIn({ username: user.email, password });
    await expect(refused).rejects.toMatchObject({ code: 'auth.invalid-grant' });
    expect(state().sessions.size).toBe(0);
  });

  test('a sign-in reads from the primary, and issues no access token for a password that was changed there', async () => {
    const user = aUser();
    const { accessTokens, interruptions } = interruptedTokens();
    const { anonymous, freezeReplica, state } = givenCommands({ users: [user], accessTokens });
    freezeReplica();
    state().users.set(user.id, { ...user, passwordHash: passwordHash.replace(/.{4}$/, 'AAAA') });
    interruptions.push(async () => expect.unreachable('An access token was issued.'));
    const refused = anonymous({ readFrom: 'first-unconstrained' }).SignIn({ username: user.email, password });
    await expect(refused).rejects.toMatchObject({ code: 'auth.invalid-grant' });
  });

  test('a sign-in during a change of role issues a token for the new role and the new generation (product 1.7)', async () => {
    const [user, admin] = [aUser(), aUser({ role: 'admin' })];
    const { accessTokens, interruptions } = interruptedTokens();
    const { anonymous, as } = givenCommands({ users: [user, admin], accessTokens });
    interruptions.push(() => as(admin).ChangeRole({ userId: user.id, role: 'agent' }));
    const { result } = await anonymous().SignIn({ username: user.email, password });
    expect(await accessTokens.verify(result.access_token)).toMatchObject({ role: 'agent', tokenGeneration: 2 });
  });
});

describe('refreshing', () => {
  function given(options: { user?: User; token?: Partial<RefreshToken>; session?: Partial<Session> } = {}) {
    const { user = aUser() } = options;
    const admin = aUser({ role: 'admin' });
    const { accessTokens, interruptions } = interruptedTokens();
    const commands = givenCommands({ users: [user, admin], accessTokens });
    const { anonymous, state } = commands;
    const session: Session = {
      id: newId(),
      userId: user.id,
      version: 0,
      createdAt,
      revokedAt: null,
      network: null,
      ...options.session,
    };
    const token: RefreshToken = {
      hash: hashSecret('first'),
      sessionId: session.id,
      expiresAt: issuedAt + day,
      usedAt: null,
      ...options.token,
    };
    state().sessions.set(session.id, session);
    state().refreshTokens.set(token.hash, token);
    const refresh = (refreshToken = 'first', context: object = {}) =>
      anonymous({ issuedAt, ...context }).RefreshSession({ refreshToken });
    const storedSession = () => state().sessions.get(session.id);
    const storedToken = () => state().refreshTokens.get(token.hash);
    return {
      ...commands,
      accessTokens,
      interruptions,
      user,
      admin,
      session,
      token,
      refresh,
      storedSession,
      storedToken,
    };
  }

  test('a refresh exchanges the token for a new pair, and does not change lastLoginAt (product 2.3, 2.5)', async () => {
    const user = aUser({ role: 'agent', tokenGeneration: 6 });
    const { account, accessTokens, lastEvent, refresh, session, state, storedSession, storedToken } = given({ user });
    const { result } = await refresh();
    expect(result).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    const issued = await accessTokens.verify(result?.access_token ?? '');
    expect(issued).toEqual({ userId: user.id, role: 'agent', tokenGeneration: 6, sessionId: session.id });
    expect(storedToken()?.usedAt).toBe(issuedAt);
    const hash = hashSecret(result?.refresh_token ?? '');
    const added = { hash, sessionId: session.id, expiresAt: issuedAt + 30 * day, usedAt: null };
    expect(state().refreshTokens.get(hash)).toEqual(added);
    expect(storedSession()).toEqual({ ...session, version: 1 });
    expect(lastEvent()).toMatchObject({ type: 'SessionRefreshed', streamId: session.id, version: 1, data: {} });
    expect(account(user.id)).toEqual(user);
    expect((await refresh(result?.refresh_token)).result).toMatchObject({ token_type: 'Bearer' });
  });

  test.each<[string, Parameters<typeof given>[0]]>([
    ['a token that expired', { token: { expiresAt: issuedAt } }],
    ['a token of a revoked session', { session: { revokedAt: 1 } }],
    ['a token of an account that is not active', { user: aUser({ isActive: false }) }],
    ['a used token of an account that is not active', { user: aUser({ isActive: false }), token: { usedAt: 1 } }],
  ])('a refresh with %s returns nothing and changes nothing', async (_, options) => {
    const { refresh, state } = given(options);
    const before = structuredClone(state());
    expect((await refresh()).result).toBeUndefined();
    expect(state()).toEqual(before);
  });

  test('a refresh with an unknown token returns nothing and changes nothing', async () => {
    const { refresh, types } = given();
    expect((await refresh('unknown')).result).toBeUndefined();
    expect(types()).toEqual([]);
  });

  test('a second refresh within ten seconds gets an error with Retry-After, and no token (product 2.3)', async () => {
    const { refresh, state } = given({ token: { usedAt: issuedAt - 10 * second } });
    const before = state();
    await expect(refresh()).rejects.toMatchObject({
      kind: 'invalid',
      code: 'auth.refresh-raced',
      details: { retryAfterSeconds: 1 },
    });
    expect(state()).toBe(before);
  });

  test('a second refresh after ten seconds revokes the family, whose newer token is refused too (product 2.3)', async () => {
    const { lastEvent, refresh, session, storedSession } = given();
    const { result } = await refresh();
    const later = issuedAt + 11 * second;
    expect((await refresh('first', { issuedAt: later })).result).toBeUndefined();
    expect(storedSession()).toEqual({ ...session, version: 2, revokedAt: later });
    expect(lastEvent()).toMatchObject({ type: 'SessionRevoked', version: 2, data: { reason: 'reuse' } });
    expect((await refresh(result?.refresh_token, { issuedAt: later })).result).toBeUndefined();
  });

  test('a refresh conflicts with nothing but its own session (product 2.3)', async () => {
    const { account, as, anonymous, interruptions, refresh, session, state, user } = given();
    const issued: string[] = [];
    interruptions.push(async () => {
      issued.push('first');
      await anonymous().SignIn({ username: user.email, password });
      await as(user).UpdateUser({ userId: user.id, changes: { name: 'Countess' } });
      const other = { ...session, id: newId() };
      state().sessions.set(other.id, other);
      state().refreshTokens.set('x', { hash: 'x', sessionId: other.id, expiresAt: issuedAt + day, usedAt: null });
    });
    interruptions.push(async () => void issued.push('sign-in'));
    interruptions.push(async () => expect.unreachable('The refresh ran again.'));
    expect((await refresh()).result).toMatchObject({ token_type: 'Bearer' });
    expect(issued).toEqual(['first', 'sign-in']);
    expect(account(user.id)).toMatchObject({ name: 'Countess', version: 2 });
  });

  test('a refresh while a role changes issues a token of the new generation, and none of the old one (product 1.7)', async () => {
    const { accessTokens, admin, as, interruptions, refresh, state, user } = given();
    interruptions.push(() => as(admin).ChangeRole({ userId: user.id, role: 'agent' }));
    const { result } = await refresh();
    const issued = await accessTokens.verify(result?.access_token ?? '');
    expect(issued).toMatchObject({ userId: user.id, role: 'agent', tokenGeneration: 2 });
    expect(state().refreshTokens.size).toBe(2);
  });

  test.each(['DeactivateUser', 'DeleteUser'] as const)(
    'a refresh while %s is carried out issues nothing (product 1.7)',
    async (name) => {
      const { admin, as, interruptions, refresh, state, user } = given();
      interruptions.push(() => as(admin)[name]({ userId: user.id }));
      expect((await refresh()).result).toBeUndefined();
      expect(state().refreshTokens.size).toBe(name === 'DeleteUser' ? 0 : 1);
    },
  );

  test('a refresh while the session is signed out issues nothing (product 2.4)', async () => {
    const { anonymous, interruptions, refresh, storedSession, state } = given();
    interruptions.push(() => anonymous({ issuedAt }).SignOut({ refreshToken: 'first' }));
    expect((await refresh()).result).toBeUndefined();
    expect(storedSession()).toMatchObject({ revokedAt: issuedAt });
    expect(state().refreshTokens.size).toBe(1);
  });

  test('two refreshes at the same time issue one token, and one of them is told to try again (product 2.3)', async () => {
    const { interruptions, refresh, state } = given();
    const winner: Promise<unknown>[] = [];
    interruptions.push(async () => {
      const other = refresh();
      winner.push(other);
      await other;
    });
    await expect(refresh()).rejects.toMatchObject({ code: 'auth.refresh-raced' });
    expect(await winner[0]).toMatchObject({ result: { token_type: 'Bearer' } });
    expect(state().refreshTokens.size).toBe(2);
  });

  test('a refresh reads from the primary, and issues no access token for a refresh token that was used there', async () => {
    const { freezeReplica, interruptions, refresh, state, token } = given();
    freezeReplica();
    state().refreshTokens.set(token.hash, { ...token, usedAt: issuedAt });
    interruptions.push(async () => expect.unreachable('An access token was issued.'));
    const refused = refresh('first', { readFrom: 'first-unconstrained' });
    await expect(refused).rejects.toMatchObject({ code: 'auth.refresh-raced' });
  });
});

describe('a response with tokens', () => {
  test('a response with tokens is not stored under an Idempotency-Key (product 6.2)', async () => {
    const user = aUser();
    const { anonymous, state } = givenCommands({ users: [user] });
    const context = { commandId: 'command', isRepeatable: true };
    const first = await anonymous(context).SignIn({ username: user.email, password });
    const refresh = () => anonymous(context).RefreshSession({ refreshToken: first.result.refresh_token });
    expect((await refresh()).isReplayed).toBeUndefined();
    await expect(refresh()).rejects.toMatchObject({ code: 'auth.refresh-raced' });
    expect(state().responses.size).toBe(0);
  });
});

describe('signing out (product 2.4)', () => {
  function given(revokedAt: number | null = null) {
    const user = aUser();
    const commands = givenCommands({ users: [user] });
    const session = { id: newId(), userId: user.id, version: 3, createdAt, revokedAt, network: null };
    const hash = hashSecret('first');
    commands.state().sessions.set(session.id, session);
    commands.state().refreshTokens.set(hash, { hash, sessionId: session.id, expiresAt: 0, usedAt: 0 });
    return {
      ...commands,
      session,
      signOut: (refreshToken: string) => commands.anonymous({ issuedAt }).SignOut({ refreshToken }),
    };
  }

  test('a sign-out revokes the family of the token, also where the token is used or expired', async () => {
    const { lastEvent, session, signOut, state } = given();
    await signOut('first');
    expect(state().sessions.get(session.id)).toEqual({ ...session, version: 4, revokedAt: issuedAt });
    expect(lastEvent()).toMatchObject({ type: 'SessionRevoked', version: 4, data: { reason: 'logout' } });
  });

  test('a sign-out of a family that is revoked already changes nothing', async () => {
    const { session, signOut, state, types } = given(1);
    await signOut('first');
    expect([state().sessions.get(session.id), types()]).toEqual([session, []]);
  });

  test('a sign-out with an unknown token changes nothing', async () => {
    const { session, signOut, state, types } = given();
    await signOut('unknown');
    expect([state().sessions.get(session.id), types()]).toEqual([session, []]);
  });
});

describe('resetting a password (product 2.6)', () => {
  const newPassword = 'a brand new password';

  /** An account that has asked for a reset, with the token of the e-mail's link. */
  async function givenRequest(user: User = aUser()) {
    const commands = givenCommands({ users: [user] });
    await commands.anonymous({ issuedAt }).RequestPasswordReset({ email: user.email.toUpperCase() });
    const [reset] = commands.state().passwordResets.values();
    const token = resetTokens.tokenFor(reset?.id ?? '');
    const confirm = (overrides: { token?: string; issuedAt?: number } = {}) =>
      commands
        .anonymous({ issuedAt: overrides.issuedAt ?? issuedAt })
        .ConfirmPasswordReset({ token: overrides.token ?? token, password: newPassword });
    return { ...commands, user, reset, token, confirm };
  }

  const refused = { kind: 'invalid', code: 'auth.invalid-reset-token' };
  const fiveMinutes = 5 * 60_000;

  test.each([
    ['at the same moment', 0],
    ['just before the five minutes are over', fiveMinutes - 1],
    // Clocks of several machines differ.
    ['by a clock that is a minute behind', -60_000],
  ])('a second request %s changes nothing, and the first link stays valid', async (_, later) => {
    const { anonymous, confirm, state, user } = await givenRequest();
    const before = state();
    const { result } = await anonymous({ issuedAt: issuedAt + later }).RequestPasswordReset({ email: user.email });
    expect([result, state().events, state().passwordResets]).toEqual([undefined, before.events, before.passwordResets]);
    await confirm({ issuedAt: issuedAt + fiveMinutes });
  });

  test('a request within five minutes has no effect, also when the first link was used by then', async () => {
    const { anonymous, confirm, types, user } = await givenRequest();
    await confirm();
    await anonymous({ issuedAt: issuedAt + fiveMinutes - 1 }).RequestPasswordReset({ email: user.email });
    expect(types()).toEqual(['PasswordResetRequested', 'UserPasswordChanged']);
    await anonymous({ issuedAt: issuedAt + fiveMinutes }).RequestPasswordReset({ email: user.email });
    expect(types().at(-1)).toBe('PasswordResetRequested');
  });

  test('of requests at the same time one is recorded, and each account has its own five minutes', async () => {
    const [user, other] = [aUser(), aUser()];
    const { anonymous, types } = givenCommands({ users: [user, other] });
    const ask = ({ email }: User) => anonymous({ issuedAt }).RequestPasswordReset({ email });
    await Promise.all([ask(user), ask(user), ask(user), ask(other)]);
    expect(types()).toEqual(['PasswordResetRequested', 'PasswordResetRequested']);
  });

  type Ended = Awaited<ReturnType<typeof givenRequest>> & { admin: User };

  test.each<[string, (given: Ended) => unknown, boolean]>([
    [
      'a newer link',
      ({ anonymous, user }) =>
        anonymous({ issuedAt: issuedAt + fiveMinutes }).RequestPasswordReset({ email: user.email }),
      true,
    ],
    [
      'a new password',
      ({ as, user }) =>
        as(user).UpdateUser({ userId: user.id, changes: { password: newPassword, currentPassword: password } }),
      true,
    ],
    ['the use of the link', ({ confirm }) => confirm(), true],
    ['a new address', ({ changeEmail, user }) => changeEmail(user, 'new@example.com'), true],
    [
      'a new address that an admin has sent',
      ({ admin, changeEmail, user }) => changeEmail(user, 'new@example.com', admin),
      true,
    ],
    [
      'a new address that nobody has confirmed',
      ({ as, user }) =>
        as(user).UpdateUser({ userId: user.id, changes: { email: 'new@example.com', currentPassword: password } }),
      false,
    ],
    [
      'a deactivation, also when the account is active again',
      async ({ admin, as, user }) => {
        await as(admin).DeactivateUser({ userId: user.id });
        await as(admin).ReactivateUser({ userId: user.id });
      },
      true,
    ],
    ['the deletion of the account', ({ as, user }) => as(user).DeleteUser({ userId: user.id }), true],
    ['a new name', ({ as, user }) => as(user).UpdateUser({ userId: user.id, changes: { name: 'Countess' } }), false],
    ['a new role', ({ admin, as, user }) => as(admin).ChangeRole({ userId: user.id, role: 'agent' }), false],
    ['a sign-in', ({ anonymous, user }) => anonymous().SignIn({ username: user.email, password }), false],
  ])('an open link after %s', async (_, end, isEnded) => {
    const given = await givenRequest(aUser());
    const admin = aUser({ role: 'admin' });
    given.state().users.set(admin.id, admin);
    await end({ ...given, admin });
    // The same batch that changed the account has ended the link.
    const [reset] = [...given.state().passwordResets.values()].filter(({ id }) => id === given.reset?.id);
    expect(reset === undefined || reset.usedAt !== null).toBe(isEnded);
    if (isEnded) await expect(given.confirm()).rejects.toMatchObject(refused);
    else await given.confirm();
  });

  test.each<[string, (given: Ended) => unknown]>([
    ['a new address', ({ changeEmail, user }) => changeEmail(user, 'new@example.com')],
    ['a deactivation', ({ admin, as, user }) => as(admin).DeactivateUser({ userId: user.id })],
    ['the deletion of the account', ({ as, user }) => as(user).DeleteUser({ userId: user.id })],
  ])('a request that read the account before %s leaves no open link', async (_, change) => {
    const user = aUser();
    const admin = aUser({ role: 'admin' });
    const commands = givenCommands({ users: [user, admin] });
    const given = { ...commands, user, admin } as unknown as Ended;
    await Promise.all([commands.anonymous({ issuedAt }).RequestPasswordReset({ email: user.email }), change(given)]);
    const open = [...commands.state().passwordResets.values()].filter(({ usedAt }) => usedAt === null);
    expect(open).toEqual([]);
  });

  test('a reset request is recorded for an hour, and the token of its link is in no row and in no event', async () => {
    const { lastEvent, reset, state, token, user } = await givenRequest();
    expect(reset).toEqual({
      id: expect.any(String),
      userId: user.id,
      tokenHash: hashSecret(token),
      expiresAt: issuedAt + hour,
      usedAt: null,
    });
    expect(lastEvent()).toMatchObject({
      type: 'PasswordResetRequested',
      streamId: reset?.id,
      data: { userId: user.id },
    });
    expect(JSON.stringify(state())).not.toContain(token);
  });

  test.each([
    ['an unknown address', 'nobody@example.com', true],
    ['an address of an account that is not active', 'inactive@example.com', false],
  ])('a reset request for %s leaves nothing, and gets the usual response', async (_, email, isActive) => {
    const { anonymous, state } = givenCommands({ users: [aUser({ email: 'inactive@example.com', isActive })] });
    const { result } = await anonymous().RequestPasswordReset({ email });
    expect(result).toBeUndefined();
    expect([state().passwordResets.size, state().events]).toEqual([0, []]);
  });

  test('a reset request leaves nothing for an account that was deleted since the replica was updated', async () => {
    const user = aUser();
    const { anonymous, as, freezeReplica, types } = givenCommands({ users: [user] });
    freezeReplica();
    await as(user).DeleteUser({ userId: user.id });
    const context = { readFrom: 'first-unconstrained' };
    const { result } = await anonymous(context).RequestPasswordReset({ email: user.email });
    expect([result, types()]).toEqual([undefined, ['UserDeleted']]);
  });

  test('a reset at the end of its hour sets the password once, raises the generation and revokes every session', async () => {
    const { account, confirm, lastEvent, reset, state, user } = await givenRequest(aUser({ version: 4 }));
    state().sessions.set('s', { id: 's', userId: user.id, version: 0, createdAt, revokedAt: null, network: null });
    const confirmedAt = issuedAt + hour - 1;
    await confirm({ issuedAt: confirmedAt });
    const changed = account(user.id);
    expect(changed).toEqual({
      ...user,
      version: 5,
      tokenGeneration: 2,
      passwordHash: changed.passwordHash,
      updatedAt: '2026-03-01T10:59:59.999Z',
    });
    expect((await verifyPassword(newPassword, changed.passwordHash)).ok).toBe(true);
    expect(state().sessions.get('s')?.revokedAt).toBe(confirmedAt);
    expect(state().passwordResets.get(reset?.id ?? '')?.usedAt).toBe(confirmedAt);
    expect(lastEvent()).toMatchObject({
      type: 'UserPasswordChanged',
      streamId: user.id,
      version: 5,
      data: { by: 'reset' },
    });
    const before = state();
    await expect(confirm()).rejects.toMatchObject(refused);
    expect(state()).toBe(before);
  });

  test('a reset is refused when a newer link was asked for, and the newer link works once', async () => {
    const { anonymous, confirm, reset, state, user } = await givenRequest();
    await anonymous({ issuedAt: issuedAt + fiveMinutes }).RequestPasswordReset({ email: user.email });
    const newer = [...state().passwordResets.keys()].find((id) => id !== reset?.id) ?? '';
    await expect(confirm()).rejects.toMatchObject(refused);
    await confirm({ token: resetTokens.tokenFor(newer) });
    await expect(confirm({ token: resetTokens.tokenFor(newer) })).rejects.toMatchObject(refused);
  });

  test.each<[string, (given: Awaited<ReturnType<typeof givenRequest>>) => unknown]>([
    [
      'password',
      ({ as, user }) =>
        as(user).UpdateUser({ userId: user.id, changes: { password: newPassword, currentPassword: password } }),
    ],
    ['address', ({ changeEmail, user }) => changeEmail(user, 'new@example.com')],
  ])('a reset is refused after the account has got another %s', async (_, change) => {
    const given = await givenRequest(aUser());
    await change(given);
    await expect(given.confirm()).rejects.toMatchObject(refused);
  });

  test('a reset works after a change of the name and after a reset of another account', async () => {
    const { anonymous, as, confirm, state, user } = await givenRequest();
    const other = aUser();
    state().users.set(other.id, other);
    await as(user).UpdateUser({ userId: user.id, changes: { name: 'Countess' } });
    await anonymous({ issuedAt }).RequestPasswordReset({ email: other.email });
    await confirm();
  });

  test('a reset is refused when a newer link is asked for between its read and its commit', async () => {
    const { anonymous, confirm, state, user, types } = await givenRequest();
    const confirming = confirm();
    await anonymous({ issuedAt: issuedAt + fiveMinutes }).RequestPasswordReset({ email: user.email });
    await expect(confirming).rejects.toMatchObject(refused);
    expect([state().passwordResets.size, types()]).toEqual([2, ['PasswordResetRequested', 'PasswordResetRequested']]);
  });

  test('a link that was sent after a change of the secret works, although it was asked for before the change', async () => {
    const secrets = ['new-secret-0123456789-abcdefghijkl', 'old-secret-0123456789-abcdefghijkl'] as const;
    const user = aUser();
    const before = givenCommands({ users: [user], secrets: [secrets[1]] });
    await before.anonymous({ issuedAt }).RequestPasswordReset({ email: user.email });
    const after = givenCommands({ secrets });
    Object.assign(after.state(), before.state());
    const [id = ''] = before.state().passwordResets.keys();
    const token = createResetTokens(secrets).tokenFor(id);
    await after.anonymous({ issuedAt }).ConfirmPasswordReset({ token, password: newPassword });
    expect(after.account(user.id).version).toBe(2);
  });

  test('a reset is refused when its hour is over', async () => {
    const { confirm } = await givenRequest();
    await expect(confirm({ issuedAt: issuedAt + hour })).rejects.toMatchObject(refused);
  });

  test('a reset is refused for an account that was deactivated or deleted after the request', async () => {
    const { account, confirm, state, user } = await givenRequest();
    state().users.set(user.id, { ...account(user.id), isActive: false });
    await expect(confirm()).rejects.toMatchObject(refused);
    state().users.delete(user.id);
    await expect(confirm()).rejects.toMatchObject(refused);
  });

  test('a reset is refused for a token of another secret, of an unknown reset or with a hash that is not stored', async () => {
    const { confirm, reset, state } = await givenRequest();
    const id = reset?.id ?? '';
    const forged = createResetTokens(['second-secret-0123456789-abcdefghi']).tokenFor(id);
    await expect(confirm({ token: forged })).rejects.toMatchObject(refused);
    await expect(confirm({ token: resetTokens.tokenFor(newId()) })).rejects.toMatchObject(refused);
    await expect(confirm({ token: 'nonsense' })).rejects.toMatchObject(refused);
    if (reset) state().passwordResets.set(id, { ...reset, tokenHash: hashSecret('another token') });
    await expect(confirm()).rejects.toMatchObject(refused);
  });
});
