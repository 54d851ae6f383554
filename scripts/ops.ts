// The shop on the command line: `npm run ops -- --help` tells all.
import { createClient } from '../src/client';
import { url, withSession } from './local';
import { runOps } from './ops/run';

// Whoever reads only the beginning of an answer, as `head` does, has what they wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runOps(process.argv.slice(2), {
  url,
  client: createClient(url),
  withSession,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
});
