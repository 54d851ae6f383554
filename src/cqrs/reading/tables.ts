import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** One row a read model's key: how far KV is, and who may write it now. */
export const projections = sqliteTable(
  'projections',
  {
    view: text().notNull(),
    key: text().notNull(),
    /** Every event up to here is in the document that was put last. */
    position: integer().notNull(),
    /** The claim at work; null once it was confirmed or released. */
    claimedBy: text('claimed_by'),
    /** Milliseconds: nobody else may claim before. */
    claimedUntil: integer('claimed_until').notNull(),
    /** Milliseconds: a put of an earlier claim may land until then, so the key is projected once more after it. */
    suspectUntil: integer('suspect_until'),
  },
  (table) => [
    primaryKey({ columns: [table.view, table.key] }),
    index('projections_suspect').on(table.suspectUntil).where(sql`${table.suspectUntil} IS NOT NULL`),
    index('projections_claimed').on(table.claimedUntil).where(sql`${table.claimedBy} IS NOT NULL`),
  ],
);

/** Rebuilds of read models from the event log, with how far each has come. */
export const rebuilds = sqliteTable(
  'rebuilds',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    /** The view's name, without its shape's version. */
    view: text().notNull(),
    status: text({ enum: ['running', 'done', 'cancelled', 'failed'] }).notNull(),
    /** The position of the rebuild's own first event: a key that was loaded after it needs nothing more. */
    target: integer().notNull(),
    /** Every event up to here has been replayed. */
    checkpoint: integer().notNull(),
    /** How many steps have been done: a message names the step that it is for, so its duplicate does nothing. */
    steps: integer().notNull(),
    /** How many keys have been projected. */
    keys: integer().notNull(),
    /** Failures in a row. */
    attempts: integer().notNull(),
    lastError: text('last_error'),
    startedAt: text('started_at').notNull(),
    /** Milliseconds: a running rebuild that has not moved for a while is started again from its checkpoint. */
    movedAt: integer('moved_at').notNull(),
  },
  (table) => [
    uniqueIndex('rebuilds_running').on(table.view).where(sql`${table.status} = 'running'`),
    check('rebuilds_status', sql`${table.status} IN ('running', 'done', 'cancelled', 'failed')`),
  ],
);

/** Where the reconciler's walk over the projections goes on: one row. */
export const reconciliation = sqliteTable('reconciliation', {
  id: integer().primaryKey(),
  view: text().notNull(),
  key: text().notNull(),
});
