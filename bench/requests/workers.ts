import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions } from 'wrangler';
import { run } from '../../scripts/command-line';
import { childrenOf } from './cpu';

/** A Worker that answers in a workerd of its own. */
export interface RunningWorker {
  url: string;
  /** The process whose CPU time the requests cost. */
  pid: number;
  database(): ReturnType<Miniflare['getD1Database']>;
  documents(): ReturnType<Miniflare['getKVNamespace']>;
  /** From now on its queues have no consumers, so that the figures are those of requests alone. Its data stays. */
  stopConsumers(): Promise<void>;
  stop(): Promise<void>;
}

/** Bundles a Worker as a deployment does: minified, with the settings of wrangler.toml. */
function bundle(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-bench-'));
  try {
    run('wrangler', ['deploy', script, '--dry-run', '--outdir', folder]);
    const name = readdirSync(folder).find((file) => file.endsWith('.js')) ?? '';
    return readFileSync(join(folder, name), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Creates the tables, as `wrangler d1 migrations apply` does. */
async function migrate(database: Awaited<ReturnType<Miniflare['getD1Database']>>): Promise<void> {
  for (const file of readdirSync('migrations')
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    const statements = readFileSync(join('migrations', file), 'utf8').split('--> statement-breakpoint');
    await database.batch(statements.filter((text) => text.trim()).map((text) => database.prepare(text)));
  }
}

/**
 * Bundles and starts a Worker with the bindings of wrangler.toml, on empty storage.
 * @param variables replace those of wrangler.toml
 * @param inspectorPort for a profile
 */
export async function startWorker(
  script: string,
  variables: Readonly<Record<string, string>>,
  inspectorPort?: number,
): Promise<RunningWorker> {
  // Wrangler would warn of the secrets that `variables` has.
  process.env.WRANGLER_LOG ??= 'error';
  const { workerOptions } = unstable_getMiniflareWorkerOptions('wrangler.toml');
  // The declarations of the two packages do not agree about these options; their code does.
  const { bindings, queueConsumers, ...options } = workerOptions as unknown as {
    bindings: Record<string, string>;
    queueConsumers: Record<string, object>;
  };
  const contents = bundle(script);
  const optionsWith = (consumers: typeof queueConsumers | undefined) =>
    convertV4MiniflareOptions({
      ...(inspectorPort !== undefined && { inspectorPort }),
      // The lines of the log are written, and nobody formats them.
      handleStructuredLogs: () => {},
      workers: [
        {
          ...options,
          ...(consumers && { queueConsumers: consumers }),
          name: 'worker',
          bindings: { ...bindings, ...variables },
          modules: [{ type: 'ESModule', path: 'worker.js', contents }],
        },
      ],
    });
  const miniflare = new Miniflare(optionsWith(queueConsumers));

  /** The process of the Worker and its address, after it has started. */
  async function started(before: readonly number[]) {
    const url = (await miniflare.ready).origin;
    return { url, pid: childrenOf(process.pid).findLast((child) => !before.includes(child)) ?? 0 };
  }

  const running: RunningWorker = {
    ...(await started(childrenOf(process.pid))),
    database: () => miniflare.getD1Database('DB'),
    documents: () => miniflare.getKVNamespace('VIEWS'),
    async stopConsumers() {
      const before = childrenOf(process.pid);
      await miniflare.setOptions(optionsWith(undefined));
      Object.assign(running, await started(before));
    },
    stop: () => miniflare.dispose(),
  };
  await migrate(await running.database());
  return running;
}
