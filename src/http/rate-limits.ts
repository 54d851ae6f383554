import { createMiddleware } from 'hono/factory';
import type { AppEnv, RequestContext } from './context';
import { httpErrors } from './errors';
import { documented, refusal } from './openapi';

/** Each limit allows `quota` requests in `windowSeconds`. The bindings in wrangler.toml have the same numbers. */
export const rateLimits = {
  /** For each address, on operations that hash a password or send an e-mail. */
  address: { quota: 100, windowSeconds: 60 },
  /** For each account that requests name, against guesses of one password from many addresses. */
  account: { quota: 10, windowSeconds: 60 },
} as const;

type LimitName = keyof typeof rateLimits;

/** The policies as header fields (IETF draft, RateLimit header fields for HTTP). */
const policies = Object.entries(rateLimits)
  .map(([name, { quota, windowSeconds }]) => `"${name}";q=${quota};w=${windowSeconds}`)
  .join(', ');

/** Counts the request and sets the headers. The binding does not report how many requests are left. */
async function requireQuota(c: RequestContext, name: LimitName, key: string): Promise<void> {
  const { success } = await c.var.http.limiters[name].limit({ key });
  const { windowSeconds } = rateLimits[name];
  c.header('RateLimit-Policy', policies);
  c.header('RateLimit', `"${name}";r=${success ? 1 : 0};t=${windowSeconds}`);
  if (!success) throw httpErrors.tooManyRequests({ retryAfterSeconds: windowSeconds });
}

/** Limits a route by the client's address, from a header that only Cloudflare sets and that a client cannot forge. */
export const limitByAddress = documented(
  { responses: { 429: refusal(429) } },
  createMiddleware<AppEnv>(async (c, next) => {
    await requireQuota(c, 'address', c.req.header('CF-Connecting-IP') ?? 'unknown');
    await next();
  }),
);

/** Limits the attempts on one account from all addresses. Call it before the command, which hashes a password. */
export function limitByAccount(c: RequestContext, username: string): Promise<void> {
  return requireQuota(c, 'account', username);
}
