import { findDatabaseFailure, statementError } from './d1';

/** The errors that only code or data can cause: the same work fails again until somebody corrects the code or the data. */
const ownNames = new Set(['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'ZodError', '$ZodError']);

/** What KV says about a key or a value that it will never accept. */
const refusedForGood = /^KV \w+ failed: 4(?:00|13|14)\b/;

/** Whether KV refused a key or a value that it will never accept. */
export function isRefusedForGood(error: unknown): boolean {
  return error instanceof Error && refusedForGood.test(error.message);
}

/**
 * Whether work failed because a part of the platform was away, so that the same work can succeed later. Other failures
 * are the work's own: nothing but a correction of the code or the data ends them. An unknown error counts as the
 * platform's, so that an outage cannot make dead letters.
 */
export function isPlatformFailure(error: unknown): boolean {
  if (findDatabaseFailure(error)) return true;
  if (statementError(error) !== undefined) return false;
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof DefectError || ownNames.has(current.name) || isRefusedForGood(current)) return false;
  }
  return true;
}

/**
 * An error of code that only computes, such as the making of a document: no platform takes part in it. Its name is that
 * of the error that the code threw.
 */
export class DefectError extends Error {
  constructor(override readonly cause: unknown) {
    super('The code failed on this data.', { cause });
    this.name = cause instanceof Error ? cause.name : 'unknown error';
  }
}

/** The class and the code of an error. The message is left out, because it may contain text that a person typed. */
export function describeError(error: unknown): string {
  if (error instanceof DefectError) return describeError(error.cause);
  const refusal = statementError(error);
  if (refusal !== undefined) return refusal;
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? `: ${error.code}` : '';
  return `${error.name}${code}`;
}
