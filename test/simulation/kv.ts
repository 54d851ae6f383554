import { type Process, SimulatedFault } from './process';
import { describeDocument } from './trace';
import type { World } from './world';

/** How long a location may serve what it has read, a miss included. */
const cachedMs = 60_000;
/** KV refuses a second write of a key within this time. */
const writeLimitMs = 1_000;
/** A put arrives within this time or never: ten seconds on its way, after thirty in which it waits for a connection. */
const putMs = 40_000;
const keysPerGet = 100;
const keysPerList = 1_000;
export const kvOperationsPerInvocation = 1_000;

interface Listing {
  names: string[];
  until: number;
}

/**
 * KV in its worst behaviour: the last write wins, a write may be refused, every location caches values, misses and
 * lists, and a write that failed unclearly may land later, even after its process has died.
 */
export class KvModel {
  readonly stored = new Map<string, string>();
  readonly #lastBegun = new Map<string, number>();
  readonly #caches = new Map<string, { value: string | null; until: number }>();
  readonly #listings = new Map<string, Listing>();
  operationsPerInvocation = kvOperationsPerInvocation;

  constructor(
    readonly world: World,
    /** Whether the rows by which processes keep their distance may be wrong. */
    readonly isDistanceUnsure: () => boolean,
  ) {}

  /** Replaces the text of some key by one that no document has, or adds documents of nobody. Returns the key. */
  corrupt(): string | undefined {
    const { world } = this;
    const key = world.pick([...this.stored.keys()]);
    const text = world.pick(['not JSON {', 'not JSON {', '{}', 'null', undefined]);
    if (key === undefined) return undefined;
    // Keys without a colon are no documents.
    const ofNobody = world.chance(0.5) && key.includes(':') ? world.between(1, 9) : 0;
    for (let number = 1; number <= ofNobody; number++) {
      this.stored.set(`${key}-of-nobody-${number}`, this.stored.get(key) ?? '');
    }
    if (ofNobody > 0) return key;
    if (text === undefined) this.stored.delete(key);
    else this.stored.set(key, text);
    return key;
  }

  #land(process: Process, key: string, value: string | null, when: string): void {
    this.world.trace?.(process, `KV: ${describePut(key, value)} lands ${when}`);
    const isOfAnotherShape = !process.release.views.some(({ id }) => key.startsWith(`${id}:`));
    if (value === null && this.stored.delete(key) && isOfAnotherShape) {
      this.world.coverage.count('a version removes a document of another shape', process.name);
    }
    if (value !== null) this.stored.set(key, value);
  }

  /** Counts an operation, because an invocation has a budget. */
  #count(process: Process): void {
    const begun = (process.operations.kv ?? 0) + 1;
    process.operations.kv = begun;
    if (begun > this.operationsPerInvocation && this.world.hardships.has('platform-limits')) {
      this.world.trace?.(process, `KV: operation ${begun} is refused`);
      throw new Error('Too many API requests by single Worker invocation.');
    }
    if (begun === this.operationsPerInvocation) this.world.coverage.count('limit reached', 'KV operations');
  }

  async #write(process: Process, key: string, value: string | null): Promise<void> {
    this.#count(process);
    const { world } = this;
    const begun = world.now;
    const step = value === null ? 'delete' : 'put';
    const last = this.#lastBegun.get(key) ?? Number.NEGATIVE_INFINITY;
    world.trace?.(process, `KV: ${describePut(key, value)} begins`);
    const isTooEarly = begun - last < writeLimitMs;
    // Then KV refuses the write, which costs time, and no document. Some writes may be too early: with clocks that differ,
    // where two versions write one key, after a restore of the rows, and the watermark, whose publishers do not wait for each other.
    const mayBeTooEarly = world.hardships.has('clocks') || this.isDistanceUnsure() || !key.includes(':');
    if (isTooEarly && !mayBeTooEarly) {
      const expected = `two writes of one key begin at least ${writeLimitMs} ms apart, so that KV refuses none of them`;
      world.fail({ expected, found: `a write of ${key} begins ${begun - last} ms after another one` });
    }
    const isAway = world.isAway('kv');
    const isRefused = world.fault('faults', 'KV refuses a write (429)', 0.03, step) || isTooEarly;
    if (isTooEarly) world.note('KV refuses a write within a second', step);
    if (!isRefused) this.#lastBegun.set(key, begun);
    // Most puts land within the expected time. Some wait for a connection, as long as the protocol allows.
    const latest = begun + (world.chance(0.5) ? putMs : putMs / 4);
    const landLater = () =>
      world.after(world.random() * (latest - world.now), () => this.#land(process, key, value, 'late'));
    const isLate = !isRefused && !isAway && world.fault('faults', 'KV fails a write, which lands later', 0.06, step);
    if (isLate) landLater();
    const isLost = isLate || world.fault('faults', 'KV loses a write', 0.04, step);
    return world.operation(
      process,
      step,
      () => {
        if (isRefused) {
          world.trace?.(process, `KV: the write of ${key} is refused`);
          throw new SimulatedFault('KV PUT failed: 429 Too Many Requests');
        }
        if (isAway) world.coverage.count('outage', step);
        if (isAway || isLost || world.now >= latest) {
          world.trace?.(process, `KV: the write of ${key} fails unclearly`);
          throw new SimulatedFault('KV PUT failed: Network connection lost.');
        }
        this.#land(process, key, value, 'in time');
      },
      () => {
        if (!isRefused && !isAway && !isLost && world.now < latest) landLater();
      },
    );
  }

  #read(process: Process, key: string): string | null {
    const { world } = this;
    const place = `${process.location} ${key}`;
    const cached = this.#caches.get(place);
    if (cached && cached.until > world.now) {
      if (cached.value !== (this.stored.get(key) ?? null)) world.coverage.count('KV serves an old value', process.name);
      return cached.value;
    }
    const value = this.stored.get(key) ?? null;
    this.#caches.set(place, { value, until: world.now + (world.hasFaults ? world.random() * cachedMs : 0) });
    return value;
  }

  #requireAvailable(step: string): void {
    if (this.world.isAway('kv')) {
      this.world.coverage.count('outage', step);
      throw new SimulatedFault('KV GET failed: 503 Service Unavailable');
    }
    if (this.world.fault('faults', 'KV fails a read', 0.03, step)) throw new SimulatedFault('KV GET failed: 500');
  }

  #get(process: Process, keys: readonly string[], asJson: boolean): Promise<Map<string, unknown>> {
    this.#count(process);
    if (keys.length > keysPerGet) throw new Error('KV GET_BULK failed: 400 You can request a maximum of 100 keys');
    const step = `get (${process.name})`;
    return this.world.operation(process, step, () => {
      this.#requireAvailable(step);
      const values = keys.map((key) => [key, this.#read(process, key)] as const);
      const describe = ([key, value]: (typeof values)[number]) => `${key} (${describeDocument(value)})`;
      this.world.trace?.(process, `KV: get returns ${values.map(describe).join(', ')}`);
      // One value that is not JSON fails the whole read.
      return new Map(values.map(([key, value]) => [key, asJson && value !== null ? JSON.parse(value) : value]));
    });
  }

  #list(process: Process, { prefix = '', limit = keysPerList, cursor = '' }: KVNamespaceListOptions) {
    this.#count(process);
    const { world } = this;
    return world.operation(process, 'list', () => {
      this.#requireAvailable('list');
      const place = `${process.location}`;
      let listing = this.#listings.get(place);
      if (!listing || listing.until <= world.now) {
        const names = [...this.stored.keys()].sort();
        listing = { names, until: world.now + (world.hasFaults ? world.random() * cachedMs : 0) };
        this.#listings.set(place, listing);
      }
      const after = listing.names.filter((name) => name.startsWith(prefix ?? '') && name > (cursor ?? ''));
      const names = after.slice(0, Math.min(limit ?? keysPerList, keysPerList));
      if (names.length === limit) world.coverage.count('limit reached', 'documentsPerReconcilerSlice');
      const isComplete = names.length === after.length;
      return {
        keys: names.map((name) => ({ name })),
        list_complete: isComplete,
        ...(isComplete ? {} : { cursor: names.at(-1) ?? '' }),
        cacheStatus: null,
      };
    });
  }

  bind(process: Process): KVNamespace {
    const isJson = (options: unknown) =>
      options === 'json' || (typeof options === 'object' && (options as { type?: string } | null)?.type === 'json');
    const binding = {
      put: (key: string, value: string) => this.#write(process, key, value),
      delete: (key: string) => this.#write(process, key, null),
      get: async (keys: string | string[], options?: unknown) => {
        if (typeof keys !== 'string') return this.#get(process, keys, isJson(options));
        return (await this.#get(process, [keys], isJson(options))).get(keys) ?? null;
      },
      list: async (options: KVNamespaceListOptions = {}) => this.#list(process, options),
    };
    // The model has only what the document store calls.
    return binding as unknown as KVNamespace;
  }

  /** A binding that answers at once and from no cache, for the checks. */
  bindDirectly(): KVNamespace {
    const get = async (keys: string[]) => new Map(keys.map((key) => [key, this.stored.get(key) ?? null]));
    return { get } as unknown as KVNamespace;
  }
}

function describePut(key: string, value: string | null): string {
  return value === null ? `the deletion of ${key}` : `the put of ${key} (${describeDocument(value)})`;
}
