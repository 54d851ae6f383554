import { is, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { SQLiteRaw } from 'drizzle-orm/sqlite-core/query-builders/raw';
import { limits } from './limits';

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
    db: drizzle(session as unknown as D1Database),
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
    // drizzle expects the D1 statement as `stmt` on a raw statement with parameters, but drizzle does not set `stmt`.
    if (is(statement, SQLiteRaw)) Object.assign(statement, { stmt: db.$client.prepare(statement.getQuery().sql) });
  }
  const [first, ...rest] = statements;
  const results: unknown[] = first ? await db.batch([first, ...rest]) : [];
  // D1 returns the results in the order of the statements.
  return results as Results<Statements>;
}

/** What drizzle's batch uses of a statement; drizzle does not export the type. */
interface Preparable {
  _prepare(): { mapResult(result: unknown, isFromBatch?: boolean): unknown };
}

/**
 * Changes a statement for {@link runBatch}: its result is a function that decodes its rows. drizzle decodes rows, such as
 * columns with JSON, after D1 has carried out the batch, and one that it cannot decode would make all of it seem to fail.
 */
export function decodeLater(statement: Statement): Statement {
  const prepared = (statement as unknown as Preparable)._prepare();
  const decode = prepared.mapResult.bind(prepared);
  Object.assign(prepared, {
    mapResult: (result: unknown, isFromBatch?: boolean) => () => decode(result, isFromBatch),
  });
  return Object.assign(statement, { _prepare: () => prepared });
}

function* messagesOf(error: unknown): Generator<string> {
  for (let current = error; current instanceof Error; current = current.cause) yield current.message;
}

/** What {@link brokenConstraint} returns for a foreign key, which SQLite does not name. */
export const foreignKey = 'foreign key';

/**
 * The constraint that a failed statement broke (`users.email`, or the name of a CHECK); undefined for another failure.
 * Only this part of the message is used, because the rest of a DrizzleQueryError contains the bound values.
 */
export function brokenConstraint(error: unknown): string | undefined {
  for (const message of messagesOf(error)) {
    const match = /(?:UNIQUE|CHECK|NOT NULL) constraint failed: ([\w., ]+?)(?::|$)/m.exec(message);
    if (match?.[1]) return match[1].trim();
    if (message.includes('FOREIGN KEY constraint failed')) return foreignKey;
  }
  return undefined;
}

/** Runs an idempotent write, and repeats it after an unclear failure. The waits are random and grow up to 2 s. */
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

const unclearMessages = [
  'Network connection lost',
  'storage caused object to be reset',
  'reset because its code was updated',
];

/** True for a failed write that D1 may have applied all the same. */
export function isUnclearFailure(error: unknown): boolean {
  return [...messagesOf(error)].some((message) => unclearMessages.some((text) => message.includes(text)));
}

/**
 * The code of SQLite (`SQLITE_ERROR`) when SQLite refused a statement because of the statement or its data, for example
 * malformed JSON in a row; undefined when the platform failed, so that the same statement can succeed later.
 */
export function statementError(error: unknown): string | undefined {
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

/** The statement that deletes the rows whose `expires_at` (milliseconds) has passed. */
export function deleteExpired(table: string, now: number): SQL {
  return sql`DELETE FROM ${sql.identifier(table)} WHERE rowid IN
    (SELECT rowid FROM ${sql.identifier(table)} WHERE expires_at <= ${now} LIMIT ${limits.expiredRowsPerRun})`;
}
