import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/**
 * The addresses that got an e-mail of a limited kind lately. A row outlives the account, and names the address only by a
 * keyed hash, from which nobody without the secret can find it.
 */
export const limitedEmails = sqliteTable(
  'limited_emails',
  {
    /** A keyed hash of the kind and the address. */
    addressHash: text('address_hash').primaryKey(),
    /** The e-mail that used the limit up, so that another attempt of the same e-mail is allowed. */
    messageId: text('message_id').notNull(),
    /** Milliseconds. */
    expiresAt: integer('expires_at').notNull(),
  },
  (table) => [index('limited_emails_by_expiry').on(table.expiresAt)],
);
