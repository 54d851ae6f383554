import { createHash, timingSafeEqual } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { accessErrors } from '../access/errors';
import type { AppEnv, RequestContext } from './context';
import { documented } from './openapi';
import { refusal } from './shared-responses';

const bearer = { security: [{ bearer: [] }], responses: { 401: refusal(401) } };

/** The Bearer credential of a request (RFC 6750). @throws DomainError 401 for a request without a usable one */
function readBearer(c: RequestContext): string {
  const header = c.req.header('Authorization');
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) throw accessErrors.required({});
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(header) ?? [];
  if (!token) throw accessErrors.invalidToken({ reason: 'malformed' });
  return token;
}

/**
 * Verifies the access token (RFC 6750) and sets the caller. The account behind the token is checked later, in the same
 * round trip that reads or changes data.
 */
export const authenticate = documented(
  bearer,
  createMiddleware<AppEnv>(async (c, next) => {
    c.set('caller', await c.get('http').accessTokens.verify(readBearer(c)));
    await next();
  }),
);

/** As {@link authenticate}, and accepts the secret of the metrics too, for the one route that shows them. */
export const authenticateMonitor = documented(
  bearer,
  createMiddleware<AppEnv>(async (c, next) => {
    const token = readBearer(c);
    if (c.get('http').isMetricsToken(token)) c.set('isMonitor', true);
    else c.set('caller', await c.get('http').accessTokens.verify(token));
    await next();
  }),
);

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares a text with a secret, in a time that does not tell how much of it is right. Nothing equals a missing secret. */
export function isSecret(secret: string | undefined, given: string): boolean {
  return secret !== undefined && timingSafeEqual(digest(secret), digest(given));
}
