// Fails when the tables in src/ and the migrations differ: generating one more migration must find nothing to do.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const count = (folder) => readdirSync(folder).filter((name) => name.endsWith('.sql')).length;
// Inside the project: drizzle-kit only takes a relative folder.
const copy = mkdtempSync('migrations-check-');
try {
  cpSync('migrations', copy, { recursive: true });
  const args = ['generate', '--dialect', 'sqlite', '--schema', './src/**/tables.ts', '--out', copy];
  const { status, stdout, stderr } = spawnSync(join('node_modules', '.bin', 'drizzle-kit'), args, { encoding: 'utf8' });
  if (status !== 0 || count(copy) !== count('migrations')) {
    console.error(stdout, stderr, 'The tables have changed: run `npx drizzle-kit generate` and read what it wrote.');
    process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true });
}
