import { type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';

// How many rows each list has is kept in the table list_counts, so that no read counts rows. Triggers of the database keep
// it, because they see the writes of this version of the Worker, of the one before it, and of a foreign key. They do not
// see the rows that SQLite deletes for `OR REPLACE`, so no statement has it; test/unit/architecture.test.ts checks that. A
// row has the counts of one owner by filter as a JSON object, so that a change of a status writes one row and not two.

/** A list whose rows are counted. Its triggers are in the migrations. */
export interface CountedList {
  /** The name in `list_counts`. */
  name: string;
  table: SQLiteTable;
  /** The filter by which a row counts among all rows. */
  filter: SQL;
  /** Which rows count; without it, all of them. */
  where?: SQL;
  /** The owner of a row, and the filter by which the row counts among those of its owner. */
  owned?: { owner: SQLiteColumn; filter: SQL };
}

/** The owner of the counts of all rows. */
export const everybody = '';

/**
 * The expression for the kept number of rows in a list.
 * @param owner the owner whose rows count, or {@link everybody}
 * @param filters the filters whose rows count; without them, all rows count
 */
export function keptCount(
  { name }: Pick<CountedList, 'name'>,
  owner: string | SQL,
  filters?: readonly string[],
): SQL<number> {
  const isWanted = filters ? sql` AND key IN (SELECT value FROM json_each(${JSON.stringify(filters)}))` : sql``;
  return sql<number>`(SELECT coalesce(sum(value), 0) FROM list_counts, json_each(counts)
    WHERE list = ${name} AND owner = ${owner}${isWanted})`;
}
