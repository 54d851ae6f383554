import { createMiddleware } from 'hono/factory';
import { accessErrors } from '../access/errors';
import type { AppEnv } from './context';
import { documented } from './openapi';
import { refusal } from './shared-responses';

/**
 * Verifies the access token (RFC 6750) and sets the caller. The account behind the token is checked later, in the same
 * round trip that reads or changes data.
 */
export const authenticate = documented(
  { security: [{ bearer: [] }], responses: { 401: refusal(401) } },
  createMiddleware<AppEnv>(async (c, next) => {
    const header = c.req.header('Authorization');
    if (header === undefined || !/^bearer(?: |$)/i.test(header)) throw accessErrors.required({});
    const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(header) ?? [];
    if (!token) throw accessErrors.invalidToken({ reason: 'malformed' });
    c.set('caller', await c.var.http.accessTokens.verify(token));
    await next();
  }),
);
