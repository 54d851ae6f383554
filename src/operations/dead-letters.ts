import { type SQL, sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { type EventRow, eventColumns, joinEvents } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import { toAuditEvent } from './audit-trail';
import { type DeliveryProgress, presentDelivery, progressColumns } from './deliveries';
import type { DeadLetter, DeadLetterDetail } from './schemas';
import { faults } from './schemas';

/** The filter of the list of dead letters, and the sort key after which a page starts. */
export interface DeadLetterQuery {
  subscription?: Subscription | undefined;
  fault?: Fault | undefined;
  error?: string | null | undefined;
  before?: [number, string] | undefined;
}

/** Whose fault a dead letter is: the system's, or the recipient's, whose address does not take the e-mail. */
export type Fault = DeadLetter['fault'];

/** The fault as the row has it. */
export const toStoredFault = (fault: Fault) => (fault === 'system' ? null : fault);

/** The parts of the dead letters of a subscription that an index has in the order of their positions. */
function sourcesOf(fault: Fault | undefined, error: string | null | undefined): SQL[] {
  const isOf = (one: Fault) => sql`status = 'dead' AND fault IS ${toStoredFault(one)}`;
  if (error !== undefined)
    return (fault ? [fault] : faults).map(
      (one) => sql`deliveries INDEXED BY deliveries_dead_by_error WHERE ${isOf(one)} AND last_error IS ${error}`,
    );
  if (fault !== undefined) return [sql`deliveries INDEXED BY deliveries_dead_by_fault WHERE ${isOf(fault)}`];
  return [sql`deliveries INDEXED BY deliveries_dead WHERE status = 'dead'`];
}

/**
 * Selects up to `limit` dead letters of each subscription and part, as an SQL table expression. Each part reads the index in its
 * order and stops, so the cost does not depend on the number of dead letters, or on how many have another fault.
 */
export function selectDeadLetters(
  filter: {
    subscription?: Subscription | undefined;
    fault?: Fault | undefined;
    /** The class of the last error; null for none. */
    error?: string | null | undefined;
    condition?: SQL;
    isNewestFirst?: boolean;
  },
  limit: number,
): SQL {
  const { subscription, fault, error, condition = sql`true`, isNewestFirst = false } = filter;
  const order = isNewestFirst ? sql`DESC` : sql`ASC`;
  const partOf = (name: Subscription, source: SQL) => sql`
    SELECT * FROM (SELECT position, subscription, ${progressColumns}
      FROM ${source} AND subscription = ${name} AND ${condition}
      ORDER BY position ${order} LIMIT ${limit})`;
  const join = (parts: readonly SQL[]) => sql.join([...parts], sql` UNION ALL `);
  const sources = sourcesOf(fault, error);
  // D1 takes five terms of a UNION, and there are up to six parts.
  const parts = (subscription ? [subscription] : subscriptions).map(
    (name) => sql`SELECT * FROM (${join(sources.map((source) => partOf(name, source)))})`,
  );
  return sql`(${join(parts)})`;
}

/** Selects the dead letters with these keys, as an SQL table expression; each is looked up. */
export const selectNamed = (letters: readonly { position: number; subscription: Subscription }[]): SQL => sql`(
  SELECT DISTINCT deliveries.position, deliveries.subscription FROM json_each(${JSON.stringify(letters)}) AS wanted CROSS JOIN deliveries
  WHERE deliveries.subscription = wanted.value->>'subscription' AND deliveries.position = wanted.value->>'position'
    AND status = 'dead')`;

/** The query for dead letters, newest first. */
export function deadLetterQuery({ before, ...filter }: DeadLetterQuery, limit: number): SQL {
  const [position, name] = before ?? [Number.MAX_SAFE_INTEGER, ''];
  const condition = sql`position <= ${position} AND (position, subscription) < (${position}, ${name})`;
  return sql`
    SELECT ${eventColumns}, dead.*
    FROM (SELECT * FROM ${selectDeadLetters({ ...filter, condition, isNewestFirst: true }, limit)}
      ORDER BY position DESC, subscription DESC LIMIT ${limit}) AS dead ${joinEvents}
    ORDER BY dead.position DESC, dead.subscription DESC`;
}

export async function findDeadLetters(db: Database, filter: DeadLetterQuery, limit: number): Promise<DeadLetter[]> {
  const rows = await db.all<EventRow & DeliveryProgress>(deadLetterQuery(filter, limit));
  return rows.map(presentDeadLetter);
}

const presentDeadLetter = (row: EventRow & DeliveryProgress): DeadLetter => ({
  ...presentDelivery(row),
  fault: row.fault ?? 'system',
  replays: row.replays,
});

/** Finds one dead letter with its event. */
export async function findDeadLetter(
  db: Database,
  { position, subscription }: { position: number; subscription: Subscription },
): Promise<DeadLetterDetail | undefined> {
  const condition = sql`position = ${position}`;
  const [row] = await db.all<EventRow & DeliveryProgress>(sql`
    SELECT ${eventColumns}, dead.* FROM ${selectDeadLetters({ subscription, condition }, 1)} AS dead ${joinEvents}`);
  return row && { ...presentDeadLetter(row), event: toAuditEvent(row) };
}
