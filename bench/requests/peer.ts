import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../../scripts/command-line';

// The interpreter of the system, for which Debian installs its packages. Another `python3` may come first in the path.
const python = '/usr/bin/python3';

/** The peer, which answers in a process of its own. */
export interface RunningPeer {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Whether the packages that the peer needs are installed. */
export function isPeerInstalled(): boolean {
  return spawnSync(python, ['-c', 'import fastapi, jwt, sqlalchemy, uvicorn']).status === 0;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('The operating system assigned no port.');
  return address.port;
}

/** Starts the peer on an empty database in a file. */
export async function startPeer(secret: string): Promise<RunningPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-peer-'));
  const port = await freePort();
  const settings = ['--host', '127.0.0.1', '--port', `${port}`, '--workers', '1', '--no-access-log'];
  const peer = spawn(python, ['-m', 'uvicorn', 'app:app', '--app-dir', 'bench/peers/fastapi', ...settings], {
    env: { ...process.env, TOKEN_SECRET: secret, DATABASE: join(folder, 'peer.sqlite'), PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/v1/health`).catch(() => undefined))?.ok) {
    if (peer.exitCode !== null) fail('The peer of bench/peers/fastapi ended before it answered.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    pid: peer.pid ?? 0,
    async stop() {
      const ended = once(peer, 'exit');
      peer.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
