import { type SQL, sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { occurredAtOf } from '../cqrs/log/event-log';
import type { DocumentStore } from '../cqrs/reading/document-store';
import { selectLags, toViewLags, type ViewLag } from '../cqrs/reading/projection-lags';
import type { Clock, Wait } from '../platform/clock';
import { type Database, openSession, runBatch } from '../platform/d1';
import { withDeadline } from '../platform/deadline';
import { deadlines, limits } from '../platform/limits';
import { findSlowest } from './lag-target';
import { remedies } from './remedies';
import type { IssueCode, Readiness } from './schemas';

/**
 * When the deliveries of a subscription are late. Late projections make answers old, so the system is not available.
 * The other work is done later without harm, and a provider of others can delay it, so it only degrades the system.
 */
const lateness: Readonly<Record<Subscription, { seconds: number; status: 'unavailable' | 'degraded' }>> = {
  projections: { seconds: 300, status: 'unavailable' },
  emails: { seconds: 3600, status: 'degraded' },
  events: { seconds: 3600, status: 'degraded' },
};

/** How long the erasure of a deleted account may make no progress. The schedule sends its step again each minute. */
const erasureSeconds = 600;

/** The time of the oldest event with a pending delivery; null if nothing waits. */
export interface OldestDelivery {
  subscription: Subscription;
  occurredAt: string | null;
}

interface Backlog {
  oldest: OldestDelivery[];
  deadLetters: number;
  /** Milliseconds: the last progress of the erasure that has waited longest for it; null if none is at work. */
  erasureSince: number | null;
  lags: ViewLag[];
}

/**
 * The query for a subscription's oldest pending delivery. Everybody may ask, so the query reads a bounded number of rows:
 * the first deliveries by position, of which many can be dead, and the pending ones that are due first and due last. An old
 * delivery has mostly been put off for long, so among more than these it is one of the last.
 */
function oldestPending(subscription: Subscription) {
  const most = limits.deliveriesCounted;
  const due = (order: SQL) => sql`
    SELECT position FROM deliveries INDEXED BY deliveries_due
    WHERE subscription = ${subscription} AND status = 'pending' ORDER BY available_at ${order} LIMIT ${most}`;
  const position = sql`(SELECT min(position) FROM (
    SELECT min(position) AS position FROM (
      SELECT position, status FROM deliveries WHERE subscription = ${subscription} ORDER BY position LIMIT ${most})
    WHERE status = 'pending'
    UNION ALL SELECT min(position) FROM (${due(sql`ASC`)})
    UNION ALL SELECT min(position) FROM (${due(sql`DESC`)})))`;
  return sql`SELECT ${subscription} AS subscription, ${occurredAtOf(position)} AS occurredAt`;
}

/**
 * The queries of the check. A count stops one row after the largest number that it tells. E-mails that their addresses do
 * not take are no fault of the system, so they are not counted.
 */
export const backlogQueries = () => ({
  oldest: sql.join(subscriptions.map(oldestPending), sql` UNION ALL `),
  stalled: sql`SELECT min(progressed_at) AS since FROM erasures`,
  deadLetters: sql`
    SELECT count(*) AS count FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_dead_by_fault
      WHERE status = 'dead' AND fault IS NULL LIMIT ${limits.deliveriesCounted + 1})`,
});

async function findBacklog(db: Database, now: number): Promise<Backlog> {
  const queries = backlogQueries();
  const [oldest, [dead], [erasure], lags] = await runBatch(db, [
    db.all<OldestDelivery>(queries.oldest),
    db.all<{ count: number }>(queries.deadLetters),
    db.all<{ since: number | null }>(queries.stalled),
    selectLags(db, now),
  ]);
  return { oldest, deadLetters: dead?.count ?? 0, erasureSince: erasure?.since ?? null, lags: toViewLags(lags) };
}

/**
 * Reads from D1 and KV, and looks for late and dead deliveries. What does not answer in time counts as unreachable.
 * @param services.database D1 with the deadline of this check
 * @param services.lagTargetSeconds the target of the configuration
 */
export async function checkReadiness(services: {
  clock: Clock;
  database: D1Database;
  documents: DocumentStore;
  lagTargetSeconds: number;
  wait: Wait;
}): Promise<Readiness> {
  const { clock, database, documents, lagTargetSeconds: target, wait } = services;
  const late = () => new Error('There was no answer in time.');
  const [backlog, kv] = await Promise.allSettled([
    // `openSession` runs inside a promise, because it may throw.
    Promise.resolve().then(() => findBacklog(openSession(database, 'first-primary').db, clock.now())),
    withDeadline(deadlines.readinessMs, wait, () => documents.getAll(['ready']), late),
  ]);
  const issues: Readiness['issues'] = [];
  let status: Readiness['status'] = 'ready';
  const add = (
    worse: 'unavailable' | 'degraded',
    code: IssueCode,
    detail: string,
    details: Readiness['issues'][number]['details'] = {},
  ) => {
    issues.push({ code, detail, remedy: remedies[code], details });
    if (status !== 'unavailable') status = worse;
  };
  if (backlog.status === 'rejected')
    add('unavailable', 'd1-unreachable', 'D1 does not respond, so no command can be carried out.');
  if (kv.status === 'rejected')
    add('unavailable', 'kv-unreachable', 'KV does not respond, so reads come from D1 and are slower.');
  if (backlog.status === 'fulfilled') {
    const { deadLetters, erasureSince, lags, oldest } = backlog.value;
    for (const { subscription, occurredAt } of oldest) {
      const waited = occurredAt ? Math.floor((clock.now() - Date.parse(occurredAt)) / 1000) : 0;
      const late = lateness[subscription];
      if (waited > late.seconds)
        add(late.status, 'deliveries-late', `The oldest delivery to ${subscription} has waited ${waited} seconds.`, {
          subscription,
          seconds: waited,
        });
      else if (subscription === 'projections' && waited > target)
        add(
          'degraded',
          'projections-slow',
          `An event has waited ${waited} seconds for its documents; the target is ${target}.`,
          { seconds: waited, targetSeconds: target },
        );
    }
    const slowest = findSlowest(lags, target);
    if (slowest)
      add(
        'degraded',
        'projections-slow',
        `In the last hour one event of 100 waited ${slowest.p99Seconds} seconds or longer for the read model ${slowest.view}; the target is ${target}.`,
        { seconds: slowest.p99Seconds, view: slowest.view, targetSeconds: target },
      );
    const stalled = Math.floor((clock.now() - (erasureSince ?? clock.now())) / 1000);
    if (stalled > erasureSeconds)
      add('degraded', 'erasures-stalled', `An erasure has made no progress for ${stalled} seconds.`, {
        seconds: stalled,
      });
    const most = limits.deliveriesCounted;
    const count = deadLetters > most ? `More than ${most}` : deadLetters;
    const waits = deadLetters === 1 ? 'dead letter waits' : 'dead letters wait';
    if (deadLetters > 0)
      add('degraded', 'dead-letters', `${count} ${waits} to be replayed or discarded.`, {
        count: Math.min(deadLetters, most),
        ...(deadLetters > most && { isMore: true }),
      });
  }
  return { status, issues };
}
