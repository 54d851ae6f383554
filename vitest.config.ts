import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * A folder in memory, which Linux has. D1 and KV of the tests keep their files in the folder for temporary files, and on a disk
 * each of their commits waits until the disk has it: a tenth of the processor time, and much of the rest of the time.
 */
const memory = '/dev/shm';
const neededBytes = 2 ** 30;

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > neededBytes;
}

// Whoever has chosen a folder keeps it.
if (hasRoom(memory)) process.env.TMPDIR ??= memory;

/**
 * The time after which a test counts as one that hangs. Ten times what the slowest test needs on a busy machine, so that no
 * test fails because a machine is slow; searches, which take minutes, have a longer one of their own.
 */
const patience = { testTimeout: 120_000, hookTimeout: 120_000 };

/**
 * What takes longest begins first, and small files come last, so that no core is idle at the end: searches and the files
 * of `test/e2e` are one long task each.
 */
const longestFirst = [
  'simulation-0',
  'simulation-1',
  'model',
  'e2e',
  'integration',
  'growth',
  'bench',
  'sqlite',
  'unit',
];
/** Files whose size, by which vitest sorts what it has not run before, says nothing about their time: they mostly wait. */
const longFiles = /\/e2e\/(?:console|kill)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) =>
      longestFirst.indexOf(project.name) - (longFiles.test(moduleId) ? 0.5 : 0);
    const sorted = await super.sort(files);
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}

/** Runs in workerd with real D1 and KV. One process of workerd runs many files, and `setup.ts` empties D1 and KV for each. */
function inWorkerd(name: string, include: string) {
  return {
    plugins: [
      cloudflareTest(async () => ({
        wrangler: { configPath: './wrangler.toml' },
        miniflare: {
          bindings: {
            TEST_MIGRATIONS: await readD1Migrations('./migrations'),
            TOKEN_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop',
            EMAIL_TRANSPORT: 'console',
            // Most tests let customers sell, because an owner without another role is the simplest one.
            SELLERS: 'everyone',
          },
        },
      })),
    ],
    test: { name, include: [include], setupFiles: ['test/integration/setup.ts'], isolate: false, ...patience },
  };
}

/**
 * The options of a process that is busy for minutes. Its garbage collector waits for no threads of its own: the other tests keep every
 * core busy, and to share the work out costs a twentieth of the processor time.
 */
const longRun = { execArgv: ['--single-threaded-gc'] };

/** One half of the seeds. Vitest runs files in parallel and the simulation is one file, so two projects share it. */
function simulation(part: number, include: string) {
  return {
    test: {
      name: `simulation-${part}`,
      include: [include],
      env: { SIMULATION_PART: `${part}` },
      ...longRun,
      // What esbuild has made of the modules (bundle.ts) is loaded as it is: to transform it again would take seconds.
      server: { deps: { external: [/\/test\/simulation\/\.bundle-/] } },
      ...patience,
    },
  };
}

export default defineConfig({
  test: {
    // The files of `test/e2e` wait for other processes much of their time, so one worker more than there are cores.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      // The unit tests share no state, so one context for all files saves the time to load the modules again.
      {
        resolve: { alias: { '@frontdesk/client': resolve(import.meta.dirname, 'src/client.ts') } },
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false, ...patience },
      },
      { test: { name: 'model', include: ['test/model/**/*.test.ts'], ...longRun, ...patience } },
      simulation(0, 'test/simulation/**/*.test.ts'),
      simulation(1, 'test/simulation/simulation.test.ts'),
      inWorkerd('integration', 'test/integration/**/*.test.ts'),
      // The same tests in Node with SQLite, in a tenth of the time: for mutations, and not a part of `npm test`.
      {
        resolve: {
          alias: {
            'cloudflare:workers': resolve(import.meta.dirname, 'test/sqlite/workers.ts'),
            'cloudflare:test': resolve(import.meta.dirname, 'test/sqlite/cloudflare-test.ts'),
          },
        },
        test: {
          name: 'sqlite',
          include: ['test/integration/**/*.test.ts'],
          setupFiles: ['test/sqlite/setup.ts'],
          ...patience,
        },
      },
      inWorkerd('bench', 'bench/**/*.bench.ts'),
      inWorkerd('growth', 'bench/growth/growth.measure.ts'),
      // Makes the pictures of docs/console.md, and is not a part of `npm test`.
      { test: { name: 'screenshots', include: ['test/e2e/console/screenshots.ts'], ...patience } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...patience } },
    ],
  },
});
