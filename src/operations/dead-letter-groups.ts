import { sql } from 'drizzle-orm';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import { isoTimeOrNull } from '../platform/clock';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import { selectDeadLetters } from './dead-letters';
import type { DeadLetterGroup } from './schemas';

interface GroupRow {
  subscription: Subscription;
  error: string | null;
  fault: 'recipient' | null;
  count: number;
  first: number | null;
  last: number | null;
  attempts: number;
  replays: number;
  newest: number;
}

/** Groups that the answer shows. */
const shown = 100;

/** The query for the groups of the newest dead letters of each subscription; it reads a bounded number of rows. */
export const groupQuery = () => sql`
  SELECT subscription, last_error AS error, fault, count(*) AS count, min(first_failed_at) AS first,
    max(last_failed_at) AS last, max(tries) AS attempts, max(replays) AS replays, max(position) AS newest
  FROM ${selectDeadLetters({ isNewestFirst: true }, limits.deadLettersGrouped)}
  GROUP BY subscription, last_error, fault ORDER BY newest DESC, subscription DESC`;

/** Finds the groups of dead letters that have the same subscription, error and fault. */
export async function findGroups(db: Database): Promise<{ data: DeadLetterGroup[]; isComplete: boolean }> {
  const rows = await db.all<GroupRow>(groupQuery());
  const countOf = (name: Subscription) =>
    rows.filter(({ subscription }) => subscription === name).reduce((sum, { count }) => sum + count, 0);
  const data = rows.slice(0, shown).map(({ first, last, newest, ...row }) => ({
    ...row,
    fault: row.fault ?? ('system' as const),
    firstFailedAt: isoTimeOrNull(first),
    lastFailedAt: isoTimeOrNull(last),
    newest: `${newest}-${row.subscription}`,
  }));
  const isComplete = rows.length <= shown && subscriptions.every((name) => countOf(name) < limits.deadLettersGrouped);
  return { data, isComplete };
}
