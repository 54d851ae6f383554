import { commandErrors } from './errors';

/** The versions of a resource at which its caller wants a command to be carried out. */
export interface VersionConditions {
  /** The version, or one of the versions, that the caller has read (`If-Match`); any other version is refused. */
  expectedVersion?: number | readonly number[] | undefined;
  /** The versions that are refused (`If-None-Match`). */
  unexpectedVersions?: readonly number[] | undefined;
}

/** @throws DomainError `http.precondition-failed` when the caller's preconditions do not allow this version */
export function requireVersion(version: number, { expectedVersion, unexpectedVersions }: VersionConditions): void {
  const isExpected = expectedVersion === undefined || [expectedVersion].flat().includes(version);
  if (!isExpected || unexpectedVersions?.includes(version)) {
    throw commandErrors.preconditionFailed({ currentVersion: version });
  }
}
