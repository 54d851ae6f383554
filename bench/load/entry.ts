// The Worker with a KV that remembers when each put was answered. `worker.ts` bundles it with the version that it measures.
import worker from '../../src/worker';

/** A put that KV has answered: the document's key, the events that it includes, and when (milliseconds). */
export interface Put {
  key: string;
  asOf: number;
  at: number;
}

let puts: Put[] = [];
const instrumented = new WeakMap<Env, Env>();

/** The bindings with the other KV. Each isolate has them once, because services may be kept by their bindings. */
function instrument(env: Env & { BENCH_PUTS?: string }): Env {
  const known = instrumented.get(env);
  if (known) return known;
  const { VIEWS: kv } = env;
  const isStored = env.BENCH_PUTS !== 'none';
  const VIEWS = {
    // The Worker calls the overload of many keys alone.
    get: (keys: string[], options: KVNamespaceGetOptions<'text'>) => kv.get(keys, options),
    list: (options: KVNamespaceListOptions) => kv.list(options),
    async put(key: string, value: string) {
      if (isStored) await kv.put(key, value);
      puts.push({ key, asOf: Number(/"asOf":(\d+)/.exec(value)?.[1] ?? 0), at: Date.now() });
    },
    async delete(key: string) {
      if (isStored) await kv.delete(key);
      puts.push({ key, asOf: Number.MAX_SAFE_INTEGER, at: Date.now() });
    },
  } as unknown as KVNamespace;
  const changed = { ...env, VIEWS };
  instrumented.set(env, changed);
  return changed;
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/bench/puts') return worker.fetch(request, instrument(env), context);
    const taken = puts;
    puts = [];
    return Response.json(taken);
  },
  queue: (batch, env, context) => worker.queue(batch, instrument(env), context),
  scheduled: (controller, env, context) => worker.scheduled(controller, instrument(env), context),
} satisfies ExportedHandler<Env>;
