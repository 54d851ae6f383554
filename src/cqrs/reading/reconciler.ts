import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { isPlatformFailure } from '../../platform/failure';
import { deadlines, limits } from '../../platform/limits';
import type { Logger } from '../../platform/logger';
import type { EventCatalogue } from '../log/event';
import type { ListableDocuments } from './document-store';
import { compareRows, type Drift } from './drift';
import type { Projector } from './projector';
import {
  beginRound,
  forgetDocumentsRound,
  isAtStart,
  isResting,
  prepareRounds,
  type Rounds,
  readRounds,
  saveDocumentsAfter,
  saveRowsAfter,
  slicesPerRun,
  type WalkName,
} from './reconciler-rounds';
import { repairKeys } from './repair';
import { findStrays } from './strays';
import type { View, ViewKey } from './view';

/** The figures of a run. A document that still differs after the run counts as failed, and is repaired later. */
export interface Reconciliation {
  checked: number;
  repaired: number;
  failed: number;
}

export interface ReconcilerOptions {
  database: D1Database;
  documents: ListableDocuments;
  epoch: string;
  views: readonly View[];
  catalogue: EventCatalogue;
  projector: Projector;
  clock: Clock;
  logger: Logger;
}

/**
 * Makes the reconciler. Each run takes the next slices of two walks: through the rows of `projections`, whose documents it
 * compares with the write model, and through the keys of KV, to find documents without a row. It repairs what differs.
 */
export function createReconciler(options: ReconcilerOptions): () => Promise<Reconciliation> {
  const { clock, database, documents, epoch, logger } = options;
  const views = new Map(options.views.map((view) => [view.id, view]));

  /** Repairs what `find` has found. A slice that fails by its own fault is left behind, so that the walk goes on. */
  async function carryOut(db: Database, keys: number, find: () => Promise<Drift>): Promise<Reconciliation> {
    try {
      const { checked, differing } = await find();
      return { checked, ...(await repairKeys(db, options, differing)) };
    } catch (error) {
      if (isPlatformFailure(error)) throw error;
      logger.error('reconciler.failed', error, { keys });
      return { checked: 0, repaired: 0, failed: keys };
    }
  }

  async function takeRows(db: Database, { view, key }: Rounds): Promise<Slice> {
    const slice = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections WHERE (view, key) > (${view}, ${key})
      ORDER BY view, key LIMIT ${limits.keysPerReconcilerSlice}`);
    const result = await carryOut(db, slice.length, () => compareRows(db, options, views, slice, clock.now()));
    // After the last row the next round starts again with the first one.
    const last = slice.length < limits.keysPerReconcilerSlice ? undefined : slice.at(-1);
    await saveRowsAfter(db, last, clock.now());
    return { result, isLast: last === undefined };
  }

  async function takeDocuments(db: Database, { documentsAfter }: Rounds): Promise<Slice> {
    const page = await documents.list(documentsAfter, limits.documentsPerReconcilerSlice).catch(async (error) => {
      // KV may have forgotten the place where the walk was, so the walk starts again.
      await forgetDocumentsRound(db);
      throw error;
    });
    const result = await carryOut(db, page.keys.length, () => findStrays(db, options, page.keys));
    await saveDocumentsAfter(db, page.after, clock.now());
    return { result, isLast: page.after === null };
  }

  /** Takes as many slices of a walk as this run has to, so that a round of all keys ends within a day. */
  async function walk(db: Database, name: WalkName, take: typeof takeRows): Promise<Reconciliation> {
    const startedAt = clock.now();
    const total = { checked: 0, repaired: 0, failed: 0 };
    const begun = await readRounds(db);
    if (isResting(begun, name, startedAt)) return total;
    const { keys } = isAtStart(begun, name) ? await beginRound(db, name, startedAt) : begun;
    for (let slices = slicesPerRun(keys ?? 0); slices > 0; slices--) {
      const { result, isLast } = await take(db, await readRounds(db));
      total.checked += result.checked;
      total.repaired += result.repaired;
      total.failed += result.failed;
      // What differs costs a put for each key, of which an invocation has a limited number.
      const isCostly = total.repaired + total.failed >= limits.keysPerReconcilerSlice;
      if (isLast || isCostly || clock.now() - startedAt >= deadlines.reconcilerMs) break;
    }
    return total;
  }

  return async () => {
    const { db } = openSession(database, 'first-primary');
    await prepareRounds(db, epoch);
    const total = { checked: 0, repaired: 0, failed: 0 };
    // A failure of one walk does not stop the other.
    const walks = [walk(db, 'rows', takeRows), walk(db, 'documents', takeDocuments)];
    for (const result of await Promise.allSettled(walks)) {
      if (result.status === 'rejected') throw result.reason;
      total.checked += result.value.checked;
      total.repaired += result.value.repaired;
      total.failed += result.value.failed;
    }
    return total;
  };
}

/** What a slice of a walk has shown. */
interface Slice {
  result: Reconciliation;
  /** Whether the walk has come to its end. */
  isLast: boolean;
}
