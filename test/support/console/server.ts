import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build, type Rolldown } from 'vite';
import { createTestHarness } from 'wrangler';
import { newTokenSecret } from '../../../scripts/dev-variables';
import { readConfiguration, writeConfiguration } from '../../../scripts/wrangler-config';

/** The admin whom the schedule makes; `npm run dev` prints another one for each folder. */
export const admin = { email: 'admin@example.com', password: 'the first admin of all' };

const folder = 'public/console';

/**
 * Builds the console of the present sources, as it is deployed: Vite takes another build for tests. Files that have not changed stay as they are, because other tests serve the same
 * folder at the same time.
 */
async function buildConsole(): Promise<void> {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = 'production';
  const built = await build({ configFile: 'console/vite.config.ts', logLevel: 'error', build: { write: false } });
  process.env.NODE_ENV = NODE_ENV;
  const { output } = built as Rolldown.RolldownOutput;
  for (const file of output) {
    const path = join(folder, file.fileName);
    const content = Buffer.from(file.type === 'chunk' ? file.code : file.source);
    if (existsSync(path) && readFileSync(path).equals(content)) continue;
    await mkdir(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

interface Bindings {
  DB: D1Database;
  VIEWS: KVNamespace;
  DEAD_LETTERS_QUEUE: Queue;
}

/** The configuration with queues that do not wait for more messages: nobody else is there to send them. */
function writeConfig(): string {
  const path = 'wrangler.console.json';
  const config = readConfiguration();
  for (const consumer of config.queues?.consumers ?? []) consumer.max_batch_timeout = 0;
  writeConfiguration(path, config);
  return path;
}

/** Starts the Worker with the console, with a database, KV and queues of its own. */
export async function startServer() {
  await buildConsole();
  const harness = createTestHarness({
    workers: [
      {
        configPath: writeConfig(),
        secrets: { TOKEN_SECRET: newTokenSecret() },
        vars: {
          EMAIL_TRANSPORT: 'console',
          FIRST_ADMIN_EMAIL: admin.email,
          FIRST_ADMIN_PASSWORD: admin.password,
        },
      },
    ],
  });
  const { url } = await harness.listen();
  const worker = harness.getWorker();
  await worker.applyD1Migrations('DB');
  // The schedule makes the first admin.
  await worker.scheduled({ cron: '* * * * *' });
  const { DB, DEAD_LETTERS_QUEUE, VIEWS } = (await worker.getEnv()) as Bindings;
  return {
    url: url.origin,
    database: DB,
    /** Where the platform puts messages that a queue has given up. */
    deadLetters: DEAD_LETTERS_QUEUE,
    /** Does what the minute's cron trigger does. */
    minute: () => worker.scheduled({ cron: '* * * * *' }),
    documents: VIEWS,
    close: () => harness.close(),
  };
}

export type Server = Awaited<ReturnType<typeof startServer>>;
