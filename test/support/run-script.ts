import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/**
 * Runs a script of this repository to its end, in a folder, with variables beside those of this process, and with a text on
 * its standard input.
 */
export async function runScript(
  path: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.Dict<string>,
  input = '',
) {
  const script = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), resolve(path), ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  script.stdin.end(input);
  let output = '';
  for (const stream of [script.stdout, script.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(script, 'close');
  return { code, output };
}
