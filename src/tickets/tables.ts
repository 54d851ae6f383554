import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { orders } from '../orders/tables';
import { users } from '../users/tables';

export const tickets = sqliteTable(
  'tickets',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    customerId: text('customer_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    orderId: text('order_id').references(() => orders.id),
    subject: text().notNull(),
    message: text().notNull(),
    /** Computed when written, so that no list loads a message or a note. */
    preview: text().notNull(),
    notePreview: text('note_preview'),
    hasNote: integer('has_note', { mode: 'boolean' }).notNull(),
    status: text({ enum: ['open', 'triaged', 'closed'] }).notNull(),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
    /** Seconds from opening to the first status that is not `open`. */
    triageSeconds: integer('triage_seconds'),
    triagedAt: text('triaged_at'),
    shownVersion: integer('shown_version').notNull(),
    shownAt: text('shown_at').notNull(),
  },
  (table) => [
    index('tickets_by_customer').on(table.customerId, table.id),
    index('tickets_by_customer_and_status').on(table.customerId, table.status, table.id),
    index('tickets_by_status').on(table.status, table.id),
    index('tickets_by_note').on(table.hasNote, table.id),
    index('tickets_by_status_and_note').on(table.status, table.hasNote, table.id),
    index('tickets_by_triage').on(table.triagedAt, table.triageSeconds).where(sql`${table.triagedAt} IS NOT NULL`),
    check('tickets_status', sql`${table.status} IN ('open', 'triaged', 'closed')`),
    // An order that is not the customer's own is written as the empty id.
    check('tickets_order', sql`${table.orderId} <> ''`),
  ],
);

export const ticketNotes = sqliteTable(
  'ticket_notes',
  {
    id: text().primaryKey(),
    ticketId: text('ticket_id')
      .notNull()
      .references(() => tickets.id, { onDelete: 'cascade' }),
    authorId: text('author_id').notNull(),
    note: text().notNull(),
    createdAt: text('created_at').notNull(),
  },
  (table) => [index('ticket_notes_by_ticket').on(table.ticketId, table.id)],
);

/** How many tickets there are by status: counted when written, so that the dashboard counts nothing. */
export const ticketCounts = sqliteTable('ticket_counts', {
  status: text({ enum: ['open', 'triaged', 'closed'] }).primaryKey(),
  count: integer().notNull(),
});

/** What happened on each day (UTC); a ticket that is deleted later was opened all the same. */
export const ticketDays = sqliteTable('ticket_days', {
  date: text().primaryKey(),
  opened: integer().notNull().default(0),
  closed: integer().notNull().default(0),
});
