import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Runs in workerd with real D1 and KV, emptied for each file. */
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
          },
        },
      })),
    ],
    test: { name, include: [include], setupFiles: ['test/integration/setup.ts'] },
  };
}

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      inWorkerd('integration', 'test/integration/**/*.test.ts'),
      inWorkerd('bench', 'bench/**/*.bench.ts'),
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
