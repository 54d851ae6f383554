import { type SQL, sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { type EventRow, eventColumns, joinEvents } from '../cqrs/log/event-log';
import { isoTime, isoTimeOrNull } from '../platform/clock';
import type { Database } from '../platform/d1';
import type { WaitingDelivery } from './schemas';

/** The progress of a delivery, as the row has it. Times are milliseconds. */
export interface DeliveryProgress {
  subscription: Subscription;
  tries: number;
  sends: number;
  last_error: string | null;
  fault: 'recipient' | null;
  replays: number;
  first_failed_at: number | null;
  last_failed_at: number | null;
  available_at: number;
}

/** The columns of a {@link DeliveryProgress}, and the position of the event. */
export const progressColumns = sql`position, subscription, tries, attempts AS sends, last_error, fault, replays,
  first_failed_at, last_failed_at, available_at`;

/** The request of an event; null for metadata that cannot be read, which may be why the delivery failed. */
function requestIdOf(metadata: string): string | null {
  try {
    return JSON.parse(metadata).requestId ?? null;
  } catch {
    return null;
  }
}

/** What the API shows of each delivery. The data of the event may be what cannot be read, so it is left alone. */
export function presentDelivery(row: EventRow & DeliveryProgress) {
  const { position, subscription, type, tries, sends } = row;
  return {
    id: `${position}-${subscription}`,
    position,
    subscription,
    type,
    streamType: row.stream_type,
    streamId: row.stream_id,
    requestId: requestIdOf(row.metadata),
    occurredAt: row.occurred_at,
    attempts: tries,
    sends,
    lastError: row.last_error,
    firstFailedAt: isoTimeOrNull(row.first_failed_at),
    lastFailedAt: isoTimeOrNull(row.last_failed_at),
  };
}

/** The filter of the list of waiting deliveries, and the sort key after which a page starts. */
export interface WaitingQuery {
  subscription?: Subscription | undefined;
  after?: [number, string] | undefined;
}

/** The query for deliveries that are neither done nor dead, oldest first; each part reads the primary key in its order. */
export function waitingQuery({ subscription, after }: WaitingQuery, limit: number): SQL {
  const [position, name] = after ?? [0, ''];
  const parts = (subscription ? [subscription] : subscriptions).map(
    (each) => sql`
      SELECT * FROM (SELECT ${progressColumns} FROM deliveries
        WHERE subscription = ${each} AND +status = 'pending'
          AND position >= ${position} AND (position, subscription) > (${position}, ${name})
        ORDER BY position LIMIT ${limit})`,
  );
  return sql`
    SELECT ${eventColumns}, waiting.*
    FROM (SELECT * FROM (${sql.join(parts, sql` UNION ALL `)}) ORDER BY position, subscription LIMIT ${limit}) AS waiting
    ${joinEvents}
    ORDER BY waiting.position, waiting.subscription`;
}

export async function findWaiting(db: Database, filter: WaitingQuery, limit: number): Promise<WaitingDelivery[]> {
  const rows = await db.all<EventRow & DeliveryProgress>(waitingQuery(filter, limit));
  return rows.map((row) => ({ ...presentDelivery(row), nextSendAt: isoTime(row.available_at) }));
}
