import { eq, sql } from 'drizzle-orm';
import { joinEvents, lastPosition } from '../cqrs/log/event-log';
import { failingKeys } from '../cqrs/reading/failing-keys';
import { selectLags, toViewLags } from '../cqrs/reading/projection-lags';
import { selectRounds } from '../cqrs/reading/reconciler-rounds';
import { rebuilds } from '../cqrs/reading/tables';
import type { View } from '../cqrs/reading/view';
import { isoTime } from '../platform/clock';
import { type Database, runBatch } from '../platform/d1';
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

const pendingByType = sql`
  SELECT type, count(*) AS count, min(position) AS firstPosition, min(occurred_at) AS firstAt,
    max(last_error) AS lastError
  FROM deliveries ${joinEvents} WHERE subscription = 'projections' GROUP BY type`;

const toIso = (ms: number | null | undefined) => (ms == null ? null : isoTime(ms));

/**
 * Finds the progress of each read model: the pending events of its types, its keys to be rechecked, its failing keys, and its
 * running rebuild.
 * @param lagTargetSeconds the target with which the lag is compared
 */
export async function findProjections(db: Database, views: readonly View[], now: number, lagTargetSeconds: number) {
  const [pending, [log], keys, toRecheck, failing, lagRows, [rounds], running] = await runBatch(db, [
    db.all<PendingRow>(pendingByType),
    db.all<{ position: number }>(sql`SELECT ${lastPosition} AS position`),
    db.all<{ view: string; count: number }>(sql`SELECT view, count(*) AS count FROM projections GROUP BY view`),
    db.all<{ view: string; count: number }>(sql`
      SELECT view, count(*) AS count FROM projections WHERE recheck_at IS NOT NULL GROUP BY view`),
    failingKeys(db),
    selectLags(db, now),
    selectRounds(db),
    db.select().from(rebuilds).where(eq(rebuilds.status, 'running')),
  ]);
  const lags = toViewLags(lagRows);
  const position = log?.position ?? 0;
  const countOf = (rows: readonly { view: string; count: number }[], id: string) =>
    rows.find(({ view }) => view === id)?.count ?? 0;
  const data = views.map(({ id, name, types }): Projection => {
    const own = pending.filter(({ type }) => types.includes(type));
    const first = Math.min(...own.map(({ firstPosition }) => firstPosition));
    const oldest = Math.min(...own.map(({ firstAt }) => Date.parse(firstAt)));
    const lag = lags.find(({ view }) => view === name);
    const lagSeconds = own.length === 0 ? 0 : Math.max(0, Math.floor((now - oldest) / 1000));
    const failures = failing.filter(({ view }) => view === id);
    const rebuild = running.find(({ view }) => view === name);
    return {
      view: name,
      position: own.length === 0 ? position : first - 1,
      lagEvents: own.reduce((sum, { count }) => sum + count, 0),
      lagSeconds,
      lagP50Seconds: lag?.p50Seconds ?? null,
      lagP99Seconds: lag?.p99Seconds ?? null,
      isWithinTarget: lagSeconds <= lagTargetSeconds && !findSlowest(lag ? [lag] : [], lagTargetSeconds),
      keys: countOf(keys, id),
      keysToRecheck: countOf(toRecheck, id),
      failedKeys: failures[0]?.count ?? 0,
      failures: failures.map(({ key, error }) => ({ key, error })),
      lastError: own.find(({ lastError }) => lastError !== null)?.lastError ?? null,
      rebuild: rebuild ? presentRebuild(rebuild) : null,
    };
  });
  const reconciliation = {
    documents: { startedAt: toIso(rounds?.rowsStartedAt), finishedAt: toIso(rounds?.rowsFinishedAt) },
    keys: { startedAt: toIso(rounds?.documentsStartedAt), finishedAt: toIso(rounds?.documentsFinishedAt) },
  };
  return { position, lagTargetSeconds, data, reconciliation };
}
