import { sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { lastPosition } from '../cqrs/log/event-log';
import { selectLags, toViewLags, type ViewLag } from '../cqrs/reading/projection-lags';
import { type Database, findDatabaseFailure, openSession, runBatch } from '../platform/d1';
import { limits } from '../platform/limits';
import { backlogQueries, type OldestDelivery } from './readiness';

/** What waits for the work of a subscription. */
export interface SubscriptionFigures {
  subscription: Subscription;
  /** Deliveries that are neither done nor dead, counted up to `limits.figuresCounted`. */
  pending: number;
  /** How long the oldest of these has waited; 0 when nothing waits. */
  oldestSeconds: number;
  /** Dead letters that are the system's fault, counted up to `limits.figuresCounted`. */
  dead: number;
}

/** The figures of the whole system, which D1 has. */
export interface SystemFigures {
  /** How many events the log has. */
  events: number;
  subscriptions: SubscriptionFigures[];
  /** E-mails that their addresses refused, counted up to `limits.figuresCounted`; nobody has to act. */
  refusedEmails: number;
  /** Both counted up to `limits.figuresCounted`. */
  keysToRecheck: number;
  failingKeys: number;
  runningRebuilds: number;
  /** Deleted accounts of which something is left, counted up to `limits.figuresCounted`. */
  runningErasures: number;
  lags: ViewLag[];
}

/** A table expression with up to so many rows of another one, so that a count reads a bounded number of rows. */
const some = (rows: ReturnType<typeof sql>) => sql`(${rows} LIMIT ${limits.figuresCounted})`;

const countsOf = (subscription: Subscription) => sql`
  SELECT ${subscription} AS subscription,
    (SELECT count(*) FROM ${some(sql`SELECT 1 FROM deliveries INDEXED BY deliveries_due
      WHERE subscription = ${subscription} AND status = 'pending'`)}) AS pending,
    (SELECT count(*) FROM ${some(sql`SELECT 1 FROM deliveries INDEXED BY deliveries_dead_by_fault
      WHERE status = 'dead' AND fault IS NULL AND subscription = ${subscription}`)}) AS dead`;

/** The queries of the figures; each reads a bounded number of rows, whatever waits. */
export const figureQueries = () => ({
  oldest: backlogQueries().oldest,
  counts: sql.join(subscriptions.map(countsOf), sql` UNION ALL `),
  totals: sql`
    SELECT ${lastPosition} AS events,
      (SELECT count(*) FROM ${some(sql`SELECT 1 FROM deliveries INDEXED BY deliveries_dead_by_fault
        WHERE status = 'dead' AND fault = 'recipient'`)}) AS refusedEmails,
      (SELECT count(*) FROM ${some(sql`SELECT 1 FROM projections WHERE recheck_at IS NOT NULL`)}) AS keysToRecheck,
      (SELECT count(*) FROM ${some(sql`SELECT 1 FROM projections INDEXED BY projections_failing
        WHERE error IS NOT NULL`)}) AS failingKeys,
      (SELECT count(*) FROM rebuilds WHERE status = 'running') AS runningRebuilds,
      (SELECT count(*) FROM ${some(sql`SELECT 1 FROM erasures`)}) AS runningErasures`,
});

type Totals = Omit<SystemFigures, 'subscriptions' | 'lags'>;

/** Reads the figures of the system in one batch. */
export async function findFigures(db: Database, now: number): Promise<SystemFigures> {
  const queries = figureQueries();
  const [oldest, counts, [totals], lags] = await runBatch(db, [
    db.all<OldestDelivery>(queries.oldest),
    db.all<Pick<SubscriptionFigures, 'subscription' | 'pending' | 'dead'>>(queries.counts),
    db.all<Totals>(queries.totals),
    selectLags(db, now),
  ]);
  if (!totals) throw new Error('D1 returned no row for the totals of the figures.');
  const ageOf = (name: Subscription) => {
    const occurredAt = oldest.find(({ subscription }) => subscription === name)?.occurredAt;
    return occurredAt ? Math.max(0, (now - Date.parse(occurredAt)) / 1000) : 0;
  };
  return {
    ...totals,
    subscriptions: counts.map((row) => ({ ...row, oldestSeconds: ageOf(row.subscription) })),
    lags: toViewLags(lags),
  };
}

/**
 * Reads the figures of the system; undefined while D1 does not answer, which is when the figures of the isolate matter most.
 * @param database D1 with the deadline of the readiness check
 */
export async function findFiguresInTime(database: D1Database, now: number): Promise<SystemFigures | undefined> {
  try {
    return await findFigures(openSession(database, 'first-primary').db, now);
  } catch (error) {
    if (!findDatabaseFailure(error)) throw error;
    return undefined;
  }
}
