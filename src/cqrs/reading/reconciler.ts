import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { isPlatformFailure } from '../../platform/failure';
import { limits } from '../../platform/limits';
import type { Logger } from '../../platform/logger';
import type { EventCatalogue } from '../log/event';
import type { ListableDocuments } from './document-store';
import { compareRows, type Drift } from './drift';
import type { Projector } from './projector';
import { findStrays } from './strays';
import { documentKey, type View, type ViewKey } from './view';

/** The figures of a run. A document that still differs after the run counts as failed, and is repaired later. */
export interface Reconciliation {
  checked: number;
  repaired: number;
  failed: number;
}

interface Progress {
  view: string;
  key: string;
  documentsAfter: string | null;
}

export interface ReconcilerOptions {
  database: D1Database;
  documents: ListableDocuments;
  views: readonly View[];
  catalogue: EventCatalogue;
  projector: Projector;
  clock: Clock;
  logger: Logger;
}

/**
 * Makes the reconciler. Each run takes the next slice of two walks: through the rows of `projections`, whose documents it
 * compares with the write model, and through the keys of KV, to find documents without a row. It repairs what differs.
 */
export function createReconciler(options: ReconcilerOptions): () => Promise<Reconciliation> {
  const { clock, database, documents, logger } = options;
  const views = new Map(options.views.map((view) => [view.id, view]));

  /** Repairs what `find` has found. A slice that fails by its own fault is left behind, so that the walk goes on. */
  async function carryOut(db: Database, keys: number, find: () => Promise<Drift>): Promise<Reconciliation> {
    try {
      return await repair(db, options, await find());
    } catch (error) {
      if (isPlatformFailure(error)) throw error;
      logger.error('reconciler.failed', error, { keys });
      return { checked: 0, repaired: 0, failed: keys };
    }
  }

  async function walkRows(db: Database, { view, key }: Progress): Promise<Reconciliation> {
    const slice = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections WHERE (view, key) > (${view}, ${key})
      ORDER BY view, key LIMIT ${limits.keysPerReconcilerSlice}`);
    const result = await carryOut(db, slice.length, () => compareRows(db, options, views, slice, clock.now()));
    // After the last row the next run starts again with the first one.
    const last = slice.length < limits.keysPerReconcilerSlice ? undefined : slice.at(-1);
    await db.run(sql`UPDATE reconciliation SET view = ${last?.view ?? ''}, key = ${last?.key ?? ''}`);
    return result;
  }

  async function walkDocuments(db: Database, { documentsAfter }: Progress): Promise<Reconciliation> {
    const saveAfter = (after: string | null) => db.run(sql`UPDATE reconciliation SET documents_after = ${after}`);
    const page = await documents.list(documentsAfter, limits.documentsPerReconcilerSlice).catch(async (error) => {
      // KV may have forgotten the place where the walk was, so the walk starts again.
      await saveAfter(null);
      throw error;
    });
    const result = await carryOut(db, page.keys.length, () => findStrays(db, options, page.keys));
    await saveAfter(page.after);
    return result;
  }

  return async () => {
    const { db } = openSession(database, 'first-primary');
    await db.run(sql`INSERT INTO reconciliation (id, view, key) VALUES (1, '', '') ON CONFLICT (id) DO NOTHING`);
    const [progress] = await db.all<Progress>(
      sql`SELECT view, key, documents_after AS documentsAfter FROM reconciliation`,
    );
    if (!progress) throw new Error('The row of the table reconciliation is missing directly after its insert.');
    const total = { checked: 0, repaired: 0, failed: 0 };
    // A failure of one walk does not stop the other.
    const results = await Promise.allSettled([walkRows(db, progress), walkDocuments(db, progress)]);
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
      total.checked += result.value.checked;
      total.repaired += result.value.repaired;
      total.failed += result.value.failed;
    }
    return total;
  };
}

/**
 * Projects the keys that differ; of shapes that this version does not know, it removes the documents. Before that the keys
 * are marked to be rechecked, so that the relay does what this run cannot. A key that fails by its own fault loses the
 * mark, because the relay cannot help it; the next walk tries it again.
 */
async function repair(
  db: Database,
  { clock, logger, projector }: ReconcilerOptions,
  { checked, differing }: Drift,
): Promise<Reconciliation> {
  if (differing.length === 0) return { checked, repaired: 0, failed: 0 };
  const marked = clock.now();
  await db.run(sql`
    INSERT INTO projections (view, key, position, claimed_until, recheck_at)
    SELECT value->>'view', value->>'key', 0, 0, ${marked} FROM json_each(${JSON.stringify(differing)}) WHERE true
    ON CONFLICT (view, key) DO UPDATE SET recheck_at = coalesce(recheck_at, excluded.recheck_at)`);
  const { put, errors } = await projector.projectAgain(differing);
  const left = differing.filter((key) => !put.has(documentKey(key)));
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
  return { checked, repaired: differing.length - left.length, failed: left.length };
}
