// Fails when the tables in src/ and the migrations differ: generating one more migration must find nothing to do.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import config from '../drizzle.config';
import { fail, readOptions, run } from './command-line';

readOptions(
  'tsx scripts/check-migrations.ts\n\nFails when a table in src/ has no migration; `npm run check` runs it.',
  {},
);
const count = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.sql')).length;
// Inside the project: drizzle-kit takes relative folders only.
const copy = mkdtempSync('migrations-check-');
process.once('exit', () => rmSync(copy, { recursive: true }));
cpSync('migrations', copy, { recursive: true });
run('drizzle-kit', ['generate', '--dialect', config.dialect, '--schema', `${config.schema}`, '--out', copy]);
if (count(copy) !== count('migrations')) {
  fail('The tables have changed: run `npx drizzle-kit generate` and read the migration that it wrote.');
}
