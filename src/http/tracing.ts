import { randomBytes } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { newId } from '../platform/ids';
import { createFirstLogger } from '../platform/logger';
import type { AppEnv } from './context';

const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** Continues a valid `traceparent` (W3C Trace Context) with a new span, and replaces an invalid one. */
export function continueTrace(header: string | undefined): string {
  const [, traceId, flags] = traceparentPattern.exec(header ?? '') ?? [];
  return `00-${traceId ?? randomHex(16)}-${randomHex(8)}-${flags ?? '01'}`;
}

/**
 * Gives the request an id and a logger, and logs the request. The log has the route, because path and query may contain
 * personal data. A later middleware replaces the logger by that of the configuration.
 */
export const tracing = createMiddleware<AppEnv>(async (c, next) => {
  const given = c.req.header('X-Request-Id') ?? '';
  const requestId = /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : newId();
  const traceparent = continueTrace(c.req.header('traceparent'));
  c.set('requestId', requestId);
  c.set('traceparent', traceparent);
  c.set('logger', createFirstLogger(c.env).child({ requestId, traceparent }));
  c.header('X-Request-Id', requestId);
  const startedAt = Date.now();
  await next();
  const durationMs = Date.now() - startedAt;
  c.var.logger.info('request', { method: c.req.method, route: routePath(c, -1), status: c.res.status, durationMs });
});
