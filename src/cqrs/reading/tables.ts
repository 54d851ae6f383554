import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { isOneOf } from '../../platform/d1';
import { rebuildStatuses } from './rebuild-status';

/** One row for each key of a read model: which events KV includes, and who may write the key now. */
export const projections = sqliteTable(
  'projections',
  {
    view: text().notNull(),
    key: text().notNull(),
    /** The document that was put last includes every event up to this position. */
    position: integer().notNull(),
    /** The claim that is in progress; null after it was confirmed or released. */
    claimedBy: text('claimed_by'),
    /** Milliseconds: until then no other claim is possible. */
    claimedUntil: integer('claimed_until').notNull(),
    /** Milliseconds: until then a put of an earlier claim may still take effect, so the key is projected again later. */
    recheckAt: integer('recheck_at'),
  },
  (table) => [
    primaryKey({ columns: [table.view, table.key] }),
    index('projections_recheck').on(table.recheckAt).where(sql`${table.recheckAt} IS NOT NULL`),
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
    status: text({ enum: rebuildStatuses }).notNull(),
    /** The position of the rebuild's own first event; a key that was loaded after it is up to date. */
    target: integer().notNull(),
    /** Every event up to here has been replayed. */
    checkpoint: integer().notNull(),
    /** How many steps are done. A message names its step, so that a duplicate does nothing. */
    steps: integer().notNull(),
    /** How many keys have been projected. */
    keys: integer().notNull(),
    /** Failures in a row. */
    attempts: integer().notNull(),
    lastError: text('last_error'),
    startedAt: text('started_at').notNull(),
    /** Milliseconds: a running rebuild without progress for a while continues from its checkpoint. */
    progressedAt: integer('progressed_at').notNull(),
  },
  (table) => [
    uniqueIndex('rebuilds_running').on(table.view).where(sql`${table.status} = 'running'`),
    check('rebuilds_status', isOneOf(table.status, rebuildStatuses)),
  ],
);

/** The key after which the reconciler continues: one row. */
export const reconciliation = sqliteTable('reconciliation', {
  id: integer().primaryKey(),
  view: text().notNull(),
  key: text().notNull(),
});
