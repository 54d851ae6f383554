import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { isOneOf } from '../platform/d1';
import { orderStatuses } from './order-status';

export const orders = sqliteTable(
  'orders',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    /**
     * A short number for people. No row is without one, but SQLite adds no column that is NOT NULL: a trigger of the
     * migration numbers the orders of a Worker from before 0.5.0, which runs until this version is deployed.
     */
    number: integer(),
    /** Null after the deletion of the account. There is no foreign key, because a deletion takes many orders in steps. */
    customerId: text('customer_id'),
    status: text({ enum: orderStatuses }).notNull(),
    /** JSON, because the lines never change and are never searched. */
    lines: text({ mode: 'json' }).notNull(),
    lineCount: integer('line_count').notNull(),
    amount: integer().notNull(),
    currency: text().notNull(),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
    /**
     * Personal data, which is taken out with the customer's account. Version 0.7.0 has it in a table of its own: a view of that name
     * is in its place.
     */
    shippingAddress: text('shipping_address', { mode: 'json' }),
  },
  (table) => [
    uniqueIndex('orders_by_number').on(table.number),
    index('orders_by_status').on(table.status, table.id),
    // The list of all orders of a customer is merged from those of each status.
    index('orders_by_customer_and_status').on(table.customerId, table.status, table.id),
    check('orders_status', isOneOf(table.status, orderStatuses)),
  ],
);

/**
 * What was ordered on each day (UTC), without cancelled orders: a cancelled one is taken back from the day on which it was
 * placed. Triggers keep both tables, because they see the writes of every version of the Worker.
 */
export const salesDays = sqliteTable(
  'sales_days',
  {
    date: text().notNull(),
    currency: text().notNull(),
    orders: integer().notNull(),
    /** Minor units; it stops at the largest number that is exact in JSON. */
    revenue: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.date, table.currency] })],
);

/** How many pieces of each item were ordered on a day, with the item's title in the newest order of this day. */
export const itemSales = sqliteTable(
  'item_sales',
  {
    date: text().notNull(),
    /** No foreign key: what was sold stays when the item is deleted. */
    itemId: text('item_id').notNull(),
    title: text().notNull(),
    pieces: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.date, table.itemId] }),
    index('item_sales_by_pieces').on(table.date, table.pieces, table.itemId),
  ],
);
