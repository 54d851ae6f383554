import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AccessTokens } from '../access/access-token';
import type { Caller } from '../access/caller';
import { commandErrors } from '../cqrs/writing/errors';
import type { VersionConditions } from '../cqrs/writing/expected-version';
import type { CommandContext } from '../cqrs/writing/unit-of-work';
import type { RunInBackground } from '../platform/background';
import type { Clock } from '../platform/clock';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/logger';
import { withLowerCaseIds } from '../platform/uuid';
import type { ConsistencyTokens } from './consistency-tokens';
import { httpErrors } from './errors';
import { type KeyedHashes, readConditions } from './preconditions';
import type { LimitName } from './quotas';
import type { AnsweredRequest } from './request-figures';

/** An account as a request names it. */
export type AccountName = { email: string } | { id: string };

/** The services that this folder needs, and that all requests share; shared-services.ts makes them. */
export interface SharedHttpServices {
  clock: Clock;
  accessTokens: AccessTokens;
  consistencyTokens: ConsistencyTokens;
  /** The epoch of the consistency tokens. */
  epoch: string;
  corsOrigins: readonly string[];
  /** The name of the shop, for pages that its customers see. */
  brand: string;
  /** Whether everybody may see what e-mails look like; only in development. */
  showsEmails: boolean;
  /** The address at which clients reach the API, without a slash at the end. */
  publicUrl: string;
  /** Hashes with the secrets of the access tokens; each use has a prefix of its own. */
  keyedHashes: KeyedHashes;
  limiters: Readonly<Record<LimitName, RateLimit>>;
  /** Whether the account has signed in from the network lately. */
  isKnownNetwork(account: AccountName, network: string): Promise<boolean>;
  /** Whether a text is the secret with which a program may read the metrics. */
  isMetricsToken(text: string): boolean;
}

/** The services of one request; composition.ts makes them. */
export interface HttpServices extends SharedHttpServices {
  inBackground: RunInBackground;
  /** Lets the commands of the request hash passwords; only the limits call it. */
  permitHashing(): void;
  /** Counts a request that was answered. It never throws. */
  recordRequest(request: AnsweredRequest): void;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    traceparent: string;
    logger: Logger;
    http: HttpServices;
    /** The caller as the access token states it; `authenticate` sets it. */
    caller?: Caller;
    /** True for a program that may read the metrics; `authenticateMonitor` sets it. */
    isMonitor?: boolean;
    /** True for an operation that has no use for a precondition and no key; `ignoreConditions` sets it. */
    ignoresConditions?: boolean;
  };
}

/**
 * The part of hono's context that the functions of this folder use. TypeScript does not accept a domain's whole context
 * for another one, because the class has the environment as a parameter.
 */
export type RequestContext = Pick<Context<AppEnv>, 'body' | 'get' | 'header' | 'html' | 'json' | 'req' | 'var'>;

/** The environment of a domain's routes. app.ts binds the commands and queries to each request. */
export interface RouteEnv<Commands, Queries> extends AppEnv {
  Variables: AppEnv['Variables'] & { commands: Commands; queries: Queries };
}

/** @throws DomainError 412 for preconditions that no version of a resource fulfils */
function versionConditions(c: RequestContext): VersionConditions {
  if (c.get('ignoresConditions')) return {};
  const { req } = c;
  const fields = { ifMatch: req.header('If-Match'), ifNoneMatch: req.header('If-None-Match') };
  const conditions = readConditions(fields, c.get('http').keyedHashes);
  if (!conditions) throw commandErrors.preconditionFailed({});
  return conditions;
}

/** The `Consistency-Token` of the request. @throws DomainError 400 for a token that this API did not make */
export function consistencyToken(c: RequestContext) {
  const text = c.req.header('Consistency-Token');
  return text === undefined ? undefined : c.get('http').consistencyTokens.decode(text);
}

/** Takes 1 to 255 visible ASCII characters, with or without quotes (IETF draft of the header Idempotency-Key). */
function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, quoted, bare] = /^(?:"([\x21\x23-\x7e ]{1,255})"|([\x21\x23-\x7e]{1,255}))$/.exec(header.trim()) ?? [];
  const key = quoted ?? bare;
  if (key === undefined) throw httpErrors.invalidIdempotencyKey({});
  return key;
}

/**
 * For operations without a resource whose version a client could know, and whose response is never stored: the headers
 * `If-Match` and `Idempotency-Key` are ignored, whatever they contain.
 */
export const ignoreConditions = createMiddleware<AppEnv>(async (c, next) => {
  c.set('ignoresConditions', true);
  await next();
});

/**
 * For an operation that runs its command after the response, when nobody would learn of a malformed header any more: it
 * is refused before, as everywhere, and the conditions have no effect.
 */
export const checkConditions = createMiddleware<AppEnv>(async (c, next) => {
  commandContext(c);
  c.set('ignoresConditions', true);
  await next();
});

/** The data that a command carries from its request to its events. */
export function commandContext(c: RequestContext): CommandContext<Caller> {
  const { caller, http, ignoresConditions = false, requestId, traceparent } = c.var;
  const token = consistencyToken(c);
  const isCurrent = token?.epoch === http.epoch;
  const header = (name: string) => (ignoresConditions ? undefined : c.req.header(name));
  const idempotencyKey = parseIdempotencyKey(header('Idempotency-Key'));
  const isRepeatable = idempotencyKey !== undefined && c.req.method === 'POST';
  const scope = [caller?.userId ?? 'anonymous', c.req.method, withLowerCaseIds(c.req.path), idempotencyKey].join(' ');
  // A request id that the client chose may not be unique.
  const ownId = requestId === c.req.header('X-Request-Id') ? newId() : requestId;
  return {
    commandId: isRepeatable ? createHash('sha256').update(scope).digest('hex') : ownId,
    firstEventId: ownId,
    isRepeatable,
    issuedAt: http.clock.now(),
    requestId,
    traceparent,
    caller,
    actorId: caller?.userId,
    readFrom: (isCurrent ? token.bookmark : null) ?? 'first-unconstrained',
    ...versionConditions(c),
  };
}
