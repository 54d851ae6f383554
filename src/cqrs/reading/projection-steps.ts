import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, runBatch } from '../../platform/d1';
import { lastPosition } from '../log/event-log';
import { type DocumentStore, isRefusal } from './document-store';
import type { Loaded, Target, View } from './view';

/** The protocol's times in milliseconds. */
export const pacing = {
  /** How long a claim holds, counted from before it was asked for. */
  claimMs: 30_000,
  /** A put that has begun is expected to land within this time; the guard begins none that could outlast its claim. */
  putMs: 10_000,
  /** KV refuses a second write to a key within a second. */
  writeMs: 1_000,
  /**
   * How long after its claim has run out a put may still land: a Worker has six connections, and a put waits for one
   * of them on the runtime's time, not on ours.
   */
  recheckMs: 30_000,
} as const;

/** A key that was won, with what D1 holds for its document. */
export interface Work {
  view: View;
  key: string;
  rows: unknown;
}

/** Which won keys were put, and for which definitely nothing will land; the others' claims are left to run out. */
export interface PutResult {
  put: Work[];
  refused: Work[];
}

export interface Claim {
  id: string;
  /** When the claim was asked for, and when it runs out. */
  at: number;
  until: number;
  /** The newest event position in the snapshot that the documents were loaded from. */
  asOf: number;
  won: Work[];
}

/** An event's delivery to the projections, done when every target is at or past the event's position. */
export interface Delivery {
  position: number;
  targets: readonly Target[];
}

/**
 * Step 1: wins the keys that nobody else holds and that are behind their target, or in doubt; and loads their
 * documents from one consistent snapshot in the same batch.
 */
export async function claimAndLoad(
  db: Database,
  views: ReadonlyMap<string, View>,
  targets: readonly Target[],
  id: string,
  clock: Clock,
): Promise<Claim> {
  const at = clock.now();
  const until = at + pacing.claimMs;
  const known = targets.flatMap((target) => {
    const view = views.get(target.view);
    // An older shape's key is nobody's to write any more.
    return view ? [{ target, view }] : [];
  });
  if (known.length === 0) return { id, at, until, asOf: 0, won: [] };
  const [wonRows, positionRows, ...loads] = await runBatch(db, [
    // Taking over a claim that ran out unconfirmed puts the key in doubt: that claim's last put may still land.
    db.all(sql`
      INSERT INTO projections (view, key, position, claimed_by, claimed_until)
      SELECT target.value->>'view', target.value->>'key', 0, ${id}, ${until}
      FROM json_each(${JSON.stringify(known.map(({ target }) => target))}) AS target
        LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
      WHERE p.view IS NULL OR (p.claimed_until <= ${at}
        AND (p.position < target.value->>'position' OR p.claimed_by IS NOT NULL OR p.recheck_at <= ${at}))
      ON CONFLICT (view, key) DO UPDATE SET
        claimed_by = excluded.claimed_by,
        claimed_until = excluded.claimed_until,
        recheck_at = CASE WHEN claimed_by IS NULL THEN recheck_at ELSE ${at + pacing.recheckMs} END
      RETURNING view, key`),
    db.all(sql`SELECT ${lastPosition} AS position`),
    ...known.map(({ target, view }) => view.query(db, target.key)),
  ]);
  // The shapes that the two statements above name.
  const won = new Set((wonRows as { view: string; key: string }[]).map(({ view, key }) => `${view}:${key}`));
  const asOf = (positionRows as { position: number }[])[0]?.position ?? 0;
  const work = known.map(({ target, view }, index) => ({ view, key: target.key, rows: loads[index] }));
  return { id, at, until, asOf, won: work.filter(({ view, key }) => won.has(view.kvKey(key))) };
}

/** What the snapshot of step 1 holds of a document. */
export function loadDocument({ key, rows, view }: Work): Loaded<unknown> | undefined {
  return view.toDocument(rows, key);
}

/** Step 2: puts what was won, or deletes what has no document (any more). Notes in `errors` why keys failed. */
export async function putAll(
  { documents, epoch, clock }: { documents: DocumentStore; epoch: string; clock: Clock },
  claim: Claim,
  errors: Map<string, unknown>,
  toDocument: typeof loadDocument,
): Promise<PutResult> {
  const result: PutResult = { put: [], refused: [] };
  await Promise.all(
    claim.won.map(async (work) => {
      const { key, view } = work;
      let mayLand = false;
      try {
        const loaded = toDocument(work);
        const now = clock.now();
        // Guard: a put that could outlast the claim is not begun. Nothing was sent, so the key is free for others.
        if (now + pacing.putMs > claim.until) return void result.refused.push(work);
        mayLand = true;
        if (loaded) await documents.put(view.kvKey(key), { ...loaded, asOf: claim.asOf, projectedAt: now, epoch });
        else await documents.delete(view.kvKey(key));
        result.put.push(work);
      } catch (error) {
        errors.set(view.kvKey(key), error);
        // No guess: a put that failed in any way but a refusal may still land, so its claim is left to run out.
        if (!mayLand || isRefusal(error)) result.refused.push(work);
      }
    }),
  );
  return result;
}

/**
 * Step 3: notes what was put, where the claim is still ours, frees what was refused, and deletes the deliveries whose
 * keys have all arrived. A key in doubt stays so until a put that began after the doubt's end.
 * @returns the positions whose deliveries need nothing more.
 */
export async function confirm(
  db: Database,
  claim: Claim,
  { put, refused }: PutResult,
  deliveries: readonly Delivery[],
  clock: Clock,
): Promise<number[]> {
  if (claim.won.length === 0 && deliveries.length === 0) return [];
  const freeAt = clock.now() + pacing.writeMs;
  const positions = JSON.stringify(deliveries.map(({ position }) => position));
  const required = JSON.stringify(deliveries.flatMap(({ targets }) => targets));
  const [, , , remaining] = await runBatch(db, [
    db.run(sql`
      UPDATE projections SET position = max(position, ${claim.asOf}), claimed_by = NULL, claimed_until = ${freeAt},
        recheck_at = CASE WHEN recheck_at <= ${claim.at} THEN NULL ELSE recheck_at END
      WHERE claimed_by = ${claim.id} AND ${isAmong(put)}`),
    db.run(sql`
      UPDATE projections SET claimed_by = NULL, claimed_until = ${freeAt}
      WHERE claimed_by = ${claim.id} AND ${isAmong(refused)}`),
    db.run(sql`
      DELETE FROM deliveries WHERE subscription = 'projections'
        AND position IN (SELECT value FROM json_each(${positions}))
        AND NOT EXISTS (
          SELECT 1 FROM json_each(${required}) AS target
            LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
          WHERE target.value->>'position' = deliveries.position AND coalesce(p.position, -1) < deliveries.position)`),
    db.all(sql`
      SELECT position FROM deliveries WHERE subscription = 'projections'
        AND position IN (SELECT value FROM json_each(${positions}))`),
  ]);
  // The shape that the last statement names.
  const pending = new Set((remaining as { position: number }[]).map(({ position }) => position));
  return deliveries.map(({ position }) => position).filter((position) => !pending.has(position));
}

function isAmong(keys: readonly Work[]) {
  const list = JSON.stringify(keys.map(({ view, key }) => ({ view: view.id, key })));
  return sql`(view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${list}))`;
}

/** Keys whose last put is in doubt: unsettled ones whose time has come, and claims that ran out unconfirmed. */
export function findKeysToRecheck(db: Database, now: number, limit: number): Promise<{ view: string; key: string }[]> {
  return db.all(sql`
    SELECT view, key FROM projections WHERE recheck_at IS NOT NULL AND recheck_at <= ${now}
    UNION SELECT view, key FROM projections WHERE claimed_by IS NOT NULL AND claimed_until <= ${now}
    LIMIT ${limit}`);
}
