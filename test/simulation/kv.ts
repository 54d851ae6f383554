import { pacing } from '../../src/cqrs/reading/projection-steps';
import { watermarkKey } from '../../src/cqrs/reading/watermark';
import { describeDocument } from './trace';
import type { Process, World } from './world';

/** How long a location may serve what it has read, a miss included. */
const cachedMs = 60_000;
/** KV refuses a second write of a key within this time. */
const writeLimitMs = 1_000;

/**
 * KV in its worst behaviour: the last write wins, a write may be refused, every location caches values and misses, and a
 * write that failed unclearly may land later, even after its process has died.
 */
export class KvModel {
  readonly stored = new Map<string, string>();
  readonly #lastBegun = new Map<string, number>();
  readonly #caches = new Map<string, { value: string | null; until: number }>();

  constructor(readonly world: World) {}

  #land(process: Process, key: string, value: string | null, when: string): void {
    this.world.trace?.(process, `KV: ${describePut(key, value)} lands ${when}`);
    if (value === null) this.stored.delete(key);
    else this.stored.set(key, value);
  }

  #write(process: Process, key: string, value: string | null): Promise<void> {
    const { world } = this;
    const begun = world.now;
    const last = this.#lastBegun.get(key) ?? Number.NEGATIVE_INFINITY;
    world.trace?.(process, `KV: ${describePut(key, value)} begins`);
    // Many processes write the watermark, and it is harmless when KV refuses it.
    const isTooSoon = begun - last < writeLimitMs;
    if (isTooSoon && key !== watermarkKey) {
      const expected = `two writes of one key begin at least ${writeLimitMs} ms apart, so that KV refuses none of them`;
      world.fail({ expected, found: `a write of ${key} begins ${begun - last} ms after another one` });
    }
    const isRefused = isTooSoon || world.fault('kv: put refused (429)', 0.03);
    if (!isRefused) this.#lastBegun.set(key, begun);
    // Most puts land within the expected time. Some wait for a connection, as long as the protocol allows.
    const latest = begun + pacing.putMs + (world.chance(0.5) ? pacing.recheckMs : 0);
    const landLater = () =>
      world.after(world.random() * (latest - world.now), () => this.#land(process, key, value, 'late'));
    if (!isRefused && world.fault('kv: put failed, but lands later', 0.06)) {
      landLater();
      return world.operation(process, () => this.#failUnclearly(process, key));
    }
    const isLost = world.fault('kv: put failed and lost', 0.04);
    return world.operation(
      process,
      () => {
        if (isRefused) {
          world.trace?.(process, `KV: the write of ${key} is refused`);
          throw new Error('KV PUT failed: 429 Too Many Requests');
        }
        if (isLost || world.now >= latest) this.#failUnclearly(process, key);
        this.#land(process, key, value, 'in time');
      },
      () => {
        if (!isRefused && !isLost && world.now < latest) landLater();
      },
    );
  }

  #failUnclearly(process: Process, key: string): never {
    this.world.trace?.(process, `KV: the write of ${key} fails unclearly`);
    throw new Error('KV PUT failed: Network connection lost.');
  }

  #read(process: Process, key: string): string | null {
    const { world } = this;
    const place = `${process.location} ${key}`;
    const cached = this.#caches.get(place);
    if (cached && cached.until > world.now) {
      world.fault('kv: read from a cache', 1);
      return cached.value;
    }
    const value = this.stored.get(key) ?? null;
    this.#caches.set(place, { value, until: world.now + (world.hasFaults ? world.random() * cachedMs : 0) });
    return value;
  }

  bind(process: Process): KVNamespace {
    const { world } = this;
    const binding = {
      put: (key: string, value: string) => this.#write(process, key, value),
      delete: (key: string) => this.#write(process, key, null),
      get: (keys: string[], { type }: { type: 'text' | 'json' }) =>
        world.operation(process, () => {
          if (world.fault('kv: read failed', 0.02)) throw new Error('KV GET failed: 500');
          const values = keys.map((key) => [key, this.#read(process, key)] as const);
          const describe = ([key, value]: (typeof values)[number]) => `${key} (${describeDocument(value)})`;
          world.trace?.(process, `KV: get returns ${values.map(describe).join(', ')}`);
          return new Map(values.map(([key, value]) => [key, type === 'text' ? value : JSON.parse(value ?? 'null')]));
        }),
      list: ({ limit, cursor }: { limit: number; cursor: string | null }) =>
        world.operation(process, () => {
          if (world.fault('kv: list failed', 0.02)) throw new Error('KV LIST failed: 500');
          const rest = [...this.stored.keys()].sort().filter((key) => cursor === null || key > cursor);
          const keys = rest.slice(0, limit).map((name) => ({ name }));
          return { keys, list_complete: rest.length <= limit, cursor: keys.at(-1)?.name };
        }),
    };
    // The model has only what the document store calls.
    return binding as unknown as KVNamespace;
  }
}

function describePut(key: string, value: string | null): string {
  return value === null ? `the deletion of ${key}` : `the put of ${key} (${describeDocument(value)})`;
}
