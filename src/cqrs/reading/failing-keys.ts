import { type SQL, sql } from 'drizzle-orm';
import { type Database, runBatch, type Statement } from '../../platform/d1';
import { describeError, isPlatformFailure } from '../../platform/failure';
import { limits } from '../../platform/limits';
import { pacing } from './projection-steps';
import type { ViewKey } from './projector';
import type { Loaded, View } from './view';

// A key fails when its own rows or its view's code do not give a document. It must not stop the keys around it.

/** A key of a view that this version knows. */
export interface KnownKey extends ViewKey {
  definition: View;
}

/** Keeps the keys of views that this version knows. */
export function knownAmong(keys: readonly ViewKey[], views: readonly View[]): KnownKey[] {
  const byId = new Map(views.map((definition) => [definition.id, definition]));
  return keys.flatMap(({ view, key }) => {
    const definition = byId.get(view);
    return definition ? [{ view, key, definition }] : [];
  });
}

/**
 * Runs statements in one batch. If the batch fails by a statement's own fault, such as a row that cannot be decoded,
 * each statement runs alone, so that the bad one stops no other.
 * @throws Error when the platform failed
 */
export async function runIsolated(
  db: Database,
  statements: readonly Statement[],
): Promise<PromiseSettledResult<unknown>[]> {
  try {
    const results: unknown[] = await runBatch(db, statements);
    return results.map((value) => ({ status: 'fulfilled', value }));
  } catch (error) {
    if (isPlatformFailure(error)) throw error;
    if (statements.length === 1) return [{ status: 'rejected', reason: error }];
  }
  const results: PromiseSettledResult<unknown>[] = [];
  for (const statement of statements) results.push(...(await runIsolated(db, [statement])));
  return results;
}

/** Makes the document of a key from the result of its view's query. */
export function toSettledDocument(
  { definition, key }: KnownKey,
  result: PromiseSettledResult<unknown> | undefined,
): PromiseSettledResult<Loaded<unknown> | undefined> {
  if (result?.status === 'rejected') return result;
  try {
    return { status: 'fulfilled', value: definition.toDocument(result?.value, key) };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}

/** Finds the keys whose documents cannot be made from D1, with their errors. */
export async function findFailing(db: Database, keys: readonly KnownKey[]): Promise<Map<KnownKey, unknown>> {
  const failing = new Map<KnownKey, unknown>();
  for (let start = 0; start < keys.length; start += limits.keysPerBatch) {
    const some = keys.slice(start, start + limits.keysPerBatch);
    const loads = await runIsolated(
      db,
      some.map(({ definition, key }) => definition.query(db, key)),
    );
    for (const [index, key] of some.entries()) {
      const document = toSettledDocument(key, loads[index]);
      if (document.status === 'rejected') failing.set(key, document.reason);
    }
  }
  return failing;
}

/** Stores why keys fail, so that operators see them. */
export async function saveErrors(db: Database, now: number, errors: ReadonlyMap<ViewKey, unknown>): Promise<void> {
  if (errors.size === 0) return;
  const values = [...errors].map(([{ view, key }, error]) => ({ view, key, error: describeError(error) }));
  // As after each try, the key is free a second later.
  await db.run(sql`
    INSERT INTO projections (view, key, position, claimed_until, error)
    SELECT value->>'view', value->>'key', 0, ${now + pacing.writeMs}, value->>'error'
    FROM json_each(${JSON.stringify(values)}) WHERE true
    ON CONFLICT (view, key) DO UPDATE SET
      error = excluded.error,
      claimed_until = CASE WHEN claimed_by IS NULL THEN max(claimed_until, excluded.claimed_until) ELSE claimed_until END`);
}

/** Removes the errors of keys that were projected. */
export async function clearErrors(db: Database, keys: readonly ViewKey[]): Promise<void> {
  if (keys.length === 0) return;
  await db.run(sql`
    UPDATE projections SET error = NULL WHERE error IS NOT NULL AND (view, key) IN
      (SELECT value->>'view', value->>'key' FROM json_each(${JSON.stringify(keys.map(({ view, key }) => ({ view, key })))}))`);
}

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
