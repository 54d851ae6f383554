import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession, runBatch } from '../../platform/d1';
import type { DocumentStore } from './document-store';
import type { Projector, ViewKey } from './projector';
import type { View } from './view';

/** One bulk get of KV takes 100 keys; D1 about 100 statements a batch. */
const keysPerSlice = 80;
/** What was written within this time may still hide behind a cached value: only what is older is judged. */
const settledMs = 120_000;

export interface Reconciliation {
  checked: number;
  repaired: number;
}

interface Row extends ViewKey {
  position: number;
}

/**
 * Compares KV with what should be there, a slice of the keys at a time, and projects again what differs. It backs what
 * the projector's protocol takes from KV on trust.
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
    // A key without a document is right where the write model has none.
    const missing = differing.filter(({ kvKey }) => !stored.has(kvKey));
    const loaded = await runBatch(
      db,
      missing.map(({ row, view }) => view.query(db, row.key)),
    );
    const rightlyMissing = new Set(
      missing.filter(({ row, view }, index) => !view.toDocument(loaded[index], row.key)).map(({ kvKey }) => kvKey),
    );
    return differing.filter(({ kvKey }) => !rightlyMissing.has(kvKey)).map(({ row }) => row);
  }

  return async () => {
    const { db } = openSession(database, 'first-primary');
    // Keys at work or in doubt are the relay's business.
    const rows = await db.all<Row>(sql`
      SELECT view, key, position FROM projections
      WHERE (view, key) > (coalesce((SELECT view FROM reconciliation), ''), coalesce((SELECT key FROM reconciliation), ''))
        AND claimed_by IS NULL AND recheck_at IS NULL AND claimed_until < ${clock.now() - settledMs}
      ORDER BY view, key LIMIT ${keysPerSlice}`);
    const drifted = rows.length === 0 ? [] : await findDrifted(db, rows);
    await projector.refresh(drifted.map(({ view, key }) => ({ view, key })));
    // After the last slice the walk begins anew.
    const last = rows.length < keysPerSlice ? { view: '', key: '' } : rows.at(-1);
    await db.run(sql`
      INSERT INTO reconciliation (id, view, key) VALUES (1, ${last?.view ?? ''}, ${last?.key ?? ''})
      ON CONFLICT (id) DO UPDATE SET view = excluded.view, key = excluded.key`);
    return { checked: rows.length, repaired: drifted.length };
  };
}
