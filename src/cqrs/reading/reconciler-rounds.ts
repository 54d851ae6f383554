import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { limits } from '../../platform/limits';

// The rounds of the reconciler's two walks: where each of them is, when a round begins, and how fast it goes.

/** `rows` walks through `projections`, `documents` through the keys of KV. */
export type WalkName = 'rows' | 'documents';

/** The row of `reconciliation`; the times are milliseconds. */
export interface Rounds {
  view: string;
  key: string;
  documentsAfter: string | null;
  keys: number | null;
  rowsStartedAt: number | null;
  rowsFinishedAt: number | null;
  documentsStartedAt: number | null;
  documentsFinishedAt: number | null;
}

const minuteMs = 60_000;

/** Makes the row, and lets both walks begin a new round in a new epoch: after a restore many documents differ. */
export async function prepareRounds(db: Database, epoch: string): Promise<void> {
  await db.run(sql`
    INSERT INTO reconciliation (id, view, key, epoch) VALUES (1, '', '', ${epoch})
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, view = '', key = '', documents_after = NULL,
      rows_started_at = NULL, documents_started_at = NULL
    WHERE epoch IS NOT excluded.epoch`);
}

/** The statement that selects the rounds; no row before the first run of the reconciler. */
export function selectRounds(db: Database) {
  return db.all<Rounds>(sql`
    SELECT view, key, documents_after AS documentsAfter, keys, rows_started_at AS rowsStartedAt,
      rows_finished_at AS rowsFinishedAt, documents_started_at AS documentsStartedAt,
      documents_finished_at AS documentsFinishedAt
    FROM reconciliation`);
}

export async function readRounds(db: Database): Promise<Rounds> {
  const [rounds] = await selectRounds(db);
  if (!rounds) throw new Error('The row of the table reconciliation is missing directly after its insert.');
  return rounds;
}

/** Whether a walk is at the start of a round. */
export function isAtStart({ view, key, documentsAfter }: Rounds, walk: WalkName): boolean {
  return walk === 'rows' ? view === '' && key === '' : documentsAfter === null;
}

/** Whether a walk has ended its round and waits for the next one, which begins a day after the last one began. */
export function isResting(rounds: Rounds, walk: WalkName, now: number): boolean {
  const startedAt = walk === 'rows' ? rounds.rowsStartedAt : rounds.documentsStartedAt;
  return startedAt !== null && isAtStart(rounds, walk) && now < startedAt + limits.reconcilerRoundMs;
}

/** Begins a round. The keys are counted once for it: a million of them are a million read rows. */
export async function beginRound(db: Database, walk: WalkName, now: number): Promise<{ keys: number }> {
  const startedAt = walk === 'rows' ? sql`rows_started_at` : sql`documents_started_at`;
  const [row] = await db.all<{ keys: number }>(sql`
    UPDATE reconciliation SET ${startedAt} = ${now}, keys = (SELECT count(*) FROM projections) RETURNING keys`);
  return { keys: row?.keys ?? 0 };
}

/** How many slices a run takes, so that a round ends after five sixths of its time. */
export function slicesPerRun(keys: number): number {
  const runs = (limits.reconcilerRoundMs * 5) / 6 / minuteMs;
  const slices = Math.ceil(keys / runs / limits.keysPerReconcilerSlice);
  return Math.min(Math.max(slices, 1), limits.reconcilerSlicesPerRun);
}

/** Saves the last row that was compared; undefined at the end of a round. */
export async function saveRowsAfter(db: Database, last: { view: string; key: string } | undefined, now: number) {
  const finishedAt = last ? sql`rows_finished_at` : sql`${now}`;
  await db.run(sql`
    UPDATE reconciliation SET view = ${last?.view ?? ''}, key = ${last?.key ?? ''}, rows_finished_at = ${finishedAt}`);
}

/** Saves the place in the list of KV; null at the end of a round. */
export async function saveDocumentsAfter(db: Database, after: string | null, now: number) {
  const finishedAt = after === null ? sql`${now}` : sql`documents_finished_at`;
  await db.run(sql`UPDATE reconciliation SET documents_after = ${after}, documents_finished_at = ${finishedAt}`);
}

/** Lets the walk through KV begin its round again. */
export async function forgetDocumentsRound(db: Database) {
  await db.run(sql`UPDATE reconciliation SET documents_after = NULL, documents_started_at = NULL`);
}
