import { and, type SQL } from 'drizzle-orm';
import { type SQLiteSelectDynamic, unionAll } from 'drizzle-orm/sqlite-core';

/** The order of a list, and the condition that its rows come after the page before. */
interface Keyset {
  inOrder: readonly SQL[];
  isAfter: SQL | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the columns of the query are its own affair
type Selection = SQLiteSelectDynamic<any>;

/**
 * The query for a page of a list whose rows are in several cells, such as two of three statuses. SQLite reads each cell by an
 * index that begins with the columns of the cells and ends with those of the order, and merges what it reads, so it reads as
 * many rows as the page has, and sorts none.
 * @param select makes the query for the rows of a condition
 * @param cells the conditions of the cells, which have no row in common
 */
export function mergeCells(
  select: (where: SQL | undefined) => Selection,
  cells: readonly (SQL | undefined)[],
  { inOrder, isAfter }: Keyset,
  limit: number,
) {
  const [first, second, ...others] = cells.map((cell) => select(and(cell, isAfter)));
  if (!first) throw new Error('A list has at least one cell.');
  const merged = second ? unionAll(first, second, ...others) : first;
  return merged.orderBy(...inOrder).limit(limit);
}
