// A version of the real Worker, with bindings that remember what it sends and puts.
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { type RunningWorker, startWorker } from '../workerd';

export interface VersionSettings {
  /** The folder of the version that runs: it has `src`, `migrations` and `wrangler.toml`. */
  folder: string;
  /** Where D1 and KV are kept; another start finds them there. */
  data: string;
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

/** Starts the Worker of a folder. */
export async function startVersion({ storesDocuments = true, ...settings }: VersionSettings): Promise<RunningWorker> {
  const contents = await bundle(settings.folder);
  return startWorker({
    ...settings,
    contents,
    variables: { ...variables, BENCH_PUTS: storesDocuments ? 'kv' : 'none' },
  });
}

/** Counts the deliveries to the projections that are left. */
export async function countPending({ database }: RunningWorker): Promise<number> {
  const count = (await database()).prepare(
    "SELECT count(*) AS pending FROM deliveries WHERE subscription = 'projections'",
  );
  return (await count.first<number>('pending')) ?? 0;
}
