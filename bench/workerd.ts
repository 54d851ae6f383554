import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as readWorkerOptions, unstable_splitSqlQuery as splitSql } from 'wrangler';
import { childrenOf } from './processes';

export interface WorkerSettings {
  /** The bundled code. */
  contents: string;
  /** The folder of the version that runs, which has `migrations` and `wrangler.toml`; without it, this version. */
  folder?: string;
  /** They replace those of wrangler.toml. */
  variables: Readonly<Record<string, string>>;
  /** Where D1 and KV are kept, for another start; without it the storage is empty, and ends with the Worker. */
  data?: string;
  /** Without consumers every message is lost, so that deliveries stay pending. */
  hasConsumers?: boolean;
  /** For a profile. */
  inspectorPort?: number | undefined;
}

/** A Worker that answers in a workerd of its own, with the bindings of wrangler.toml and the migrations applied. */
export interface RunningWorker {
  url: string;
  /** The process whose CPU time its work costs. */
  pid: number;
  database(): Promise<D1Database>;
  documents(): Promise<KVNamespace>;
  /** Runs the tasks of a cron trigger. */
  schedule(cron: string): Promise<void>;
  /** From now on its queues have no consumers, so that the figures are those of requests alone. Its data stays. */
  stopConsumers(): Promise<void>;
  stop(): Promise<void>;
}

/** Nobody is limited: all clients of a benchmark have one network. */
const unlimited = { simple: { limit: 1_000_000_000, period: 60 } } as const;

/** Applies the migrations that the database does not have. */
async function migrate(database: D1Database, folder: string): Promise<void> {
  await database.prepare('CREATE TABLE IF NOT EXISTS bench_migrations (name TEXT PRIMARY KEY)').run();
  const { results } = await database.prepare('SELECT name FROM bench_migrations').all<{ name: string }>();
  const done = new Set(results.map(({ name }) => name));
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.sql') && !done.has(file))
    .sort()) {
    const statements = splitSql(readFileSync(join(folder, name), 'utf8')).map((text) => database.prepare(text));
    await database.batch([...statements, database.prepare('INSERT INTO bench_migrations VALUES (?)').bind(name)]);
  }
}

/** Starts a Worker on the local platform. */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { contents, data, folder = '.', hasConsumers = true, inspectorPort, variables } = settings;
  // Wrangler would warn of the secrets that `variables` has.
  process.env.WRANGLER_LOG ??= 'error';
  const { workerOptions } = readWorkerOptions(resolve(folder, 'wrangler.toml'));
  // The declared type leaves out the module, and with it what it says about every option.
  const { ratelimits = {}, queueConsumers, bindings, ...options } = workerOptions as V4WorkerOptions;
  const optionsWith = (consumers: typeof queueConsumers) =>
    convertV4MiniflareOptions({
      ...(data !== undefined && { resourcePersistencePath: data }),
      ...(inspectorPort !== undefined && { inspectorPort }),
      // The lines of the log are written, and nobody formats them.
      handleStructuredLogs: () => {},
      workers: [
        {
          ...options,
          name: 'worker',
          modules: [{ type: 'ESModule', path: 'worker.js', contents }],
          bindings: { ...bindings, ...variables },
          ratelimits: Object.fromEntries(
            Object.keys(ratelimits).map((name) => [name, { namespace_id: name, ...unlimited }]),
          ),
          ...(consumers && { queueConsumers: consumers }),
        },
      ],
    });
  const before = childrenOf(process.pid, 'workerd');
  const miniflare = new Miniflare(optionsWith(hasConsumers ? queueConsumers : undefined));

  /** Where the Worker answers, and its process, which is none of those before its start. */
  async function findStarted(others: readonly number[]) {
    const url = (await miniflare.ready).origin;
    const pid = childrenOf(process.pid, 'workerd').find((id) => !others.includes(id));
    if (pid === undefined) throw new Error('The process of workerd is not among the children of this program.');
    return { url, pid };
  }

  const running: RunningWorker = {
    ...(await findStarted(before)),
    // The declarations of the two packages do not agree about the bindings; their code does.
    database: async () => (await miniflare.getD1Database('DB')) as unknown as D1Database,
    documents: async () => (await miniflare.getKVNamespace('VIEWS')) as unknown as KVNamespace,
    async schedule(cron) {
      const worker = (await miniflare.getWorker()) as unknown as {
        scheduled(options: { cron: string }): Promise<unknown>;
      };
      await worker.scheduled({ cron });
    },
    async stopConsumers() {
      const others = childrenOf(process.pid, 'workerd');
      await miniflare.setOptions(optionsWith(undefined));
      Object.assign(running, await findStarted(others));
    },
    stop: () => miniflare.dispose(),
  };
  await migrate(await running.database(), resolve(folder, 'migrations'));
  return running;
}
