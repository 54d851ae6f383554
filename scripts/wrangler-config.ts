// Configurations of wrangler that are made from wrangler.toml, so that nothing of it stands anywhere a second time.
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Unstable_RawConfig as RawConfig } from 'wrangler';
import { fail } from './command-line';

export type { RawConfig };

/** Loads wrangler when a configuration is read. It takes a second, which a usage or a refusal need not wait for. */
const loadWrangler = (): typeof import('wrangler') => createRequire(import.meta.url)('wrangler');

const eventsQueue = { binding: 'EVENTS_QUEUE', queue: 'frontdesk-events' };

/** Reads a configuration as it is written, without wrangler's defaults; ends the program if the file cannot be read. */
export function readConfiguration(path = 'wrangler.toml'): RawConfig {
  try {
    return loadWrangler().experimental_readRawConfig({ config: path }).rawConfig;
  } catch (error) {
    return fail(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
}

/** The configuration with the optional queue for other teams, whether its lines are comments or not. */
export function withEventsQueue(config: RawConfig): RawConfig {
  const others = withoutEventsQueue(config);
  return { ...others, queues: { ...others.queues, producers: [...(others.queues?.producers ?? []), eventsQueue] } };
}

function withoutEventsQueue(config: RawConfig): RawConfig {
  const producers = config.queues?.producers?.filter(({ binding }) => binding !== eventsQueue.binding) ?? [];
  return { ...config, queues: { ...config.queues, producers } };
}

/**
 * The configuration for the types of the bindings. Wrangler makes a binding optional that only one environment has, so
 * the types are the same for installations with and without the queue for other teams.
 */
export function forTypes(config: RawConfig): RawConfig {
  const base = withoutEventsQueue(config);
  const { send_metrics: _, ...environment } = withEventsQueue(config);
  return { ...base, env: { 'with-events': environment } };
}

/**
 * A second installation in the same account: the same Worker, with addresses, a database, KV, queues, a dataset and rate
 * limits of its own. Whatever names a resource of production by its id is left out, so that a deployment makes another one.
 * @param own what differs, above all the variables; it replaces what is made here
 */
export function besideProduction(config: RawConfig, suffix: string, own: RawConfig): RawConfig {
  const name = (text: string) => `${text}-${suffix}`;
  const { route: _route, routes: _routes, ...shared } = config;
  const {
    d1_databases = [],
    kv_namespaces = [],
    analytics_engine_datasets = [],
    ratelimits = [],
    queues = {},
  } = config;
  const { producers = [], consumers = [] } = queues;
  return {
    ...shared,
    name: name(config.name ?? ''),
    d1_databases: d1_databases.map(({ binding, database_name = binding, migrations_dir }) => ({
      binding,
      database_name: name(database_name),
      ...(migrations_dir === undefined ? {} : { migrations_dir }),
    })),
    kv_namespaces: kv_namespaces.map(({ binding }) => ({ binding })),
    analytics_engine_datasets: analytics_engine_datasets.map(({ dataset = '', ...rest }) => ({
      ...rest,
      dataset: `${dataset}_${suffix}`,
    })),
    ratelimits: ratelimits.map((limit) => ({ ...limit, namespace_id: `9${limit.namespace_id}` })),
    queues: {
      producers: producers.map(({ queue = '', ...producer }) => ({ ...producer, queue: name(queue) })),
      consumers: consumers.map(({ dead_letter_queue: target, ...consumer }) => ({
        ...consumer,
        queue: name(consumer.queue),
        ...(target === undefined ? {} : { dead_letter_queue: name(target) }),
      })),
    },
    ...own,
    vars: { ...config.vars, ...own.vars },
  };
}

/** The variables with addresses, which two installations must not share: one would take the other's tokens and links. */
export const variablesOfItsOwn = ['ISSUER', 'PUBLIC_URL', 'PASSWORD_RESET_URL'] as const;

/** Whether a second installation has its own value of a variable, or production has none either. */
export function hasItsOwn(name: (typeof variablesOfItsOwn)[number], production: RawConfig, own: RawConfig): boolean {
  const shared = production.vars?.[name];
  return shared === undefined || ![undefined, shared].includes(own.vars?.[name]);
}

/** Writes a configuration beside wrangler.toml, whose relative paths it has, until this program ends. */
export function writeConfiguration(path: string, config: RawConfig): void {
  writeFileSync(path, JSON.stringify(config, null, 2));
  process.once('exit', () => rmSync(path, { force: true }));
}
