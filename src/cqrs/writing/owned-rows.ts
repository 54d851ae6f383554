import { eq, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { ConcurrencyError } from './errors';
import type { RepositoryContext } from './unit-of-work';

/** A table of aggregates: each row has an id and the version of its stream. */
type AggregateTable = SQLiteTable & { id: SQLiteColumn; version: SQLiteColumn };

/** An aggregate and its version before the change. */
export interface AggregateVersion {
  id: string;
  version: number;
}

/**
 * Raises the version of every row of an owner, for a change to all of them in this commit, after they were loaded. A
 * guard counts the rows again, so the commit fails if a row was added in the meantime. Another change of a row in the
 * meantime has taken the version of the event that this commit records for the row.
 */
export function raiseLoadedVersions(
  { db, stage, guard }: RepositoryContext,
  table: AggregateTable,
  owner: SQLiteColumn,
  ownerId: string,
  loaded: readonly AggregateVersion[],
): void {
  guard(
    sql`(SELECT count(*) FROM ${table} WHERE ${owner} = ${ownerId}) = ${loaded.length}`,
    () => new ConcurrencyError(),
  );
  stage(db.run(sql`UPDATE ${table} SET version = version + 1 WHERE ${owner} = ${ownerId}`));
}

/** Loads every row of an owner and raises the version of each; see {@link raiseLoadedVersions}. */
export async function raiseVersionsOf(
  context: RepositoryContext,
  table: AggregateTable,
  owner: SQLiteColumn,
  ownerId: string,
): Promise<AggregateVersion[]> {
  const { id, version } = table;
  const rows = await context.db.select({ id, version }).from(table).where(eq(owner, ownerId));
  raiseLoadedVersions(context, table, owner, ownerId, rows as AggregateVersion[]);
  // Every aggregate's id is text and its version an integer.
  return rows as AggregateVersion[];
}
