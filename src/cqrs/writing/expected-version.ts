import { DomainError } from '../../platform/errors';
import type { CommandContext } from './unit-of-work';

/** @throws DomainError `http.precondition-failed` when the caller's `If-Match` names another version. */
export function requireVersion(version: number, { expectedVersion }: CommandContext): void {
  if (expectedVersion !== undefined && expectedVersion !== version) {
    throw new DomainError('precondition', 'http.precondition-failed', 'The resource has changed since you read it.', {
      details: { currentVersion: version },
    });
  }
}
