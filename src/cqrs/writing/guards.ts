import { type SQL, sql } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import { ConcurrencyError } from './errors';

/** A condition that a commit depends on, and the error for the case that the condition is false. */
export interface Guard {
  condition: SQL;
  refuse(): Error;
}

/** The name of the constraint that rolls a batch back if one of its guards is false. */
export const guardConstraint = 'guards_hold';

/** The statement that makes the batch fail if a guard is false; no statement if there are no guards. */
export function checkInBatch(db: Database, guards: readonly Guard[]): Statement[] {
  if (guards.length === 0) return [];
  const all = sql.join(
    guards.map(({ condition }) => sql`(${condition})`),
    sql` AND `,
  );
  return [db.run(sql`INSERT INTO commit_guards (holds) SELECT 0 WHERE (${all}) IS NOT TRUE`)];
}

/** The statement that reads which guards are true, for {@link requireAll}. */
export function selectGuards(db: Database, guards: readonly Guard[]) {
  const conditions = guards.map(({ condition }) => sql`(${condition})`);
  return db.all<{ holds: string }>(sql`SELECT json_array(${sql.join(conditions, sql`, `)}) AS holds`);
}

/** The error of the first guard that is false, from the rows of {@link selectGuards}; undefined if all are true. */
function findRefusal(guards: readonly Guard[], [row]: readonly { holds: string }[]): Error | undefined {
  const holds: unknown[] = JSON.parse(row?.holds ?? '[]');
  return guards.find((_, index) => holds[index] !== 1)?.refuse();
}

/**
 * @param rows what {@link selectGuards} read
 * @throws the error of the first guard that is false
 */
export function requireAll(guards: readonly Guard[], rows: readonly { holds: string }[]): void {
  const refusal = findRefusal(guards, rows);
  if (refusal) throw refusal;
}

/**
 * Finds the error for a batch that a guard rolled back. If every guard is true by now, the state has changed again, and
 * the command has to be tried again.
 */
export async function explainRefusal(db: Database, guards: readonly Guard[]): Promise<Error> {
  return findRefusal(guards, await selectGuards(db, guards)) ?? new ConcurrencyError();
}
