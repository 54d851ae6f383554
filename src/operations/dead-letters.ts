import { sql } from 'drizzle-orm';
import type { Subscription } from '../cqrs/log/event';
import { type EventRow, eventColumns, joinEvents, toRecordedEvent } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import type { DeadLetter } from './schemas';

/** The filter of the list of dead letters, and the sort key after which a page starts. */
export interface DeadLetterQuery {
  subscription?: Subscription | undefined;
  before?: [number, string] | undefined;
}

/** The query for dead letters, newest first. */
export function deadLetterQuery(
  { subscription, before = [Number.MAX_SAFE_INTEGER, ''] }: DeadLetterQuery,
  limit: number,
) {
  return sql`
    SELECT ${eventColumns}, subscription, attempts, last_error
    FROM deliveries INDEXED BY deliveries_dead ${joinEvents}
    WHERE status = 'dead' AND deliveries.position <= ${before[0]}
      AND (position, subscription) < (${before[0]}, ${before[1]})
      AND ${subscription ? sql`subscription = ${subscription}` : sql`true`}
    ORDER BY deliveries.position DESC, subscription DESC LIMIT ${limit}`;
}

export async function findDeadLetters(db: Database, filter: DeadLetterQuery, limit: number): Promise<DeadLetter[]> {
  type Row = EventRow & { subscription: Subscription; attempts: number; last_error: string | null };
  const rows = await db.all<Row>(deadLetterQuery(filter, limit));
  return rows.map(({ subscription, attempts, last_error: lastError, ...row }) => {
    const { position, type, streamType, streamId, occurredAt } = toRecordedEvent(row);
    const id = `${position}-${subscription}`;
    return { id, position, subscription, type, streamType, streamId, attempts, lastError, occurredAt };
  });
}
