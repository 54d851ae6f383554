import { createMiddleware } from 'hono/factory';
import type { AppEnv, RequestContext } from './context';
import { httpErrors } from './errors';
import { documented } from './openapi';
import { refusal } from './shared-responses';

/**
 * Whether a page of this origin has sent the request. Browsers write both headers themselves, and only an older one has no
 * `Sec-Fetch-Site` (W3C Fetch Metadata). A request without either has no page that could be trusted.
 */
function isSameOrigin({ req }: RequestContext): boolean {
  const site = req.header('Sec-Fetch-Site');
  if (site !== undefined) return site === 'same-origin';
  return req.header('Origin') === new URL(req.url).origin;
}

/** Refuses what comes from another site, for routes that take credentials which browsers send by themselves. */
export const requireSameOrigin = documented(
  { responses: { 403: refusal(403) } },
  createMiddleware<AppEnv>(async (c, next) => {
    if (!isSameOrigin(c)) throw httpErrors.crossOrigin({});
    await next();
  }),
);
