import { createMiddleware } from 'hono/factory';
import { routePath } from 'hono/route';
import { newId } from '../platform/ids';
import { toMethodLabel } from '../platform/isolate-figures';
import type { AppEnv, HttpServices } from './context';

/** Makes up to 32 random hexadecimal digits. A random UUID of the runtime is cheaper than turning bytes into digits here. */
function randomHex(digits: number): string {
  return crypto.randomUUID().replaceAll('-', '').slice(-digits);
}

const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** Continues a valid `traceparent` (W3C Trace Context) with a new span, and replaces an invalid one. */
export function continueTrace(header: string | undefined): string {
  const [, traceId, flags] = traceparentPattern.exec(header ?? '') ?? [];
  return `00-${traceId ?? randomHex(32)}-${randomHex(16)}-${flags ?? '01'}`;
}

/** The route of a request as a label. A path that does not exist matches the middleware alone, whose pattern has a `*`. */
function toRouteLabel(pattern: string): string {
  return pattern.includes('*') ? 'unmatched' : pattern;
}

/**
 * Gives the request an id, and logs the request. The log has the route, because path and query may contain personal data.
 * A later middleware sets the logger.
 */
export const tracing = createMiddleware<AppEnv>(async (c, next) => {
  const given = c.req.header('X-Request-Id') ?? '';
  const requestId = /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : newId();
  const traceparent = continueTrace(c.req.header('traceparent'));
  c.set('requestId', requestId);
  c.set('traceparent', traceparent);
  c.header('X-Request-Id', requestId);
  const startedAt = Date.now();
  await next();
  const durationMs = Date.now() - startedAt;
  const { method } = c.req;
  const { status } = c.res;
  const route = routePath(c, -1);
  c.get('logger').info('request', { method, route, status, durationMs });
  // With an unusable configuration there are no services.
  const http: HttpServices | undefined = c.get('http');
  // The cf object is missing outside of Cloudflare's network.
  const { country, colo } = (c.req.raw.cf ?? {}) as Partial<IncomingRequestCfProperties>;
  http?.recordRequest({
    method: toMethodLabel(method),
    route: toRouteLabel(route),
    status,
    durationMs,
    country,
    colo,
  });
});
