import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { isPlatformFailure } from '../../platform/failure';
import { limits } from '../../platform/limits';
import type { Logger } from '../../platform/logger';
import type { EventCatalogue } from '../log/event';
import type { ListableDocuments } from './document-store';
import { compareRows, type Drift } from './drift';
import { clearErrors, type KnownKey, saveErrors } from './failing-keys';
import type { Projector, ViewKey } from './projector';
import { findStrays } from './strays';
import { documentKey, type View } from './view';

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
    const result = await carryOut(db, slice.length, () => compareRows(db, options, slice, clock.now()));
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

async function repair(
  db: Database,
  options: ReconcilerOptions,
  { checked, differing, failing, unknown }: Drift,
): Promise<Reconciliation> {
  const { clock, logger, projector } = options;
  await saveErrors(db, clock.now(), failing);
  const removeErrors = await projector.remove(unknown);
  const { left, errors } = await project(db, options, differing);
  const notRemoved = unknown.flatMap((key) => {
    const error = removeErrors.get(documentKey(key));
    return error === undefined ? [] : [[key, error] as const];
  });
  for (const [{ view }, error] of [...failing, ...notRemoved, ...errors]) {
    logger.error('reconciler.failed', error, { view });
  }
  const failed = failing.size + notRemoved.length + left;
  return { checked, repaired: differing.length - left + unknown.length - notRemoved.length, failed };
}

/**
 * Projects keys. Before that they are marked to be rechecked, so that the relay projects what this run cannot.
 * @returns how many keys still have this mark, and why keys failed
 */
async function project(db: Database, { clock, projector }: ReconcilerOptions, keys: readonly KnownKey[]) {
  if (keys.length === 0) return { left: 0, errors: [] };
  const viewKeys = keys.map(({ view, key }) => ({ view, key }));
  const list = JSON.stringify(viewKeys);
  await db.run(sql`
    INSERT INTO projections (view, key, position, claimed_until, recheck_at)
    SELECT value->>'view', value->>'key', 0, 0, ${clock.now()} FROM json_each(${list}) WHERE true
    ON CONFLICT (view, key) DO UPDATE SET recheck_at = coalesce(recheck_at, excluded.recheck_at)`);
  const byKvKey = await projector.projectAgain(viewKeys);
  const marked = await db.all<ViewKey>(sql`
    SELECT view, key FROM projections WHERE (recheck_at IS NOT NULL OR claimed_by IS NOT NULL)
      AND (view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${list}))`);
  const left = new Set(marked.map(({ view, key }) => `${view}:${key}`));
  const done = keys.filter((key) => !left.has(`${key.view}:${key.key}`));
  await clearErrors(db, done);
  const errors = keys.flatMap((key) => {
    const kvKey = key.definition.kvKey(key.key);
    return byKvKey.has(kvKey) ? [[key, byKvKey.get(kvKey)] as const] : [];
  });
  return { left: left.size, errors };
}
