import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { users } from '../users/tables';

/** Sign-ins; the refresh tokens of one session are its family. */
export const sessions = sqliteTable(
  'sessions',
  {
    id: text().primaryKey(),
    /** No foreign key: the deletion of an account takes its sessions in steps. Without its account a session is of no use. */
    userId: text('user_id').notNull(),
    version: integer().notNull(),
    createdAt: text('created_at').notNull(),
    revokedAt: integer('revoked_at'),
    network: text(),
  },
  (table) => [
    index('sessions_by_user').on(table.userId, table.network),
    // The list of an account's sessions, newest first.
    index('sessions_open').on(table.userId, table.id).where(sql`${table.revokedAt} IS NULL`),
  ],
);

/** The hashes of all refresh tokens of a family, also of used ones, to notice a second use. Times are milliseconds. */
export const refreshTokens = sqliteTable(
  'refresh_tokens',
  {
    hash: text().primaryKey(),
    sessionId: text('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    expiresAt: integer('expires_at').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [
    index('refresh_tokens_by_session').on(table.sessionId),
    index('refresh_tokens_by_expiry').on(table.expiresAt),
  ],
);

/** Requested password resets. The token is not stored, because it is derived from the id and a secret. */
export const passwordResets = sqliteTable(
  'password_resets',
  {
    id: text().primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tokenHash: text('token_hash').notNull(),
    expiresAt: integer('expires_at').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [
    index('password_resets_by_user').on(table.userId),
    index('password_resets_by_expiry').on(table.expiresAt),
  ],
);
