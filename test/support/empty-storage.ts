import { env } from 'cloudflare:workers';
import { tablesOf } from './tables';

/** What the migrations made, once a file has begun with it. */
let schema: string | undefined;

async function readSchema(): Promise<string> {
  const sql = "SELECT group_concat(sql, char(10)) AS text FROM sqlite_schema WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'";
  return (await env.DB.prepare(sql).first<string>('text')) ?? '';
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
 * @throws Error when a file before this one has left another schema behind
 */
export async function emptyStorage(): Promise<void> {
  const found = await readSchema();
  schema ??= found;
  if (found !== schema) throw new Error(`A file of tests has left another schema behind: ${found}`);
  await Promise.all([emptyDatabase(), emptyKv()]);
}
