import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { siblingsOf, type Views } from './shapes';
import type { Target, ViewKey } from './view';

/** A target, or its sibling in another shape, that is not settled. */
export interface Unsettled extends ViewKey {
  /** The position that the document must include. */
  target: number;
  /** The position that the document includes. */
  position: number;
  /** Milliseconds: when the key is free for a claim that can settle it. */
  freeAt: number;
  error: string | null;
}

/** How long the key `p` of a target is left alone after it became free. A claim that ran out left no document to share. */
export const restOf = sql`iif(p.claimed_by IS NULL, coalesce(target.value->>'restMs', 0), 0)`;

/**
 * The query for the targets that are not settled: their document does not include the position, or an earlier put may
 * still arrive over it. As soon as all targets of an event are settled, KV can show no document without the event.
 */
export function findUnsettled(views: Views, targets: readonly Target[]) {
  const list = JSON.stringify(targets.map(({ view, key, position, restMs }) => ({ view, key, position, restMs })));
  const stateWith = (restMs: SQL) => sql`coalesce(p.position, -1) AS position, p.error,
    max(coalesce(p.claimed_until + ${restMs}, 0), coalesce(p.recheck_at, 0)) AS freeAt`;
  const isUnsettled = sql`(p.position IS NULL OR p.position < target.value->>'position' OR p.recheck_at IS NOT NULL)`;
  return sql`
    SELECT target.value->>'view' AS view, target.value->>'key' AS key, target.value->>'position' AS target, ${stateWith(restOf)},
      target.value->>'restMs' IS NOT NULL AND p.claimed_by IS NULL AND p.recheck_at IS NULL AND p.error IS NULL AS rests
    FROM json_each(${list}) AS target
      LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
    WHERE ${isUnsettled}
    UNION ALL
    SELECT p.view, p.key, target.value->>'position' AS target, ${stateWith(sql`0`)}, 0 AS rests FROM ${siblingsOf(list, views)}
    WHERE ${isUnsettled}`;
}

/**
 * Finds the keys to be rechecked: `recheck_at` has passed. The keys that were tried last come last, so that keys that
 * always fail do not stop the others. A claim that ran out is not looked for: what asked for it asks again (a pending
 * delivery, a recheck, a step of a rebuild), and otherwise the reconciler compares the key.
 */
export function findKeysToRecheck(db: Database, now: number, limit: number): Promise<{ view: string; key: string }[]> {
  return db.all(sql`
    SELECT view, key FROM projections WHERE recheck_at IS NOT NULL AND recheck_at <= ${now}
    ORDER BY claimed_until LIMIT ${limit}`);
}
