// The database of the `npm run dev` of this folder.
import { spawnSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

/** Carries out statements of SQL. */
export type Query = (sql: string) => Promise<void>;

const tries = 5;

/** Changes the local database, beside the Worker that uses it. SQLite refuses that while the Worker writes. */
export const changeLocalDatabase: Query = async (sql) => {
  const args = ['d1', 'execute', 'DB', '--local', '--yes', '--json', '--command', sql];
  const env = { ...process.env, CI: 'true', WRANGLER_HIDE_BANNER: 'true', WRANGLER_SEND_METRICS: 'false' };
  for (let count = 1; ; count++) {
    const { error, status, stdout, stderr } = spawnSync('wrangler', args, { encoding: 'utf8', env });
    if (status === 0) return;
    const reason = [stdout, stderr, error?.message].filter(Boolean).join('\n');
    if (count === tries || !/SQLITE_BUSY|database is locked/.test(reason))
      throw new Error(`The local database cannot be changed: ${reason}`);
    await wait(500 * count);
  }
};
