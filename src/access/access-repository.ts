import { sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { AccountStatus, Caller } from './caller';
import { accessErrors } from './errors';

/** The columns that this folder needs of the table of accounts. The table belongs to the users domain. */
export type AccountTable = SQLiteTable & { [Column in keyof AccountStatus | 'version']: SQLiteColumn };

/** The check of callers for commands. */
export interface AccessRepository {
  /** Adds the guard that the caller's account is active and its token is not revoked. */
  requireValidToken(caller: Caller): void;
  /**
   * Adds the guard that an account is still active and still has this token generation. A sign-in and a refresh need this
   * guard, because they issue a token without a caller.
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
