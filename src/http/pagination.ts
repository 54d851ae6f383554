import type { Context } from 'hono';
import { base64url } from 'jose';
import { z } from 'zod';
import { DomainError } from '../platform/errors';

/** The parameters of every list: `limit` 1 to 100, and the `cursor` of the page before. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().min(1).max(512).optional(),
});

/** A keyset cursor: the sort key of the last row. Opaque to clients. */
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

/** As many rows as a first page in KV holds: the most that a page may have, and one to tell that more follow. */
export const firstPageSize = 101;

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
