import { type SQL, sql } from 'drizzle-orm';
import * as z from 'zod';
import { decodeCursor, encodeCursor, type PageRequest } from '../cqrs/reading/page-request';
import { type Page, toPage } from '../cqrs/reading/pages';
import { isoTime } from '../platform/clock';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import type { Recheck } from './key-schemas';

/** The place of a mark in the order in which documents are due: milliseconds, the shape, and the key. */
const place = z.tuple([z.int(), z.string(), z.string()]);
type Place = z.infer<typeof place>;

interface MarkedRow {
  view: string;
  key: string;
  position: number;
  recheckAt: number;
}

/** The marks after a place, those first that are due first, in the order of their index. */
const marks = ([at, view, key]: Place = [0, '', '']): SQL => sql`
  SELECT view, key, position, recheck_at AS recheckAt FROM projections INDEXED BY projections_recheck
  WHERE recheck_at IS NOT NULL AND recheck_at >= ${at} AND (recheck_at, view, key) > (${at}, ${view}, ${key})
  ORDER BY recheck_at, view, key`;

/**
 * The queries for one page: `rows` finds its marks, and `end` finds the mark at which the search for one read model stops. No index
 * has the marks by read model.
 */
export const recheckQueries = (shape: string | undefined, after: Place | undefined, limit: number) => ({
  rows:
    shape === undefined
      ? sql`${marks(after)} LIMIT ${limit}`
      : sql`SELECT * FROM (${marks(after)} LIMIT ${limits.marksPerSearch}) WHERE view = ${shape}
          ORDER BY recheckAt, view, key LIMIT ${limit}`,
  end: sql`${marks(after)} LIMIT 1 OFFSET ${limits.marksPerSearch - 1}`,
});

const placeOf = ({ recheckAt, view, key }: MarkedRow): Place => [recheckAt, view, key];

/**
 * Finds the documents that are marked to be projected once more.
 * @param shape only those of this shape of a read model; such a page may be short and name a next one
 * @throws DomainError `http.invalid-cursor`
 */
export async function findRechecks(
  db: Database,
  shape: string | undefined,
  { cursor, limit }: PageRequest,
): Promise<Page<Recheck>> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor, place);
  const queries = recheckQueries(shape, after, limit + 1);
  const page = toPage(await db.all<MarkedRow>(queries.rows), limit, placeOf);
  const [end] = shape === undefined || page.nextCursor !== null ? [] : await db.all<MarkedRow>(queries.end);
  const data = page.data.map(({ view, key, position, recheckAt }) => {
    const [name = view] = view.split('@');
    return { id: `${view}/${key}`, view: name, shape: view, key, position, recheckAt: isoTime(recheckAt) };
  });
  return { data, nextCursor: end ? encodeCursor(placeOf(end)) : page.nextCursor };
}
