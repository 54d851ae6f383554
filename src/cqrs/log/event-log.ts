import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { limits } from '../../platform/limits';
import type { EventKey, NewEvent, RecordedEvent } from './event';

// This file owns the SQL on the table `events`. Other files use its functions and fragments.

/** A row of the event log, with the column names of SQL. */
export interface EventRow {
  position: number;
  id: string;
  stream_type: string;
  stream_id: string;
  version: number;
  type: string;
  schema_version: number;
  data: string;
  metadata: string;
  occurred_at: string;
}

/** An event without its position, which the insert assigns. */
export type UnpositionedEvent = Omit<RecordedEvent, 'position'>;

/** Converts a row of the log to an event. */
export function toRecordedEvent(row: EventRow): RecordedEvent {
  return {
    position: row.position,
    id: row.id,
    streamType: row.stream_type,
    streamId: row.stream_id,
    version: row.version,
    type: row.type,
    schemaVersion: row.schema_version,
    data: JSON.parse(row.data),
    metadata: JSON.parse(row.metadata),
    occurredAt: row.occurred_at,
  };
}

/** The position of the newest event, as an SQL expression; 0 for an empty log. */
export const lastPosition = sql<number>`(SELECT coalesce(max(position), 0) FROM events)`;

/** The position of the event with this id, as an SQL expression. */
export function positionOf(eventId: SQL): SQL<number> {
  return sql<number>`(SELECT position FROM events WHERE id = ${eventId})`;
}

/**
 * The rows `position, id` of those events that the log has under both, as an SQL table expression. After a restore the
 * log can have another event at the position of a message.
 */
export function eventsInLog(keys: readonly EventKey[]): SQL {
  const wanted = JSON.stringify(keys.map(({ position, id }) => ({ position, id })));
  // CROSS JOIN makes SQLite look up each wanted event, and never read the log.
  return sql`(SELECT events.position, events.id FROM json_each(${wanted}) AS wanted CROSS JOIN events
    ON events.position = wanted.value->>'position' AND events.id = wanted.value->>'id')`;
}

/** The time of the event at a position (ISO 8601), as an SQL expression. */
export function occurredAtOf(position: SQL): SQL<string | null> {
  return sql<string | null>`(SELECT occurred_at FROM events WHERE position = ${position})`;
}

/** The time of the newest event of a stream (ISO 8601), as an SQL expression; null for a stream without events. */
export function newestEventTime(streamType: string, streamId: SQL): SQL<string | null> {
  return sql<string | null>`(SELECT occurred_at FROM events
    WHERE stream_type = ${streamType} AND stream_id = ${streamId} ORDER BY version DESC LIMIT 1)`;
}

/** The newest version of a stream, as an SQL expression; 0 for a stream without events. */
export function streamVersion({ streamType, streamId }: Pick<NewEvent, 'streamType' | 'streamId'>): SQL<number> {
  return sql<number>`(SELECT coalesce(max(version), 0) FROM events
    WHERE stream_type = ${streamType} AND stream_id = ${streamId})`;
}

/** Joins the event to each row of a query that has a `position`; {@link eventColumns} are the event's columns. */
export const joinEvents = sql`JOIN events USING (position)`;

/** The columns of an {@link EventRow}, for a query with {@link joinEvents}. */
export const eventColumns = sql`events.*`;

/**
 * The statement that appends events and returns the position of each. The list is one JSON parameter, because D1 binds
 * at most 100 parameters.
 */
export function insertEvents(db: Database, events: readonly UnpositionedEvent[]) {
  return db.all(sql`
    INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
    SELECT value->>'id', value->>'streamType', value->>'streamId', value->>'version', value->>'type',
      value->>'schemaVersion', value->'data', value->'metadata', value->>'occurredAt'
    FROM json_each(${JSON.stringify(events)}) ORDER BY key
    RETURNING id, position`);
}

/** The positions of events by their ids, from the rows that {@link insertEvents} returns. */
export function toPositions(rows: unknown): Map<string, number> {
  // RETURNING in insertEvents names these columns.
  return new Map((rows as { id: string; position: number }[]).map(({ id, position }) => [id, position]));
}

/**
 * Finds which of these events the log holds, and at which positions. The stream and its version are compared as well,
 * because two commands of one request begin with the same event id.
 */
export async function findPositions(db: Database, events: readonly UnpositionedEvent[]): Promise<Map<string, number>> {
  const wanted = JSON.stringify(events.map(({ id, streamId, version }) => ({ id, streamId, version })));
  return toPositions(
    await db.all(sql`
      SELECT events.id, events.position FROM json_each(${wanted}) AS wanted CROSS JOIN events
        ON events.id = wanted.value->>'id' AND events.stream_id = wanted.value->>'streamId'
        AND events.version = wanted.value->>'version'`),
  );
}

/** The query for the event at a position. */
export const eventAt = (position: number): SQL => sql`SELECT * FROM events WHERE position = ${position}`;

/** The query for the event of a stream with a version. */
export const eventOfStream = ({
  streamType,
  streamId,
  version,
}: Pick<NewEvent, 'streamType' | 'streamId' | 'version'>) =>
  sql`SELECT * FROM events WHERE stream_type = ${streamType} AND stream_id = ${streamId} AND version = ${version}`;

/** The newest events of a stream, as an SQL table expression. */
export const newestEventsOf = ({ streamType, streamId }: Pick<NewEvent, 'streamType' | 'streamId'>, limit: number) =>
  sql`(SELECT * FROM events WHERE stream_type = ${streamType} AND stream_id = ${streamId}
    ORDER BY version DESC LIMIT ${limit})`;

/** Reads the events after one position, up to and including another one, in order. */
export async function readEvents(db: Database, after: number, until: number): Promise<RecordedEvent[]> {
  const rows = await db.all<EventRow>(
    sql`SELECT * FROM events WHERE position > ${after} AND position <= ${until} ORDER BY position`,
  );
  return rows.map(toRecordedEvent);
}

/** A part of the log for readers who go through it in order. */
export interface LogSlice {
  /** The events after this position. */
  after: number;
  limit: number;
  /** Only events of these types, and how many positions are searched for them. */
  only?: { types: readonly string[]; positions: number } | undefined;
}

/** A row of {@link sliceOfLog}: an event, or nothing but nulls where the slice has none; beside it the end of the log. */
export type SliceRow = { [Column in keyof EventRow]: EventRow[Column] | null } & { end: number };

/** Reads a slice of the log in order, with the position of the newest event in the same snapshot; one row at least. */
export function sliceOfLog(db: Database, { after, limit, only }: LogSlice) {
  const isWanted = only
    ? sql`AND position <= ${after + only.positions} AND type IN (SELECT value FROM json_each(${JSON.stringify(only.types)}))`
    : sql``;
  return db.all<SliceRow>(sql`
    SELECT log."end", slice.* FROM (SELECT ${lastPosition} AS "end") AS log LEFT JOIN (
      SELECT * FROM events WHERE position > ${after} ${isWanted} ORDER BY position LIMIT ${limit}
    ) AS slice ON TRUE ORDER BY slice.position`);
}

/** The events of a span of time, half open, in ISO 8601. `ids` bound the ids that they can have: see {@link eventsOfSpan}. */
export interface LogSpan {
  from?: string | undefined;
  to?: string | undefined;
  ids: { from: string; to: string };
  after: number | undefined;
  limit: number;
}

/**
 * Reads the events of a span of time in order. The log has no index of times, but ids begin with one: the last event with an
 * id below the bounds was committed before the span began, and the first one above them after it ended.
 */
export function eventsOfSpan(db: Database, { from = '', to, ids, after, limit }: LogSpan) {
  const before = sql`(SELECT coalesce(max(position), 0) FROM (
    SELECT position FROM events WHERE id < ${ids.from} ORDER BY id DESC LIMIT 1))`;
  const behind = sql`(SELECT position FROM events WHERE id >= ${ids.to} ORDER BY id LIMIT 1)`;
  const isEarlier = to === undefined ? sql`` : sql`AND position < coalesce(${behind}, 1e15) AND occurred_at < ${to}`;
  return db.all<EventRow>(sql`
    SELECT * FROM events WHERE position > ${after ?? before} ${isEarlier} AND occurred_at >= ${from}
    ORDER BY position LIMIT ${limit}`);
}

/** Reads the events that an account has caused, in order. */
export function eventsOfActor(
  db: Database,
  { actor, after = 0, limit }: { actor: string; after?: number | undefined; limit: number },
) {
  return db.all<EventRow>(sql`
    SELECT * FROM events WHERE metadata ->> 'actorId' = ${actor} AND position > ${after} ORDER BY position LIMIT ${limit}`);
}

/** The filters of a search of the event log. */
export interface EventFilter {
  stream?: { type: string; id: string } | undefined;
  actor?: string | undefined;
  /** The API key with which the account acted. */
  key?: string | undefined;
  command?: string | undefined;
  request?: string | undefined;
  type?: string | undefined;
  /** Only events before this position. */
  before?: number | undefined;
}

const commandId = sql`metadata ->> 'commandId'`;
const requestId = sql`metadata ->> 'requestId'`;

/**
 * The rows that a search of the log goes through, newest first; an index serves each filter. The indexes for commands and
 * requests do not have the events whose own id is that of the command or the request, so those are looked up by it.
 */
function searchedRows({ stream, actor, key, command, request, before }: EventFilter): SQL {
  const conditions = [
    stream && sql`stream_type = ${stream.type} AND stream_id = ${stream.id}`,
    actor && sql`metadata ->> 'actorId' = ${actor}`,
    key && sql`metadata ->> 'keyId' = ${key}`,
    command && sql`${commandId} = ${command}`,
    request && sql`${requestId} = ${request}`,
    before === undefined ? undefined : sql`position < ${before}`,
  ].filter((condition) => condition !== undefined);
  const select = (...more: readonly SQL[]) => {
    const all = [...conditions, ...more];
    return all.length === 0 ? sql`SELECT * FROM events` : sql`SELECT * FROM events WHERE ${sql.join(all, sql` AND `)}`;
  };
  const [name, value] = request ? [requestId, request] : [commandId, command];
  const rows = value ? sql`${select(sql`id = ${value}`)} UNION ALL ${select(sql`${name} <> id`)}` : select();
  return sql`${rows} ORDER BY position DESC`;
}

/**
 * The query for a search of the log, newest event first. No index has the types, so among `limits.eventsPerTypeSearch` events of the
 * other filters those of the type are looked for; {@link searchEnd} says where such a search ends.
 */
export function searchEvents(filter: EventFilter, limit: number): SQL {
  const rows = searchedRows(filter);
  if (filter.type === undefined) return sql`${rows} LIMIT ${limit}`;
  return sql`SELECT * FROM (${rows} LIMIT ${limits.eventsPerTypeSearch}) WHERE type = ${filter.type}
    ORDER BY position DESC LIMIT ${limit}`;
}

/** The query for the position of the last event that a search for a type goes through; no row if it comes to the end of the log. */
export const searchEnd = (filter: EventFilter): SQL =>
  sql`SELECT position FROM (${searchedRows(filter)} LIMIT 1 OFFSET ${limits.eventsPerTypeSearch - 1})`;

/** The query for the events of some requests, oldest first. */
export const eventsOfRequests = (requests: readonly string[], limit: number): SQL => sql`
  SELECT * FROM events WHERE ${requestId} IN (SELECT value FROM json_each(${JSON.stringify(requests)})) AND ${requestId} <> id
  ORDER BY position LIMIT ${limit}`;
