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
export function encodeCursor(key: readonly unknown[]): string {
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

/** The `Link` to the next page (RFC 8288), which keeps the filters. */
export function nextLink(c: Context, cursor: string): string {
  const url = new URL(c.req.url);
  url.searchParams.set('cursor', cursor);
  return `<${url.pathname}${url.search}>; rel="next"`;
}
