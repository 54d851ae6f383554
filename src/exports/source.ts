import type { Database, Statement } from '../platform/d1';

/** What is exported page by page: a query for the rows after a key, in the order of the keys, and what is shown of a row. */
export interface Source<Row extends object> {
  /** @param after the key of the last row; undefined for the first page */
  query(db: Database, after: string | undefined, limit: number): Statement;
  /** @throws an error for a row that cannot be read */
  toRow(raw: never): Row;
  keyOf(raw: never): string;
}

/** A span of time, half open, in ISO 8601. */
export interface Span {
  from?: string | undefined;
  to?: string | undefined;
}

/** Ids are made shortly before or after the time that a row has: a commit can be repeated, and land late. */
const idMarginMs = 900_000;

/** The first characters of the UUIDv7s of a millisecond (RFC 9562, 5.7); they are smaller than each of these ids. */
function idAt(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** The ids that the rows of a span can have, as bounds that an index finds: `from` is below them, and `to` is above. */
export function idsOf({ from, to }: Span): { from: string; to: string } {
  return {
    from: from === undefined ? '' : idAt(Date.parse(from) - idMarginMs),
    // No hexadecimal digit is above this letter.
    to: to === undefined ? 'g' : idAt(Date.parse(to) + idMarginMs),
  };
}
