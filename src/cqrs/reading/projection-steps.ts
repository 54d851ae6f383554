import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, runBatch } from '../../platform/d1';
import { lastPosition } from '../log/event-log';
import { type DocumentStore, isRefusal } from './document-store';
import type { Loaded, Target, View } from './view';

// docs/architecture.md explains the three steps and the three rules: deadline, no guess, recheck.

/** The times of the protocol in milliseconds. */
export const pacing = {
  /** How long a claim holds its keys, counted from before the request for the claim. */
  claimMs: 30_000,
  /** How long a put may take (rule "deadline"). */
  putMs: 10_000,
  /** How long a key waits after a write, because KV refuses a second write to a key within a second. */
  writeMs: 1_000,
  /** How long after its claim a put may still arrive (rule "recheck"): a put can wait for a free connection. */
  recheckMs: 30_000,
} as const;

/** A key that a claim holds, with the rows of D1 for its document. */
export interface ClaimedKey {
  view: View;
  key: string;
  rows: unknown;
}

/** The keys that were put, and the keys whose puts will certainly not arrive. The puts of all other keys may arrive. */
export interface PutResult {
  put: ClaimedKey[];
  refused: ClaimedKey[];
}

/** One claim on several keys; times in milliseconds. */
export interface Claim {
  id: string;
  /** The claim counts from `at`, just before the request for it, and runs out at `until`. */
  at: number;
  until: number;
  /** The newest event position in the snapshot from which the documents were loaded. */
  asOf: number;
  /** The keys that the claim holds. */
  claimed: ClaimedKey[];
}

/** An event's delivery to the projections, which is done when every target has reached the event's position. */
export interface Delivery {
  position: number;
  targets: readonly Target[];
}

/**
 * Step 1, one batch: claims the keys that no other consumer holds and that are behind their target or to be rechecked,
 * and loads their documents. Because of the batch, the documents and `asOf` come from one snapshot.
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
    // A target of an older shape has no view: old shapes are not projected any more.
    return view ? [{ target, view }] : [];
  });
  if (known.length === 0) return { id, at, until, asOf: 0, claimed: [] };
  const [claimedRows, positionRows, ...loads] = await runBatch(db, [
    // Recheck: if another claim on the key ran out, the put of that claim may still arrive, so `recheck_at` is set.
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
  // The two statements return these columns.
  const held = new Set((claimedRows as { view: string; key: string }[]).map(({ view, key }) => `${view}:${key}`));
  const asOf = (positionRows as { position: number }[])[0]?.position ?? 0;
  const keys = known.map(({ target, view }, index) => ({ view, key: target.key, rows: loads[index] }));
  return { id, at, until, asOf, claimed: keys.filter(({ view, key }) => held.has(view.kvKey(key))) };
}

/** Makes a document from the snapshot of step 1; undefined when the write model has no such document. */
export function loadDocument({ key, rows, view }: ClaimedKey): Loaded<unknown> | undefined {
  return view.toDocument(rows, key);
}

/**
 * Step 2: puts the document of each claimed key, or deletes the document that the write model does not have.
 * @param errors collects the errors of the keys that fail, by the keys of their documents in KV
 */
export async function putAll(
  { documents, epoch, clock }: { documents: DocumentStore; epoch: string; clock: Clock },
  claim: Claim,
  errors: Map<string, unknown>,
  toDocument: typeof loadDocument,
): Promise<PutResult> {
  const result: PutResult = { put: [], refused: [] };
  await Promise.all(
    claim.claimed.map(async (claimed) => {
      const { key, view } = claimed;
      let hasBegun = false;
      try {
        const loaded = toDocument(claimed);
        const now = clock.now();
        // Deadline: a put that could outlast its claim does not begin, because it could overwrite a later claim's put.
        if (now + pacing.putMs > claim.until) return void result.refused.push(claimed);
        hasBegun = true;
        if (loaded) await documents.put(view.kvKey(key), { ...loaded, asOf: claim.asOf, projectedAt: now, epoch });
        else await documents.delete(view.kvKey(key));
        result.put.push(claimed);
      } catch (error) {
        errors.set(view.kvKey(key), error);
        // No guess: unless KV refused the put, it may still arrive, so the key is neither confirmed nor released.
        if (!hasBegun || isRefusal(error)) result.refused.push(claimed);
      }
    }),
  );
  return result;
}

/**
 * Step 3, one batch: confirms the keys that were put and releases the refused keys, where this claim still holds them.
 * Then it deletes the deliveries whose keys have all reached their position.
 * @returns the positions of the deliveries that are done
 */
export async function confirm(
  db: Database,
  claim: Claim,
  { put, refused }: PutResult,
  deliveries: readonly Delivery[],
  clock: Clock,
): Promise<number[]> {
  if (claim.claimed.length === 0 && deliveries.length === 0) return [];
  const freeAt = clock.now() + pacing.writeMs;
  const positions = JSON.stringify(deliveries.map(({ position }) => position));
  const required = JSON.stringify(deliveries.flatMap(({ targets }) => targets));
  const [, , , remaining] = await runBatch(db, [
    // Recheck: earlier puts may arrive until `recheck_at`, so only a claim that was made after it ends the recheck.
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
  // The last statement returns this column.
  const pending = new Set((remaining as { position: number }[]).map(({ position }) => position));
  return deliveries.map(({ position }) => position).filter((position) => !pending.has(position));
}

function isAmong(keys: readonly ClaimedKey[]) {
  const list = JSON.stringify(keys.map(({ view, key }) => ({ view: view.id, key })));
  return sql`(view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${list}))`;
}

/** Finds the keys to be rechecked: `recheck_at` has passed, or a claim ran out without a confirmation. */
export function findKeysToRecheck(db: Database, now: number, limit: number): Promise<{ view: string; key: string }[]> {
  return db.all(sql`
    SELECT view, key FROM projections WHERE recheck_at IS NOT NULL AND recheck_at <= ${now}
    UNION SELECT view, key FROM projections WHERE claimed_by IS NOT NULL AND claimed_until <= ${now}
    LIMIT ${limit}`);
}
