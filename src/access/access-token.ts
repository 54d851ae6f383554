import { createHash } from 'node:crypto';
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../platform/clock';
import { DomainError } from '../platform/errors';
import { newId } from '../platform/ids';
import { type Role, roles } from '../users/user';

const algorithm = 'HS256';
const type = 'at+jwt';
const lifetimeSeconds = 900;

/** Who a token speaks for; `issuedAt` in milliseconds since the Unix epoch. */
export interface AccessClaims {
  userId: string;
  role: Role;
  issuedAt: number;
}

export interface AccessTokens {
  issue(subject: { userId: string; role: Role }): Promise<{ token: string; expiresInSeconds: number }>;
  /** @throws DomainError `auth.invalid-token` for anything but a token of ours that is still good. */
  verify(token: string): Promise<AccessClaims>;
}

function keyOf(secret: string) {
  const kid = createHash('sha256').update(secret).digest('hex').slice(0, 16);
  return { kid, key: new TextEncoder().encode(secret) };
}

function invalidToken(cause?: unknown) {
  return new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is invalid or expired.', { cause });
}

function isRole(value: unknown): value is Role {
  return roles.some((role) => role === value);
}

/** JWT access tokens (RFC 9068) under RFC 8725: one algorithm, keys only of our own, told apart by `kid`. */
export function createAccessTokens(
  config: { issuer: string; audience: string; tokenSecrets: readonly [string, ...string[]] },
  clock: Clock,
): AccessTokens {
  const { issuer, audience, tokenSecrets } = config;
  const current = keyOf(tokenSecrets[0]);
  const keys = new Map(tokenSecrets.map(keyOf).map(({ kid, key }) => [kid, key]));

  return {
    async issue({ userId, role }) {
      // NumericDate may have fractions (RFC 7519, 2): milliseconds tell a token from before a revocation from one after.
      const issuedAt = clock.now() / 1000;
      const token = await new SignJWT({ role })
        .setProtectedHeader({ alg: algorithm, typ: type, kid: current.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .setJti(newId())
        .sign(current.key);
      return { token, expiresInSeconds: lifetimeSeconds };
    },

    async verify(token) {
      try {
        const key = keys.get(decodeProtectedHeader(token).kid ?? '');
        if (!key) throw new errors.JWSInvalid('unknown key');
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          typ: type,
          issuer,
          audience,
          currentDate: new Date(clock.now()),
          requiredClaims: ['sub', 'exp', 'iat', 'jti'],
        });
        const { sub, iat, role } = payload;
        if (!sub || iat === undefined || !isRole(role)) throw new errors.JWTInvalid('claims are missing');
        return { userId: sub, role, issuedAt: Math.round(iat * 1000) };
      } catch (cause) {
        throw invalidToken(cause);
      }
    },
  };
}
