import { documentedErrors } from '../support/faulty-d1';

/** The errors of D1 that do not say whether a write was applied. Each can come before the write and after it. */
export const openErrors = documentedErrors;

/** An error by a name for the coverage. */
export function nameOf(error: string): string {
  return error.replace(/^D1_ERROR: /, '').replace(/\.$/, '');
}
