import type { Context, Hono, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { createMethodCheck } from './allowed-methods';
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
/** Without these a browser hides the answer from the script that asked. */
const corsHeaders = ['Access-Control-Allow-Origin', 'Access-Control-Expose-Headers'];

/** Sets the headers that every response has, whatever becomes of the request. */
function setResponseHeaders(c: Context<AppEnv>): void {
  const { path } = c.req;
  for (const [name, value] of securityHeadersFor(path)) c.header(name, value);
  const isToken = isTokenEndpoint(path);
  c.header('Cache-Control', isToken ? 'no-store' : 'private, no-store');
  // RFC 6749, 5.1.
  if (isToken) c.header('Pragma', 'no-cache');
}

/** CORS is off unless the configuration names origins. */
const configuredCors: MiddlewareHandler<AppEnv> = (c, next) => {
  const { corsOrigins } = c.get('http');
  if (corsOrigins.length === 0) return next();
  // Without this header OPTIONS is no preflight, which `cors` would answer for every path.
  if (c.req.method === 'OPTIONS' && c.req.header('Access-Control-Request-Method') === undefined) return next();
  return cors({
    origin: [...corsOrigins],
    exposeHeaders: [...ownHeaders, 'ETag', 'Idempotency-Replayed', 'Location', ...limitHeaders],
  })(c, next);
};

const limitBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: (c: Context<AppEnv>) => problemResponse(c, httpErrors.bodyTooLarge({ maxBytes: maxBodyBytes })),
});

/**
 * Adds the middleware that every request passes before its route. Each layer costs every request microseconds, so what only
 * looks at the request shares one.
 * @param bindServices gives the request its services; what it throws is answered like every other error
 */
export function applyMiddleware(app: Hono<AppEnv>, bindServices: (c: Context<AppEnv>) => void): void {
  const answerMethod = createMethodCheck(app);
  app.use(tracing);
  // A 304 keeps the headers about the source of the data. The library makes an ETag of the body where the answer has none,
  // which costs more than the rest of a read, so what clients read often comes with its ETag.
  const retainedHeaders = [
    ...RETAINED_304_HEADERS,
    ...ownHeaders,
    ...limitHeaders,
    ...corsHeaders,
    ...securityHeaderNames,
  ];
  app.use(etag({ retainedHeaders }));
  app.use((c, next) => {
    setResponseHeaders(c);
    bindServices(c);
    return configuredCors(c, next);
  });
  app.use(async (c, next) => {
    const answer = answerMethod(c);
    if (answer) return answer;
    refuseParameters(c);
    return limitBody(c, next);
  });
}
