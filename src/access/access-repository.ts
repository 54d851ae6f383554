import { sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { AccountStatus, Caller } from './caller';
import { accessErrors } from './errors';

/** The columns that this folder needs of the table of accounts. The table belongs to the users domain. */
export type AccountTable = SQLiteTable & { [Column in keyof AccountStatus | 'version']: SQLiteColumn };

/** The columns that this folder needs of the table of API keys, which belongs to the domain of the keys. */
export type KeyTable = SQLiteTable & { [Column in 'id' | 'userId' | 'hash' | 'scopes' | 'expiresAt']: SQLiteColumn };

/** The check of callers for commands. */
export interface AccessRepository {
  /**
   * Adds the guard that the caller's account is active, and that it has the role and the generation of the token. For a caller
   * with an API key the commit also fails if the key is revoked by then.
   */
  requireValidToken(caller: Caller): void;
  /**
   * Adds the guard that an account is still active and still has this role and this token generation. A sign-in and a
   * refresh need this guard, because they issue a token without a caller.
   * @param refuse makes the error for an account that has changed
   */
  requireUnchanged(account: Omit<AccountStatus, 'isActive'>, refuse: () => Error): void;
}

export function createAccessRepository(
  { guard }: RepositoryContext,
  accounts: AccountTable,
  keys: KeyTable,
): AccessRepository {
  const isValid = ({ id, role, tokenGeneration }: Omit<AccountStatus, 'isActive'>) => sql`EXISTS (SELECT 1
    FROM ${accounts} WHERE ${accounts.id} = ${id} AND ${accounts.isActive} = 1
    AND ${accounts.tokenGeneration} = ${tokenGeneration} AND ${accounts.role} = ${role})`;
  return {
    requireValidToken({ userId, key, ...stated }) {
      guard(isValid({ id: userId, ...stated }), () => accessErrors.invalidToken({ reason: 'revoked' }));
      if (!key) return;
      // A key is deleted when it is revoked.
      guard(sql`EXISTS (SELECT 1 FROM ${keys} WHERE ${keys.id} = ${key.id} AND ${keys.userId} = ${userId})`, () =>
        accessErrors.invalidKey({ reason: 'revoked' }),
      );
    },
    requireUnchanged: (account, refuse) => guard(isValid(account), refuse),
  };
}
