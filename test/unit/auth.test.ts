import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAccessTokens } from '../../src/access/access-token';
import { createAuthCommands } from '../../src/auth/commands';
import { createResetTokens } from '../../src/auth/secret-token';
import { decideRefresh, lifetimes } from '../../src/auth/session';
import { createBus } from '../../src/cqrs/writing/command';
import { newId } from '../../src/platform/ids';
import { verifyPassword } from '../../src/platform/password';
import { aContext, aUser, password } from '../support/factories';
import { createMemoryUnitOfWork } from '../support/memory-unit-of-work';

const secrets = ['first-secret-0123456789-abcdefghij', 'second-secret-0123456789-abcdefghi'] as const;
const resetTokens = createResetTokens([secrets[0]]);

function given(user = aUser()) {
  const { unitOfWork, state } = createMemoryUnitOfWork();
  state().users.set(user.id, user);
  return { user, state, bus: createBus(createAuthCommands(unitOfWork, resetTokens), (text) => text) };
}

describe('signing in (product 2)', () => {
  test('starts a session, and moves lastLoginAt with an event', async () => {
    const { bus, state, user } = given();
    const { result } = await bus.execute('SignIn', { username: user.email.toUpperCase(), password }, aContext());
    expect(result.refreshToken).toMatch(/^[\w-]{43}$/);
    expect(state().users.get(user.id)?.lastLoginAt).toMatch(/Z$/);
    expect(state().events.map(({ type }) => type)).toEqual(['UserSignedIn']);
    expect(JSON.stringify([...state().tokens.values()])).not.toContain(result.refreshToken);
  });

  test.each([
    ['an unknown address', { username: 'nobody@example.com' }],
    ['a wrong password', { password: 'not the password' }],
  ])('%s gives the same answer', async (_, wrong) => {
    const { bus, user } = given();
    const command = bus.execute('SignIn', { username: user.email, password, ...wrong }, aContext());
    await expect(command).rejects.toMatchObject({ code: 'auth.invalid-grant' });
  });

  test('a deactivated user cannot sign in', async () => {
    const { bus, user } = given(aUser({ isActive: false }));
    const command = bus.execute('SignIn', { username: user.email, password }, aContext());
    await expect(command).rejects.toMatchObject({ code: 'auth.invalid-grant' });
  });

  test('a hash of other parameters is renewed at sign-in', async () => {
    const { scryptSync } = await import('node:crypto');
    const key = scryptSync(password, Buffer.alloc(16, 7), 32, { N: 1024, r: 8, p: 1 })
      .toString('base64')
      .replace(/=+$/, '');
    const old = `$scrypt$ln=10,r=8,p=1$${Buffer.alloc(16, 7).toString('base64').replace(/=+$/, '')}$${key}`;
    const { bus, state, user } = given(aUser({ passwordHash: old }));
    await bus.execute('SignIn', { username: user.email, password }, aContext());
    const renewed = state().users.get(user.id)?.passwordHash;
    expect(renewed).toContain('ln=14,r=8,p=5');
    expect(await verifyPassword(password, renewed)).toEqual({ ok: true, needsRehash: false });
  });
});

describe('refreshing (product 2.3, 2.4)', () => {
  async function signedIn() {
    const system = given();
    const { result } = await system.bus.execute('SignIn', { username: system.user.email, password }, aContext());
    return { ...system, first: result.refreshToken };
  }

  test('rotates', async () => {
    const { bus, first } = await signedIn();
    const { result } = await bus.execute('RefreshSession', { refreshToken: first }, aContext());
    expect(result.refreshToken).not.toBe(first);
    await bus.execute('RefreshSession', { refreshToken: result.refreshToken }, aContext());
  });

  test('an old token within the grace window is told to try again and mints nothing', async () => {
    const { bus, first, state } = await signedIn();
    await bus.execute('RefreshSession', { refreshToken: first }, aContext());
    const tokens = state().tokens.size;
    await expect(bus.execute('RefreshSession', { refreshToken: first }, aContext())).rejects.toMatchObject({
      code: 'auth.refresh-raced',
    });
    expect(state().tokens.size).toBe(tokens);
  });

  test('an old token after it revokes the whole family', async () => {
    const { bus, first, state } = await signedIn();
    const { result } = await bus.execute('RefreshSession', { refreshToken: first }, aContext());
    const later = aContext({ issuedAt: Date.now() + lifetimes.refreshGraceMs + 1000 });
    await expect(bus.execute('RefreshSession', { refreshToken: first }, later)).rejects.toMatchObject({
      code: 'auth.invalid-grant',
    });
    expect([...state().sessions.values()][0]?.revokedAt).toBe(later.issuedAt);
    await expect(bus.execute('RefreshSession', { refreshToken: result.refreshToken }, later)).rejects.toMatchObject({
      code: 'auth.invalid-grant',
    });
  });

  test('signing out revokes the family', async () => {
    const { bus, first } = await signedIn();
    await bus.execute('SignOut', { refreshToken: first }, aContext());
    await expect(bus.execute('RefreshSession', { refreshToken: first }, aContext())).rejects.toMatchObject({
      code: 'auth.invalid-grant',
    });
  });

  test('an expired token is refused without revoking anything', () => {
    const session = { id: 's', userId: 'u', version: 0, createdAt: '', revokedAt: null };
    const token = { hash: 'h', sessionId: 's', expiresAt: 10, usedAt: null };
    expect(decideRefresh(token, session, 9)).toBe('rotate');
    expect(decideRefresh(token, session, 10)).toBe('refuse');
  });
});

describe('resetting a password (product 2.6)', () => {
  test('works once, within the hour, and revokes what was signed in', async () => {
    const { bus, state, user } = given();
    await bus.execute('SignIn', { username: user.email, password }, aContext());
    await bus.execute('RequestPasswordReset', { email: user.email }, aContext());
    const [reset] = state().resets.values();
    const token = resetTokens.tokenFor(reset?.id ?? '');
    expect(JSON.stringify(state().events)).not.toContain(token);
    const payload = { token, password: 'a brand new password' };
    const late = aContext({ issuedAt: Date.now() + lifetimes.passwordResetMs });
    await expect(bus.execute('ConfirmPasswordReset', payload, late)).rejects.toMatchObject({ kind: 'invalid' });
    await bus.execute('ConfirmPasswordReset', payload, aContext());
    expect((await verifyPassword(payload.password, state().users.get(user.id)?.passwordHash)).ok).toBe(true);
    expect([...state().sessions.values()].every(({ revokedAt }) => revokedAt !== null)).toBe(true);
    await expect(bus.execute('ConfirmPasswordReset', payload, aContext())).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('an unknown address and a forged token leave nothing', async () => {
    const { bus, state } = given();
    await bus.execute('RequestPasswordReset', { email: 'nobody@example.com' }, aContext());
    expect(state().resets.size + state().events.length).toBe(0);
    const forged = createResetTokens([secrets[1]]).tokenFor(newId());
    await expect(
      bus.execute('ConfirmPasswordReset', { token: forged, password: 'a brand new password' }, aContext()),
    ).rejects.toMatchObject({ code: 'auth.invalid-reset-token' });
  });
});

describe('access tokens (RFC 8725, RFC 9068)', () => {
  const now = Date.parse('2026-05-01T00:00:00.123Z');
  const clock = { now: () => now };
  const config = { issuer: 'https://i.example', audience: 'frontdesk', tokenSecrets: [secrets[0]] as [string] };
  const tokens = createAccessTokens(config, clock);
  const subject = { userId: newId(), role: 'agent' as const };

  async function forged(
    change: (jwt: SignJWT) => SignJWT,
    header: object = {},
    secret: string = secrets[0],
    jti = true,
  ) {
    const { token } = await tokens.issue(subject);
    const kid = JSON.parse(atob(token.split('.')[0] ?? '')).kid;
    const jwt = new SignJWT({ role: 'agent' })
      .setIssuer(config.issuer)
      .setAudience(config.audience)
      .setSubject(subject.userId)
      .setIssuedAt(now / 1000)
      .setExpirationTime(now / 1000 + 60)
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid, ...header });
    if (jti) jwt.setJti(newId());
    return change(jwt).sign(new TextEncoder().encode(secret));
  }

  test('carry the user, the role and the time of issue in milliseconds', async () => {
    const { token, expiresInSeconds } = await tokens.issue(subject);
    expect(await tokens.verify(token)).toEqual({ ...subject, issuedAt: now });
    expect(expiresInSeconds).toBe(900);
    await tokens.verify(await forged((jwt) => jwt));
  });

  test('keys rotate: a token of the previous secret still verifies', async () => {
    const rotated = createAccessTokens({ ...config, tokenSecrets: [secrets[1], secrets[0]] }, clock);
    const { token } = await tokens.issue(subject);
    expect(await rotated.verify(token)).toMatchObject(subject);
    await expect(tokens.verify((await rotated.issue(subject)).token)).rejects.toMatchObject({
      code: 'auth.invalid-token',
    });
  });

  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  test.each<[string, () => Promise<string>]>([
    ['another issuer', () => forged((jwt) => jwt.setIssuer('https://evil.example'))],
    ['another audience', () => forged((jwt) => jwt.setAudience('other'))],
    ['an expired one', () => forged((jwt) => jwt.setExpirationTime(now / 1000 - 1))],
    ['no jti', () => forged((jwt) => jwt, {}, secrets[0], false)],
    ['another typ', () => forged((jwt) => jwt, { typ: 'JWT' })],
    ['another algorithm', () => forged((jwt) => jwt, { alg: 'HS512' })],
    ['another key under our kid', () => forged((jwt) => jwt, {}, secrets[1])],
    ['an unknown kid', () => forged((jwt) => jwt, { kid: 'other' })],
    ['alg none', async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode({ sub: 'x', role: 'admin' })}.`],
    ['no token at all', async () => 'nonsense'],
  ])('refuse %s', async (_, make) => {
    await expect(make().then((token) => tokens.verify(token))).rejects.toMatchObject({ code: 'auth.invalid-token' });
  });
});
