import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Scope } from '../access/scopes';
import { users } from '../users/tables';

/** API keys; a key that is revoked is deleted, and its events stay. Times without a format in their name are ISO 8601. */
export const apiKeys = sqliteTable(
  'api_keys',
  {
    id: text().primaryKey(),
    /** The keys end with the account, in the same commit; there are few. */
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: text().notNull(),
    /** A keyed hash of the key's text. */
    hash: text().notNull(),
    scopes: text({ mode: 'json' }).$type<readonly Scope[]>().notNull(),
    createdAt: text('created_at').notNull(),
    /** Milliseconds; null for a key that does not expire. */
    expiresAt: integer('expires_at'),
    /** The hour of the last use. */
    lastUsedAt: text('last_used_at'),
  },
  (table) => [index('api_keys_by_user').on(table.userId)],
);
