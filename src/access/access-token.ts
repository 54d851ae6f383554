import { createHash } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Clock } from '../platform/clock';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import { type Caller, roles } from './caller';
import { accessErrors } from './errors';

const algorithm = 'HS256';
const type = 'at+jwt';
const lifetimeSeconds = 900;
/** How far the clocks of two isolates may differ. */
const clockToleranceSeconds = 10;

export interface AccessTokens {
  issue(caller: Caller): Promise<{ token: string; expiresInSeconds: number }>;
  /** @throws DomainError `auth.invalid-token` for a token that this API did not issue, or that has expired */
  verify(token: string): Promise<Caller>;
}

/** A key, with the id that tokens name it by. It is imported once; only the imported key is kept, and no promise of a request. */
function keyOf(secret: string) {
  const kid = createHash('sha256').update(secret).digest('hex').slice(0, 16);
  const bytes = new TextEncoder().encode(secret);
  let imported: CryptoKey | undefined;
  async function key(): Promise<CryptoKey> {
    imported ??= await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
      'verify',
    ]);
    return imported;
  }
  return { kid, key };
}

/** The claims that a caller is made from; `gen` is the account's token generation. */
const claims = z.object({
  sub: uuid,
  role: z.enum(roles),
  gen: z.int().positive(),
  iat: z.number(),
  exp: z.number(),
});

/** Makes JWT access tokens (RFC 9068) with the rules of RFC 8725: one algorithm, and known keys, which `kid` names. */
export function createAccessTokens(
  config: { issuer: string; audience: string; tokenSecrets: readonly [string, ...string[]] },
  clock: Clock,
): AccessTokens {
  const { issuer, audience, tokenSecrets } = config;
  const current = keyOf(tokenSecrets[0]);
  const keys = new Map(tokenSecrets.map(keyOf).map(({ kid, key }) => [kid, key]));

  return {
    async issue({ userId, role, tokenGeneration }) {
      const issuedAt = Math.floor(clock.now() / 1000);
      const token = await new SignJWT({ role, gen: tokenGeneration })
        .setProtectedHeader({ alg: algorithm, typ: type, kid: current.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .setJti(newId())
        .sign(await current.key());
      return { token, expiresInSeconds: lifetimeSeconds };
    },

    async verify(token) {
      try {
        const key = keys.get(decodeProtectedHeader(token).kid ?? '');
        if (!key) throw new errors.JWSInvalid('No key has this kid.');
        const { payload } = await jwtVerify(token, await key(), {
          algorithms: [algorithm],
          typ: type,
          issuer,
          audience,
          currentDate: new Date(clock.now()),
          requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        });
        const { sub, role, gen, iat, exp } = claims.parse(payload);
        // The library compares only `exp` with the clock.
        if (iat > clock.now() / 1000 + clockToleranceSeconds)
          throw new errors.JWTInvalid('The token is of the future.');
        if (exp - iat > lifetimeSeconds) throw new errors.JWTInvalid('The token lives longer than those of this API.');
        return { userId: sub, role, tokenGeneration: gen };
      } catch (cause) {
        throw accessErrors.invalidToken({ reason: 'invalid-or-expired' }, { cause });
      }
    },
  };
}
