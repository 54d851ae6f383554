import { fillPlaceholders, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Database, Statement } from '../../platform/d1';
import { limits } from '../../platform/limits';

// drizzle needs longer to make the text of a query than SQLite to answer it. So the text of each is made once for an
// isolate, with a placeholder for the keys, and one statement loads the rows of many documents.

/** The rows of one key. Throws the error of this key alone, if one of its rows cannot be decoded. */
export type RowsOf<Row = unknown> = (key: string) => Row[];

/** The result of a statement that {@link defineKeyedQuery} has made. */
export const asRowsOf = (result: unknown) => result as RowsOf;

/** The keys whose rows a query selects, as a JSON list. */
export const wantedKeys = sql.placeholder('keys');

/** The condition that a column has one of the wanted keys. */
export function isWanted(column: SQLWrapper): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${wantedKeys}))`;
}

/** A limit that is read when the query runs. */
export const limitOf = (name: keyof typeof limits) => sql.placeholder(name);

/** What drizzle makes of a query; it does not export the type. */
interface Prepared {
  getQuery(): { sql: string; params: unknown[] };
  mapResult(result: { results: object[] }, isFromBatch: true): unknown;
}

interface Preparable {
  _prepare(): Prepared;
}

/** Makes texts and runs nothing. */
const writer = drizzle({ prepare: () => undefined } as unknown as D1Database) as Database;

/**
 * Defines a query for the rows of many keys.
 * @param build makes the query, which has {@link wantedKeys} as a parameter
 * @param keyColumn the column of the result that has the key
 * @returns makes the statement for keys; its result is a {@link RowsOf}
 */
export function defineKeyedQuery<Row>(build: (db: Database) => PromiseLike<Row[]>, keyColumn: string) {
  let prepared: Prepared | undefined;
  return (db: Database, keys: readonly string[]): Statement => {
    prepared ??= (build(writer) as unknown as Preparable)._prepare();
    const { mapResult } = prepared;
    const decode = mapResult.bind(prepared);
    const { sql: text, params } = prepared.getQuery();
    const query = { sql: text, params: fillPlaceholders(params, { ...limits, keys: JSON.stringify(keys) }) };
    const statement = {
      stmt: db.$client.prepare(text),
      getQuery: () => query,
      mapResult({ results }: { results: Record<string, unknown>[] }): RowsOf<Row> {
        const byKey = Map.groupBy(results, (row) => row[keyColumn]);
        // The rows are those of the query.
        return (key) => decode({ results: byKey.get(key) ?? [] }, true) as Row[];
      },
    };
    return { _prepare: () => statement } as unknown as Statement;
  };
}
