import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { isOneOf } from '../../platform/d1';
import { rebuildStatuses } from './rebuild-status';

/** One row for each key of a read model: which events the document in KV includes, and which claim holds the key. */
export const projections = sqliteTable(
  'projections',
  {
    view: text().notNull(),
    key: text().notNull(),
    /** The document that was put last includes every event up to this position. */
    position: integer().notNull(),
    /** The claim that holds the key; null after the claim was confirmed or released. */
    claimedBy: text('claimed_by'),
    /** Milliseconds: no other claim is possible before this time. */
    claimedUntil: integer('claimed_until').notNull(),
    /** Milliseconds: an earlier put may still arrive until this time, so the key is projected again after this time. */
    recheckAt: integer('recheck_at'),
    /** The class of the error for which the last try could not make the document, or KV never takes it; else null. */
    error: text(),
  },
  (table) => [
    primaryKey({ columns: [table.view, table.key] }),
    index('projections_recheck').on(table.recheckAt).where(sql`${table.recheckAt} IS NOT NULL`),
    index('projections_failing').on(table.view, table.key).where(sql`${table.error} IS NOT NULL`),
  ],
);

/** The rebuilds of read models from the event log, with the progress of each. */
export const rebuilds = sqliteTable(
  'rebuilds',
  {
    id: text().primaryKey(),
    version: integer().notNull(),
    /** The view's name, without the shape version. */
    view: text().notNull(),
    status: text({ enum: rebuildStatuses }).notNull(),
    /** The position of the event RebuildStarted; a key that was loaded after this event is up to date. */
    target: integer().notNull(),
    /** Every event up to this position has been replayed. */
    checkpoint: integer().notNull(),
    /** How many steps are done. Each message names its step, so that a duplicate has no effect. */
    steps: integer().notNull(),
    /** How many keys have been projected. */
    keys: integer().notNull(),
    /** How many failures followed each other without a success. */
    attempts: integer().notNull(),
    /** How many keys could not be projected; the rows of `projections` have their errors. */
    failedKeys: integer('failed_keys').notNull().default(0),
    lastError: text('last_error'),
    startedAt: text('started_at').notNull(),
    /** Milliseconds: the time of the last progress. The schedule restarts a stalled rebuild from its checkpoint. */
    progressedAt: integer('progressed_at').notNull(),
  },
  (table) => [
    uniqueIndex('rebuilds_running').on(table.view).where(sql`${table.status} = 'running'`),
    check('rebuilds_status', isOneOf(table.status, rebuildStatuses)),
  ],
);

/** One row with the places where the reconciler and the comparison of kept counts continue. */
export const reconciliation = sqliteTable('reconciliation', {
  id: integer().primaryKey(),
  view: text().notNull(),
  key: text().notNull(),
  /** The key in KV after which the walk through KV continues; null at its start. */
  documentsAfter: text('documents_after'),
  /** The account after which the comparison of kept counts continues; null at its start. */
  countsAfter: text('counts_after'),
  /** When all rows of each list were counted last: a JSON object with milliseconds by the list's name. */
  listsCounted: text('lists_counted'),
  /** The day (UTC) after which the comparison of the sales figures continues; null at its start. */
  salesAfter: text('sales_after'),
  /** The epoch of the reconciler's rounds: after a restore both walks begin a new round at once. */
  epoch: text(),
  /** How many rows `projections` had when the walk through them began its round. */
  keys: integer(),
  /** Milliseconds: when each walk began its last round, and when it last came to the end of one. */
  rowsStartedAt: integer('rows_started_at'),
  rowsFinishedAt: integer('rows_finished_at'),
  documentsStartedAt: integer('documents_started_at'),
  documentsFinishedAt: integer('documents_finished_at'),
});

/** How many rows each list has, by owner. Triggers keep the counts; see list-counts.ts. */
export const listCounts = sqliteTable(
  'list_counts',
  {
    list: text().notNull(),
    /** The account that owns the rows; empty for the counts of all rows. */
    owner: text().notNull(),
    /** The number of rows by filter: a JSON object without zeros, whose keys are sorted. */
    counts: text().notNull(),
  },
  (table) => [
    // With the owner first, because the deletion of an account removes its counts of every list.
    primaryKey({ columns: [table.owner, table.list] }),
    check('list_counts_counts', sql`json_valid(${table.counts})`),
  ],
);

/**
 * The shapes of read models that have documents. Two versions of the Worker can have different shapes of one view, and
 * views that the other version does not know.
 */
export const shapes = sqliteTable('shapes', {
  /** The view's id, with its shape version. */
  view: text().primaryKey(),
  name: text().notNull(),
  /** The types of events that touch the view, as a JSON list. */
  types: text().notNull(),
  /** The end of the log when the first document of this shape was projected. */
  since: integer().notNull(),
  /** The position of the last event that was handled without this shape; only documents that are newer count. */
  missed: integer().notNull().default(0),
});

/** The recent low watermarks of the projections: at a time, every event up to a position was projected. */
export const watermarks = sqliteTable('watermarks', {
  /** Milliseconds. */
  at: integer().primaryKey(),
  /** The epoch of the publisher. A publisher of the time before a restore may still be at work after it. */
  epoch: text().notNull(),
  position: integer().notNull(),
});

/** How long events waited for their documents, in windows of five minutes. The rows are a ring: a window replaces an old one. */
export const projectionLags = sqliteTable('projection_lags', {
  slot: integer().primaryKey(),
  /** Milliseconds: the start of the window. */
  startedAt: integer('started_at').notNull(),
  /** A JSON object: how many lags fell into a bucket, by the view's name and the bucket's upper bound. */
  counts: text().notNull(),
});
