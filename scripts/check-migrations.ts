// Fails when the tables in src/ and the migrations differ: generating one more migration must find nothing to do.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

for (const file of readdirSync('migrations').filter((name) => name.endsWith('.sql'))) {
  for (const [statement, table] of readFileSync(join('migrations', file), 'utf8').matchAll(
    /CREATE TABLE `(\w+)` \([^;]*;/g,
  )) {
    if (!/\) STRICT(, WITHOUT ROWID)?;$/.test(statement))
      fail(`The table ${table} in migrations/${file} is not STRICT: end it with ") STRICT;".`);
  }
}
