import { sql } from 'drizzle-orm';
import { joinEvents, lastPosition } from '../cqrs/log/event-log';
import { type FailingKeys, failingKeysQuery } from '../cqrs/reading/failing-keys';
import { selectLags, toViewLags } from '../cqrs/reading/projection-lags';
import { selectRounds } from '../cqrs/reading/reconciler-rounds';
import { rebuilds } from '../cqrs/reading/tables';
import type { View } from '../cqrs/reading/view';
import { isoTimeOrNull } from '../platform/clock';
import { type Database, runBatch } from '../platform/d1';
import { limits } from '../platform/limits';
import { findSlowest } from './lag-target';
import { presentRebuild } from './rebuilds';
import type { Projection } from './schemas';

interface PendingRow {
  type: string;
  count: number;
  firstPosition: number;
  firstAt: string;
  lastError: string | null;
}

/** The queries of the list of read models; each reads a bounded number of rows, whatever waits and however many documents there are. */
export const statusQueries = (views: readonly Pick<View, 'id'>[]) => {
  const most = limits.backlogCounted;
  const ids = views.map(({ id }) => id);
  const counted = sql`(SELECT position, last_error FROM deliveries WHERE subscription = 'projections'
    ORDER BY position LIMIT ${most})`;
  return {
    pending: sql`
      SELECT type, count(*) AS count, min(position) AS firstPosition, min(occurred_at) AS firstAt,
        max(last_error) AS lastError
      FROM ${counted} ${joinEvents} GROUP BY type`,
    log: sql`
      SELECT ${lastPosition} AS position, counted.count = ${most} AS isCut, counted."end"
      FROM (SELECT count(*) AS count, max(position) AS "end" FROM ${counted}) AS counted`,
    keys: sql`
      SELECT value AS view, (SELECT count(*) FROM (
        SELECT 1 FROM projections WHERE view = wanted.value LIMIT ${limits.figuresCounted})) AS count
      FROM json_each(${JSON.stringify(ids)}) AS wanted`,
    toRecheck: sql`
      SELECT view, count(*) AS count FROM (
        SELECT view FROM projections INDEXED BY projections_recheck WHERE recheck_at IS NOT NULL LIMIT ${most})
      GROUP BY view`,
    failing: failingKeysQuery(ids),
  };
};

/**
 * Finds the progress of each read model: the pending events of its types, its keys to be rechecked, its failing keys, and its
 * running rebuild.
 * @param lagTargetSeconds the target with which the lag is compared
 */
export async function findProjections(db: Database, views: readonly View[], now: number, lagTargetSeconds: number) {
  const queries = statusQueries(views);
  const [pending, [log], keys, toRecheck, failing, lagRows, [rounds], running] = await runBatch(db, [
    db.all<PendingRow>(queries.pending),
    db.all<{ position: number; isCut: number; end: number | null }>(queries.log),
    db.all<{ view: string; count: number }>(queries.keys),
    db.all<{ view: string; count: number }>(queries.toRecheck),
    db.all<FailingKeys>(queries.failing),
    selectLags(db, now),
    selectRounds(db),
    // The index has the rows of this condition, if it is written out.
    db.select().from(rebuilds).where(sql`status = 'running'`),
  ]);
  const lags = toViewLags(lagRows);
  const position = log?.position ?? 0;
  const rechecks = toRecheck.reduce((sum, { count }) => sum + count, 0);
  const isComplete = !log?.isCut && rechecks < limits.backlogCounted;
  // Of a read model without an event among the counted ones nothing is known beyond these.
  const counted = log?.isCut ? (log.end ?? 0) : position;
  const countOf = (rows: readonly { view: string; count: number }[], id: string) =>
    rows.find(({ view }) => view === id)?.count ?? 0;
  const data = views.map(({ id, name, types }): Projection => {
    const own = pending.filter(({ type }) => types.includes(type));
    const first = Math.min(...own.map(({ firstPosition }) => firstPosition));
    const oldest = Math.min(...own.map(({ firstAt }) => Date.parse(firstAt)));
    const lag = lags.find(({ view }) => view === name);
    const lagSeconds = own.length === 0 ? 0 : Math.max(0, Math.floor((now - oldest) / 1000));
    const failures = failing.find(({ view }) => view === id);
    const rebuild = running.find(({ view }) => view === name);
    return {
      view: name,
      position: own.length === 0 ? counted : first - 1,
      lagEvents: own.reduce((sum, { count }) => sum + count, 0),
      lagSeconds,
      lagP50Seconds: lag?.p50Seconds ?? null,
      lagP99Seconds: lag?.p99Seconds ?? null,
      isWithinTarget: lagSeconds <= lagTargetSeconds && !findSlowest(lag ? [lag] : [], lagTargetSeconds),
      keys: countOf(keys, id),
      keysToRecheck: countOf(toRecheck, id),
      failedKeys: failures?.count ?? 0,
      failures: JSON.parse(failures?.failures ?? '[]'),
      lastError: own.find(({ lastError }) => lastError !== null)?.lastError ?? null,
      rebuild: rebuild ? presentRebuild(rebuild) : null,
    };
  });
  const reconciliation = {
    documents: { startedAt: isoTimeOrNull(rounds?.rowsStartedAt), finishedAt: isoTimeOrNull(rounds?.rowsFinishedAt) },
    keys: {
      startedAt: isoTimeOrNull(rounds?.documentsStartedAt),
      finishedAt: isoTimeOrNull(rounds?.documentsFinishedAt),
    },
  };
  return { position, isComplete, lagTargetSeconds, data, reconciliation };
}
