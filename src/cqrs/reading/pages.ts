import { asc, desc, gt, lt } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { base64url } from 'jose';
import { z } from 'zod';
import type { Database, Statement } from '../../platform/d1';
import { defineError } from '../../platform/errors';
import { limits } from '../../platform/limits';
import { count as rowCount } from '../../platform/numbers';
import { uuid } from '../../platform/uuid';
import type { ConsistencyToken } from '../log/consistency-token';
import type { Freshness, ReadModels } from './read-models';

export const pageErrors = {
  invalidCursor: defineError({
    code: 'http.invalid-cursor',
    kind: 'bad-request',
    meaning: 'The cursor does not belong to this list.',
    remedy: 'Use the `nextCursor` of this list’s last page unchanged, or start again without a cursor.',
    text: () => 'The cursor does not belong to this list. Use the nextCursor of its last page, or start without one.',
  }),
};

/** How many rows a page may have: decimal digits, because `Number` would also read ` 5`, `0x5` and `1e1`. */
export function pageLimit(most: number, usual: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number in decimal digits')
    .transform(Number)
    .pipe(z.int().min(1).max(most))
    .default(usual)
    .meta({ type: 'integer', pattern: undefined, minimum: 1, maximum: most });
}

/** The parameters of every list: a `limit` from 1 to 100, and the `cursor` that the previous page returned. */
export const pageRequest = z.object({
  limit: pageLimit(limits.firstPageSize - 1, 20),
  cursor: z.string().min(1).max(512).optional(),
});
export type PageRequest = z.infer<typeof pageRequest>;

const orders = ['newest', 'oldest'] as const;
type Order = (typeof orders)[number];

/** The parameters of a list that can also begin with its oldest row. */
export const listRequest = pageRequest.extend({
  order: z.enum(orders).default('newest').meta({ description: 'Which rows come first.' }),
});
export interface ListRequest extends PageRequest {
  order?: Order | undefined;
}

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

/** A keyset cursor, opaque to clients: the sort key of the page's last row. */
function encodeCursor(key: readonly unknown[]): string {
  return base64url.encode(JSON.stringify(key));
}

/** @throws DomainError `http.invalid-cursor` for a text that is not a cursor of this list */
export function decodeCursor<Key>(cursor: string, schema: z.ZodType<Key>): Key {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(cursor))));
  } catch (cause) {
    throw pageErrors.invalidCursor({}, { cause });
  }
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

/** The rows of a list that a query asks for. */
export interface Slice {
  limit: number;
  /** The id of the row after which the slice starts. */
  after?: string | undefined;
  order?: Order | undefined;
}

/** The order of a slice, and the condition that its rows come after the last one of the page before. Ids are UUIDv7. */
export function keyset(id: SQLiteColumn, { after, order }: Slice) {
  const [inOrder, comesAfter] = order === 'oldest' ? [asc, gt] : [desc, lt];
  return { inOrder: inOrder(id), isAfter: after === undefined ? undefined : comesAfter(id, after) };
}

/** The rows of a list, and how many rows it has; `total` is undefined for a list that is not counted. */
export interface ListRows<Row> {
  rows: Row[];
  total: number | undefined;
}

/** Makes rows of the result of a query that selects the list's total beside each row. */
export function toListRows<Row extends { total: number }, Summary>(
  rows: readonly Row[],
  toSummary: (row: Omit<Row, 'total'>) => Summary,
): ListRows<Summary> {
  return { rows: rows.map(({ total: _, ...row }) => toSummary(row)), total: rows[0]?.total ?? 0 };
}

/** The first rows of a list, from a document. */
export interface FirstRows<Row> extends ListRows<Row> {
  /** How many rows the list has; needed if the document has not always one row more than the longest page. */
  count?: number;
  freshness: Freshness;
}

/** The pages that no document has: a query, which is also the one that makes a document, and what makes rows of it. */
export interface StoredPages<Row> {
  query(db: Database, slice: Slice): Statement;
  toList(result: unknown): ListRows<Row>;
}

/** Each order has cursors of its own. Those of `newest` are as they were before there was another order. */
const cursors = {
  newest: { keyOf: ({ id }: { id: string }) => [id], schema: z.tuple([uuid]).transform(([id]) => id) },
  oldest: {
    keyOf: ({ id }: { id: string }) => [id, 'oldest'],
    schema: z.tuple([uuid, z.literal('oldest')]).transform(([id]) => id),
  },
};

/** Whether a document can have this page: the first one, with the newest row first. */
export function isFirstPage({ cursor, order = 'newest' }: ListRequest): boolean {
  return cursor === undefined && order === 'newest';
}

/** Makes the first page of a list from its document. */
export function toFirstPage<Row extends { id: string }>(
  { rows, total, count, freshness }: FirstRows<Row>,
  { limit }: ListRequest,
): Page<Row> {
  return { ...toPage(rows, limit, cursors.newest.keyOf, count), total, freshness };
}

/**
 * Reads a page of a list from D1.
 * @throws DomainError `http.invalid-cursor`, also for a cursor of the other order
 */
export async function readStoredPage<Row extends { id: string }>(
  readModels: ReadModels,
  token: ConsistencyToken | undefined,
  { cursor, limit, order = 'newest' }: ListRequest,
  { query, toList }: StoredPages<Row>,
): Promise<Page<Row>> {
  const { keyOf, schema } = cursors[order];
  const after = cursor === undefined ? undefined : decodeCursor(cursor, schema);
  const result = await readModels.readPast(token, (db) => query(db, { limit: limit + 1, after, order }));
  const { rows, total } = toList(result.rows);
  // Each row of the result has the total, so an empty page knows only that of a list without rows.
  const isKnown = rows.length > 0 || after === undefined;
  return { ...toPage(rows, limit, keyOf), total: isKnown ? total : undefined, freshness: result.freshness };
}
