import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** Runs a script of this repository to its end, in a folder and with variables beside those of this process. */
export async function runScript(path: string, args: readonly string[], cwd: string, env: NodeJS.Dict<string>) {
  const script = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), resolve(path), ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [script.stdout, script.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(script, 'close');
  return { code, output };
}
