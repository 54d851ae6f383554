import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import type { Services } from '../composition';
import { decodeConsistencyToken } from '../cqrs/log/consistency-token';
import type { CommandContext } from '../cqrs/writing/unit-of-work';
import { DomainError } from '../platform/errors';
import { newId } from '../platform/ids';
import type { Logger } from '../platform/logger';
import type { Role } from '../users/user';

/** The caller as the access token states it; what can have changed since is checked by each command and read. */
export interface Caller {
  userId: string;
  role: Role;
  /** When the token was issued, in milliseconds since the Unix epoch. */
  issuedAt: number;
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    traceparent: string;
    logger: Logger;
    services: Services;
    caller?: Caller;
  };
}

/** Who calls, on a route behind `authenticate`. */
export function requireCaller({ var: { caller } }: Context<AppEnv>): Caller {
  if (!caller) throw new Error('this route needs the authenticate middleware');
  return caller;
}

/**
 * The version that `If-Match` asks for; strong comparison, one tag (RFC 9110, 13.1.1). What follows the version in a tag
 * tells representations apart, and is nothing that a change could overwrite.
 */
function expectedVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const [, version] = /^"(\d{1,15})(?:-[\d.]{1,64})?"$/.exec(header.trim()) ?? [];
  if (version === undefined) {
    throw new DomainError('precondition', 'http.precondition-failed', 'If-Match names no version of this resource.');
  }
  return Number(version);
}

/** The `Consistency-Token` that the request carries. @throws DomainError 400 for one that is not ours. */
export function consistencyToken(c: Context<AppEnv>) {
  const text = c.req.header('Consistency-Token');
  return text === undefined ? undefined : decodeConsistencyToken(text);
}

/** A quoted string or a bare one of 1 to 255 visible characters (IETF draft). */
function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, quoted, bare] = /^(?:"([\x21\x23-\x7e ]{1,255})"|([\x21\x23-\x7e]{1,255}))$/.exec(header.trim()) ?? [];
  const key = quoted ?? bare;
  if (key === undefined) {
    const message = 'An Idempotency-Key is 1 to 255 visible ASCII characters, in quotes or without.';
    throw new DomainError('bad-request', 'http.invalid-idempotency-key', message);
  }
  return key;
}

/** What a command carries from the request through the bus into its events. */
export function commandContext(c: Context<AppEnv>): CommandContext {
  const { caller, requestId, services, traceparent } = c.var;
  const token = consistencyToken(c);
  const isCurrent = token?.epoch === services.config.epoch;
  const idempotencyKey = parseIdempotencyKey(c.req.header('Idempotency-Key'));
  const isRepeatable = idempotencyKey !== undefined && c.req.method === 'POST';
  const scope = [caller?.userId ?? 'anonymous', c.req.method, c.req.path, idempotencyKey].join(' ');
  return {
    commandId: isRepeatable ? createHash('sha256').update(scope).digest('hex') : newId(),
    isRepeatable,
    issuedAt: services.clock.now(),
    requestId,
    traceparent,
    actor: caller && { id: caller.userId, issuedAt: caller.issuedAt },
    readFrom: (isCurrent ? token.bookmark : null) ?? 'first-unconstrained',
    expectedVersion: expectedVersion(c.req.header('If-Match')),
  };
}
