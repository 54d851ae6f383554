import { and, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Database } from '../../platform/d1';
import { limitOf, wantedKeys } from './keyed-query';
import { type CountedList, everybody } from './list-counts';
import { newestFirst, type SortedRow } from './page-request';
import { defineView, type Trigger, type View } from './view';

// A list has one document for each owner, and one for everybody, with the first page of each filter. The filters divide the
// rows into cells, for example one for each status. A document has each row once: the newest rows of each cell, and those that
// were active last, if the list is sorted by activity too. The newest rows of several cells together are among them, so each
// filter's first page can be picked from one document, in each sort. Rows that are there for the other sort come after it.

/** The key of the document of a list that has the rows of every owner. */
export const everybodyKey = 'all';

/** What the document of a list has. */
export interface FirstPages<Row> {
  /** The newest rows of each cell in each sort of the list; those that were created last come first. */
  rows: Row[];
  /** How many rows each cell has; a cell that is missing has none. */
  counts: Record<string, number>;
}

/** A list that is divided into cells; for each sort, an index for each owner's cells, and one for everybody's, ends with the id. */
export interface CellList {
  counted: CountedList;
  id: SQLiteColumn;
  /** The time of a row's last activity, in a list that is also sorted by it. */
  updatedAt?: SQLiteColumn;
  /** The columns that tell the cells apart. */
  columns: readonly SQLiteColumn[];
  /** The values of these columns in each cell. */
  cells: readonly (readonly unknown[])[];
  /** Whose rows have documents: `everybody` for the one with all rows, and the column of the owner. */
  documents: readonly (SQLiteColumn | 'everybody')[];
}

/** The parts of the query for the documents of a list. `from` comes before the table itself, by `crossJoin`. */
export function firstPages({ counted, id, updatedAt, columns, cells, documents }: CellList) {
  const isInCell = columns.map((column, index) => sql`${column} = cell.value->>${sql.raw(String(index))}`);
  const sorts = [sql`${id} DESC`, ...(updatedAt ? [sql`${updatedAt} DESC, ${id} DESC`] : [])];
  const newest = documents.flatMap((owner) => {
    const isOwned =
      owner === 'everybody' ? sql`wanted.value = ${sql.raw(`'${everybodyKey}'`)}` : sql`${owner} = wanted.value`;
    return sorts.map(
      (sort) => sql`SELECT * FROM (SELECT ${id} FROM ${counted.table} WHERE ${and(isOwned, ...isInCell)}
      ORDER BY ${sort} LIMIT ${limitOf('firstPageSize')})`,
    );
  });
  return {
    columns: { owner: sql<string>`wanted.value`.as('owner'), counts: sql<string | null>`kept.counts`.as('counts') },
    from: sql`json_each(${wantedKeys}) AS wanted
      LEFT JOIN list_counts AS kept ON kept.list = ${counted.name}
        AND kept.owner = iif(wanted.value = ${everybodyKey}, ${everybody}, wanted.value)
      CROSS JOIN json_each(${JSON.stringify(cells)}) AS cell`,
    where: sql`${id} IN (${sql.join(newest, sql` UNION ALL `)})`,
  };
}

/** The read model of a list. */
export interface ListView<Row> extends View<FirstPages<Row>> {
  /** The name of a row's cell in `counts`. */
  cellOf(row: Row): string;
  /** Makes a row of what a query selects. */
  toRow(selected: unknown): Row;
}

/** Defines the read model of a list; `query` selects the columns of {@link firstPages} beside those of the rows. */
export function defineListView<Selected extends { owner: string; counts: string | null }, Row extends SortedRow>({
  toRow,
  cellOf,
  ...definition
}: {
  name: string;
  shapeVersion: number;
  triggers: readonly Trigger[];
  query(db: Database): PromiseLike<Selected[]>;
  toRow(selected: Omit<Selected, 'owner' | 'counts'>): Row;
  cellOf(row: Row): string;
}): ListView<Row> {
  const view = defineView<Selected, FirstPages<Row>>({
    ...definition,
    keyColumn: 'owner',
    toDocument(selected) {
      const counts = JSON.parse(selected[0]?.counts ?? '{}') as Record<string, number>;
      const rows = selected.map(({ owner: _owner, counts: _counts, ...row }) => toRow(row));
      return { version: 0, data: { rows: rows.sort(newestFirst('created')), counts } };
    },
  });
  // The queries of a list for its documents and for its other pages select the same columns.
  return { ...view, cellOf, toRow: (selected) => toRow(selected as Selected) };
}
