import { pacing } from '../../src/cqrs/reading/projection-steps';
import type { Process, World } from './world';

/** How long a location may serve what it has read, a miss included. */
const cachedMs = 60_000;

/**
 * KV as it is at its worst: last write wins, a second write within a second is refused, every location caches values and
 * misses, and a put that failed unclearly may land later, also after its writer has died.
 */
export class KvModel {
  readonly stored = new Map<string, string>();
  readonly tooFast: string[] = [];
  readonly #lastBegun = new Map<string, number>();
  readonly #caches = new Map<string, { value: string | null; until: number }>();

  constructor(readonly world: World) {}

  #land(key: string, value: string | null): void {
    if (value === null) this.stored.delete(key);
    else this.stored.set(key, value);
  }

  #write(process: Process, key: string, value: string | null): Promise<void> {
    const { world } = this;
    const begun = world.now;
    const last = this.#lastBegun.get(key) ?? Number.NEGATIVE_INFINITY;
    if (begun - last < 1000) this.tooFast.push(`${key} after ${begun - last} ms`);
    const isRefused = world.fault('kv: 429', 0.03);
    if (!isRefused) this.#lastBegun.set(key, begun);
    // Most are in time; some wait for a connection for as long as the protocol allows for.
    const latest = begun + pacing.putMs + (world.chance(0.5) ? pacing.recheckMs : 0);
    const landLater = () => world.after(world.random() * (latest - world.now), () => this.#land(key, value));
    if (!isRefused && world.fault('kv: failed, but lands later', 0.06)) {
      landLater();
      return world.operation(process, failUnclearly);
    }
    const isLost = world.fault('kv: failed and lost', 0.04);
    return world.operation(
      process,
      () => {
        if (isRefused) throw new Error('KV PUT failed: 429 Too Many Requests');
        if (isLost || world.now >= latest) failUnclearly();
        this.#land(key, value);
      },
      () => {
        if (!isRefused && !isLost && world.now < latest) landLater();
      },
    );
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
    this.#caches.set(place, { value, until: world.now + (world.hostile ? world.random() * cachedMs : 0) });
    return value;
  }

  bind(process: Process): KVNamespace {
    const { world } = this;
    const binding = {
      put: (key: string, value: string) => this.#write(process, key, value),
      delete: (key: string) => this.#write(process, key, null),
      get: (keys: string[]) =>
        world.operation(process, () => {
          if (world.fault('kv: read failed', 0.02)) throw new Error('KV GET failed: 500');
          return new Map(keys.map((key) => [key, JSON.parse(this.#read(process, key) ?? 'null')]));
        }),
    };
    // Only what the document store calls.
    return binding as unknown as KVNamespace;
  }
}

function failUnclearly(): never {
  throw new Error('KV PUT failed: Network connection lost.');
}
