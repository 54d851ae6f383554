import { eq, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import type { Scope } from '../access/scopes';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { users } from '../users/tables';
import type { ApiKey } from './api-key';
import { apiKeyErrors } from './errors';
import { apiKeys } from './tables';

/** The API keys of the write model. */
export interface ApiKeyRepository {
  /** Adds a key. The commit fails if its account has `most` keys by then. */
  add(key: ApiKey<Scope>, most: number, by: CheckedActor): void;
  /** Deletes a key. The commit fails if it is gone by then, because the deletion of its account leaves no event of the key. */
  remove(key: Pick<ApiKey, 'id'>, by: CheckedActor): void;
  /** Deletes all keys of an account, and returns their ids. The commit fails if the account has another key by then. */
  removeAllOf(userId: string): Promise<string[]>;
  find(id: string): Promise<Pick<ApiKey, 'id' | 'userId'> | undefined>;
  /** Adds the guard that an account is a service account. */
  requireServiceAccount(userId: string): void;
}

export function createApiKeyRepository({ db, stage, guard }: RepositoryContext): ApiKeyRepository {
  return {
    add(key, most) {
      guard(sql`(SELECT count(*) FROM ${apiKeys} WHERE ${apiKeys.userId} = ${key.userId}) < ${most}`, () =>
        apiKeyErrors.tooMany({ most }),
      );
      stage(db.insert(apiKeys).values(key));
    },
    remove({ id }) {
      guard(sql`EXISTS (SELECT 1 FROM ${apiKeys} WHERE ${apiKeys.id} = ${id})`, () => new ConcurrencyError());
      stage(db.delete(apiKeys).where(eq(apiKeys.id, id)));
    },
    async removeAllOf(userId) {
      const isTheirs = eq(apiKeys.userId, userId);
      const keys = await db.select({ id: apiKeys.id }).from(apiKeys).where(isTheirs);
      const ids = keys.map(({ id }) => id);
      const isOther = sql`${apiKeys.id} NOT IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
      guard(sql`NOT EXISTS (SELECT 1 FROM ${apiKeys} WHERE ${isTheirs} AND ${isOther})`, () => new ConcurrencyError());
      if (ids.length > 0) stage(db.delete(apiKeys).where(isTheirs));
      return ids;
    },
    find: async (id) =>
      (await db.select({ id: apiKeys.id, userId: apiKeys.userId }).from(apiKeys).where(eq(apiKeys.id, id)))[0],
    requireServiceAccount: (userId) =>
      guard(sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${userId} AND ${users.isService} = 1)`, () =>
        apiKeyErrors.noServiceAccount({ accountId: userId }, { pointer: '/accountId' }),
      ),
  };
}
