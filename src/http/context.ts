import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { AccessTokens } from '../access/access-token';
import type { Caller } from '../access/caller';
import { decodeConsistencyToken } from '../cqrs/log/consistency-token';
import { commandErrors } from '../cqrs/writing/errors';
import type { CommandContext } from '../cqrs/writing/unit-of-work';
import type { Clock } from '../platform/clock';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/logger';
import { httpErrors } from './errors';

/** What this folder needs of the composition. */
export interface HttpServices {
  clock: Clock;
  accessTokens: AccessTokens;
  /** The epoch of the consistency tokens. */
  epoch: string;
  corsOrigins: readonly string[];
  limiters: Readonly<Record<'address' | 'account', RateLimit>>;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    traceparent: string;
    logger: Logger;
    http: HttpServices;
    /** Who sends the request, as the token states it; set by `authenticate`. */
    caller?: Caller;
  };
}

/**
 * What the functions of this folder use of hono's context. The whole class differs for each environment, so that a
 * domain's context would not be assignable.
 */
export type RequestContext = Pick<Context<AppEnv>, 'body' | 'header' | 'html' | 'json' | 'req' | 'var'>;

/** The environment of a domain's routes: its commands and queries are bound to the request. */
export interface RouteEnv<Commands, Queries> extends AppEnv {
  Variables: AppEnv['Variables'] & { commands: Commands; queries: Queries };
}

/**
 * The version that `If-Match` asks for; strong comparison, one tag (RFC 9110, 13.1.1). What follows the version in a tag
 * distinguishes representations, and a change cannot overwrite it.
 */
function expectedVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const [, version] = /^"(\d{1,15})(?:-[\d.]{1,64})?"$/.exec(header.trim()) ?? [];
  if (version === undefined) throw commandErrors.preconditionFailed({});
  return Number(version);
}

/** The `Consistency-Token` of the request. @throws DomainError 400 for a token that this API did not make */
export function consistencyToken(c: RequestContext) {
  const text = c.req.header('Consistency-Token');
  return text === undefined ? undefined : decodeConsistencyToken(text);
}

/** A quoted string or a bare one of 1 to 255 visible characters (IETF draft). */
function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, quoted, bare] = /^(?:"([\x21\x23-\x7e ]{1,255})"|([\x21\x23-\x7e]{1,255}))$/.exec(header.trim()) ?? [];
  const key = quoted ?? bare;
  if (key === undefined) throw httpErrors.invalidIdempotencyKey({});
  return key;
}

/** What a command carries from the request to its events. */
export function commandContext(c: RequestContext): CommandContext<Caller> {
  const { caller, http, requestId, traceparent } = c.var;
  const token = consistencyToken(c);
  const isCurrent = token?.epoch === http.epoch;
  const idempotencyKey = parseIdempotencyKey(c.req.header('Idempotency-Key'));
  const isRepeatable = idempotencyKey !== undefined && c.req.method === 'POST';
  const scope = [caller?.userId ?? 'anonymous', c.req.method, c.req.path, idempotencyKey].join(' ');
  return {
    commandId: isRepeatable ? createHash('sha256').update(scope).digest('hex') : newId(),
    isRepeatable,
    issuedAt: http.clock.now(),
    requestId,
    traceparent,
    caller,
    actorId: caller?.userId,
    readFrom: (isCurrent ? token.bookmark : null) ?? 'first-unconstrained',
    expectedVersion: expectedVersion(c.req.header('If-Match')),
  };
}
