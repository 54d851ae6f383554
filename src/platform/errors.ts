/** What went wrong, in the language of the domain. `http/problem.ts` alone knows which status each kind has. */
export type ErrorKind =
  | 'bad-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'precondition'
  | 'invalid'
  | 'too-many';

/** One offending place in an input: a JSON pointer (RFC 6901) and what is wrong there. */
export interface FieldError {
  pointer: string;
  detail: string;
  code: string;
}

export interface ErrorOptions {
  /** What a client can act on; crosses HTTP, so never personal data. */
  details?: Record<string, unknown>;
  /** The fields to blame, for `invalid`. */
  errors?: FieldError[];
  cause?: unknown;
}

/** An expected refusal. `code` is stable and namespaced: `users.email-taken`; `message` is safe to show. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly details: Record<string, unknown> | undefined;
  readonly errors: FieldError[] | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.details = options.details;
    this.errors = options.errors;
  }
}

/** Another command changed the aggregate first: the bus loads fresh state and tries again. */
export class ConcurrencyError extends DomainError {
  constructor() {
    super('conflict', 'concurrency.conflict', 'The resource was changed by another request; please try again.');
  }
}
