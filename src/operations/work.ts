import { sql } from 'drizzle-orm';
import type { Subscription } from '../cqrs/log/event';
import { newestEventsOf } from '../cqrs/log/event-log';
import { type Database, runBatch } from '../platform/d1';
import { limits } from '../platform/limits';
import { type DeliveryProgress, progressColumns } from './deliveries';
import { DeadLettersDiscarded, deadLetterStream } from './events';
import { keepRefusedMs } from './remove-refused';
import type { WorkState } from './work-schemas';

/** A delivery that there is or was: the work for one event that one subscription receives. */
export interface Work {
  position: number;
  subscription: Subscription;
}

/** The row of a delivery that is not done. */
export type OpenRow = DeliveryProgress & { position: number; status: 'pending' | 'dead' };

/** What became of work: its state, and its row if it is not done. */
export interface Outcome extends Work {
  state: WorkState;
  row: OpenRow | undefined;
}

/** The queries of {@link findOutcomes}; each reads a bounded number of rows. */
export const outcomeQueries = (works: readonly Work[], after: number) => {
  const wanted = sql`json_each(${JSON.stringify(works.map(({ position, subscription }) => ({ position, subscription })))})`;
  const searched = limits.decisionsSearched;
  const recent = newestEventsOf(deadLetterStream, searched);
  return {
    open: sql`
      SELECT ${progressColumns}, status FROM ${wanted} AS wanted CROSS JOIN deliveries
      WHERE subscription = wanted.value->>'subscription' AND position = wanted.value->>'position'`,
    // A row that cannot be read hides no other decision.
    discarded: sql`
      SELECT DISTINCT letter.value->>'position' AS position, letter.value->>'subscription' AS subscription
      FROM ${recent} AS decision, json_each(iif(json_valid(decision.data), decision.data, '{}'), '$.letters') AS letter
      WHERE decision.type = ${DeadLettersDiscarded.type} AND decision.position > ${after}
        AND (letter.value->>'position', letter.value->>'subscription') IN
          (SELECT value->>'position', value->>'subscription' FROM ${wanted})`,
    unsearched: sql`
      SELECT count(*) = ${searched} AND min(decision.position) > ${after} AS isCut FROM ${recent} AS decision`,
  };
};

const idOf = ({ position, subscription }: Work) => `${position}-${subscription}`;

/**
 * Finds what became of work. A delivery that is done has no row, and neither has one that was discarded, so the newest decisions
 * about dead letters are searched for it.
 * @param since the event after whose position, and the time from which on, the work can have been discarded
 */
export async function findOutcomes(
  db: Database,
  works: readonly Work[],
  since: { position: number; occurredAt: string },
  now: number,
): Promise<Outcome[]> {
  const queries = outcomeQueries(works, since.position);
  const [open, discarded, [unsearched]] = await runBatch(db, [
    db.all<OpenRow>(queries.open),
    db.all<Work>(queries.discarded),
    db.all<{ isCut: number }>(queries.unsearched),
  ]);
  const rows = new Map(open.map((row) => [idOf(row), row]));
  const gone = new Set(discarded.map(idOf));
  const isOld = now - Date.parse(since.occurredAt) >= keepRefusedMs;
  const stateOf = (work: Work): WorkState => {
    const row = rows.get(idOf(work));
    if (row) return row.status === 'dead' ? 'dead' : 'waiting';
    if (gone.has(idOf(work))) return 'discarded';
    // Refused e-mails are removed after a time, without a decision.
    return unsearched?.isCut || (isOld && work.subscription === 'emails') ? 'unknown' : 'done';
  };
  return works.map((work) => ({ ...work, state: stateOf(work), row: rows.get(idOf(work)) }));
}
