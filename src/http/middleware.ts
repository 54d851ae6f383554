import type { Context, Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { createMiddleware } from 'hono/factory';
import { allowMethods } from './allowed-methods';
import type { AppEnv } from './context';
import { httpErrors } from './errors';
import { problemResponse } from './problem';
import { securityHeaderNames, securityHeadersFor } from './security-headers';
import { isTokenEndpoint } from './token-endpoint';
import { tracing } from './tracing';
import { refuseParameters } from './validation';

const maxBodyBytes = 64 * 1024;

/** The response headers that a client in a browser may read, in addition to those that browsers always show. */
const ownHeaders = ['Age', 'Cache-Status', 'Consistency', 'Consistency-Token', 'Link', 'X-Request-Id'];
const limitHeaders = ['RateLimit', 'RateLimit-Policy', 'Retry-After'];

const responseHeaders = createMiddleware<AppEnv>((c, next) => {
  const { path } = c.req;
  for (const [name, value] of securityHeadersFor(path)) c.header(name, value);
  const isToken = isTokenEndpoint(path);
  c.header('Cache-Control', isToken ? 'no-store' : 'private, no-store');
  // RFC 6749, 5.1.
  if (isToken) c.header('Pragma', 'no-cache');
  return next();
});

/** CORS is off unless the configuration names origins. */
const configuredCors = createMiddleware<AppEnv>((c, next) => {
  const { corsOrigins } = c.get('http');
  if (corsOrigins.length === 0) return next();
  // Without this header OPTIONS is no preflight, which `cors` would answer for every path.
  if (c.req.method === 'OPTIONS' && c.req.header('Access-Control-Request-Method') === undefined) return next();
  return cors({
    origin: [...corsOrigins],
    exposeHeaders: [...ownHeaders, 'ETag', 'Idempotency-Replayed', 'Location', ...limitHeaders],
  })(c, next);
});

/**
 * Adds the middleware that every request passes before its route.
 * @param bindServices gives the request its services; what it throws is answered like every other error
 */
export function applyMiddleware(app: Hono<AppEnv>, bindServices: MiddlewareHandler): void {
  app.use(tracing);
  app.use(responseHeaders);
  // A 304 keeps the headers about the source of the data. The library makes an ETag of the body where the answer has none,
  // which costs more than everything else of a read, so what is read often comes with its ETag.
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...ownHeaders, ...securityHeaderNames] }));
  app.use(bindServices);
  app.use(configuredCors);
  app.use(allowMethods(app));
  app.use(refuseParameters);
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (c: Context<AppEnv>) => problemResponse(c, httpErrors.bodyTooLarge({ maxBytes: maxBodyBytes })),
    }),
  );
}
