/** The errors that only code or data can cause: the same work fails again until somebody corrects the code or the data. */
const ownNames = new Set(['DomainError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'ZodError']);

/** What D1 and KV say about a statement or a request that is wrong itself. 408 and 429 are refusals for a time. */
const ownMessage = /\bSQLITE_(?:CONSTRAINT|ERROR|MISMATCH|TOOBIG)\b|^KV \w+ failed: 4(?!08|29)\d\d\b/;

/**
 * Whether work failed because a part of the platform was away, so that the same work can succeed later. Other failures
 * are the work's own: nothing but a correction of the code or the data ends them.
 */
export function isPlatformFailure(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (ownNames.has(current.name) || ownMessage.test(current.message)) return false;
  }
  return error instanceof Error;
}

/** The class and the code of an error. The message is left out, because it may contain text that a person typed. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error && typeof error.code === 'string' ? `: ${error.code}` : '';
  return `${error.name}${code}`;
}
