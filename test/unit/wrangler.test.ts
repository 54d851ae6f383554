import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  besideProduction,
  forTypes,
  hasItsOwn,
  type RawConfig,
  readConfiguration,
  variablesOfItsOwn,
  withEventsQueue,
} from '../../scripts/wrangler-config';
import { baseNameOf, queueNames } from '../../src/consumers/queues';
import { rateLimits } from '../../src/http/quotas';
import { tasks } from '../../src/schedule';

const root = resolve(import.meta.dirname, '../..');
const tomlPath = join(root, 'wrangler.toml');

/** The configuration after an operator has removed the signs of a comment before the lines of `EVENTS_QUEUE`. */
function uncommented(): RawConfig {
  const toml = readFileSync(tomlPath, 'utf8');
  const lines = /^# (\[\[queues\.producers\]\])\n# (binding = "EVENTS_QUEUE")\n# (queue = .*)$/m;
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-wrangler-'));
  writeFileSync(join(folder, 'wrangler.toml'), toml.replace(lines, '$1\n$2\n$3'));
  const config = readConfiguration(join(folder, 'wrangler.toml'));
  rmSync(folder, { recursive: true });
  return config;
}

test('a configuration that cannot be read ends a script with one line that names the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'frontdesk-wrangler-'));
  const path = join(folder, 'wrangler.toml');
  writeFileSync(path, 'name = ');
  const printed = vi.spyOn(console, 'error').mockReturnValue();
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`ended with ${code}`);
  });
  try {
    expect(() => readConfiguration(path)).toThrow('ended with 1');
    expect(printed.mock.calls).toEqual([[expect.stringMatching(/wrangler\.toml cannot be read: \S.*$/)]]);
  } finally {
    printed.mockRestore();
    exit.mockRestore();
    rmSync(folder, { recursive: true });
  }
});

const production = readConfiguration(tomlPath);
const staging = besideProduction(production, 'staging', readConfiguration(join(root, 'staging.toml')));
const { ratelimits = [], triggers } = production;
const bindingsOf = ({ queues }: RawConfig) => queues?.producers?.map(({ binding }) => binding) ?? [];
const byName = (left: { queue?: string }, right: { queue?: string }) => `${left.queue}`.localeCompare(`${right.queue}`);

test('the bundle is deployed without the names of functions, which each request would have to set again', () => {
  expect([production.keep_names, staging.keep_names]).toEqual([false, false]);
});

describe('the optional queue for other teams', () => {
  test('the lines in wrangler.toml are what `npm run dev -- --with` switches on', () => {
    expect(bindingsOf(uncommented())).toContain('EVENTS_QUEUE');
    expect(uncommented().queues?.producers?.toSorted(byName)).toEqual(
      withEventsQueue(production).queues?.producers?.toSorted(byName),
    );
  });

  test('the types of the bindings are the same with these lines and without them', () => {
    const [base, environment] = [forTypes(production), forTypes(production).env?.['with-events'] ?? {}];
    expect(bindingsOf(base)).not.toContain('EVENTS_QUEUE');
    expect(bindingsOf(environment)).toContain('EVENTS_QUEUE');
    expect(forTypes(uncommented())).toEqual(base);
  });
});

describe('the installation beside production', () => {
  /** Every text in a configuration by which Cloudflare finds a resource of an account. */
  const namesOf = (config: RawConfig) => [
    config.name,
    ...(config.d1_databases ?? []).flatMap(({ database_name, database_id }) => [database_name, database_id]),
    ...(config.kv_namespaces ?? []).map(({ id }) => id),
    ...(config.analytics_engine_datasets ?? []).map(({ dataset }) => dataset),
    ...(config.ratelimits ?? []).map(({ namespace_id }) => namespace_id),
    ...(config.queues?.producers ?? []).map(({ queue }) => queue),
    ...(config.queues?.consumers ?? []).flatMap(({ queue, dead_letter_queue }) => [queue, dead_letter_queue]),
    ...(config.routes ?? []),
  ];

  test('it shares no resource with production, also when production names its resources by their ids', () => {
    const named: RawConfig = {
      ...production,
      routes: ['api.frontdesk.example/*'],
      d1_databases: [{ binding: 'DB', database_name: 'frontdesk', database_id: 'the-database-of-production' }],
      kv_namespaces: [{ binding: 'VIEWS', id: 'the-namespace-of-production' }],
    };
    const shared = namesOf(besideProduction(named, 'staging', {})).filter((name) => namesOf(named).includes(name));
    expect(shared.filter((name) => name !== undefined)).toEqual([]);
  });

  test('it has every binding, consumer and setting of production, and the variables of staging.toml', () => {
    const nameOf = (queue: string) => queue.replace(/-staging$/, '');
    const shapeOf = ({ queues, ratelimits: limits = [], vars, triggers: when, compatibility_date }: RawConfig) => ({
      producers: queues?.producers?.map(({ binding, queue = '' }) => [binding, nameOf(queue)]),
      consumers: queues?.consumers?.map(({ queue, dead_letter_queue: target, ...settings }) => ({
        queue: nameOf(queue),
        target: target && nameOf(target),
        ...settings,
      })),
      limits: limits.map(({ name, simple }) => [name, simple]),
      vars: Object.keys(vars ?? {}),
      when,
      compatibility_date,
    });
    expect(shapeOf(staging)).toEqual(shapeOf(production));
    expect(staging.vars?.ISSUER).not.toBe(production.vars?.ISSUER);
  });
});

test.each([
  ['an address of its own', 'https://staging.example', 'https://shop.example', true],
  ['no address, like production', undefined, undefined, true],
  ['an address where production has none', 'https://staging.example', undefined, true],
  ["production's address", 'https://shop.example', 'https://shop.example', false],
  ['no address, where production has one', undefined, 'https://shop.example', false],
])('the installation beside production with %s', (_, its, productions, isAllowed) => {
  const withAddress = (value: string | undefined): RawConfig => ({
    vars: value === undefined ? {} : Object.fromEntries(variablesOfItsOwn.map((name) => [name, value])),
  });
  const allowed = variablesOfItsOwn.filter((name) => hasItsOwn(name, withAddress(productions), withAddress(its)));
  expect(allowed).toEqual(isAllowed ? ['ISSUER', 'PUBLIC_URL', 'PASSWORD_RESET_URL'] : []);
});

test('a queue with a suffix is the queue of the same name, and another queue is not', () => {
  for (const name of Object.values(queueNames)) {
    expect([baseNameOf(name), baseNameOf(`${name}-staging`)]).toEqual([name, name]);
  }
  expect(baseNameOf('frontdesk-emailsx')).toBe('frontdesk-emailsx');
});

describe.each([
  ['as it is', production],
  ['with the lines of EVENTS_QUEUE', uncommented()],
])('the queues in wrangler.toml %s', (_, { queues: { producers = [], consumers = [] } = {} }) => {
  const own = producers.filter(({ binding }) => binding !== 'EVENTS_QUEUE');

  test('the consumers in wrangler.toml are those of src/consumers/queues.ts', () => {
    expect(consumers.map(({ queue }) => queue).sort()).toEqual(Object.values(queueNames).sort());
  });

  test('every queue with a consumer has a producer binding, so that a deployment creates the queue', () => {
    expect(own.map(({ queue }) => queue).sort()).toEqual(Object.values(queueNames).sort());
  });

  test('every binding of a producer has the name of its queue', () => {
    for (const { binding, queue } of producers) {
      expect(binding).toBe(`${queue?.replace('frontdesk-', '').replaceAll('-', '_').toUpperCase()}_QUEUE`);
    }
  });

  test('a queue gives the messages that it could not deliver to the dead-letter queue', () => {
    for (const { queue, dead_letter_queue: target } of consumers) {
      expect([queue, target]).toEqual([queue, queue === queueNames.deadLetters ? undefined : queueNames.deadLetters]);
    }
  });
});

test('the cron triggers in wrangler.toml are those for which src/schedule.ts has tasks', () => {
  expect(triggers?.crons?.toSorted()).toEqual(Object.keys(tasks).toSorted());
});

test('the SQL of docs/operations.md asks for the dataset of the requests (product 8.5)', () => {
  const page = readFileSync(resolve(root, 'docs/operations.md'), 'utf8');
  const { dataset } = production.analytics_engine_datasets?.find(({ binding }) => binding === 'REQUESTS') ?? {};
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
