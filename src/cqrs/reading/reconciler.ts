import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession, runBatch } from '../../platform/d1';
import { limits } from '../../platform/limits';
import type { DocumentStore } from './document-store';
import type { Projector, ViewKey } from './projector';
import type { View } from './view';

/** KV may serve a cached value for some time after a write, so keys that were written within this time are left out. */
const cachedMs = 120_000;

export interface Reconciliation {
  checked: number;
  repaired: number;
}

interface Row extends ViewKey {
  position: number;
}

/**
 * Makes the reconciler. Each call compares the documents of the next keys in KV with D1, and projects again the
 * documents that differ. The projector relies on times that KV does not guarantee; the reconciler repairs a document if
 * one is wrong.
 */
export function createReconciler(options: {
  database: D1Database;
  documents: DocumentStore;
  views: readonly View[];
  projector: Projector;
  clock: Clock;
}): () => Promise<Reconciliation> {
  const { clock, database, documents, projector } = options;
  const views = new Map(options.views.map((view) => [view.id, view]));

  async function findDrifted(db: Database, rows: readonly Row[]): Promise<Row[]> {
    const known = rows.flatMap((row) => {
      const view = views.get(row.view);
      return view ? [{ row, view, kvKey: view.kvKey(row.key) }] : [];
    });
    const stored = await documents.getAll(known.map(({ kvKey }) => kvKey));
    const differing = known.filter(({ row, kvKey }) => stored.get(kvKey)?.asOf !== row.position);
    // A missing document is correct when the write model has none.
    const missing = differing.filter(({ kvKey }) => !stored.has(kvKey));
    const loaded = await runBatch(
      db,
      missing.map(({ row, view }) => view.query(db, row.key)),
    );
    const correctlyMissing = new Set(
      missing.filter(({ row, view }, index) => !view.toDocument(loaded[index], row.key)).map(({ kvKey }) => kvKey),
    );
    return differing.filter(({ kvKey }) => !correctlyMissing.has(kvKey)).map(({ row }) => row);
  }

  return async () => {
    const { db } = openSession(database, 'first-primary');
    // The relay is responsible for keys that are claimed or to be rechecked.
    const rows = await db.all<Row>(sql`
      SELECT view, key, position FROM projections
      WHERE (view, key) > (coalesce((SELECT view FROM reconciliation), ''), coalesce((SELECT key FROM reconciliation), ''))
        AND claimed_by IS NULL AND recheck_at IS NULL AND claimed_until < ${clock.now() - cachedMs}
      ORDER BY view, key LIMIT ${limits.keysPerReconcilerSlice}`);
    const drifted = rows.length === 0 ? [] : await findDrifted(db, rows);
    await projector.projectAgain(drifted.map(({ view, key }) => ({ view, key })));
    // After the last key the next call starts again with the first one.
    const last = rows.length < limits.keysPerReconcilerSlice ? { view: '', key: '' } : rows.at(-1);
    await db.run(sql`
      INSERT INTO reconciliation (id, view, key) VALUES (1, ${last?.view ?? ''}, ${last?.key ?? ''})
      ON CONFLICT (id) DO UPDATE SET view = excluded.view, key = excluded.key`);
    return { checked: rows.length, repaired: drifted.length };
  };
}
