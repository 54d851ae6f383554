import { commandErrors } from './errors';

/** @throws DomainError `http.precondition-failed` when the caller's `If-Match` names another version. */
export function requireVersion(version: number, { expectedVersion }: { expectedVersion?: number | undefined }): void {
  if (expectedVersion !== undefined && expectedVersion !== version) {
    throw commandErrors.preconditionFailed({ currentVersion: version });
  }
}
