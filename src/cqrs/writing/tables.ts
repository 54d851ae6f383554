import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The stored responses to commands with an `Idempotency-Key`; each is written in the batch of its command. */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    /** The command's id: a hash of caller, method, path and key. */
    key: text().primaryKey(),
    /** A keyed hash of the payload, which may hold a password. */
    requestHash: text('request_hash').notNull(),
    result: text().notNull(),
    position: integer().notNull(),
    /** Milliseconds. */
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [index('idempotency_keys_by_expiry').on(table.expiresAt)],
);

/**
 * Always empty. A commit inserts a row here only if one of its guards is false. The CHECK then rolls the whole batch
 * back. D1 has no other way to make a batch depend on a condition.
 */
export const commitGuards = sqliteTable('commit_guards', { holds: integer().notNull() }, (table) => [
  check('guards_hold', sql`${table.holds} = 1`),
]);
