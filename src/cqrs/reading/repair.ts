import { type SQL, sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import type { Database } from '../../platform/d1';
import type { Logger } from '../../platform/logger';
import type { Projector } from './projector';
import { documentKey, type ViewKey } from './view';

/** What a repair works with. */
export interface RepairServices {
  clock: Clock;
  logger: Logger;
  projector: Pick<Projector, 'projectAgain'>;
}

/**
 * Marks keys to be rechecked, so that the relay projects what a repair does not get to.
 * @param at milliseconds: the mark
 */
export function markKeys(keys: readonly ViewKey[], at: number): SQL {
  return sql`
    INSERT INTO projections (view, key, position, claimed_until, recheck_at)
    SELECT value->>'view', value->>'key', 0, 0, ${at} FROM json_each(${JSON.stringify(keys)}) WHERE true
    ON CONFLICT (view, key) DO UPDATE SET recheck_at = coalesce(recheck_at, excluded.recheck_at)`;
}

/**
 * Projects keys that were marked; of shapes that this version does not know, it removes the documents. A key that fails by
 * its own fault loses the mark, because the relay cannot help it; the next walk of the reconciler tries it again.
 * @param marked milliseconds: the mark that the keys got
 */
export async function projectMarked(
  db: Database,
  { logger, projector }: Omit<RepairServices, 'clock'>,
  keys: readonly ViewKey[],
  marked: number,
): Promise<{ repaired: number; failed: number }> {
  const { put, errors } = await projector.projectAgain(keys);
  const left = keys.filter((key) => !put.has(documentKey(key)));
  for (const key of left) {
    const error = errors.get(documentKey(key));
    if (error !== undefined) logger.error('reconciler.failed', error, { view: key.view });
  }
  if (left.length > 0) {
    await db.run(sql`
      UPDATE projections SET recheck_at = NULL
      WHERE recheck_at = ${marked} AND claimed_by IS NULL AND error IS NOT NULL
        AND (view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${JSON.stringify(left)}))`);
  }
  return { repaired: keys.length - left.length, failed: left.length };
}

/** Marks keys, and projects them. */
export async function repairKeys(db: Database, services: RepairServices, keys: readonly ViewKey[]) {
  if (keys.length === 0) return { repaired: 0, failed: 0 };
  const marked = services.clock.now();
  await db.run(markKeys(keys, marked));
  return projectMarked(db, services, keys, marked);
}
