import { createHash, timingSafeEqual } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { accessErrors } from '../access/errors';
import type { AppEnv, RequestContext } from './context';
import { documented } from './openapi';
import { refusal } from './shared-responses';
import { tokenPath } from './token-endpoint';

/**
 * How a client gets the access token that it sends: from anywhere, or from the token endpoint, as a tool does that asks for
 * e-mail and password. Tools take the first one that they know, so the plain token stands first.
 */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token that you have.',
  },
  password: {
    type: 'oauth2',
    description: 'The username is the e-mail address of your account. The access token is valid for 15 minutes.',
    // Relative to the server, because a page may reach no other origin than its own. The API has no scopes.
    flows: { password: { tokenUrl: tokenPath, refreshUrl: tokenPath, scopes: {} } },
  },
} as const;

/** Each scheme is a choice of its own: a request needs one of them. */
const secured = {
  security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
  responses: { 401: refusal(401) },
};

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
  secured,
  createMiddleware<AppEnv>(async (c, next) => {
    c.set('caller', await c.get('http').accessTokens.verify(readBearer(c)));
    await next();
  }),
);

/** As {@link authenticate}, and accepts the secret of the metrics too, for the one route that shows them. */
export const authenticateMonitor = documented(
  secured,
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
