import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const items = sqliteTable(
  'items',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    // There is no foreign key, because the deletion of an account deletes its items itself, each with an event.
    ownerId: text('owner_id').notNull(),
    title: text().notNull(),
    description: text(),
    amount: integer().notNull(),
    currency: text().notNull(),
    stock: integer(),
    /** Counts the changes of `stock`. Orders change the stock without an event in the item's stream. */
    stockVersion: integer('stock_version').notNull(),
    isActive: integer('is_active', { mode: 'boolean' }).notNull(),
    /** No foreign key: an item stays taken down when the account of the agent is deleted. */
    takenDownBy: text('taken_down_by'),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
  },
  (table) => [
    index('items_by_owner').on(table.ownerId, table.id),
    index('items_by_activity').on(table.isActive, table.id),
    index('items_by_owner_and_activity').on(table.ownerId, table.isActive, table.id),
    check('items_stock', sql`${table.stock} >= 0`),
    check('items_stock_version', sql`${table.stockVersion} >= 0`),
    check('items_amount', sql`${table.amount} >= 0`),
  ],
);
