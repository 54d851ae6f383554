import { createMiddleware } from 'hono/factory';
import type { AppEnv, RequestContext } from './context';
import { httpErrors } from './errors';
import { documented, refusal } from './openapi';

/** What a limit allows: `quota` requests in `windowSeconds`. The bindings in wrangler.toml have the same numbers. */
export const rateLimits = {
  /** By address, for operations that hash a password or send an e-mail. */
  address: { quota: 100, windowSeconds: 60 },
  /** By the account that the request names, against guessing one password from many addresses. */
  account: { quota: 10, windowSeconds: 60 },
} as const;

type LimitName = keyof typeof rateLimits;

/** The policies as header fields (IETF draft, RateLimit header fields for HTTP). */
const policies = Object.entries(rateLimits)
  .map(([name, { quota, windowSeconds }]) => `"${name}";q=${quota};w=${windowSeconds}`)
  .join(', ');

/** Asks a limit, and sets the headers. The binding says only whether a request passes, not how many are left. */
async function ask(c: RequestContext, name: LimitName, key: string): Promise<void> {
  const { success } = await c.var.http.limiters[name].limit({ key });
  const { windowSeconds } = rateLimits[name];
  c.header('RateLimit-Policy', policies);
  c.header('RateLimit', `"${name}";r=${success ? 1 : 0};t=${windowSeconds}`);
  if (!success) throw httpErrors.tooManyRequests({ retryAfterSeconds: windowSeconds });
}

/** Limits a route by the caller's address, in a header that Cloudflare alone sets and no client can forge. */
export const limitByAddress = documented(
  { responses: { 429: refusal(429) } },
  createMiddleware<AppEnv>(async (c, next) => {
    await ask(c, 'address', c.req.header('CF-Connecting-IP') ?? 'unknown');
    await next();
  }),
);

/** Limits attempts on one account from all addresses; call it before a password is hashed. */
export function limitByAccount(c: RequestContext, username: string): Promise<void> {
  return ask(c, 'account', username);
}
