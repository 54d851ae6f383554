import { DomainError, defineError } from '../../platform/errors';
import type { CommitPoint } from '../log/consistency-token';

/** The errors that every command can have. */
export const commandErrors = {
  conflict: defineError({
    code: 'concurrency.conflict',
    kind: 'conflict',
    meaning: 'Other requests changed the same resource several times while this command was tried.',
    remedy: 'Send the command again, with the same Idempotency-Key if it has one.',
    text: ({ attempts }: { attempts: number }) =>
      `Other requests changed this resource during each of ${attempts} attempts. Send the command again.`,
  }),
  outcomeUnknown: defineError({
    code: 'concurrency.outcome-unknown',
    kind: 'unavailable',
    meaning:
      'The database took the command and gave no answer in time. The command may have been carried out, may still be carried out, or may be lost.',
    remedy:
      'Wait for the seconds of `Retry-After`. Then repeat a POST with the same Idempotency-Key and the same body: it is carried out once, and you get its response. Without a key, and before you repeat a PATCH or DELETE, read the resource: it shows whether the command was carried out.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `The database gave no answer, so the command may or may not have been carried out. Wait ${retryAfterSeconds} seconds, then repeat it with the same Idempotency-Key; without a key, first read whether it was carried out.`,
  }),
  preconditionFailed: defineError({
    code: 'http.precondition-failed',
    kind: 'precondition',
    meaning: 'The version of the resource is not one that If-Match and If-None-Match allow.',
    remedy: 'Read the resource again, decide again, and send the command with the new ETag.',
    text: ({ currentVersion }: { currentVersion?: number }) =>
      currentVersion === undefined
        ? 'If-Match and If-None-Match allow no version of this resource. Send If-Match with its ETag as you read it.'
        : `The version of the resource is ${currentVersion}, which is not what you expect. Read it again before you change it.`,
  }),
  idempotencyKeyReused: defineError({
    code: 'http.idempotency-key-reused',
    kind: 'invalid',
    meaning: 'The Idempotency-Key was sent before with another body to the same address.',
    remedy: 'Use a new Idempotency-Key for a new command; repeat a command with exactly the same body.',
    text: () => 'This Idempotency-Key was sent before with another body. Use a new key for a new command.',
  }),
};

/**
 * The state from which a command decided has changed before the commit. The command runner tries again with new state,
 * so callers get this error only after the last attempt.
 */
export class ConcurrencyError extends DomainError {
  override readonly name = 'ConcurrencyError';

  constructor(attempts = 1) {
    const { kind, code, message, details } = commandErrors.conflict({ attempts });
    super(kind, code, message, details);
  }
}

/** A command whose preconditions do not hold. A read that is as new as `seen` shows what changed. */
export class PreconditionFailedError extends DomainError {
  constructor(
    { kind, code, message, details }: DomainError,
    readonly seen: CommitPoint,
  ) {
    super(kind, code, message, details);
  }
}
