import { sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { AccountStatus, Caller } from './caller';
import { accessErrors } from './errors';

/** What this folder needs of the table of accounts, which the users domain owns and passes in. */
export type AccountTable = SQLiteTable & { [Column in keyof AccountStatus | 'version']: SQLiteColumn };

/** The write side's check of callers. */
export interface AccessRepository {
  /** Adds the guard that the caller's account is active and its token is not revoked. */
  requireValidToken(caller: Caller): void;
  /**
   * Adds the guard that an account is still active and its token generation is still this one, for what was decided on
   * it without a caller, such as a refresh.
   * @param refuse makes the error for an account that has changed
   */
  requireUnchanged(account: Pick<AccountStatus, 'id' | 'tokenGeneration'>, refuse: () => Error): void;
}

export function createAccessRepository({ guard }: RepositoryContext, accounts: AccountTable): AccessRepository {
  const isValid = (id: string, tokenGeneration: number) => sql`EXISTS (SELECT 1 FROM ${accounts}
    WHERE ${accounts.id} = ${id} AND ${accounts.isActive} = 1 AND ${accounts.tokenGeneration} = ${tokenGeneration})`;
  return {
    requireValidToken: ({ userId, tokenGeneration }) =>
      guard(isValid(userId, tokenGeneration), () => accessErrors.invalidToken({ reason: 'revoked' })),
    requireUnchanged: ({ id, tokenGeneration }, refuse) => guard(isValid(id, tokenGeneration), refuse),
  };
}
