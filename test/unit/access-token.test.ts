import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createAccessTokens } from '../../src/access/access-token';
import type { Caller } from '../../src/access/caller';
import { newId } from '../../src/platform/ids';

const secrets = ['first-secret-0123456789-abcdefghij', 'second-secret-0123456789-abcdefghi'] as const;

describe('an access token (RFC 8725, RFC 9068)', () => {
  const now = Date.parse('2026-05-01T00:00:00.123Z');
  const nowSeconds = Math.floor(now / 1000);
  const clock = { now: () => now };
  const config = { issuer: 'https://i.example', audience: 'frontdesk', tokenSecrets: [secrets[0]] as [string] };
  const tokens = createAccessTokens(config, clock);
  const caller: Caller = { userId: newId(), role: 'agent', tokenGeneration: 4 };

  const refused = {
    kind: 'unauthenticated',
    code: 'auth.invalid-token',
    details: { reason: 'invalid-or-expired' },
  };

  /** A token that this API accepts, except for the part that a test changes. */
  async function forge(
    change: (jwt: SignJWT) => SignJWT = (jwt) => jwt,
    {
      header = {},
      secret = secrets[0],
      claims = {},
      payload = {},
    }: {
      header?: object;
      secret?: string;
      claims?: Record<string, unknown>;
      /** Claims that replace those which the library sets. */
      payload?: Record<string, unknown>;
    } = {},
  ) {
    const { token } = await tokens.issue(caller);
    const kid = JSON.parse(atob(token.split('.')[0] ?? '')).kid;
    const jwt = new SignJWT({ role: 'agent', gen: 4, jti: newId(), ...claims })
      .setIssuer(config.issuer)
      .setAudience(config.audience)
      .setSubject(caller.userId)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + 60)
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid, ...header });
    const key = new TextEncoder().encode(secret);
    const signed = await change(jwt).sign(key);
    if (Object.keys(payload).length === 0) return signed;
    const replaced = new SignJWT({ ...decodeJwt(signed), ...payload });
    return replaced.setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(key);
  }

  test('an access token states the account, its role and its token generation for 15 minutes (product 2.1)', async () => {
    const { token, expiresInSeconds } = await tokens.issue(caller);
    expect(await tokens.verify(token)).toEqual(caller);
    expect(expiresInSeconds).toBe(900);
    expect(await tokens.verify(await forge())).toEqual(caller);
    const verifyAt = (ms: number) => createAccessTokens(config, { now: () => now + ms }).verify(token);
    expect(await verifyAt(899_000)).toEqual(caller);
    await expect(verifyAt(900_000)).rejects.toMatchObject(refused);
  });

  test('a token of an isolate whose clock is a few seconds ahead is accepted', async () => {
    const { token } = await createAccessTokens(config, { now: () => now + 9000 }).issue(caller);
    expect(await tokens.verify(token)).toEqual(caller);
  });

  test('an access token holds nothing but ids, the role, the generation and times', async () => {
    const { token } = await tokens.issue(caller);
    const claims = JSON.parse(atob(token.split('.')[1] ?? ''));
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'gen', 'iat', 'iss', 'jti', 'role', 'sub']);
  });

  test('a token of the previous secret is accepted after the secret was changed', async () => {
    const rotated = createAccessTokens({ ...config, tokenSecrets: [secrets[1], secrets[0]] }, clock);
    const { token } = await tokens.issue(caller);
    expect(await rotated.verify(token)).toEqual(caller);
    await expect(tokens.verify((await rotated.issue(caller)).token)).rejects.toMatchObject(refused);
  });

  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

  test.each<[string, () => Promise<string>]>([
    ['another issuer', () => forge((jwt) => jwt.setIssuer('https://evil.example'))],
    ['another audience', () => forge((jwt) => jwt.setAudience('other'))],
    ['an expiry in the past', () => forge((jwt) => jwt.setExpirationTime(nowSeconds - 1))],
    ['an empty subject', () => forge((jwt) => jwt.setSubject(''))],
    ['a subject that is no text', () => forge((jwt) => jwt, { payload: { sub: 42 } })],
    ['a subject that is a list', () => forge((jwt) => jwt, { payload: { sub: [caller.userId] } })],
    ['a subject that is no id', () => forge((jwt) => jwt.setSubject('a'.repeat(5000)))],
    ['a time of issue in the future', () => forge((jwt) => jwt.setIssuedAt(nowSeconds + 11))],
    ['a time of issue that is no number', () => forge((jwt) => jwt, { payload: { iat: 'now' } })],
    ['no time of issue', () => forge((jwt) => jwt, { payload: { iat: undefined } })],
    ['no expiry', () => forge((jwt) => jwt, { payload: { exp: undefined } })],
    ['a lifetime above 15 minutes', () => forge((jwt) => jwt.setExpirationTime(nowSeconds + 901))],
    [
      'a lifetime above 15 minutes that has nearly passed',
      () => forge((jwt) => jwt.setIssuedAt(nowSeconds - 3000).setExpirationTime(nowSeconds + 10)),
    ],
    ['no jti', () => forge((jwt) => jwt, { claims: { jti: undefined } })],
    ['an unknown role', () => forge((jwt) => jwt, { claims: { role: 'owner' } })],
    ['no role', () => forge((jwt) => jwt, { claims: { role: undefined } })],
    ['no token generation', () => forge((jwt) => jwt, { claims: { gen: undefined } })],
    ['a token generation below 1', () => forge((jwt) => jwt, { claims: { gen: 0 } })],
    ['a token generation that is a text', () => forge((jwt) => jwt, { claims: { gen: '4' } })],
    ['another typ', () => forge((jwt) => jwt, { header: { typ: 'JWT' } })],
    ['another algorithm', () => forge((jwt) => jwt, { header: { alg: 'HS512' } })],
    ['another key under a known kid', () => forge((jwt) => jwt, { secret: secrets[1] })],
    ['an unknown kid', () => forge((jwt) => jwt, { header: { kid: 'other' } })],
    ['no kid', () => forge((jwt) => jwt, { header: { kid: undefined } })],
    [
      'the algorithm none',
      async () => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode({ sub: 'x', role: 'admin' })}.`,
    ],
    ['neither header nor signature', async () => 'nonsense'],
  ])('a token with %s is refused', async (_, make) => {
    await expect(make().then((token) => tokens.verify(token))).rejects.toMatchObject(refused);
  });
});
