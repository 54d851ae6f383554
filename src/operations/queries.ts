import { type SQL, sql } from 'drizzle-orm';
import type { Subscription } from '../cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../cqrs/log/event-log';
import type { View } from '../cqrs/reading/view';
import { type Database, runBatch } from '../platform/d1';
import type { AuditEvent, DeadLetter, Projection } from './schemas';

// What those who run the system look at comes from D1's primary: it must be right when KV is not.

interface PendingRow {
  type: string;
  count: number;
  firstPosition: number;
  firstAt: string;
  lastError: string | null;
}

const pendingByType = sql`
  SELECT events.type AS type, count(*) AS count, min(position) AS firstPosition, min(occurred_at) AS firstAt,
    max(last_error) AS lastError
  FROM deliveries JOIN events USING (position)
  WHERE subscription = 'projections' GROUP BY events.type`;

/** How far each read model is: what is pending for its event types, and what its keys need. */
export async function findProjections(db: Database, views: readonly View[], now: number) {
  const [pending, [log], keys, doubtful] = await runBatch(db, [
    db.all<PendingRow>(pendingByType),
    db.all<{ position: number }>(sql`SELECT coalesce(max(position), 0) AS position FROM events`),
    db.all<{ view: string; count: number }>(sql`SELECT view, count(*) AS count FROM projections GROUP BY view`),
    db.all<{ view: string; count: number }>(sql`
      SELECT view, count(*) AS count FROM (
        SELECT view, key FROM projections WHERE suspect_until IS NOT NULL
        UNION SELECT view, key FROM projections WHERE claimed_by IS NOT NULL AND claimed_until <= ${now})
      GROUP BY view`),
  ]);
  const position = log?.position ?? 0;
  const countOf = (rows: readonly { view: string; count: number }[], id: string) =>
    rows.find(({ view }) => view === id)?.count ?? 0;
  const data = views.map(({ id, name, triggers }): Projection => {
    const types = new Set(triggers.flatMap((trigger) => trigger.types));
    const own = pending.filter(({ type }) => types.has(type));
    const first = Math.min(...own.map(({ firstPosition }) => firstPosition));
    const oldest = Math.min(...own.map(({ firstAt }) => Date.parse(firstAt)));
    return {
      view: name,
      position: own.length === 0 ? position : first - 1,
      lagEvents: own.reduce((sum, { count }) => sum + count, 0),
      lagSeconds: own.length === 0 ? 0 : Math.max(0, Math.floor((now - oldest) / 1000)),
      keys: countOf(keys, id),
      unsettledKeys: countOf(doubtful, id),
      lastError: own.find(({ lastError }) => lastError !== null)?.lastError ?? null,
    };
  });
  return { position, data };
}

/** How much is late, and how much is dead. */
export async function findTrouble(db: Database): Promise<{ oldestPendingAt: string | null; deadLetters: number }> {
  const [row] = await db.all<{ oldestPendingAt: string | null; deadLetters: number }>(sql`
    SELECT
      (SELECT occurred_at FROM events WHERE position =
        (SELECT min(position) FROM deliveries WHERE status = 'pending')) AS oldestPendingAt,
      (SELECT count(*) FROM deliveries WHERE status = 'dead') AS deadLetters`);
  return row ?? { oldestPendingAt: null, deadLetters: 0 };
}

/** What the dead letters are narrowed to, and where a page of them goes on. */
export interface DeadLetterQuery {
  subscription?: Subscription | undefined;
  before?: [number, string] | undefined;
}

/** Dead letters, newest first. */
export function deadLetterQuery(
  { subscription, before = [Number.MAX_SAFE_INTEGER, ''] }: DeadLetterQuery,
  limit: number,
) {
  return sql`
    SELECT events.*, subscription, attempts, last_error
    FROM deliveries INDEXED BY deliveries_dead JOIN events USING (position)
    WHERE status = 'dead' AND deliveries.position <= ${before[0]} AND (position, subscription) < (${before[0]}, ${before[1]})
      AND ${subscription ? sql`subscription = ${subscription}` : sql`true`}
    ORDER BY deliveries.position DESC, subscription DESC LIMIT ${limit}`;
}

export async function findDeadLetters(db: Database, filter: DeadLetterQuery, limit: number): Promise<DeadLetter[]> {
  type Row = EventRow & { subscription: Subscription; attempts: number; last_error: string | null };
  const rows = await db.all<Row>(deadLetterQuery(filter, limit));
  return rows.map(({ subscription: to, attempts, last_error, ...row }) => {
    const { position: at, type, streamType, streamId, occurredAt } = toRecordedEvent(row);
    const id = `${at}-${to}`;
    return {
      id,
      position: at,
      subscription: to,
      type,
      streamType,
      streamId,
      attempts,
      lastError: last_error,
      occurredAt,
    };
  });
}

/** What the event log is searched by. */
export interface AuditFilter {
  stream?: { type: string; id: string } | undefined;
  actor?: string | undefined;
  command?: string | undefined;
  request?: string | undefined;
  before?: number | undefined;
}

/** The event log, newest first; each filter has an index. */
export function auditQuery({ stream, actor, command, request, before }: AuditFilter, limit: number): SQL {
  const conditions = [
    stream && sql`stream_type = ${stream.type} AND stream_id = ${stream.id}`,
    actor && sql`metadata ->> 'actorId' = ${actor}`,
    command && sql`metadata ->> 'commandId' = ${command}`,
    request && sql`metadata ->> 'requestId' = ${request}`,
    before === undefined ? undefined : sql`position < ${before}`,
  ].filter((condition) => condition !== undefined);
  const where = conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
  return sql`SELECT * FROM events ${where} ORDER BY position DESC LIMIT ${limit}`;
}

export async function findEvents(db: Database, filter: AuditFilter, limit: number): Promise<AuditEvent[]> {
  const rows = await db.all<EventRow>(auditQuery(filter, limit));
  return rows.map(toRecordedEvent).map(({ metadata, ...event }) => ({
    ...event,
    actorId: metadata.actorId ?? null,
    commandId: metadata.commandId,
    requestId: metadata.requestId,
    traceparent: metadata.traceparent ?? null,
  }));
}
