import { createHash } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { Clock } from '../platform/clock';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import { type Caller, roles } from './caller';
import { accessErrors } from './errors';
import { scopes } from './scopes';

const algorithm = 'HS256';
const type = 'at+jwt';
const lifetimeSeconds = 900;
/** How far the clocks of two isolates may differ. */
const clockToleranceSeconds = 10;

export interface AccessTokens {
  /**
   * Issues a token. One for a caller with an API key works like the key.
   * @param endsAt milliseconds: the end of the key, which its token does not outlive
   */
  issue(caller: Caller, endsAt?: number | null): Promise<{ token: string; expiresInSeconds: number }>;
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

/** The claims of every token; `gen` is the account's token generation, and `sid` the session. */
const common = { sub: uuid, gen: z.int().positive(), iat: z.number(), exp: z.number() };

/**
 * The claims that a caller is made from. A token for an API key names its role `owner_role`: Version 0.6.0, which knows no
 * scopes, would give such a token all that the role allows, and refuses a token without `role`.
 */
const claims = z.union([
  z.object({ ...common, role: z.enum(roles), sid: uuid.optional(), owner_role: z.undefined().optional() }),
  z.object({
    ...common,
    role: z.undefined().optional(),
    owner_role: z.enum(roles),
    /** The id of the key (RFC 9068, 2.2). */
    client_id: uuid,
    scope: z
      .string()
      .transform((text) => text.split(' '))
      .pipe(z.array(z.enum(scopes))),
  }),
]);

type Claims = z.infer<typeof claims>;

function toClaims({ role, tokenGeneration: gen, sessionId: sid, key }: Caller) {
  return key
    ? { owner_role: role, gen, client_id: key.id, scope: key.scopes.join(' ') }
    : { role, gen, ...(sid && { sid }) };
}

function toCaller(stated: Claims): Caller {
  const { sub: userId, gen: tokenGeneration } = stated;
  if (stated.owner_role === undefined) {
    const { role, sid: sessionId } = stated;
    return { userId, role, tokenGeneration, ...(sessionId && { sessionId }) };
  }
  const { owner_role: role, client_id: id, scope } = stated;
  return { userId, role, tokenGeneration, key: { id, scopes: scope } };
}

/** Makes JWT access tokens (RFC 9068) with the rules of RFC 8725: one algorithm, and known keys, which `kid` names. */
export function createAccessTokens(
  config: { issuer: string; audience: string; tokenSecrets: readonly [string, ...string[]] },
  clock: Clock,
): AccessTokens {
  const { issuer, audience, tokenSecrets } = config;
  const current = keyOf(tokenSecrets[0]);
  const keys = new Map(tokenSecrets.map(keyOf).map(({ kid, key }) => [kid, key]));

  return {
    async issue(caller, endsAt) {
      const issuedAt = Math.floor(clock.now() / 1000);
      const secondsLeft = Math.floor((endsAt ?? Number.POSITIVE_INFINITY) / 1000) - issuedAt;
      const expiresInSeconds = Math.max(1, Math.min(lifetimeSeconds, secondsLeft));
      const token = await new SignJWT(toClaims(caller))
        .setProtectedHeader({ alg: algorithm, typ: type, kid: current.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(caller.userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .setJti(newId())
        .sign(await current.key());
      return { token, expiresInSeconds };
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
        const stated = claims.parse(payload);
        const { iat, exp } = stated;
        // The library compares only `exp` with the clock.
        if (iat > clock.now() / 1000 + clockToleranceSeconds)
          throw new errors.JWTInvalid('The token is of the future.');
        if (exp - iat > lifetimeSeconds) throw new errors.JWTInvalid('The token lives longer than those of this API.');
        return toCaller(stated);
      } catch (cause) {
        throw accessErrors.invalidToken({ reason: 'invalid-or-expired' }, { cause });
      }
    },
  };
}
