import type { Context } from 'hono';
import { base64url } from 'jose';
import { z } from 'zod';
import type { ReadResult } from '../cqrs/reading/read-models';
import { firstPageSize } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { DomainError } from '../platform/errors';
import { type AppEnv, consistencyToken } from './context';
import { setReadHeaders } from './responses';

/** The parameters of every list: `limit` 1 to 100, and the `cursor` of the page before. */
export const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(firstPageSize - 1)
    .default(20),
  cursor: z.string().min(1).max(512).optional(),
});

/** A keyset cursor, opaque to clients: the sort key of the page's last row. */
function encodeCursor(key: readonly unknown[]): string {
  return base64url.encode(JSON.stringify(key));
}

/** @throws DomainError `http.invalid-cursor` for a cursor that is not one of this list's. */
export function decodeCursor<Key>(cursor: string, schema: z.ZodType<Key>): Key {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(cursor))));
  } catch (cause) {
    throw new DomainError('bad-request', 'http.invalid-cursor', 'The cursor is not one of ours.', { cause });
  }
}

/** Ids are UUIDv7: newest first is by id. */
const idCursor = z.tuple([z.uuid()]);

/**
 * A page of a list that has a read model: the first page comes from KV, deeper ones from D1.
 * @param first the list's document: its first `firstPageSize` rows
 * @param deeper the query that the document was made with, going on after an id
 * @throws DomainError `http.invalid-cursor`
 */
export async function answerList<Row extends { id: string }>(
  c: Context<AppEnv>,
  first: ReadResult<Row[]>,
  { cursor, limit }: z.infer<typeof pageQuery>,
  deeper: (db: Database, limit: number, after: string) => PromiseLike<Row[]>,
) {
  if (cursor === undefined) {
    setReadHeaders(c, first);
    return answerPage(c, first.document?.data ?? [], limit, idOf);
  }
  const [after] = decodeCursor(cursor, idCursor);
  const token = consistencyToken(c);
  const rows = await c.var.services.readModels.query(token, (db) => deeper(db, limit + 1, after));
  setReadHeaders(c, { consistency: token ? 'strong' : 'eventual', ageSeconds: 0, source: 'd1' });
  return answerPage(c, rows, limit, idOf);
}

const idOf = ({ id }: { id: string }) => [id];

/**
 * A page of `limit` rows, with the `Link` to the next one (RFC 8288), which keeps the filters.
 * @param rows at least one more than `limit` where more follow
 * @param keyOf a row's sort key, by which the next page goes on
 */
export function answerPage<Row>(c: Context, rows: readonly Row[], limit: number, keyOf: (row: Row) => unknown[]) {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const nextCursor = last && rows.length > limit ? encodeCursor(keyOf(last)) : null;
  if (nextCursor !== null) {
    const url = new URL(c.req.url);
    url.searchParams.set('cursor', nextCursor);
    c.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
  }
  return { data, nextCursor };
}
