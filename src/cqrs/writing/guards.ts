import { type SQL, sql } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import { ConcurrencyError } from './errors';

/** A condition that a commit depends on, and the error for the case that it does not hold. */
export interface Guard {
  condition: SQL;
  refuse(): Error;
}

/** The name of the constraint that refuses a batch whose guards do not hold. */
export const guardConstraint = 'guards_hold';

/** The statement that makes the batch fail unless every guard holds; none where there are no guards. */
export function checkInBatch(db: Database, guards: readonly Guard[]): Statement[] {
  if (guards.length === 0) return [];
  const all = sql.join(
    guards.map(({ condition }) => sql`(${condition})`),
    sql` AND `,
  );
  return [db.run(sql`INSERT INTO commit_guards (holds) SELECT 0 WHERE NOT (${all})`)];
}

/** The statement that reads which guards hold, for {@link requireAll}. */
export function selectGuards(db: Database, guards: readonly Guard[]) {
  const conditions = guards.map(({ condition }) => sql`(${condition})`);
  return db.all<{ holds: string }>(sql`SELECT json_array(${sql.join(conditions, sql`, `)}) AS holds`);
}

/**
 * @param rows what {@link selectGuards} read
 * @throws the error of the first guard that does not hold
 */
export function requireAll(guards: readonly Guard[], [row]: readonly { holds: string }[]): void {
  const holds: unknown[] = JSON.parse(row?.holds ?? '[]');
  for (const [index, { refuse }] of guards.entries()) if (holds[index] !== 1) throw refuse();
}

/**
 * The error for a batch that its guards refused. Where every guard holds by now, the state changed in between, and the
 * command is to be tried again.
 */
export async function explainRefusal(db: Database, guards: readonly Guard[]): Promise<Error> {
  try {
    requireAll(guards, await selectGuards(db, guards));
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return new ConcurrencyError();
}
