// Runs wrangler for the second installation, which is made of wrangler.toml and of the variables in staging.toml.
import { spawnSync } from 'node:child_process';
import { fail, refuse } from './command-line';
import {
  besideProduction,
  hasItsOwn,
  readConfiguration,
  variablesOfItsOwn,
  writeConfiguration,
} from './wrangler-config';

const usage = `npm run staging -- COMMAND...

Runs a command of wrangler for the installation beside production. Its Worker, database, queues and dataset have the
names of wrangler.toml with -staging at the end, its rate limits have counters of their own, and staging.toml has the
variables that differ.

  npm run staging -- deploy --secrets-file .staging.vars
  npm run staging -- d1 migrations apply DB --remote
  npm run staging -- tail`;

const command = process.argv.slice(2);
if (command[0] === '--help' || command[0] === '-h') {
  console.log(usage);
  process.exit();
}
const [first] = command;
if (!first) refuse('Name a command of wrangler.', usage);
// An option of wrangler stands behind its command.
if (first.startsWith('-')) refuse(`Unknown option '${first}'.`, usage);
const production = readConfiguration();
const own = readConfiguration('staging.toml');
const missing = variablesOfItsOwn.find((name) => !hasItsOwn(name, production, own));
if (missing)
  fail(
    `staging.toml needs a ${missing} of its own: with production's, links and tokens would be taken for production's.`,
  );
const path = 'wrangler.staging.json';
writeConfiguration(path, besideProduction(production, 'staging', own));
process.exit(spawnSync('wrangler', [...command, '--config', path], { stdio: 'inherit' }).status ?? 1);
