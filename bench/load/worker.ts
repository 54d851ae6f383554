// The real Worker on workerd, with D1, KV and queues, in a process whose use of the processor can be read.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from 'miniflare';
import { unstable_getMiniflareWorkerOptions as readWorkerOptions, unstable_splitSqlQuery as splitSql } from 'wrangler';

export interface WorkerSettings {
  /** The folder of the version that runs: it has `src`, `migrations` and `wrangler.toml`. */
  folder: string;
  /** Where D1 and KV are kept; another start finds them there. */
  data: string;
  /** Without consumers every message is lost, so that deliveries stay pending. */
  hasConsumers: boolean;
  /** Without storage every put is answered at once, and costs nothing. */
  storesDocuments?: boolean;
}

export const admin = { email: 'admin@bench.example', password: 'a long password of the benchmark' };

const variables = {
  TOKEN_SECRET: 'only-for-benchmarks-0123456789-abcdefghij',
  EMAIL_TRANSPORT: 'console',
  FIRST_ADMIN_EMAIL: admin.email,
  FIRST_ADMIN_PASSWORD: admin.password,
};

/** Nobody is limited: all clients of a benchmark have one network. */
const unlimited = { simple: { limit: 1_000_000_000, period: 60 } } as const;

/** Bundles `entry.ts` with the Worker of a folder. */
async function bundle(folder: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'entry.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    minify: true,
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    logLevel: 'error',
    plugins: [
      {
        name: 'version',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\.\.\/\.\.\/src\/worker$/ }, () => ({ path: resolve(folder, 'src/worker.ts') })),
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

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

/** The milliseconds of processor time that a process and its threads have used (Linux). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // `utime` and `stime` in clock ticks, of which Linux reports a hundred a second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The processes that this program has started and that are workerd. */
function findWorkerd(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  return children
    .map(Number)
    .filter((pid) => pid > 0 && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('workerd'));
}

export type RunningWorker = Awaited<ReturnType<typeof startWorker>>;

/** Starts a Worker on the local platform, with its migrations applied. */
export async function startWorker({ folder, data, hasConsumers, storesDocuments = true }: WorkerSettings) {
  const before = new Set(findWorkerd());
  const { workerOptions } = readWorkerOptions(resolve(folder, 'wrangler.toml'));
  // The declared type leaves out the module, and with it what it says about every option.
  const { ratelimits = {}, queueConsumers, bindings, ...options } = workerOptions as V4WorkerOptions;
  const contents = await bundle(folder);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: data,
      // The lines of the log are written, and nobody formats them.
      handleStructuredLogs: () => {},
      workers: [
        {
          ...options,
          name: 'worker',
          modules: [{ type: 'ESModule', path: 'worker.js', contents }],
          bindings: { ...bindings, ...variables, BENCH_PUTS: storesDocuments ? 'kv' : 'none' },
          ratelimits: Object.fromEntries(
            Object.keys(ratelimits).map((name) => [name, { namespace_id: name, ...unlimited }]),
          ),
          ...(hasConsumers ? { queueConsumers } : {}),
        },
      ],
    }),
  );
  const url = await miniflare.ready;
  const database = (await miniflare.getD1Database('DB')) as unknown as D1Database;
  await migrate(database, resolve(folder, 'migrations'));
  const pid = findWorkerd().find((id) => !before.has(id));
  if (pid === undefined) throw new Error('The process of workerd is not among the children of this program.');
  return {
    url: url.origin,
    database,
    cpuMs: () => cpuMs(pid),
    /** Runs the tasks of a cron trigger. */
    async schedule(cron: string) {
      const worker = (await miniflare.getWorker()) as unknown as {
        scheduled(options: { cron: string }): Promise<unknown>;
      };
      await worker.scheduled({ cron });
    },
    stop: () => miniflare.dispose(),
  };
}

/** Counts the deliveries to the projections that are left. */
export const countPending = async ({ database }: Pick<RunningWorker, 'database'>) =>
  (await database
    .prepare("SELECT count(*) AS pending FROM deliveries WHERE subscription = 'projections'")
    .first<number>('pending')) ?? 0;
