/** The kind of a refusal. Only `http/problem.ts` knows which HTTP status each kind has. */
export type ErrorKind =
  | 'bad-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'already-exists'
  | 'conflict'
  | 'precondition'
  | 'too-large'
  | 'unsupported-media-type'
  | 'invalid'
  | 'too-many'
  | 'internal'
  /** The API could not do its work in time; `retryAfterSeconds` in the details says when to send the request again. */
  | 'unavailable';

/** One wrong field of an input: its JSON pointer (RFC 6901), a text for people, and a code. */
export interface FieldError {
  pointer: string;
  detail: string;
  code: string;
}

interface ErrorOptions {
  /** The fields that caused the refusal. */
  errors?: FieldError[];
  cause?: unknown;
}

/** The options of one occurrence; `pointer` names the one field that caused the refusal. */
interface OccurrenceOptions extends ErrorOptions {
  pointer?: string;
}

/** Facts that a client can act on. They are a part of the response, so these facts never contain personal data. */
export type ErrorDetails = Record<string, unknown>;

/** An expected refusal. `code` never changes and starts with its domain (`users.email-taken`). */
export class DomainError extends Error {
  override readonly name: string = 'DomainError';
  readonly errors: FieldError[] | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    message: string,
    readonly details: ErrorDetails,
    { errors, cause }: ErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.errors = errors;
  }
}

/** The entry of an error code in the catalogue. */
export interface ErrorInfo<Code extends string = string> {
  readonly code: Code;
  readonly kind: ErrorKind;
  /** For the page at `/problems/{code}`: the cause of the error. */
  readonly meaning: string;
  /** For the page at `/problems/{code}`: the next step for a client. */
  readonly remedy: string;
}

/** An entry of the catalogue that is also a function: the function makes one occurrence of the error. */
export interface DefinedError<Code extends string, Details extends ErrorDetails> extends ErrorInfo<Code> {
  (details: Details, options?: OccurrenceOptions): DomainError;
}

/**
 * Defines an error of the catalogue.
 * @param definition.text one occurrence in a sentence or two: what happened, why, and what to do
 */
export function defineError<Code extends string, Details extends ErrorDetails = Record<never, never>>(definition: {
  code: Code;
  kind: ErrorKind;
  meaning: string;
  remedy: string;
  text(details: Details): string;
}): DefinedError<Code, Details> {
  const { code, kind, meaning, remedy, text } = definition;
  function create(details: Details, { pointer, ...options }: OccurrenceOptions = {}): DomainError {
    const detail = text(details);
    const errors = pointer === undefined ? {} : { errors: [{ pointer, detail, code }] };
    return new DomainError(kind, code, detail, details, { ...options, ...errors });
  }
  return Object.assign(create, { code, kind, meaning, remedy });
}

/** The configuration is not usable. The message contains the names of the wrong variables, and never their values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
