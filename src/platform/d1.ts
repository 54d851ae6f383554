import { is, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { SQLiteRaw } from 'drizzle-orm/sqlite-core/query-builders/raw';

export type Database = DrizzleD1Database & { $client: D1Database };
export type Statement = BatchItem<'sqlite'>;

export interface DatabaseSession {
  db: Database;
  /** The newest state that this session has seen; null where the runtime has none. */
  bookmark(): string | null;
}

/**
 * Opens a D1 session.
 * @param from `first-unconstrained` (the nearest replica), `first-primary`, or a bookmark to be at least as new as.
 */
export function openSession(database: D1Database, from: string): DatabaseSession {
  const session = database.withSession(from);
  return {
    // A D1 session has every method of D1Database that drizzle calls; only its declared type lacks the rest.
    db: drizzle(session as unknown as D1Database),
    bookmark: () => session.getBookmark(),
  };
}

type Results<Statements extends readonly Statement[]> = {
  -readonly [Index in keyof Statements]: Awaited<Statements[Index]>;
};

/** Runs statements in one D1 batch: one round trip, one transaction, the results in order. */
export async function runBatch<const Statements extends readonly Statement[]>(
  db: Database,
  statements: Statements,
): Promise<Results<Statements>> {
  for (const statement of statements) {
    // drizzle batches a raw statement with parameters only if it finds its D1 statement on it, and forgets to put it there.
    if (is(statement, SQLiteRaw)) Object.assign(statement, { stmt: db.$client.prepare(statement.getQuery().sql) });
  }
  const [first, ...rest] = statements;
  const results: unknown[] = first ? await db.batch([first, ...rest]) : [];
  // A batch answers its statements in their order.
  return results as Results<Statements>;
}

function* messagesOf(error: unknown): Generator<string> {
  for (let current = error; current instanceof Error; current = current.cause) yield current.message;
}

/**
 * Which constraint a failed statement broke (`users.email`, or `stock` for a named CHECK), if any.
 * Only this part of the message is used: the rest of a DrizzleQueryError holds the bound values.
 */
export function brokenConstraint(error: unknown): string | undefined {
  for (const message of messagesOf(error)) {
    const match = /(?:UNIQUE|CHECK|NOT NULL) constraint failed: ([\w., ]+?)(?::|$)/m.exec(message);
    if (match?.[1]) return match[1].trim();
  }
  return undefined;
}

/** Runs an idempotent statement again when it failed in a way that may pass, with jitter from 50 ms to 2 s. */
export async function retryUnclear<Result>(
  run: () => Promise<Result>,
  wait: (ms: number) => Promise<unknown>,
  tries = 5,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === tries || !isUnclearFailure(error)) throw error;
      await wait(Math.min(2000, 50 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

const unclear = ['Network connection lost', 'storage caused object to be reset', 'reset because its code was updated'];

/** Whether a write failed in a way that leaves open if it was applied. */
export function isUnclearFailure(error: unknown): boolean {
  return [...messagesOf(error)].some((message) => unclear.some((text) => message.includes(text)));
}

/** The condition of a CHECK that a column holds one of these words; migrations need the words written out. */
export function isOneOf(column: SQLWrapper, words: readonly string[]): SQL {
  return sql`${column} IN (${sql.raw(words.map((word) => `'${word}'`).join(', '))})`;
}

/** How many expired rows one run deletes, so that the run does not delay the commands of people. */
const expiredRowsPerRun = 5_000;

/** The statement that deletes rows whose `expires_at` (milliseconds) has passed. */
export function deleteExpired(table: string, now: number): SQL {
  return sql`DELETE FROM ${sql.identifier(table)} WHERE rowid IN
    (SELECT rowid FROM ${sql.identifier(table)} WHERE expires_at <= ${now} LIMIT ${expiredRowsPerRun})`;
}
