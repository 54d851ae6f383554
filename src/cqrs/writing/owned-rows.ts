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
 * Loads every row of an owner and raises the version of each, for a change to all of them in this commit. A guard
 * counts the rows again, so the commit fails if a row was added in the meantime.
 */
export async function raiseVersionsOf(
  { db, stage, guard }: RepositoryContext,
  table: AggregateTable,
  owner: SQLiteColumn,
  ownerId: string,
): Promise<AggregateVersion[]> {
  const rows = await db.select({ id: table.id, version: table.version }).from(table).where(eq(owner, ownerId));
  guard(
    sql`(SELECT count(*) FROM ${table} WHERE ${owner} = ${ownerId}) = ${rows.length}`,
    () => new ConcurrencyError(),
  );
  stage(db.run(sql`UPDATE ${table} SET version = version + 1 WHERE ${owner} = ${ownerId}`));
  // Every aggregate's id is text and its version an integer.
  return rows as AggregateVersion[];
}
