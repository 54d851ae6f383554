import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, runBatch, type Statement } from '../../platform/d1';
import { DefectError, describeError, isPlatformFailure } from '../../platform/failure';
import { inLanes } from '../../platform/lanes';
import { limits } from '../../platform/limits';
import { eventsInLog, lastPosition } from '../log/event-log';
import { type DocumentStore, isRefusal } from './document-store';
import { type LoadedKey, type LoadedTogether, type loadDocument, loadTogether } from './load';
import { findUnsettled, restOf } from './settled';
import { type HandledEvent, recordMissed, registerShapes, siblingsOf, type Views } from './shapes';
import { documentKey, type Target, type ViewKey } from './view';

// docs/architecture.md explains the three steps and the three rules: deadline, no guess, recheck.

/** The times of the protocol in milliseconds. */
export const pacing = {
  /** How long a claim holds its keys, counted from before the request for the claim. */
  claimMs: 30_000,
  /** How long a put may take (rule "deadline"). */
  putMs: 10_000,
  /** How long a key waits after a write, because KV refuses a second write to a key within a second. */
  writeMs: 1_000,
  /** How long after its claim a put may still arrive (rule "recheck"): other work of the invocation can have all connections. */
  recheckMs: 30_000,
} as const;

/** A key whose put will certainly not arrive. */
export interface RefusedKey extends ViewKey {
  /** The class of the error for which the key's document cannot be made or put; null when another try may succeed. */
  error: string | null;
}

/** The keys that were put, and those whose puts will certainly not arrive. The puts of all other keys may arrive. */
export interface PutResult {
  put: LoadedKey[];
  refused: RefusedKey[];
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
  claimed: LoadedKey[];
  /** The documents of other shapes that the events of the targets touch too, and that have not reached their position. */
  siblings: Target[];
  searched: LoadedTogether['searched'];
}

/** What confirming has done with deliveries. */
export interface Confirmed {
  /** The deliveries that are left, by their positions, and when the last of their targets is free; those that rest count last. */
  left: ReadonlyMap<number, number>;
  /** The positions of the deliveries that this run deleted, and that write a data point. No other run deletes them. */
  finished: readonly number[];
}

/** An event's delivery to the projections. It is done when every target is settled at the event's position. */
export interface Delivery extends HandledEvent {
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
  if (targets.length === 0) return { id, at, until, asOf: 0, claimed: [], siblings: [], searched: 0 };
  const known = targets.filter(({ view }) => views.has(view));
  const { results, loaded, searched } = await loadTogether(db, views, targets, [
    registerShapes(db, new Set(known.flatMap(({ view }) => views.get(view) ?? []))),
    // Recheck: if another claim on the key ran out, the put of that claim may still arrive, so `recheck_at` is set.
    db.all(sql`
      INSERT INTO projections (view, key, position, claimed_by, claimed_until)
      SELECT target.value->>'view', target.value->>'key', 0, ${id}, ${until}
      FROM json_each(${JSON.stringify(targets)}) AS target
        LEFT JOIN projections AS p ON p.view = target.value->>'view' AND p.key = target.value->>'key'
      WHERE p.view IS NULL OR (p.claimed_until + ${restOf} <= ${at}
        AND (p.position < target.value->>'position' OR p.claimed_by IS NOT NULL OR p.recheck_at <= ${at}))
      ON CONFLICT (view, key) DO UPDATE SET
        claimed_by = excluded.claimed_by,
        claimed_until = excluded.claimed_until,
        recheck_at = CASE WHEN claimed_by IS NULL THEN recheck_at ELSE ${at + pacing.recheckMs} END
      RETURNING view, key`),
    db.all(sql`SELECT ${lastPosition} AS position`),
    db.all(sql`
      SELECT p.view, p.key, target.value->>'position' AS position FROM ${siblingsOf(JSON.stringify(known), views)}
      WHERE p.position < target.value->>'position' OR p.recheck_at IS NOT NULL`),
  ]);
  // The statements return these columns.
  const [, claimedRows, positionRows, siblings] = results as [unknown, ViewKey[], { position: number }[], Target[]];
  const held = new Set(claimedRows.map(documentKey));
  const claimed = loaded.filter((key) => held.has(documentKey(key)));
  return { id, at, until, asOf: positionRows[0]?.position ?? 0, claimed, siblings, searched };
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

  async function put(claimed: LoadedKey): Promise<void> {
    const { view, key } = claimed;
    const kvKey = documentKey(claimed);
    let hasBegun = false;
    try {
      const loaded = toDocument(claimed);
      // Deadline: a put that could outlast its claim does not begin, because it could overwrite a later claim's put.
      if (clock.now() + pacing.putMs > claim.until) return void result.refused.push({ view, key, error: null });
      hasBegun = true;
      // The data is as old as the claim that loaded it, however long the put had to wait.
      if (loaded) await documents.put(kvKey, { ...loaded, asOf: claim.asOf, projectedAt: claim.at, epoch });
      else await documents.delete(kvKey);
      result.put.push(claimed);
    } catch (error) {
      // Before the put begins, only code and rows can fail.
      errors.set(kvKey, hasBegun ? error : new DefectError(error));
      // No guess: unless KV refused the put, it may still arrive, so the key is neither confirmed nor released.
      if (hasBegun && !isRefusal(error)) return;
      const isOwn = !hasBegun || !isPlatformFailure(error);
      result.refused.push({ view, key, error: isOwn ? describeError(error) : null });
    }
  }

  // A put without a free connection would wait in the runtime, after the look at its deadline.
  await inLanes(limits.putsInFlight, claim.claimed, put);
  return result;
}

/**
 * Step 3, one batch: confirms the keys that were put and releases the refused keys, where this claim still holds them.
 * Then it deletes the deliveries whose targets are all settled.
 * @param others statements of the same batch that the protocol does not need
 */
export async function confirm(
  db: Database,
  views: Views,
  claim: Claim,
  { put, refused }: PutResult,
  deliveries: readonly Delivery[],
  clock: Clock,
  others: readonly Statement[] = [],
): Promise<Confirmed> {
  if (claim.claimed.length === 0 && deliveries.length === 0) return { left: new Map(), finished: [] };
  const freeAt = clock.now() + pacing.writeMs;
  const isRecheckDone = sql`recheck_at <= ${claim.at}`;
  const removed = put.filter(({ definition }) => !definition);
  // Most batches have no key for some of these statements, and each statement costs even if it changes nothing.
  const steps: Statement[] = [];
  if (removed.length > 0) {
    // A row of an unknown shape ends with its document, when no earlier put can arrive any more.
    steps.push(
      db.run(sql`
        DELETE FROM projections WHERE claimed_by = ${claim.id} AND (recheck_at IS NULL OR ${isRecheckDone})
          AND ${isAmong(removed)}`),
    );
  }
  if (put.length > 0) {
    // Recheck: earlier puts may arrive until `recheck_at`, so only a claim that was made after it ends the recheck.
    steps.push(
      db.run(sql`
        UPDATE projections SET position = max(position, ${claim.asOf}), claimed_by = NULL, claimed_until = ${freeAt},
          recheck_at = CASE WHEN ${isRecheckDone} THEN NULL ELSE recheck_at END, error = NULL
        WHERE claimed_by = ${claim.id} AND ${isAmong(put)}`),
    );
  }
  if (refused.length > 0) {
    steps.push(
      db.run(sql`
        UPDATE projections SET claimed_by = NULL, claimed_until = ${freeAt}, error = refused.value->>'error'
        FROM json_each(${JSON.stringify(refused)}) AS refused
        WHERE claimed_by = ${claim.id} AND view = refused.value->>'view' AND projections.key = refused.value->>'key'`),
    );
  }
  if (deliveries.length === 0) {
    await runBatch(db, [...steps, ...others]);
    return { left: new Map(), finished: [] };
  }
  const results: unknown[] = await runBatch(db, [
    ...steps,
    recordMissed(db, views, deliveries),
    ...others,
    ...finishDeliveries(db, views, deliveries),
  ]);
  // The last two statements return these columns.
  const [deleted, left] = results.slice(-2) as [{ position: number }[], { position: number; freeAt: number }[]];
  return {
    left: new Map(left.map((row) => [row.position, row.freeAt])),
    finished: deleted.map(({ position }) => position),
  };
}

/**
 * The statements that delete the deliveries whose targets are all settled, and then select those that are left. SQLite
 * reads the targets once in each, so the cost grows with their number, and not with its square.
 */
export function finishDeliveries(db: Database, views: Views, deliveries: readonly Delivery[]): [Statement, Statement] {
  const unsettled = findUnsettled(
    views,
    deliveries.flatMap(({ targets }) => targets),
  );
  // Positions repeat after a restore, so a delivery is this event's only if the log has the event at its position.
  const own = sql`SELECT position FROM ${eventsInLog(deliveries)}`;
  // A key that rests is put for all events that wait for it, so the first of them keeps its delivery for the others. A dead
  // delivery stays for itself alone, because nothing tries it again.
  const holding = sql`
    WITH unsettled AS MATERIALIZED (${unsettled})
    SELECT target FROM unsettled WHERE NOT rests
    UNION ALL
    SELECT min(target) FROM unsettled CROSS JOIN deliveries ON deliveries.position = unsettled.target
    WHERE rests AND subscription = 'projections' AND target IN (${own})
    GROUP BY view, key, iif(status = 'dead', target, NULL)`;
  return [
    db.all(sql`
      DELETE FROM deliveries WHERE subscription = 'projections' AND position IN (${own})
        AND position NOT IN (${holding}) RETURNING position`),
    // Every delivery that is left has a target that is not settled, so the search begins with these targets. Only an event
    // whose other keys are settled waits for a key that rests.
    db.all(sql`
      SELECT unsettled.target AS position,
        coalesce(max(iif(unsettled.rests, NULL, unsettled.freeAt)), max(unsettled.freeAt)) AS freeAt
      FROM (${unsettled}) AS unsettled CROSS JOIN deliveries ON deliveries.position = unsettled.target
      WHERE subscription = 'projections' AND unsettled.target IN (${own}) GROUP BY unsettled.target`),
  ];
}

function isAmong(keys: readonly ViewKey[]) {
  const list = JSON.stringify(keys.map(({ view, key }) => ({ view, key })));
  return sql`(view, key) IN (SELECT value->>'view', value->>'key' FROM json_each(${list}))`;
}
