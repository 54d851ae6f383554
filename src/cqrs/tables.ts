import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, unique, uniqueIndex } from 'drizzle-orm/sqlite-core';

/** The event log: `position` is the global order, in which commits become visible without gaps. */
export const events = sqliteTable(
  'events',
  {
    position: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    streamType: text('stream_type').notNull(),
    streamId: text('stream_id').notNull(),
    version: integer().notNull(),
    type: text().notNull(),
    schemaVersion: integer('schema_version').notNull(),
    data: text().notNull(),
    metadata: text().notNull(),
    occurredAt: text('occurred_at').notNull(),
  },
  (table) => [
    // The guard against lost updates: a batch that was made from a stale version rolls back whole.
    unique('events_stream').on(table.streamType, table.streamId, table.version),
    // The audit trail is read by who acted, by command and by request.
    index('events_by_actor')
      .on(sql`${table.metadata} ->> 'actorId'`, table.position)
      .where(sql`${table.metadata} ->> 'actorId' IS NOT NULL`),
    index('events_by_command').on(sql`${table.metadata} ->> 'commandId'`, table.position),
    index('events_by_request').on(sql`${table.metadata} ->> 'requestId'`, table.position),
  ],
);

/** The outbox: a row exists exactly as long as the work is not done. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    position: integer()
      .notNull()
      .references(() => events.position),
    subscription: text().notNull(),
    attempts: integer().notNull().default(0),
    /** Milliseconds: when the relay sends it again. */
    availableAt: integer('available_at').notNull(),
    /** Milliseconds: until then one consumer is at work on it, for handlers whose effect must not be doubled. */
    claimedUntil: integer('claimed_until').notNull().default(0),
    status: text({ enum: ['pending', 'dead'] })
      .notNull()
      .default('pending'),
    lastError: text('last_error'),
  },
  (table) => [
    primaryKey({ columns: [table.position, table.subscription] }),
    index('deliveries_due').on(table.status, table.availableAt),
    index('deliveries_dead').on(table.position, table.subscription).where(sql`${table.status} = 'dead'`),
    check('deliveries_status', sql`${table.status} IN ('pending', 'dead')`),
  ],
);

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

/** The answers to commands that were sent with an `Idempotency-Key`, written in the command's own batch. */
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
