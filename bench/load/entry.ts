// The Worker with bindings that remember when an event was sent to the projections, which is right after its commit, and when
// each put was answered. `worker.ts` bundles it with the version that it measures.
import worker from '../../src/worker';

/** A put that KV has answered: the document's key, the events that it includes, and when (milliseconds). */
export interface Put {
  key: string;
  asOf: number;
  at: number;
}

/** What happened since it was last asked for. */
export interface Recorded {
  puts: Put[];
  /** The positions of events and when each was first sent (milliseconds). */
  commits: [number, number][];
}

let puts: Put[] = [];
let commits = new Map<number, number>();
const instrumented = new WeakMap<Env, Env>();

/** The bindings with the other KV. Each isolate has them once, because services may be kept by their bindings. */
function instrument(env: Env & { BENCH_PUTS?: string }): Env {
  const known = instrumented.get(env);
  if (known) return known;
  const { PROJECTIONS_QUEUE: queue, VIEWS: kv } = env;
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
  const PROJECTIONS_QUEUE = {
    // The Worker calls no other method.
    sendBatch(messages: MessageSendRequest<{ position: number }>[]) {
      for (const { body } of messages) if (!commits.has(body.position)) commits.set(body.position, Date.now());
      return queue.sendBatch(messages);
    },
  } as unknown as Queue;
  const changed = { ...env, PROJECTIONS_QUEUE, VIEWS };
  instrumented.set(env, changed);
  return changed;
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/bench/recorded') return worker.fetch(request, instrument(env), context);
    const recorded: Recorded = { puts, commits: [...commits] };
    puts = [];
    commits = new Map();
    return Response.json(recorded);
  },
  queue: (batch, env, context) => worker.queue(batch, instrument(env), context),
  scheduled: (controller, env, context) => worker.scheduled(controller, instrument(env), context),
} satisfies ExportedHandler<Env>;
