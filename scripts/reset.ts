// Starts over on this machine: the next `npm run dev` begins with an empty shop.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fail, readOptions } from './command-line';
import { newTokenSecret } from './dev-variables';
import { describeRunningDev, findRunningDev } from './running-dev';

const usage = `npm run reset [-- --secrets]

Deletes the local database, KV and queues, and .dev.vars, which \`npm run dev\` makes again with new secrets and a new
password of the first admin.

  --secrets   makes only a new TOKEN_SECRET: data and passwords stay, and everybody has to sign in again`;

const { values } = readOptions(usage, { options: { secrets: { type: 'boolean', default: false } } });

function renewSecret() {
  if (!existsSync('.dev.vars')) fail('There is no .dev.vars yet: `npm run dev` makes it, with a secret of its own.');
  const vars = readFileSync('.dev.vars', 'utf8');
  const renewed = vars.replace(/^TOKEN_SECRET=.*$/m, `TOKEN_SECRET="${newTokenSecret()}"`);
  if (renewed === vars) fail('.dev.vars has no line that begins with TOKEN_SECRET=. Add one, or run `npm run reset`.');
  writeFileSync('.dev.vars', renewed);
  console.log('.dev.vars has a new TOKEN_SECRET. Data and passwords are as before; everybody has to sign in again.');
}

// A Worker that runs would go on writing to files that are deleted under it.
const running = findRunningDev();
if (running) fail(describeRunningDev(running));
if (values.secrets) renewSecret();
else {
  for (const path of ['.wrangler/state', '.dev.vars']) rmSync(path, { recursive: true, force: true });
  console.log('The local data and .dev.vars are gone. `npm run dev` begins with an empty shop and new secrets.');
}
