import { DrizzleQueryError, is, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { SQLiteRaw } from 'drizzle-orm/sqlite-core/query-builders/raw';
import type { Wait } from './clock';
import { withDeadline } from './deadline';
import { createDatabase } from './dialect';
import { limits } from './limits';
import { retry } from './retry';

export type Database = DrizzleD1Database & { $client: D1Database };
export type Statement = BatchItem<'sqlite'>;

export interface DatabaseSession {
  db: Database;
  /** Identifies the newest state that this session has seen; null when the runtime gives no bookmark. */
  bookmark(): string | null;
}

/**
 * Opens a D1 session.
 * @param from `first-unconstrained` (the nearest replica), `first-primary`, or a bookmark (reads are at least that new)
 */
export function openSession(database: D1Database, from: string): DatabaseSession {
  const session = database.withSession(from);
  return {
    // A D1 session has every method that drizzle calls; only its declared type is smaller than D1Database.
    db: createDatabase(session as unknown as D1Database),
    bookmark: () => session.getBookmark(),
  };
}

type Results<Statements extends readonly Statement[]> = {
  -readonly [Index in keyof Statements]: Awaited<Statements[Index]>;
};

/** Runs statements in one D1 batch: one round trip, one transaction, results in the order of the statements. */
export async function runBatch<const Statements extends readonly Statement[]>(
  db: Database,
  statements: Statements,
): Promise<Results<Statements>> {
  for (const statement of statements) {
    if (!is(statement, SQLiteRaw)) continue;
    // drizzle expects the D1 statement as `stmt` on a raw statement with parameters, but drizzle does not set `stmt`.
    // It would also build the text again each time it asks for the query.
    const query = statement.getQuery();
    Object.assign(statement, { stmt: db.$client.prepare(query.sql), getQuery: () => query });
  }
  const [first, ...rest] = statements;
  const results: unknown[] = first ? await db.batch([first, ...rest]) : [];
  // D1 returns the results in the order of the statements.
  return results as Results<Statements>;
}

/** The messages that D1 wrote. A DrizzleQueryError's own message is left out: it has bound values, which a person typed. */
function* messagesOf(error: unknown): Generator<string> {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (!(current instanceof DrizzleQueryError)) yield current.message;
  }
}

/** What {@link brokenConstraint} returns for a foreign key, which SQLite does not name. */
export const foreignKey = 'foreign key';

/** The constraint that a failed statement broke (`users.email`, or the name of a CHECK); undefined for another failure. */
export function brokenConstraint(error: unknown): string | undefined {
  if (findDatabaseFailure(error)) return undefined;
  for (const message of messagesOf(error)) {
    const match = /(?:UNIQUE|CHECK|NOT NULL) constraint failed: ([\w., ]+?)(?::|$)/m.exec(message);
    if (match?.[1]) return match[1].trim();
    if (message.includes('FOREIGN KEY constraint failed')) return foreignKey;
  }
  return undefined;
}

/** Runs an idempotent write, and repeats it unless D1 surely refused it. */
export function retryUnclear<Result>(run: () => Promise<Result>, wait: Wait): Promise<Result> {
  const mayPass = (error: unknown) => !isRefusedByD1(error);
  return retry(run, { tries: 5, pauses: { firstMs: 200, longestMs: 2_000 }, wait, mayPass });
}

/** Why D1 gave no result. */
type DatabaseFailureCode = 'FAILED' | 'OVERLOADED' | 'TIMED_OUT';

/**
 * A call of D1 that did not give a result, and that D1 did not surely refuse: a write may have been applied, and may even
 * be applied later. {@link withDeadlines} makes this error of every such failure, whatever D1's message is.
 */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';

  constructor(
    readonly code: DatabaseFailureCode,
    cause?: unknown,
  ) {
    super(`D1 gave no result (${code}).`, { cause });
  }
}

/** The failure of D1 behind an error, which the query builder may have wrapped; undefined if another part failed. */
export function findDatabaseFailure(error: unknown): DatabaseFailure | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof DatabaseFailure) return current;
  }
  return undefined;
}

/** The queue in front of the database is full. More requests would make it longer. */
const overloaded = /D1 DB is overloaded|Requests queued for too long|Too many requests queued/;

/** Whether D1 failed because it has too much to do, so that the same request must not be repeated at once. */
export function isOverloaded(error: unknown): boolean {
  const failure = findDatabaseFailure(error);
  return failure ? failure.code === 'OVERLOADED' : [...messagesOf(error)].some((message) => overloaded.test(message));
}

/**
 * Whether D1 surely refused what it was asked, because of the statements or their data: nothing was applied, and the same
 * request would be refused again. Every other failure leaves open what happened.
 */
export function isRefusedByD1(error: unknown): boolean {
  if (findDatabaseFailure(error)) return false;
  return (
    statementError(error) !== undefined ||
    brokenConstraint(error) !== undefined ||
    [...messagesOf(error)].some((message) => /\bD1_(?:TYPE_ERROR|COLUMN_NOTFOUND)\b/.test(message))
  );
}

/** How D1 refused what it was asked, for the log. */
export interface Refusal {
  /** The code of SQLite or D1, such as `SQLITE_CONSTRAINT`. */
  code: string;
  /** What D1 wrote, without what stands in quotes there: that may be a value, which a person typed. */
  message: string;
}

const longestRefusal = 300;

/** The refusal of D1 behind an error, which the query builder may have wrapped; undefined if D1 refused nothing. */
export function findRefusal(error: unknown): Refusal | undefined {
  if (!isRefusedByD1(error)) return undefined;
  for (const message of messagesOf(error)) {
    const [code] = /\bSQLITE_[A-Z]+|\bD1_(?!ERROR)[A-Z_]+/.exec(message) ?? [];
    // From the first quote to the last one, because a value can have quotes of its own.
    const safe = message.replace(/["'`][\s\S]*["'`]|["'`][\s\S]*$/, '…');
    if (code) return { code, message: safe.slice(0, longestRefusal) };
  }
  return undefined;
}

function toDatabaseFailure(error: unknown): unknown {
  if (isRefusedByD1(error) || findDatabaseFailure(error)) return error;
  return new DatabaseFailure(isOverloaded(error) ? 'OVERLOADED' : 'FAILED', error);
}

/** Runs one call of D1. @throws DatabaseFailure when D1 gives no result in time, or fails without a sure refusal */
type Call = <Result>(run: () => Promise<Result>) => Promise<Result>;

/** A prepared statement whose calls have a deadline. It has the methods that drizzle calls. */
class LimitedStatement {
  constructor(
    readonly statement: D1PreparedStatement,
    readonly call: Call,
  ) {}

  bind(...values: unknown[]): LimitedStatement {
    return new LimitedStatement(this.statement.bind(...values), this.call);
  }

  all(): Promise<unknown> {
    return this.call(() => this.statement.all());
  }

  raw(): Promise<unknown> {
    return this.call(() => this.statement.raw());
  }

  run(): Promise<unknown> {
    return this.call(() => this.statement.run());
  }
}

/**
 * The binding of D1, with a deadline for every call of its sessions. It is the one place where a call can be given up, and
 * where failures are classed.
 * @param ms how long a call may take; it is asked for each call
 */
export function withDeadlines(binding: D1Database, wait: Wait, ms: () => number): D1Database {
  const call: Call = async (run) => {
    try {
      return await withDeadline(ms(), wait, run, () => new DatabaseFailure('TIMED_OUT'));
    } catch (error) {
      throw toDatabaseFailure(error);
    }
  };
  /** What D1 documents to answer at once can fail all the same. */
  function now<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      throw toDatabaseFailure(error);
    }
  }
  function withSession(from: string) {
    const session = now(() => binding.withSession(from));
    return {
      prepare: (query: string) =>
        new LimitedStatement(
          now(() => session.prepare(query)),
          call,
        ),
      batch: (statements: LimitedStatement[]) =>
        call(() => session.batch(statements.map(({ statement }) => statement))),
      getBookmark: () => session.getBookmark(),
    };
  }
  // Sessions and drizzle call no other method.
  return { withSession } as unknown as D1Database;
}

/**
 * The code of SQLite (`SQLITE_ERROR`) when SQLite refused a statement because of the statement or its data, for example
 * malformed JSON in a row; undefined when the platform failed, so that the same statement can succeed later.
 */
export function statementError(error: unknown): string | undefined {
  if (findDatabaseFailure(error)) return undefined;
  for (const message of messagesOf(error)) {
    const code = /\bSQLITE_[A-Z]+/.exec(message)?.[0];
    if (code && !platformCodes.has(code)) return code;
  }
  return undefined;
}

const platformCodes = new Set(['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_INTERRUPT', 'SQLITE_IOERR', 'SQLITE_NOMEM']);

/** The condition of a CHECK that a column has one of these words; migrations cannot have parameters. */
export function isOneOf(column: SQLWrapper, words: readonly string[]): SQL {
  return sql`${column} IN (${sql.raw(words.map((word) => `'${word}'`).join(', '))})`;
}

/**
 * The first rows whose `expires_at` (milliseconds) has passed, as their primary keys; at most one slice of a clean-up. They are in
 * the order of the index, so that a slice does not read every row that has expired.
 */
export function expiredKeys(table: string, key: string, now: number): SQL {
  return sql`SELECT ${sql.identifier(key)} FROM ${sql.identifier(table)} WHERE expires_at <= ${now}
    ORDER BY expires_at LIMIT ${limits.expiredRowsPerSlice}`;
}

/** The statement that deletes {@link expiredKeys}. */
function deleteExpired(table: string, key: string, now: number): SQL {
  return sql`DELETE FROM ${sql.identifier(table)}
    WHERE ${sql.identifier(key)} IN (${expiredKeys(table, key, now)}) RETURNING 1`;
}

/**
 * Deletes rows slice by slice, so that commands have their turn in between, until a slice is not full or the run has used
 * its slices up.
 * @param removeSlice deletes one slice and returns how many rows it had
 * @returns how many rows were deleted
 */
export async function removeInSlices(removeSlice: () => Promise<number>): Promise<number> {
  let removed = 0;
  for (let slice = 0; slice < limits.slicesPerCleanUp; slice++) {
    const rows = await removeSlice();
    removed += rows;
    if (rows < limits.expiredRowsPerSlice) break;
  }
  return removed;
}

/** Deletes the rows of a table whose `expires_at` has passed, in slices. */
export function removeExpired(database: D1Database, table: string, key: string, now: number): Promise<number> {
  const { db } = openSession(database, 'first-primary');
  return removeInSlices(async () => (await db.all(deleteExpired(table, key, now))).length);
}
