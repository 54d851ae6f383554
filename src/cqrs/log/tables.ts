import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, unique } from 'drizzle-orm/sqlite-core';

/** The event log. `position` is the global order; commits become visible in this order, without gaps. */
export const events = sqliteTable(
  'events',
  {
    position: integer().primaryKey(),
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
    // Prevents lost updates: a batch that was made from an old version of a stream rolls back.
    unique('events_stream').on(table.streamType, table.streamId, table.version),
    // The audit trail is searched by account, by API key, by command and by request. The first event of a request has the request's id,
    // and mostly the command's as well, so that these two indexes have the other events only.
    index('events_by_actor')
      .on(sql`${table.metadata} ->> 'actorId'`, table.position)
      .where(sql`${table.metadata} ->> 'actorId' IS NOT NULL`),
    index('events_by_key')
      .on(sql`${table.metadata} ->> 'keyId'`, table.position)
      .where(sql`${table.metadata} ->> 'keyId' IS NOT NULL`),
    index('events_by_command')
      .on(sql`${table.metadata} ->> 'commandId'`, table.position)
      .where(sql`${table.metadata} ->> 'commandId' <> ${table.id}`),
    index('events_by_request')
      .on(sql`${table.metadata} ->> 'requestId'`, table.position)
      .where(sql`${table.metadata} ->> 'requestId' <> ${table.id}`),
  ],
);

/** The outbox. A row exists as long as the work of its delivery is not finished. */
export const deliveries = sqliteTable(
  'deliveries',
  {
    position: integer()
      .notNull()
      .references(() => events.position),
    subscription: text().notNull(),
    /** How often the relay has sent the delivery. */
    attempts: integer().notNull().default(0),
    /** Milliseconds: the time when the relay sends the delivery again. */
    availableAt: integer('available_at').notNull(),
    /** Milliseconds: the end of the current claim, for handlers whose effect must not happen twice. */
    claimedUntil: integer('claimed_until').notNull().default(0),
    status: text({ enum: ['pending', 'dead'] })
      .notNull()
      .default('pending'),
    /** How often the work failed by its own fault since the delivery was made or replayed. */
    failures: integer().notNull().default(0),
    /** How often nobody knew whether the receiver had accepted the work, since the delivery was made or replayed. */
    unclearSends: integer('unclear_sends').notNull().default(0),
    lastError: text('last_error'),
    /** Milliseconds: the first and the last failure since the delivery was made or replayed. */
    firstFailedAt: integer('first_failed_at'),
    lastFailedAt: integer('last_failed_at'),
    /** How often the work was tried and failed, since the delivery was made or replayed. */
    tries: integer().notNull().default(0),
    /** How often operators have replayed the delivery. */
    replays: integer().notNull().default(0),
    /** Whose fault a dead delivery is, if not the system's: `recipient` for an e-mail that its address does not take. */
    fault: text({ enum: ['recipient'] }),
    /** Always true in new rows, for version 0.6.0 beside this one, which writes no data point otherwise. Nothing reads it here. */
    writesDataPoint: integer('writes_data_point', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [
    // The first delivery of each subscription is found without reading the others.
    primaryKey({ columns: [table.subscription, table.position] }),
    index('deliveries_due').on(table.subscription, table.availableAt).where(sql`${table.status} = 'pending'`),
    index('deliveries_dead').on(table.subscription, table.position).where(sql`${table.status} = 'dead'`),
    // Only dead rows are in it, so no command pays for it.
    index('deliveries_dead_by_fault')
      .on(table.fault, table.subscription, table.position)
      .where(sql`${table.status} = 'dead'`),
    index('deliveries_dead_by_error')
      .on(table.subscription, table.lastError, table.fault, table.position)
      .where(sql`${table.status} = 'dead'`),
    check('deliveries_status', sql`${table.status} IN ('pending', 'dead')`),
  ],
);
