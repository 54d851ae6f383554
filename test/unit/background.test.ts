import { expect, test } from 'vitest';
import { createBackground } from '../../src/platform/background';
import { createLogger } from '../../src/platform/logger';

/** Runs work in the background; waits move the clock, and each try takes `tryMs`. */
async function run(outcomes: readonly ('done' | 'failed')[], tryMs = 0) {
  const logs: string[] = [];
  const waits: number[] = [];
  const pending: Promise<unknown>[] = [];
  const starts: number[] = [];
  let now = 0;
  let tries = 0;
  const inBackground = createBackground({
    clock: { now: () => now },
    logger: createLogger({}, (line) => void logs.push(line)),
    wait: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    waitUntil: (promise) => void pending.push(promise),
  });
  inBackground('work.failed', async () => {
    starts.push(now);
    now += tryMs;
    if (outcomes[tries++] !== 'done') throw new Error('D1 does not answer to ada@example.com.');
  });
  expect(pending).toHaveLength(1);
  await Promise.all(pending);
  return { logs, starts, tries, waits };
}

test('work in the background is done once when it succeeds, and is tried again after growing waits', async () => {
  expect(await run(['done'])).toEqual({ logs: [], starts: [0], tries: 1, waits: [] });
  const { logs, tries, waits } = await run(['failed', 'failed', 'failed', 'done']);
  expect([tries, logs]).toEqual([4, []]);
  for (const [index, base] of [1000, 2000, 4000].entries()) {
    expect(waits[index]).toBeGreaterThanOrEqual(base / 2);
    expect(waits[index]).toBeLessThanOrEqual(base);
  }
});

test('work in the background that always fails is given up and logged, without the text of its error', async () => {
  const { logs, tries } = await run([]);
  expect(tries).toBe(4);
  expect(logs.map((line) => JSON.parse(line))).toMatchObject([{ level: 'error', event: 'work.failed' }]);
  expect(logs.join()).not.toContain('ada@');
});

test('no try begins so late that the platform would cut it off', async () => {
  expect((await run([], 10_000)).tries).toBe(2);
  // The pause before a try counts too: the second one fails after 11 seconds, and a third one would begin too late.
  for (const tryMs of [4_000, 5_200, 5_600, 7_000]) {
    const { logs, starts } = await run([], tryMs);
    expect(Math.max(...starts)).toBeLessThanOrEqual(12_000);
    expect(logs).toHaveLength(1);
  }
});
