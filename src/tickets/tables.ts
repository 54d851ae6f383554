import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { orders } from '../orders/tables';
import { isOneOf } from '../platform/d1';
import { speakers, ticketStatuses } from './ticket-status';

export const tickets = sqliteTable(
  'tickets',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    /** No foreign key: the deletion of an account takes its tickets in steps. */
    customerId: text('customer_id').notNull(),
    orderId: text('order_id').references(() => orders.id),
    subject: text().notNull(),
    message: text().notNull(),
    /** The previews are computed on each write, so that no list has to load messages and notes. */
    preview: text().notNull(),
    notePreview: text('note_preview'),
    hasNote: integer('has_note', { mode: 'boolean' }).notNull(),
    status: text({ enum: ticketStatuses }).notNull(),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
    /** Seconds from opening to the first status that is not `open`. */
    triageSeconds: integer('triage_seconds'),
    triagedAt: text('triaged_at'),
    customerVersion: integer('customer_version').notNull(),
    /** The time of the last change that the customer can see: a status or a reply, and neither a note nor an assignee. */
    customerUpdatedAt: text('customer_updated_at').notNull(),
    /** The agent or admin who works on the ticket. No foreign key: a deletion releases the tickets in steps. */
    assigneeId: text('assignee_id'),
    /** Who wrote the newest text of the conversation, whose first text is the message. */
    lastSpeaker: text('last_speaker', { enum: speakers }).notNull().default('customer'),
  },
  (table) => [
    index('tickets_by_customer').on(table.customerId, table.id),
    index('tickets_by_customer_and_status').on(table.customerId, table.status, table.id),
    index('tickets_by_status').on(table.status, table.id),
    index('tickets_by_note').on(table.hasNote, table.id),
    index('tickets_by_status_and_note').on(table.status, table.hasNote, table.id),
    // The orders by last activity. A list of several statuses merges the entries of each.
    index('tickets_by_activity').on(table.status, table.hasNote, table.updatedAt, table.id),
    index('tickets_by_customer_activity').on(table.customerId, table.status, table.customerUpdatedAt, table.id),
    index('tickets_by_assignee').on(table.assigneeId, table.status, table.id),
    index('tickets_by_assignee_activity').on(table.assigneeId, table.status, table.updatedAt, table.id),
    index('tickets_by_triage').on(table.triagedAt, table.triageSeconds).where(sql`${table.triagedAt} IS NOT NULL`),
    check('tickets_status', isOneOf(table.status, ticketStatuses)),
    check('tickets_order', sql`${table.orderId} <> ''`),
  ],
);

export const ticketNotes = sqliteTable(
  'ticket_notes',
  {
    id: text().notNull(),
    ticketId: text('ticket_id')
      .notNull()
      .references(() => tickets.id, { onDelete: 'cascade' }),
    authorId: text('author_id').notNull(),
    note: text().notNull(),
    createdAt: text('created_at').notNull(),
  },
  // Notes are read by their ticket only, so no other index finds one.
  (table) => [primaryKey({ columns: [table.ticketId, table.id] })],
);

/** What customers, agents and admins have written on a ticket after its first message. Everybody who sees the ticket sees it. */
export const ticketReplies = sqliteTable(
  'ticket_replies',
  {
    id: text().notNull(),
    ticketId: text('ticket_id')
      .notNull()
      .references(() => tickets.id, { onDelete: 'cascade' }),
    authorId: text('author_id').notNull(),
    by: text({ enum: speakers }).notNull(),
    message: text().notNull(),
    createdAt: text('created_at').notNull(),
  },
  // As notes, replies are read by their ticket only.
  (table) => [primaryKey({ columns: [table.ticketId, table.id] }), check('replies_by', isOneOf(table.by, speakers))],
);

/** How many tickets have each status, as version 0.4.0 keeps it. Nothing reads it any more: `list_counts` has the counts. */
export const ticketCounts = sqliteTable('ticket_counts', {
  status: text({ enum: ticketStatuses }).primaryKey(),
  count: integer().notNull(),
});

/**
 * How many tickets were opened, and how often tickets were reopened after they were closed, and closed, on each day (UTC),
 * including tickets that were deleted later.
 */
export const ticketDays = sqliteTable('ticket_days', {
  date: text().primaryKey(),
  opened: integer().notNull().default(0),
  closed: integer().notNull().default(0),
  reopened: integer().notNull().default(0),
});
