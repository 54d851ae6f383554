import { desc, eq } from 'drizzle-orm';
import { keyPrefix } from '../access/key-text';
import { isoTime } from '../platform/clock';
import type { Database } from '../platform/d1';
import type { ApiKeyRow } from './schemas';
import { apiKeys } from './tables';

/** Finds the API keys of an account, newest first. An account has few, so there are no pages. */
export async function findApiKeys(db: Database, userId: string): Promise<ApiKeyRow[]> {
  const rows = await db.select().from(apiKeys).where(eq(apiKeys.userId, userId)).orderBy(desc(apiKeys.id));
  return rows.map(({ id, name, scopes, createdAt, expiresAt, lastUsedAt }) => ({
    id,
    accountId: userId,
    name,
    prefix: keyPrefix(id),
    scopes: [...scopes],
    createdAt,
    expiresAt: expiresAt === null ? null : isoTime(expiresAt),
    lastUsedAt,
  }));
}
