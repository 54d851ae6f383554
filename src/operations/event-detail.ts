import { sql } from 'drizzle-orm';
import { type EventCatalogue, subscriptions, upcast } from '../cqrs/log/event';
import { type EventRow, eventAt, searchEvents, toRecordedEvent } from '../cqrs/log/event-log';
import { targetsOf, type View } from '../cqrs/reading/view';
import { isoTime } from '../platform/clock';
import { type Database, runBatch } from '../platform/d1';
import { toAuditEvent } from './audit-trail';
import { type DeliveryProgress, presentDelivery, progressColumns } from './deliveries';
import type { EventDetail } from './event-schemas';
import type { AuditEvent } from './schemas';

/** Events and documents that the answer shows. */
const shown = 50;

type DeliveryRow = DeliveryProgress & { status: 'pending' | 'dead' };

/** The documents that an event touches; none for an event that cannot be read, which the consumer reports. */
function documentsOf(views: readonly View[], catalogue: EventCatalogue, row: EventRow): EventDetail['documents'] {
  try {
    return targetsOf(views, upcast(catalogue, toRecordedEvent(row))).map(({ view, key }) => ({
      view: views.find(({ id }) => id === view)?.name ?? view,
      key,
    }));
  } catch {
    return [];
  }
}

/** The other events with the same command, or at least of the same request, in the order of the log. */
function relatedTo(event: AuditEvent, rows: readonly EventRow[]): EventDetail['related'] {
  const others = new Map(rows.filter(({ position }) => position !== event.position).map((row) => [row.position, row]));
  return [...others.values()]
    .map(toAuditEvent)
    .sort((one, other) => one.position - other.position)
    .slice(0, shown);
}

/** Finds an event of the log with what belongs to it; undefined for a position that the log does not have. */
export async function findEvent(
  db: Database,
  position: number,
  { views, catalogue }: { views: readonly View[]; catalogue: EventCatalogue },
): Promise<EventDetail | undefined> {
  const [row] = await db.all<EventRow>(eventAt(position));
  if (!row) return undefined;
  const event = toAuditEvent(row);
  const [deliveries, sameCommand, sameRequest] = await runBatch(db, [
    db.all<DeliveryRow>(sql`
      SELECT ${progressColumns}, status FROM deliveries
      WHERE subscription IN (SELECT value FROM json_each(${JSON.stringify(subscriptions)})) AND position = ${position}`),
    db.all<EventRow>(searchEvents({ command: event.commandId ?? '-' }, shown + 1)),
    db.all<EventRow>(searchEvents({ request: event.requestId ?? '-' }, shown + 1)),
  ]);
  return {
    event,
    related: relatedTo(event, [...sameCommand, ...sameRequest]),
    documents: documentsOf(views, catalogue, row).slice(0, shown),
    deliveries: deliveries.map((progress) => ({
      ...presentDelivery({ ...row, ...progress }),
      status: progress.status,
      nextSendAt: isoTime(progress.available_at),
    })),
  };
}
