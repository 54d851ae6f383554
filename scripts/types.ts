// Writes worker-configuration.d.ts, the types of the bindings in wrangler.toml.
import { readOptions, run } from './command-line';
import { forTypes, readConfiguration, writeConfiguration } from './wrangler-config';

const usage = `npm run types [-- --check]

Writes worker-configuration.d.ts, the types of what wrangler.toml binds to the Worker.

  --check   fails if the file is older than wrangler.toml`;

const { values } = readOptions(usage, { options: { check: { type: 'boolean', default: false } } });
const path = 'wrangler.types.json';
// Wrangler would name a command that knows nothing of the optional binding.
if (values.check) process.once('exit', (code) => code !== 0 && console.error('\nRun `npm run types`.'));
writeConfiguration(path, forTypes(readConfiguration()));
run('wrangler', ['types', '--include-runtime=false', '--config', path, ...(values.check ? ['--check'] : [])]);
