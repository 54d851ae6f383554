import { and, type SQL } from 'drizzle-orm';
import { type SQLiteSelectDynamic, unionAll } from 'drizzle-orm/sqlite-core';
import type { Database } from '../../platform/d1';

/** The order of a list, and the condition that its rows come after the page before. */
interface Keyset {
  inOrder: readonly SQL[];
  isAfter: SQL | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the columns of the query are its own affair
type Selection = SQLiteSelectDynamic<any>;

/** D1 refuses a query with more parts than this (`too many terms in compound SELECT`). */
const mostParts = 5;

/**
 * The query for a page of a list whose rows are in several cells, such as two of three statuses. SQLite reads each cell by an
 * index that begins with the columns of the cells and ends with those of the order, and merges what it reads, so it reads as
 * many rows as the page has, and sorts none. More cells than D1 takes in one query are merged in groups, whose pages it sorts.
 * @param select makes the query for the rows of a condition
 * @param cells the conditions of the cells, which have no row in common
 */
export function mergeCells(
  db: Database,
  select: (where: SQL | undefined) => Selection,
  cells: readonly (SQL | undefined)[],
  { inOrder, isAfter }: Keyset,
  limit: number,
) {
  function merge(parts: readonly Selection[]) {
    const [first, second, ...others] = parts;
    if (!first) throw new Error('A list has at least one cell.');
    return (second ? unionAll(first, second, ...others) : first).orderBy(...inOrder).limit(limit);
  }
  const parts = cells.map((cell) => select(and(cell, isAfter)));
  if (parts.length <= mostParts) return merge(parts);
  const groups = Array.from({ length: Math.ceil(parts.length / mostParts) }, (_, index) =>
    merge(parts.slice(index * mostParts, (index + 1) * mostParts)),
  );
  return merge(
    groups.map((group, index) =>
      db
        .select()
        .from(group.as(`group_${index}`))
        .$dynamic(),
    ),
  );
}
