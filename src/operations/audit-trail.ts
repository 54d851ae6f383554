import { type EventFilter, type EventRow, searchEvents } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import type { AuditEvent } from './schemas';

/** The content of a row's column; undefined for a text that is not JSON, because one such row must not hide the others. */
function readJson(text: string) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Finds events of the log, newest first, each with the account, the command and the request that caused it. */
export async function findAuditEvents(db: Database, filter: EventFilter, limit: number): Promise<AuditEvent[]> {
  const rows = await db.all<EventRow>(searchEvents(filter, limit));
  return rows.map(toAuditEvent);
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
