import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { AccountName, AppEnv, RequestContext } from './context';
import { httpErrors } from './errors';
import { clientNetwork } from './network';
import { documented } from './openapi';
import { type LimitName, rateLimits } from './quotas';
import { refusal } from './shared-responses';

/** The policies as header fields (IETF draft, RateLimit header fields for HTTP). */
const policies = Object.entries(rateLimits)
  .map(([name, { quota, windowSeconds }]) => `"${name}";q=${quota};w=${windowSeconds}`)
  .join(', ');

const nameOf = (account: AccountName) => ('id' in account ? account.id : account.email);

/** All clients whose network is unknown share the limits of one network. */
const networkKey = (c: RequestContext) => clientNetwork(c) ?? 'unknown';

/** Counts the request and sets the headers. The binding does not report how many requests are left. */
async function requireQuota(
  c: RequestContext,
  name: LimitName,
  key: string,
  isExempt: () => Promise<boolean> = async () => false,
): Promise<void> {
  const { success } = await c.get('http').limiters[name].limit({ key });
  const passes = success || (await isExempt());
  setLimitHeaders(c, name, passes);
  if (!passes) throw httpErrors.tooManyRequests({ retryAfterSeconds: rateLimits[name].windowSeconds });
}

function setLimitHeaders(c: RequestContext, name: LimitName, passes: boolean): void {
  c.header('RateLimit-Policy', policies);
  c.header('RateLimit', `"${name}";r=${passes ? 1 : 0};t=${rateLimits[name].windowSeconds}`);
}

/**
 * Limits the attempts on an account, from this network and then from all of them. An attempt that the first limit refuses
 * does not count for the second one, so a single network cannot use that one up.
 */
async function limitGuesses(c: RequestContext, name: 'sign-in' | 'password-check', account: AccountName) {
  await requireQuota(c, name, `${networkKey(c)} ${nameOf(account)}`);
  await requireQuota(c, 'account', `${name} ${nameOf(account)}`, async () => {
    const network = clientNetwork(c);
    return network !== undefined && (await c.get('http').isKnownNetwork(account, network));
  });
}

/** Limits a page, which is no operation of the API, by the client's network. */
export function limitPage(c: RequestContext): Promise<void> {
  return requireQuota(c, 'network', networkKey(c));
}

/** Limits a route by the client's network. */
export const limitByNetwork = documented(
  { responses: { 429: refusal(429), 503: refusal(503) } },
  createMiddleware<AppEnv>(async (c, next) => {
    await requireQuota(c, 'network', networkKey(c));
    await next();
  }),
);

/** Limits the searches for people by the caller, because each is an event, and many would read out all accounts. */
export const limitSearches = documented(
  { responses: { 429: refusal(429), 503: refusal(503) } },
  createMiddleware<AppEnv>(async (c, next) => {
    const { caller } = c.var;
    if (caller && c.req.query('search') !== undefined) await requireQuota(c, 'account', `search ${caller.userId}`);
    else setLimitHeaders(c, 'account', true);
    await next();
  }),
);
/** Limits the requests of an account for one kind of work that costs more than a usual read, from all networks together. */
export function limitCaller(work: string) {
  return documented(
    { responses: { 429: refusal(429) } },
    createMiddleware<AppEnv>(async (c, next) => {
      const { userId } = c.get('caller') ?? {};
      if (userId !== undefined) await requireQuota(c, 'account', `${work} ${userId}`);
      await next();
    }),
  );
}

// A password is hashed only in a request that has asked one of the following limits: each of them permits the hashing.

/** Limits registrations by the client's network. */
export async function limitRegistrations(c: RequestContext): Promise<void> {
  await requireQuota(c, 'registration', networkKey(c));
  c.get('http').permitHashing();
}

/** Limits sign-ins by account and network. @param username the address that the request names, in lower case */
export async function limitSignIns(c: RequestContext, username: string): Promise<void> {
  await limitGuesses(c, 'sign-in', { email: username });
  c.get('http').permitHashing();
}

/** Limits the changes of an account that need the caller's password, by the caller and the network. */
export async function limitPasswordChecks(c: RequestContext, callerId: string): Promise<void> {
  await limitGuesses(c, 'password-check', { id: callerId });
  c.get('http').permitHashing();
}

/** Limits the requests for a reset e-mail by account and network. @param email the address in lower case */
export async function limitResets(c: RequestContext, email: string): Promise<void> {
  await requireQuota(c, 'reset', `${networkKey(c)} ${email}`);
}

/** Limits the requests for a new link that confirms an address, by account and network. */
export async function limitConfirmationRequests(c: RequestContext, userId: string): Promise<void> {
  await requireQuota(c, 'reset', `${networkKey(c)} ${userId}`);
}

/** Limits the uses of a link of an e-mail, by link and network. */
async function limitLinkUses(c: RequestContext, token: string): Promise<void> {
  // The token is a secret, so only its hash leaves the Worker.
  await requireQuota(c, 'reset', `${networkKey(c)} ${createHash('sha256').update(token).digest('hex')}`);
}

/** Limits the uses of a link that confirms an address, by link and network. */
export const limitEmailConfirmations = limitLinkUses;

/** Limits the uses of a reset link, by link and network. */
export async function limitResetConfirmations(c: RequestContext, token: string): Promise<void> {
  await limitLinkUses(c, token);
  c.get('http').permitHashing();
}

/**
 * Limits the requests of a valid API key. The headers of the limits are left to the routes that document them.
 * @param keyId the id of the key, which nobody can use up without the key
 */
export async function limitKey(c: RequestContext, keyId: string): Promise<void> {
  await requireTurn(c, 'api-key', keyId);
}

/** Limits the requests with an API key that only the database can confirm, by network, before each costs a look into it. */
export async function limitUnknownKeys(c: RequestContext): Promise<void> {
  await requireTurn(c, 'wrong-key', networkKey(c));
}

async function requireTurn(c: RequestContext, name: LimitName, key: string): Promise<void> {
  const { success } = await c.get('http').limiters[name].limit({ key });
  if (success) return;
  const { windowSeconds } = rateLimits[name];
  setLimitHeaders(c, name, false);
  throw httpErrors.tooManyRequests({ retryAfterSeconds: windowSeconds });
}
