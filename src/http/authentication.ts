import { createMiddleware } from 'hono/factory';
import { DomainError } from '../platform/errors';
import type { AppEnv } from './context';

/** Asks for an access token (RFC 6750) and notes who calls. Its standing is checked where data is read or changed. */
export const authenticate = createMiddleware<AppEnv>(async (c, next) => {
  const header = c.req.header('Authorization');
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) {
    throw new DomainError('unauthenticated', 'auth.required', 'This needs an access token.');
  }
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(header) ?? [];
  if (!token) throw new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is malformed.');
  c.set('caller', await c.var.services.accessTokens.verify(token));
  await next();
});
