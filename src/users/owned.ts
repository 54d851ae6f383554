import { eq, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';

/** A table of aggregates that belong to accounts. */
type OwnedTable = SQLiteTable & { id: SQLiteColumn; version: SQLiteColumn };

export interface OwnedRow {
  id: string;
  version: number;
}

/**
 * Takes all that an account owns in a table, to be released in this commit: every row's version moves on by one. A row
 * that comes meanwhile breaks the NOT NULL of `version` and refuses the commit.
 */
export async function takeOwned(
  { db, stage }: RepositoryContext,
  table: OwnedTable,
  owner: SQLiteColumn,
  userId: string,
): Promise<OwnedRow[]> {
  const taken = await db.select({ id: table.id, version: table.version }).from(table).where(eq(owner, userId));
  const isComplete = sql`(SELECT count(*) FROM ${table} WHERE ${owner} = ${userId}) = ${taken.length}`;
  stage(
    db.run(sql`UPDATE ${table} SET version = CASE WHEN ${isComplete} THEN version + 1 END WHERE ${owner} = ${userId}`),
  );
  // Every aggregate's id is text and its version an integer.
  return taken as OwnedRow[];
}
