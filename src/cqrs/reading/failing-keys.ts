import { type SQL, sql } from 'drizzle-orm';
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

/** How many keys of a view fail, and the first of them: a JSON list of keys, each with the class of its error. */
export interface FailingKeys {
  view: string;
  count: number;
  failures: string;
}

/** The query for the failing keys of each view; it counts up to `limits.figuresCounted` of a view. */
export function failingKeysQuery(viewIds: readonly string[]): SQL {
  const failing = sql`projections INDEXED BY projections_failing WHERE view = wanted.value AND error IS NOT NULL`;
  return sql`
    SELECT value AS view,
      (SELECT count(*) FROM (SELECT 1 FROM ${failing} LIMIT ${limits.figuresCounted})) AS count,
      (SELECT json_group_array(json_object('key', key, 'error', error)) FROM (
        SELECT key, error FROM ${failing} ORDER BY key LIMIT ${limits.failuresPerView})) AS failures
    FROM json_each(${JSON.stringify(viewIds)}) AS wanted`;
}
