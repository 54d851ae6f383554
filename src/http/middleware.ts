import type { Context, Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';
import { allowMethods } from './allowed-methods';
import type { AppEnv } from './context';
import { httpErrors } from './errors';
import { problemResponse } from './problem';
import { isTokenEndpoint } from './token-endpoint';
import { tracing } from './tracing';
import { refuseParameters } from './validation';

const maxBodyBytes = 64 * 1024;

/** The response headers that a client in a browser may read, in addition to those that browsers always show. */
const ownHeaders = ['Age', 'Cache-Status', 'Consistency', 'Consistency-Token', 'Link', 'X-Request-Id'];
const limitHeaders = ['RateLimit', 'RateLimit-Policy', 'Retry-After'];

/** A page may use what comes from this origin as a file, and nothing else. */
const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};
const referrerPolicy = 'no-referrer';
const strictHeaders = secureHeaders({ contentSecurityPolicy, referrerPolicy });
const documentationHeaders = secureHeaders({
  // Swagger UI sets style attributes and shows its icons as data URLs.
  contentSecurityPolicy: {
    ...contentSecurityPolicy,
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
  },
  referrerPolicy,
});

const safeHeaders = createMiddleware<AppEnv>((c, next) =>
  (c.req.path === '/docs' ? documentationHeaders : strictHeaders)(c, next),
);

const privateResponses = createMiddleware<AppEnv>(async (c, next) => {
  const isToken = isTokenEndpoint(c.req.path);
  c.header('Cache-Control', isToken ? 'no-store' : 'private, no-store');
  // RFC 6749, 5.1.
  if (isToken) c.header('Pragma', 'no-cache');
  await next();
});

/** CORS is off unless the configuration names origins. */
const configuredCors = createMiddleware<AppEnv>(async (c, next) => {
  const { corsOrigins } = c.var.http;
  // Without this header OPTIONS is no preflight, which `cors` would answer for every path.
  const isPreflight = c.req.header('Access-Control-Request-Method') !== undefined;
  if (corsOrigins.length === 0 || (c.req.method === 'OPTIONS' && !isPreflight)) return next();
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
  app.use(safeHeaders);
  // A 304 keeps the headers about the source of the data. The ETag of a list is a digest of its body.
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...ownHeaders] }));
  app.use(privateResponses);
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
