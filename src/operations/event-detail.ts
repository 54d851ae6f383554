import {
  type EventCatalogue,
  type NewEvent,
  type RecordedEvent,
  type Subscription,
  subscriptions,
  upcast,
} from '../cqrs/log/event';
import { type EventRow, eventAt, eventsOfRequests, searchEvents, toRecordedEvent } from '../cqrs/log/event-log';
import { targetsOf, type View } from '../cqrs/reading/view';
import { type Database, runBatch } from '../platform/d1';
import { toAuditEvent } from './audit-trail';
import { presentOutcome } from './decisions';
import type { EventDetail } from './event-schemas';
import type { AuditEvent } from './schemas';
import { findOutcomes } from './work';

/** Events and documents that the answer shows. */
const shown = 50;

/** What says which work an event makes. */
export interface EventKnowledge {
  views: readonly View[];
  eventCatalogue: EventCatalogue;
  subscriptionsOf(event: NewEvent): readonly Subscription[];
  laterRequestsOf(event: RecordedEvent): readonly string[];
  now: number;
}

/** An event in its newest shape; undefined for one that cannot be read, which the consumer reports. */
function readEvent(catalogue: EventCatalogue, row: EventRow): RecordedEvent | undefined {
  try {
    return upcast(catalogue, toRecordedEvent(row));
  } catch {
    return undefined;
  }
}

/** The documents that an event touches. */
function documentsOf(views: readonly View[], event: RecordedEvent): EventDetail['documents'] {
  return targetsOf(views, event).map(({ view, key }) => ({
    view: views.find(({ id }) => id === view)?.name ?? view,
    key,
  }));
}

/** The other events with the same command, or at least of the same request, in the order of the log. */
function relatedTo(event: AuditEvent, rows: readonly EventRow[]): EventDetail['related'] {
  const others = new Map(rows.filter(({ position }) => position !== event.position).map((row) => [row.position, row]));
  return [...others.values()]
    .map(toAuditEvent)
    .sort((one, other) => one.position - other.position)
    .slice(0, shown);
}

/** Finds an event of the log with what belongs to it and what it caused; undefined for a position that the log does not have. */
export async function findEvent(
  db: Database,
  position: number,
  { views, eventCatalogue, subscriptionsOf, laterRequestsOf, now }: EventKnowledge,
): Promise<EventDetail | undefined> {
  const [row] = await db.all<EventRow>(eventAt(position));
  if (!row) return undefined;
  const event = toAuditEvent(row);
  const readable = readEvent(eventCatalogue, row);
  const [sameCommand, sameRequest, later] = await runBatch(db, [
    db.all<EventRow>(searchEvents({ command: event.commandId ?? '-' }, shown + 1)),
    db.all<EventRow>(searchEvents({ request: event.requestId ?? '-' }, shown + 1)),
    db.all<EventRow>(eventsOfRequests(readable ? laterRequestsOf(readable) : [], shown)),
  ]);
  const received = new Set(readable ? subscriptionsOf(readable) : []);
  const works = subscriptions.map((subscription) => ({ position, subscription }));
  const outcomes = await findOutcomes(db, works, { position, occurredAt: row.occurred_at }, now);
  return {
    event,
    related: relatedTo(event, [...sameCommand, ...sameRequest]),
    caused: later.map(toAuditEvent),
    documents: readable ? documentsOf(views, readable).slice(0, shown) : [],
    work: outcomes.filter(({ subscription, row }) => row || received.has(subscription)).map(presentOutcome),
  };
}
