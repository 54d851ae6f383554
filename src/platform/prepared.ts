import { getTableColumns, type InferSelectModel, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Database, Statement } from './d1';
import { createDatabase } from './dialect';

// drizzle needs longer to make the text of a statement than SQLite to carry it out. So the text of a statement that many
// requests use is made once for an isolate, and each request gives the values of its parameters.

/** What drizzle makes of a statement; it does not export the type. */
interface Prepared {
  getQuery(): { sql: string; params: unknown[] };
  mapResult(result: unknown, isFromBatch: true): unknown;
}

/** Makes texts and runs nothing. */
const writer = createDatabase({ prepare: () => undefined } as unknown as D1Database);

/**
 * Makes the function that returns a prepared statement, which is made at its first use.
 * @param build makes the statement, with placeholders for its values
 */
export function prepareOnce(build: (db: Database) => PromiseLike<unknown>): () => Prepared {
  let prepared: Prepared | undefined;
  return () => {
    prepared ??= (build(writer) as unknown as { _prepare(): Prepared })._prepare();
    return prepared;
  };
}

/**
 * Makes the statement of a batch from a prepared text and the values of its parameters.
 * @param mapResult makes the result of the statement from that of D1
 */
export function bindPrepared(
  db: Database,
  query: { sql: string; params: readonly unknown[] },
  mapResult: (result: never) => unknown,
): Statement {
  const statement = { stmt: db.$client.prepare(query.sql), getQuery: () => query, mapResult };
  return { _prepare: () => statement } as unknown as Statement;
}

/** Defines the statement that inserts a row, of which every column is given. */
export function defineInsert<Table extends SQLiteTable>(table: Table) {
  const columns = Object.entries(getTableColumns(table));
  const placeholders = Object.fromEntries(columns.map(([name]) => [name, sql.placeholder(name)]));
  const prepared = prepareOnce((db) => db.insert(table).values(placeholders as never));
  return (db: Database, row: InferSelectModel<Table>): Statement => {
    // drizzle's own filling of placeholders would encode null as a value of the column: as `false`, or as the text `null`.
    const encoded = columns.map(([name, column]) => {
      const value: unknown = row[name as keyof typeof row];
      return value === null ? null : column.mapToDriverValue(value);
    });
    return bindPrepared(db, { sql: prepared().getQuery().sql, params: encoded }, (result) => result);
  };
}
