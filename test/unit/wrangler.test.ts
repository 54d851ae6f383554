import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';
import { queueNames } from '../../src/consumers/queues';
import { rateLimits } from '../../src/http/quotas';
import { tasks } from '../../src/schedule';

const root = resolve(import.meta.dirname, '../..');

/** The part of the configuration that the tests read; wrangler publishes no type for it. */
interface Configuration {
  analytics_engine_datasets: { binding: string; dataset: string }[];
  queues: {
    consumers: { queue: string; dead_letter_queue?: string }[];
    producers: { binding: string; queue: string }[];
  };
  ratelimits: { name: string; simple: { limit: number; period: number } }[];
  triggers: { crons: string[] };
}

const {
  analytics_engine_datasets: datasets,
  queues,
  ratelimits,
  triggers,
}: Configuration = readConfig({ config: resolve(root, 'wrangler.toml') }, { hideWarnings: true });

describe('the queues in wrangler.toml', () => {
  test('the consumers in wrangler.toml are those of src/consumers/queues.ts', () => {
    expect(queues.consumers.map(({ queue }) => queue).sort()).toEqual(Object.values(queueNames).sort());
  });

  test('every queue with a consumer has a producer binding, so that a deployment creates the queue', () => {
    expect(queues.producers.map(({ queue }) => queue).sort()).toEqual(Object.values(queueNames).sort());
  });

  test('every binding of a producer has the name of its queue', () => {
    const bindings = queues.producers.map(({ binding, queue }) => [queue, binding]);
    const expected = Object.values(queueNames).map((queue) => {
      const name = queue.replace('frontdesk-', '').replaceAll('-', '_').toUpperCase();
      return [queue, `${name}_QUEUE`];
    });
    expect(bindings.sort()).toEqual(expected.sort());
  });

  test('a queue gives the messages that it could not deliver to the dead-letter queue', () => {
    for (const { queue, dead_letter_queue: target } of queues.consumers) {
      expect([queue, target]).toEqual([queue, queue === queueNames.deadLetters ? undefined : queueNames.deadLetters]);
    }
  });
});

test('the cron triggers in wrangler.toml are those for which src/schedule.ts has tasks', () => {
  expect(triggers.crons.toSorted()).toEqual(Object.keys(tasks).toSorted());
});

test('the SQL of docs/operations.md asks for the dataset of the requests (product 8.5)', () => {
  const page = readFileSync(resolve(root, 'docs/operations.md'), 'utf8');
  const { dataset } = datasets.find(({ binding }) => binding === 'REQUESTS') ?? {};
  const asked = [...page.matchAll(/```sql\n.*?FROM (\w+)/gs)].map(([, name]) => name);
  expect(new Set(asked)).toEqual(new Set([dataset]));
});

test('the rate limits in wrangler.toml are those that src/http/quotas.ts has in its headers', () => {
  const bound = Object.fromEntries(ratelimits.map(({ name, simple }) => [name, simple]));
  const announced = Object.entries(rateLimits).map(([name, { quota, windowSeconds }]) => [
    `${name.toUpperCase().replaceAll('-', '_')}_LIMIT`,
    { limit: quota, period: windowSeconds },
  ]);
  expect(bound).toEqual(Object.fromEntries(announced));
});
