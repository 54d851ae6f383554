import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { limits } from '../../platform/limits';
import { pacing } from './projection-steps';

// The projector keeps the error of a key whose document cannot be made or put in the key's row.

/** The condition that a key failed after a time (milliseconds), and that nobody tries the key again at the moment. */
export function failedSince(time: number): SQL {
  return sql`(error IS NOT NULL AND claimed_by IS NULL AND claimed_until >= ${time + pacing.writeMs})`;
}

/** How many keys of a view fail, as an SQL expression. */
export function countFailing(viewId: string): SQL<number> {
  return sql<number>`(SELECT count(*) FROM projections WHERE view = ${viewId} AND error IS NOT NULL)`;
}

/** A failing key with the class of its error, and how many keys of its view fail. */
export interface FailingKey {
  view: string;
  key: string;
  error: string;
  count: number;
}

/** The query for the first failing keys of each view. */
export function failingKeys(db: Database) {
  return db.all<FailingKey>(sql`
    SELECT view, key, error, count FROM (
      SELECT view, key, error, count(*) OVER (PARTITION BY view) AS count,
        row_number() OVER (PARTITION BY view ORDER BY key) AS place
      FROM projections WHERE error IS NOT NULL)
    WHERE place <= ${limits.failuresPerView}`);
}
