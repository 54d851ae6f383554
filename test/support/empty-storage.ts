import { env } from 'cloudflare:workers';
import { tablesOf } from './tables';

/** The statements that made what the migrated database has, from the first file on. */
let schema: ReadonlySet<string> | undefined;

async function readSchema(): Promise<Set<string>> {
  const { results } = await env.DB.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').all<{
    sql: string;
  }>();
  return new Set(results.map(({ sql }) => sql));
}

/** @throws Error when a file before this one has changed the tables, and has not changed them back */
async function requireSameSchema(): Promise<void> {
  const found = await readSchema();
  schema ??= found;
  const usual = schema;
  const changed = [...new Set([...found, ...usual])].filter((sql) => !found.has(sql) || !usual.has(sql));
  if (changed.length > 0)
    throw new Error(`An earlier file has changed the schema; undo it there: ${changed.join('; ')}`);
}

/** Deletes all rows of D1, and lets its positions begin with 1 again. */
async function emptyDatabase(): Promise<void> {
  const names = (await tablesOf(env.DB)).map(({ name }) => name);
  const filled = names.map((name) => `EXISTS (SELECT 1 FROM "${name}") AS "${name}"`);
  const empty = [
    'PRAGMA defer_foreign_keys = ON',
    ...names.map((name) => `DELETE FROM "${name}"`),
    'DELETE FROM sqlite_sequence',
  ];
  // The triggers of one table may fill another one.
  for (let rounds = 1; ; rounds++) {
    await env.DB.batch(empty.map((sql) => env.DB.prepare(sql)));
    const row = await env.DB.prepare(`SELECT ${filled.join(', ')}`).first<Record<string, 0 | 1>>();
    const left = names.filter((name) => row?.[name] !== 0);
    if (left.length === 0) return;
    if (rounds === 3) throw new Error(`There are rows in ${left.join(', ')} after all rows were deleted.`);
  }
}

async function emptyKv(): Promise<void> {
  for (let isComplete = false; !isComplete; ) {
    const { keys, list_complete } = await env.VIEWS.list();
    await Promise.all(keys.map(({ name }) => env.VIEWS.delete(name)));
    isComplete = list_complete;
  }
}

/**
 * Empties D1 and KV: the files of tests that one process of workerd runs share them, and each file begins with none of
 * the rows and documents of another.
 */
export async function emptyStorage(): Promise<void> {
  await requireSameSchema();
  await Promise.all([emptyDatabase(), emptyKv()]);
}
