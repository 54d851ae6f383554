import { eq, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { ConcurrencyError } from './errors';
import type { RepositoryContext } from './unit-of-work';

/** An aggregate and its version before the change. */
export interface AggregateVersion {
  id: string;
  version: number;
}

/** The next rows of an owner, for a change to all of them in this commit. */
export interface TakenRows<Row> {
  rows: Row[];
  /** Whether no row is left after them. */
  isLast: boolean;
}

/** The condition that a column has one of these values. */
export function isAnyOf(column: SQLiteColumn, values: readonly string[]): SQL {
  return sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
}

/**
 * Takes at most `most` rows of an owner, of which one more was loaded. Another change of a row in the meantime has taken the
 * version of the event that this commit records for the row. If no row is left, a guard counts them again, so the commit
 * fails if a row was added in the meantime.
 */
export function takeRows<Row extends AggregateVersion>(
  { guard }: RepositoryContext,
  { table, owner, ownerId }: { table: SQLiteTable; owner: SQLiteColumn; ownerId: string },
  loaded: readonly Row[],
  most: number,
): TakenRows<Row> {
  const isLast = loaded.length <= most;
  if (isLast) {
    guard(
      sql`(SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${owner} = ${ownerId} LIMIT ${most + 1})) = ${loaded.length}`,
      () => new ConcurrencyError(),
    );
  }
  return { rows: loaded.slice(0, most), isLast };
}

/** A table of aggregates: each row has an id and the version of its stream. */
type AggregateTable = SQLiteTable & { id: SQLiteColumn; version: SQLiteColumn };

/** Deletes the next rows of an owner, `most` at most, and returns them; see {@link takeRows}. */
export async function removeNextRows(
  context: RepositoryContext,
  { table, owner, ownerId }: { table: AggregateTable; owner: SQLiteColumn; ownerId: string },
  most: number,
): Promise<TakenRows<AggregateVersion>> {
  const { db, stage } = context;
  const { id, version } = table;
  const loaded = await db
    .select({ id, version })
    .from(table)
    .where(eq(owner, ownerId))
    .orderBy(id)
    .limit(most + 1);
  // Every aggregate's id is text and its version an integer.
  const taken = takeRows(context, { table, owner, ownerId }, loaded as AggregateVersion[], most);
  const ids = taken.rows.map((row) => row.id);
  if (ids.length > 0) stage(db.delete(table).where(isAnyOf(id, ids)));
  return taken;
}
