import type { SQLInputValue } from 'node:sqlite';
import { sql } from 'drizzle-orm';
import type { DocumentStore } from '../../src/cqrs/reading/document-store';
import { loadDocument } from '../../src/cqrs/reading/load';
import { type Claim, claimAndLoad, confirm, pacing, putAll } from '../../src/cqrs/reading/projection-steps';
import { defineView, type Target } from '../../src/cqrs/reading/view';
import { openSession } from '../../src/platform/d1';
import { bindCopy } from '../simulation/d1-binding';
import { type Bound, Copy, kindOf } from '../simulation/sqlite';

/**
 * The row of `projections`, with times in milliseconds from now. The claim is `held` while its consumer can
 * still confirm it, and `abandoned` after that.
 */
export interface Row {
  position: number;
  claim: 'held' | 'abandoned' | null;
  until: number;
  recheckAt: number | null;
}

/** How a put ended, as the projector sees it. */
export type PutOutcome = 'put' | 'refused' | 'unclear' | 'none';

/** A rule that the search removes from the protocol, to show that the search finds the error. */
export type Mutation =
  | 'no deadline'
  | 'no recheck'
  | 'an unclear failure taken for a refusal'
  | 'a delivery that is done although a recheck is due'
  | 'a delivery that is done although a document of another shape is left'
  | 'deliveries that are done although none of them holds a key that rests';

/** The version of the Worker that a consumer runs: the older one projects the document, the newer one removes it. */
export type Version = 'older' | 'newer';

function shape(shapeVersion: number) {
  return defineView({
    name: 'document',
    shapeVersion,
    triggers: [],
    query: (db) => db.all<{ version: number }>(sql`SELECT coalesce(max(position), 0) AS version FROM events`),
    toDocument: ([row]) => row && { version: row.version, data: row.version },
  });
}

/** The search looks at the document of this shape. */
const view = shape(1);
const newer = shape(2);
const viewsOf = { older: new Map([[view.id, view]]), newer: new Map([[newer.id, newer]]) };
const key = 'k';
const now = 1_000_000_000;
const clock = { now: () => now };

/** The id of the claim that the step at hand makes or confirms. */
const claimId = 'held';

/** What a consumer confirms in step 3. */
interface ClaimToConfirm {
  at: number;
  asOf: number;
  isClaimed: boolean;
  event: number;
  since: number;
  version: Version;
}

interface StoredRow extends Record<string, unknown> {
  position: number;
  claimed_by: string | null;
  claimed_until: number;
  recheck_at: number | null;
}

/** An asynchronous function of plain values that runs once for each combination of them. */
function memoize<Args extends unknown[], Result>(run: (...args: Args) => Promise<Result>) {
  const known = new Map<string, Result>();
  return async (...args: Args): Promise<Result> => {
    const id = JSON.stringify(args);
    const found = known.get(id);
    if (found !== undefined) return found;
    const result = await run(...args);
    known.set(id, result);
    return result;
  };
}

/**
 * The projector's own three steps on real SQLite, as functions from the state before a step to the state after it.
 * @param restMs how long the document rests after a put, in milliseconds
 */
export function createSteps(mutation: Mutation | undefined, restMs: number | undefined) {
  const copy = Copy.open();
  const { db } = openSession(bindCopy(copy), 'first-primary');

  const bind = (text: string, ...params: SQLInputValue[]): Bound => ({ kind: kindOf(text), params });

  function query<Result extends Record<string, unknown>>(text: string, ...params: SQLInputValue[]): Result[] {
    // The rows are what the search's own SQL names.
    return copy.batch([bind(text, ...params)])[0] as Result[];
  }

  for (const { id } of [view, newer]) {
    query("INSERT INTO shapes (view, name, types, since) VALUES (?, 'document', '[]', 0)", id);
  }

  /** Writes the state before a step: in one batch, because each statement for itself would be a transaction. */
  function write(row: Row | null, versions: number, pending: readonly number[]): void {
    const statements: Bound[] = ['deliveries', 'projections', 'events'].map((table) => bind(`DELETE FROM ${table}`));
    // The newer version's own document is settled: its protocol is the same.
    statements.push(
      bind(
        'INSERT INTO projections (view, key, position, claimed_until) VALUES (?, ?, ?, 0)',
        newer.id,
        key,
        Number.MAX_SAFE_INTEGER,
      ),
    );
    for (let position = 1; position <= versions; position++) {
      statements.push(
        bind(
          `INSERT INTO events (position, id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
           VALUES (?, ?, 's', 's', ?, 't', 1, '{}', '{}', '')`,
          position,
          String(position),
          position,
        ),
      );
    }
    for (const position of pending) {
      statements.push(
        bind("INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'projections', 0)", position),
      );
    }
    if (row) {
      statements.push(
        bind(
          'INSERT INTO projections (view, key, position, claimed_by, claimed_until, recheck_at) VALUES (?, ?, ?, ?, ?, ?)',
          view.id,
          key,
          row.position,
          row.claim,
          now + row.until,
          row.recheckAt === null ? null : now + row.recheckAt,
        ),
      );
    }
    copy.batch(statements);
  }

  function read(): Row | null {
    const [row] = query<StoredRow>('SELECT * FROM projections WHERE view = ?', view.id);
    if (!row) return null;
    return {
      position: row.position,
      claim: row.claimed_by === null ? null : row.claimed_by === claimId ? 'held' : 'abandoned',
      until: row.claimed_until - now,
      recheckAt: row.recheck_at === null ? null : row.recheck_at - now,
    };
  }

  function claimOf(at: number, asOf: number, isClaimed: boolean, version: Version): Claim {
    const definition = viewsOf[version].get(view.id);
    const claimed = isClaimed ? [{ view: view.id, key, definition, rowsOf: () => [{ version: asOf }] }] : [];
    return { id: claimId, at: now + at, until: now + at + pacing.claimMs, asOf, claimed, siblings: [], searched: 0 };
  }

  /** The targets of an event, or of the relay's recheck (event 0), as a version of the Worker sees them. */
  async function targetsOf(event: number, version: Version): Promise<readonly Target[]> {
    if (event === 0) return [{ view: view.id, key, position: Number.MAX_SAFE_INTEGER }];
    if (version === 'older') return [{ view: view.id, key, position: event, restMs }];
    // The claim on the newer version's own document finds the document of the other shape.
    const own = [{ view: newer.id, key, position: event }];
    return (await claimAndLoad(db, viewsOf.newer, own, 'own', clock)).siblings;
  }

  /** The projector's own step 2, on a KV whose put is `store`. */
  const put = (claim: Claim, store: () => Promise<void>) => {
    const documents: DocumentStore = { getAll: async () => new Map(), put: store, delete: store };
    return putAll({ documents, epoch: '1', clock }, claim, new Map(), loadDocument);
  };

  const confirmAt = memoize(
    async (
      row: Row | null,
      versions: number,
      pending: readonly number[],
      { at, asOf, isClaimed, event, since, version }: ClaimToConfirm,
      outcome: PutOutcome,
    ) => {
      const claim = claimOf(at, asOf, isClaimed, version);
      const begun: Claim = { ...claim, until: Number.POSITIVE_INFINITY };
      const isMistaken = mutation === 'an unclear failure taken for a refusal' && outcome === 'unclear';
      const seen = isMistaken ? 'refused' : outcome;
      const message = { refused: 'KV PUT failed: 429 Too Many Requests', unclear: 'KV PUT failed: 500' };
      const result =
        seen === 'none'
          ? { put: [], refused: [] }
          : await put(begun, async () => {
              if (seen !== 'put') throw new Error(message[seen]);
            });
      write(row, versions, pending);
      const own = viewsOf[version];
      const batch = Array.from({ length: event - since + 1 }, (_, index) => since + index).filter(Boolean);
      const deliveries = batch.map((position) => {
        const targets = [...own.keys()].map((id) => ({ view: id, key, position, restMs }));
        return { position, id: String(position), type: 't', handledBy: ['document'], targets };
      });
      if (mutation === 'a delivery that is done although a document of another shape is left')
        query('UPDATE shapes SET name = view');
      await confirm(db, own, claim, result, deliveries, clock);
      query("UPDATE shapes SET name = 'document'");
      const left = query<{ position: number }>('SELECT position FROM deliveries ORDER BY position');
      const after = read();
      const isDoneEarly =
        (mutation === 'a delivery that is done although a recheck is due' && after && after.position >= event) ||
        (mutation === 'deliveries that are done although none of them holds a key that rests' &&
          after?.claim === null &&
          after.recheckAt === null);
      const positions = left.map(({ position }) => position);
      return {
        row: after,
        pending: isDoneEarly ? positions.filter((position) => !batch.includes(position)) : positions,
      };
    },
  );

  return {
    /** Step 1, requested at `at` and carried out now. */
    claim: memoize(async (row: Row | null, versions: number, event: number, at: number, version: Version) => {
      // The claim in the row belongs to another consumer than the one that requests a claim here.
      const before = row?.claim === 'held' ? { ...row, claim: 'abandoned' as const } : row;
      write(before, versions, []);
      const targets = await targetsOf(event, version);
      const claim = await claimAndLoad(db, viewsOf[version], targets, claimId, { now: () => now + at });
      const isClaimed = claim.claimed.length > 0;
      const after = read();
      if (!isClaimed) return { row, isClaimed, asOf: claim.asOf };
      const mutated = mutation === 'no recheck' && after ? { ...after, recheckAt: before?.recheckAt ?? null } : after;
      return { row: mutated, isClaimed, asOf: claim.asOf };
    }),

    /** Whether step 2 begins its put now. */
    begins: memoize(async (at: number, asOf: number) => {
      let hasBegun = false;
      const claim = claimOf(at, asOf, true, 'older');
      if (mutation === 'no deadline') claim.until = Number.POSITIVE_INFINITY;
      await put(claim, async () => {
        hasBegun = true;
      });
      return hasBegun;
    }),

    /**
     * Step 3 after a put with this outcome. Returns the row and the deliveries that are left. Only a put that is confirmed
     * depends on when its claim was requested, so the other steps run once for all times.
     */
    confirm: (
      row: Row | null,
      versions: number,
      pending: readonly number[],
      claim: ClaimToConfirm,
      outcome: PutOutcome,
    ) => {
      const isPut = claim.isClaimed && outcome === 'put';
      return confirmAt(row, versions, pending, isPut ? claim : { ...claim, at: 0 }, outcome);
    },

    close: () => copy.close(),
  };
}

export type Steps = ReturnType<typeof createSteps>;
