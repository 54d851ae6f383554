import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const env = { ...process.env, CI: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_SEND_METRICS: 'false' };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('The operating system assigned no port.');
  return address.port;
}

/** The real Worker in processes of its own. A test can kill the processes and start them again on the stored data. */
export async function createKillableWorker(vars: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-kill-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const persist = ['--persist-to', folder];
  const migrated = spawnSync('wrangler', ['d1', 'migrations', 'apply', 'DB', '--local', ...persist], { env });
  if (migrated.status !== 0) throw new Error(`${migrated.stderr}`);
  const settings = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const args = ['dev', '--ip', '127.0.0.1', '--port', `${port}`, '--inspector-port', '0', ...persist, ...settings];
  let running: ChildProcess | undefined;

  async function start(): Promise<void> {
    // A process group of its own, so that wrangler and its workerd are killed together.
    running = spawn('wrangler', [...args, '--show-interactive-dev-session=false'], {
      env,
      detached: true,
      stdio: 'ignore',
    });
    for (;;) {
      const response = await fetch(`${url}/v1/health`).catch(() => undefined);
      if (response?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function kill(): Promise<void> {
    if (running?.pid === undefined) return;
    const exited = once(running, 'exit');
    process.kill(-running.pid, 'SIGKILL');
    await exited;
  }

  return {
    url,
    start,
    kill,
    schedule: (cron: string) => fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
