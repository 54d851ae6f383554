import { asc, desc, gt, lt, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import * as z from 'zod';
import type { Database, Statement } from '../../platform/d1';
import { count as rowCount } from '../../platform/numbers';
import type { ConsistencyToken } from '../log/consistency-token';
import type { FirstPages, ListView } from './list-view';
import {
  cursors,
  decodeCursor,
  encodeCursor,
  type ListRequest,
  newestFirst,
  type Order,
  type Place,
  type Sort,
  type SortedRow,
} from './page-request';
import type { Freshness, ReadModels } from './read-models';

/** The fields of a page beside its rows. */
export const pageFields = {
  nextCursor: z
    .string()
    .nullable()
    .meta({ description: 'Null on the last page.', examples: [null] }),
};

/** The fields of a page of a list that is counted, beside its rows. */
export const countedPageFields = {
  ...pageFields,
  total: rowCount.optional().meta({
    description: 'How many rows all pages have together. Absent from an empty page after the first one.',
  }),
};

/** A page of a list. `freshness` is absent for lists that are always read from D1's primary. */
export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
  /** How many rows all pages have together; absent for a list that is not counted. */
  total?: number | undefined;
  freshness?: Freshness;
}

/**
 * Makes a page of the first `limit` rows.
 * @param keyOf returns a row's sort key; the next page starts after this key
 * @param count how many rows the list has from the first of these rows on; without it, `rows` has at least one row more
 * than `limit` when another page follows
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly unknown[],
  count = rows.length,
): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, nextCursor: last && count > data.length ? encodeCursor(keyOf(last)) : null };
}

/** The rows of a list that a query asks for: the first ones, or those after a place. */
export interface Slice {
  limit: number;
  after?: Place['after'] | undefined;
  afterUpdatedAt?: Place['afterUpdatedAt'];
  order?: Order | undefined;
  sort?: Sort | undefined;
}

/** The order of a slice, and the condition that its rows come after the last one of the page before. Ids are UUIDv7. */
export function keyset(id: SQLiteColumn, { after, order }: Slice) {
  const [inOrder, comesAfter] = order === 'oldest' ? [asc, gt] : [desc, lt];
  return { inOrder: [inOrder(id)], isAfter: after === undefined ? undefined : comesAfter(id, after) };
}

/** The same for a slice by the last activity, whose time is in the column `updatedAt`; ids decide between equal times. */
export function activityKeyset(updatedAt: SQLiteColumn, id: SQLiteColumn, { after, afterUpdatedAt, order }: Slice) {
  const [inOrder, sign] = order === 'oldest' ? [asc, sql.raw('>')] : [desc, sql.raw('<')];
  const isAfter: SQL | undefined =
    after === undefined ? undefined : sql`(${updatedAt}, ${id}) ${sign} (${afterUpdatedAt}, ${after})`;
  return { inOrder: [inOrder(updatedAt), inOrder(id)], isAfter };
}

/** The rows of a list, and how many rows it has; `total` is undefined for a list that is not counted. */
export interface ListRows<Row> {
  rows: Row[];
  total: number | undefined;
}

/** Makes the list of the result of a query that selects the list's total beside each row. */
export function toListRows<Row>(result: unknown, { toRow }: ListView<Row>): ListRows<Row> {
  // The query of a counted list selects its total.
  const selected = result as { total: number }[];
  return { rows: selected.map(({ total: _, ...row }) => toRow(row)), total: selected[0]?.total ?? 0 };
}

/** Picks the list of some cells, or of all of them, from a list's document, with the newest rows of the sort first. */
export function pickCells<Row extends SortedRow>(
  { rows, counts }: FirstPages<Row>,
  { cellOf }: ListView<Row>,
  cells?: readonly string[],
  sort: Sort = 'created',
): ListRows<Row> {
  const isIn = (cell: string) => cells === undefined || cells.includes(cell);
  const total = Object.entries(counts).reduce((sum, [cell, count]) => (isIn(cell) ? sum + count : sum), 0);
  return { rows: rows.filter((row) => isIn(cellOf(row))).sort(newestFirst(sort)), total };
}

/** The first rows of a list, from a document. */
export interface FirstRows<Row> extends ListRows<Row> {
  /** How many rows the list has; needed if the document has not always one row more than the longest page. */
  count?: number;
  freshness: Freshness;
}

/** The pages that no document has: a query, and what makes rows of its result. */
export interface StoredPages<Row> {
  query(db: Database, slice: Slice): Statement;
  toList(result: unknown): ListRows<Row>;
}

/** Makes the first page of a list from its document. */
export function toFirstPage<Row extends SortedRow>(
  { rows, total, count, freshness }: FirstRows<Row>,
  { limit, sort = 'created' }: ListRequest,
): Page<Row> {
  return { ...toPage(rows, limit, cursors[sort].newest.keyOf, count), total, freshness };
}

/**
 * Reads a page of a list from D1.
 * @throws DomainError `http.invalid-cursor`, also for a cursor of another order or sort
 */
export async function readStoredPage<Row extends SortedRow>(
  readModels: ReadModels,
  token: ConsistencyToken | undefined,
  { cursor, limit, order = 'newest', sort = 'created' }: ListRequest,
  { query, toList }: StoredPages<Row>,
): Promise<Page<Row>> {
  const { keyOf, schema } = cursors[sort][order];
  const place = cursor === undefined ? undefined : decodeCursor(cursor, schema);
  const result = await readModels.readPast(token, (db) => query(db, { limit: limit + 1, ...place, order, sort }));
  const { rows, total } = toList(result.rows);
  // Each row of the result has the total, so an empty page knows only that of a list without rows.
  const isKnown = rows.length > 0 || place === undefined;
  return { ...toPage(rows, limit, keyOf), total: isKnown ? total : undefined, freshness: result.freshness };
}
