import { type SQL, sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { type EventRow, eventColumns, joinEvents } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import { type DeliveryProgress, presentDelivery, progressColumns } from './deliveries';
import type { DeadLetter } from './schemas';

/** The filter of the list of dead letters, and the sort key after which a page starts. */
export interface DeadLetterQuery {
  subscription?: Subscription | undefined;
  fault?: Fault | undefined;
  before?: [number, string] | undefined;
}

/** Whose fault a dead letter is: the system's, or the recipient's, whose address does not take the e-mail. */
export type Fault = DeadLetter['fault'];

/** The fault as the row has it. */
export const toStoredFault = (fault: Fault) => (fault === 'system' ? null : fault);

/**
 * Selects up to `limit` dead letters of each subscription, as an SQL table expression. Each part reads the index in its
 * order and stops, so the cost does not depend on the number of dead letters, or on how many have another fault.
 */
export function selectDeadLetters(
  filter: {
    subscription?: Subscription | undefined;
    fault?: Fault | undefined;
    condition?: SQL;
    isNewestFirst?: boolean;
  },
  limit: number,
): SQL {
  const { subscription, fault, condition = sql`true`, isNewestFirst = false } = filter;
  const source =
    fault === undefined
      ? sql`deliveries INDEXED BY deliveries_dead WHERE status = 'dead'`
      : sql`deliveries INDEXED BY deliveries_dead_by_fault WHERE status = 'dead' AND fault IS ${toStoredFault(fault)}`;
  const order = isNewestFirst ? sql`DESC` : sql`ASC`;
  const parts = (subscription ? [subscription] : subscriptions).map(
    (name) => sql`
      SELECT * FROM (SELECT position, subscription, ${progressColumns}
        FROM ${source} AND subscription = ${name} AND ${condition}
        ORDER BY position ${order} LIMIT ${limit})`,
  );
  return sql`(${sql.join(parts, sql` UNION ALL `)})`;
}

/** The query for dead letters, newest first. */
export function deadLetterQuery({ subscription, fault, before }: DeadLetterQuery, limit: number): SQL {
  const [position, name] = before ?? [Number.MAX_SAFE_INTEGER, ''];
  const condition = sql`position <= ${position} AND (position, subscription) < (${position}, ${name})`;
  return sql`
    SELECT ${eventColumns}, dead.*
    FROM (SELECT * FROM ${selectDeadLetters({ subscription, fault, condition, isNewestFirst: true }, limit)}
      ORDER BY position DESC, subscription DESC LIMIT ${limit}) AS dead ${joinEvents}
    ORDER BY dead.position DESC, dead.subscription DESC`;
}

export async function findDeadLetters(db: Database, filter: DeadLetterQuery, limit: number): Promise<DeadLetter[]> {
  const rows = await db.all<EventRow & DeliveryProgress>(deadLetterQuery(filter, limit));
  return rows.map((row) => ({ ...presentDelivery(row), fault: row.fault ?? 'system' }));
}
