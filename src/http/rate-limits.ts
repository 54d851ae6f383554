import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { DomainError } from '../platform/errors';
import type { AppEnv } from './context';

/** What a limit lets through: `quota` requests in `windowSeconds`. The bindings in wrangler.toml say the same. */
export const rateLimits = {
  /** By address: what costs a password hash or sends an e-mail. */
  address: { quota: 100, windowSeconds: 60 },
  /** By the account that is named: guessing one password from many addresses. */
  account: { quota: 10, windowSeconds: 60 },
} as const;

type LimitName = keyof typeof rateLimits;

/** The policies as header fields (IETF draft, RateLimit header fields for HTTP). */
const policies = Object.entries(rateLimits)
  .map(([name, { quota, windowSeconds }]) => `"${name}";q=${quota};w=${windowSeconds}`)
  .join(', ');

/** Asks a limit, and says on the answer how it stands. The binding tells only whether, not how many are left. */
async function ask(c: Context<AppEnv>, name: LimitName, key: string): Promise<void> {
  const { success } = await c.var.services.limiters[name].limit({ key });
  const { windowSeconds } = rateLimits[name];
  c.header('RateLimit-Policy', policies);
  c.header('RateLimit', `"${name}";r=${success ? 1 : 0};t=${windowSeconds}`);
  if (success) return;
  throw new DomainError('too-many', 'http.too-many-requests', 'Too many requests; please wait a while.', {
    details: { retryAfterSeconds: windowSeconds },
  });
}

/** Limits a route by the caller's address, which Cloudflare alone sets; anything a client can send is not asked. */
export const limitByAddress = createMiddleware<AppEnv>(async (c, next) => {
  await ask(c, 'address', c.req.header('CF-Connecting-IP') ?? 'unknown');
  await next();
});

/** Limits what is tried on one account, wherever it comes from; to be asked before anything is hashed. */
export function limitByAccount(c: Context<AppEnv>, username: string): Promise<void> {
  return ask(c, 'account', username);
}
