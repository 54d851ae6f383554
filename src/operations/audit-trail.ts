import { sql } from 'drizzle-orm';
import { type EventFilter, type EventRow, searchEnd, searchEvents } from '../cqrs/log/event-log';
import { type Database, runBatch } from '../platform/d1';
import type { AuditEvent } from './schemas';

/** The content of a row's column; undefined for a text that is not JSON, because one such row must not hide the others. */
function readJson(text: string) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * Finds events of the log, newest first, each with the account, the command and the request that caused it.
 * @returns the events, and where the search for a type ended before it came to the end of the log
 */
export async function findAuditEvents(db: Database, filter: EventFilter, limit: number) {
  const [rows, [end]] = await runBatch(db, [
    db.all<EventRow>(searchEvents(filter, limit)),
    db.all<{ position: number }>(filter.type === undefined ? sql`SELECT NULL WHERE false` : searchEnd(filter)),
  ]);
  return { events: rows.map(toAuditEvent), end: end?.position };
}

/** An event as the audit trail shows it. */
export function toAuditEvent(row: EventRow): AuditEvent {
  const { position, id, version, type } = row;
  const {
    actorId = null,
    keyId = null,
    commandId = null,
    requestId = null,
    traceparent = null,
  } = readJson(row.metadata) ?? {};
  return {
    position,
    id,
    streamType: row.stream_type,
    streamId: row.stream_id,
    version,
    type,
    schemaVersion: row.schema_version,
    data: readJson(row.data) ?? null,
    occurredAt: row.occurred_at,
    actorId,
    keyId,
    commandId,
    requestId,
    traceparent,
  };
}
