import { type EventFilter, type EventRow, searchEvents, toRecordedEvent } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import type { AuditEvent } from './schemas';

/** Finds events of the log, newest first, each with the account, the command and the request that caused it. */
export async function findAuditEvents(db: Database, filter: EventFilter, limit: number): Promise<AuditEvent[]> {
  const rows = await db.all<EventRow>(searchEvents(filter, limit));
  return rows.map(toRecordedEvent).map(({ metadata, ...event }) => ({
    ...event,
    actorId: metadata.actorId ?? null,
    commandId: metadata.commandId,
    requestId: metadata.requestId,
    traceparent: metadata.traceparent ?? null,
  }));
}
