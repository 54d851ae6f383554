import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { etag, RETAINED_304_HEADERS } from 'hono/etag';
import { createMiddleware } from 'hono/factory';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { secureHeaders } from 'hono/secure-headers';
import type { AppEnv } from './context';
import { problemResponse } from './problem';
import { tracing } from './tracing';

const maxBodyBytes = 64 * 1024;

/** What our answers say beside the standard headers. */
const ownHeaders = ['Age', 'Cache-Status', 'Consistency', 'Consistency-Token', 'Link', 'X-Request-Id'];
const limitHeaders = ['RateLimit', 'RateLimit-Policy', 'Retry-After'];

const privateAnswers = createMiddleware<AppEnv>(async (c, next) => {
  c.header('Cache-Control', 'private, no-store');
  await next();
});

/** CORS stays off unless origins are configured. */
const configuredCors = createMiddleware<AppEnv>(async (c, next) => {
  const { corsOrigins } = c.var.services.config;
  if (corsOrigins.length === 0) return next();
  return cors({
    origin: [...corsOrigins],
    exposeHeaders: [...ownHeaders, 'ETag', 'Idempotency-Replayed', 'Location', ...limitHeaders],
  })(c, next);
});

/** What every request passes before its route. */
export function applyMiddleware(app: Hono<AppEnv>): void {
  app.use(tracing);
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Swagger UI sets style attributes and shows its icons as data URLs.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
      },
      referrerPolicy: 'no-referrer',
    }),
  );
  // A 304 says as much of where it came from as the answer that it stands for. Lists get the digest of their body.
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...ownHeaders] }));
  app.use(privateAnswers);
  app.use(configuredCors);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed(c, methods) {
        const headers = { Allow: methods.join(', ') };
        if (c.req.method === 'OPTIONS') return c.body(null, 204, headers);
        const detail = `${c.req.method} is not possible here.`;
        return problemResponse(c, { status: 405, code: 'http.method-not-allowed', detail, headers });
      },
    }),
  );
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (c) =>
        problemResponse(c, { status: 413, code: 'http.body-too-large', detail: 'A body may have at most 64 KiB.' }),
    }),
  );
}
