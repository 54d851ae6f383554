// Starts over on this machine: the next `npm run dev` begins with an empty shop.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fail, readOptions } from './command-line';
import { newTokenSecret } from './dev-variables';

const usage = `npm run reset [-- --secrets]

Deletes the local database, KV and queues, and .dev.vars, which \`npm run dev\` makes again with new secrets and a new
password of the first admin.

  --secrets   makes only a new TOKEN_SECRET: data and passwords stay, and everybody has to sign in again`;

const { values } = readOptions(usage, { options: { secrets: { type: 'boolean', default: false } } });

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A Worker that runs would go on writing to files that are deleted under it. */
function requireNothingRuns() {
  for (const name of readdirSync('.')) {
    const [, pid] = /^wrangler\.dev-(\d+)\.json$/.exec(name) ?? [];
    if (pid === undefined) continue;
    if (isRunning(Number(pid)))
      fail(`\`npm run dev\` is running (process ${pid}). Stop it first, with Ctrl-C in its window.`);
    rmSync(name);
  }
}

function renewSecret() {
  if (!existsSync('.dev.vars')) fail('There is no .dev.vars yet: `npm run dev` makes it, with a secret of its own.');
  const vars = readFileSync('.dev.vars', 'utf8');
  const renewed = vars.replace(/^TOKEN_SECRET=.*$/m, `TOKEN_SECRET="${newTokenSecret()}"`);
  if (renewed === vars) fail('.dev.vars has no line that begins with TOKEN_SECRET=. Add one, or run `npm run reset`.');
  writeFileSync('.dev.vars', renewed);
  console.log('.dev.vars has a new TOKEN_SECRET. Data and passwords are as before; everybody has to sign in again.');
}

requireNothingRuns();
if (values.secrets) renewSecret();
else {
  for (const path of ['.wrangler/state', '.dev.vars']) rmSync(path, { recursive: true, force: true });
  console.log('The local data and .dev.vars are gone. `npm run dev` begins with an empty shop and new secrets.');
}
