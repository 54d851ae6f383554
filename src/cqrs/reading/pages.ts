import { base64url } from 'jose';
import { z } from 'zod';
import type { Database, Statement } from '../../platform/d1';
import { defineError } from '../../platform/errors';
import { limits } from '../../platform/limits';
import { uuid } from '../../platform/uuid';
import type { ConsistencyToken } from '../log/consistency-token';
import type { Freshness, ReadModels, ReadResult } from './read-models';

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

/** A page of a list. `freshness` is absent for lists that are always read from D1's primary. */
export interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
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
 * @param total how many rows the list has; without it, `rows` has at least one row more than `limit` when another page
 * follows
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly unknown[],
  total = rows.length,
): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, nextCursor: last && total > data.length ? encodeCursor(keyOf(last)) : null };
}

/** The first rows of a list, from a document. */
export interface FirstRows<Row> extends ReadResult<Row[]> {
  /** How many rows the list has; needed if the document has not always one row more than the longest page. */
  total?: number;
}

// Ids are UUIDv7, so a list with the newest row first is sorted by id.
const idCursor = z.tuple([uuid]);
const idOf = ({ id }: { id: string }) => [id];

/**
 * The pages after the first one. The query is the one that also makes the document, so `toRows` makes the same rows of
 * its result.
 */
export interface LaterPages<Row> {
  rowsAfter(db: Database, limit: number, after: string): Statement;
  toRows(result: unknown): Row[];
}

/**
 * Reads a page of a list that has a read model: the first page from the document, and the pages after it from D1.
 * @param first the first rows, at least as many as the longest page has
 * @throws DomainError `http.invalid-cursor`
 */
export async function readPage<Row extends { id: string }>(
  readModels: ReadModels,
  token: ConsistencyToken | undefined,
  first: FirstRows<Row>,
  { cursor, limit }: PageRequest,
  { rowsAfter, toRows }: LaterPages<Row>,
): Promise<Page<Row>> {
  if (cursor === undefined) {
    return { ...toPage(first.document?.data ?? [], limit, idOf, first.total), freshness: first };
  }
  const [after] = decodeCursor(cursor, idCursor);
  const { rows, freshness } = await readModels.readPast(token, (db) => rowsAfter(db, limit + 1, after));
  return { ...toPage(toRows(rows), limit, idOf), freshness };
}
