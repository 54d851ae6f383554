import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, runBatch, statementError } from '../../platform/d1';
import { lastPosition, positionOf } from '../log/event-log';
import { type DocumentStore, isRefusal } from './document-store';
import { type HandledEvent, recordMissed, registerShapes, siblingsOf, type Views } from './shapes';
import { documentKey, type Loaded, type Target, type View, type ViewKey } from './view';

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
export interface ClaimedKey extends ViewKey {
  /** Undefined for a shape that this version of the Worker does not know: its document is removed. */
  definition: View | undefined;
  rows: unknown;
}

/** A key whose document cannot be made, by its own fault. */
export interface FailedKey extends ViewKey {
  /** The class of the error. */
  error: string;
}

/** The keys that were put, and the keys whose puts will certainly not arrive. The puts of all other keys may arrive. */
export interface PutResult {
  put: ClaimedKey[];
  refused: ClaimedKey[];
  failed: FailedKey[];
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
  /** The documents of other shapes that the events of the targets touch too, and that have not reached their position. */
  siblings: Target[];
}

/** An event's delivery to the projections. It is done when every target is settled at the event's position. */
export interface Delivery extends HandledEvent {
  id: string;
  targets: readonly Target[];
}

/**
 * Step 1, one batch: claims the keys that no other consumer holds and that are behind their target or to be rechecked,
 * and loads their documents. Because of the batch, the documents and `asOf` come from one snapshot.
 */
export async function claimAndLoad(
  db: Database,
  views: Views,
  targets: readonly Target[],
  id: string,
  clock: Clock,
): Promise<Claim> {
  const at = clock.now();
  const until = at + pacing.claimMs;
  if (targets.length === 0) return { id, at, until, asOf: 0, claimed: [], siblings: [] };
  const known = targets.flatMap((target) => {
    const view = views.get(target.view);
    return view ? [{ target, view }] : [];
  });
  const knownTargets = JSON.stringify(known.map(({ target }) => target));
  const [, claimedRows, positionRows, siblings, ...loads] = await runBatch(db, [
    registerShapes(db, new Set(known.map(({ view }) => view))),
    // Recheck: if another claim on the key ran out, the put of that claim may still arrive, so `recheck_at` is set.
    db.all(sql`
      INSERT INTO projections (view, key, position, claimed_by, claimed_until)
      SELECT target.value->>'view', target.value->>'key', 0, ${id}, ${until}
      FROM json_each(${JSON.stringify(targets)}) AS target
        LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
      WHERE p.view IS NULL OR (p.claimed_until <= ${at}
        AND (p.position < target.value->>'position' OR p.claimed_by IS NOT NULL OR p.recheck_at <= ${at}))
      ON CONFLICT (view, key) DO UPDATE SET
        claimed_by = excluded.claimed_by,
        claimed_until = excluded.claimed_until,
        recheck_at = CASE WHEN claimed_by IS NULL THEN recheck_at ELSE ${at + pacing.recheckMs} END
      RETURNING view, key`),
    db.all(sql`SELECT ${lastPosition} AS position`),
    db.all(sql`
      SELECT p.view, p.key, target.value->>'position' AS position FROM ${siblingsOf(knownTargets, views)}
      WHERE p.position < target.value->>'position' OR p.recheck_at IS NOT NULL`),
    ...known.map(({ target, view }) => view.query(db, target.key)),
  ]);
  // The statements return these columns.
  const held = new Set((claimedRows as ViewKey[]).map(documentKey));
  const asOf = (positionRows as { position: number }[])[0]?.position ?? 0;
  const rows = new Map(known.map(({ target }, index) => [target, loads[index]]));
  const claimed = targets
    .filter((target) => held.has(documentKey(target)))
    .map((target) => ({
      view: target.view,
      key: target.key,
      definition: views.get(target.view),
      rows: rows.get(target),
    }));
  return { id, at, until, asOf, claimed, siblings: siblings as Target[] };
}

/** Finds the keys whose query fails by its own fault, for example because of malformed JSON in a row. */
export async function findFailing(
  db: Database,
  views: Views,
  targets: readonly Target[],
): Promise<Map<Target, unknown>> {
  const failing = new Map<Target, unknown>();
  await Promise.all(
    targets.map(async (target) => {
      const view = views.get(target.view);
      try {
        if (view) await runBatch(db, [view.query(db, target.key)]);
      } catch (error) {
        if (statementError(error) === undefined) throw error;
        failing.set(target, error);
      }
    }),
  );
  return failing;
}

/** Makes a document from the snapshot of step 1; undefined when the write model has no such document. */
export function loadDocument({ key, rows, definition }: ClaimedKey): Loaded<unknown> | undefined {
  return definition?.toDocument(rows, key);
}

/** The class of an error. Its message is left out, because it may contain personal data. */
export function errorClass(error: unknown): string {
  return statementError(error) ?? (error instanceof Error ? error.name : 'unknown error');
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
  const result: PutResult = { put: [], refused: [], failed: [] };
  await Promise.all(
    claim.claimed.map(async (claimed) => {
      const { view, key } = claimed;
      const kvKey = documentKey(claimed);
      let hasBegun = false;
      try {
        const loaded = toDocument(claimed);
        const now = clock.now();
        // Deadline: a put that could outlast its claim does not begin, because it could overwrite a later claim's put.
        if (now + pacing.putMs > claim.until) return void result.refused.push(claimed);
        hasBegun = true;
        if (loaded) await documents.put(kvKey, { ...loaded, asOf: claim.asOf, projectedAt: now, epoch });
        else await documents.delete(kvKey);
        result.put.push(claimed);
      } catch (error) {
        errors.set(kvKey, error);
        if (!hasBegun) result.failed.push({ view, key, error: errorClass(error) });
        // No guess: unless KV refused the put, it may still arrive, so the key is neither confirmed nor released.
        if (!hasBegun || isRefusal(error)) result.refused.push(claimed);
      }
    }),
  );
  return result;
}

/**
 * Step 3, one batch: confirms the keys that were put and releases the refused keys, where this claim still holds them.
 * Then it deletes the deliveries whose targets are all settled.
 * @returns the deliveries that are left, by their positions, and when the last of their targets is free for a new claim
 */
export async function confirm(
  db: Database,
  views: Views,
  claim: Claim,
  { put, refused, failed }: PutResult,
  deliveries: readonly Delivery[],
  clock: Clock,
): Promise<Map<number, number>> {
  if (claim.claimed.length === 0 && failed.length === 0 && deliveries.length === 0) return new Map();
  const freeAt = clock.now() + pacing.writeMs;
  const unsettled = findUnsettled(
    views,
    deliveries.flatMap(({ targets }) => targets),
  );
  // Positions repeat after a restore, so a delivery is this event's only if the log has the event at its position.
  const own = sql`SELECT value->>'position' FROM json_each(${JSON.stringify(deliveries.map(({ id, position }) => ({ id, position })))})
    WHERE ${positionOf(sql`value->>'id'`)} = value->>'position'`;
  const isRecheckDone = sql`recheck_at <= ${claim.at}`;
  const [, , , , , , left] = await runBatch(db, [
    // A row of an unknown shape ends with its document, when no earlier put can arrive any more.
    db.run(sql`
      DELETE FROM projections WHERE claimed_by = ${claim.id} AND (recheck_at IS NULL OR ${isRecheckDone})
        AND ${isAmong(put.filter(({ definition }) => !definition))}`),
    // Recheck: earlier puts may arrive until `recheck_at`, so only a claim that was made after it ends the recheck.
    db.run(sql`
      UPDATE projections SET position = max(position, ${claim.asOf}), claimed_by = NULL, claimed_until = ${freeAt},
        recheck_at = CASE WHEN ${isRecheckDone} THEN NULL ELSE recheck_at END, error = NULL
      WHERE claimed_by = ${claim.id} AND ${isAmong(put)}`),
    db.run(sql`
      UPDATE projections SET claimed_by = NULL, claimed_until = ${freeAt}
      WHERE claimed_by = ${claim.id} AND ${isAmong(refused)}`),
    db.run(sql`
      INSERT INTO projections (view, key, position, claimed_until, error)
      SELECT value->>'view', value->>'key', 0, 0, value->>'error' FROM json_each(${JSON.stringify(failed)}) WHERE true
      ON CONFLICT (view, key) DO UPDATE SET error = excluded.error`),
    recordMissed(db, views, deliveries),
    db.run(sql`
      DELETE FROM deliveries WHERE subscription = 'projections' AND position IN (${own})
        AND position NOT IN (SELECT target FROM (${unsettled}))`),
    db.all(sql`
      SELECT deliveries.position, coalesce(max(unsettled.freeAt), 0) AS freeAt
      FROM deliveries LEFT JOIN (${unsettled}) AS unsettled ON unsettled.target = deliveries.position
      WHERE subscription = 'projections' AND deliveries.position IN (${own}) GROUP BY deliveries.position`),
  ]);
  // The last statement returns these columns.
  return new Map((left as { position: number; freeAt: number }[]).map((row) => [row.position, row.freeAt]));
}

function isAmong(keys: readonly ViewKey[]) {
  const list = JSON.stringify(keys.map(({ view, key }) => ({ view, key })));
  return sql`(view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${list}))`;
}

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

/**
 * The query for the targets that are not settled: their document does not include the position, or an earlier put may
 * still arrive over it. As soon as all targets of an event are settled, KV can show no document without the event.
 */
export function findUnsettled(views: Views, targets: readonly Target[]) {
  const list = JSON.stringify(targets.map(({ view, key, position }) => ({ view, key, position })));
  const state = sql`coalesce(p.position, -1) AS position, p.error,
    max(coalesce(p.claimed_until, 0), coalesce(p.recheck_at, 0)) AS freeAt`;
  const isUnsettled = sql`(p.position IS NULL OR p.position < target.value->>'position' OR p.recheck_at IS NOT NULL)`;
  return sql`
    SELECT target.value->>'view' AS view, target.value->>'key' AS key, target.value->>'position' AS target, ${state}
    FROM json_each(${list}) AS target
      LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
    WHERE ${isUnsettled}
    UNION ALL
    SELECT p.view, p.key, target.value->>'position' AS target, ${state} FROM ${siblingsOf(list, views)}
    WHERE ${isUnsettled}`;
}

/** Finds the keys to be rechecked: `recheck_at` has passed, or a claim ran out without a confirmation. */
export function findKeysToRecheck(db: Database, now: number, limit: number): Promise<{ view: string; key: string }[]> {
  return db.all(sql`
    SELECT view, key FROM projections WHERE recheck_at IS NOT NULL AND recheck_at <= ${now}
    UNION SELECT view, key FROM projections WHERE claimed_by IS NOT NULL AND claimed_until <= ${now}
    LIMIT ${limit}`);
}
