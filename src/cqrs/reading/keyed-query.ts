import { fillPlaceholders, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import { limits } from '../../platform/limits';
import { bindPrepared, prepareOnce } from '../../platform/prepared';

// The text of each query is made once for an isolate, with a placeholder for the keys, and one statement loads the rows of
// many documents.

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

/**
 * Defines a query for the rows of many keys.
 * @param build makes the query, which has {@link wantedKeys} as a parameter
 * @param keyColumn the column of the result that has the key
 * @returns makes the statement for keys; its result is a {@link RowsOf}
 */
export function defineKeyedQuery<Row>(build: (db: Database) => PromiseLike<Row[]>, keyColumn: string) {
  const prepared = prepareOnce(build);
  return (db: Database, keys: readonly string[]): Statement => {
    const query = prepared();
    const decode = query.mapResult.bind(query);
    const { sql: text, params } = query.getQuery();
    const filled = { sql: text, params: fillPlaceholders(params, { ...limits, keys: JSON.stringify(keys) }) };
    return bindPrepared(db, filled, ({ results }: { results: Record<string, unknown>[] }): RowsOf<Row> => {
      const byKey = Map.groupBy(results, (row) => row[keyColumn]);
      // The rows are those of the query.
      return (key) => decode({ results: byKey.get(key) ?? [] }, true) as Row[];
    });
  };
}
