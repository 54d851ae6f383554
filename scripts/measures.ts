import type { Client } from '../src/client';

/** The value below which `percent` of the values lie (nearest rank); NaN for none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

const pollMs = 20;
const patienceMs = 30_000;

/** The aggregate's version in a document's ETag. */
function versionOf({ headers }: Response): number {
  return Number(/^"(\d+)/.exec(headers.get('ETag') ?? '')?.[1] ?? 0);
}

/**
 * Measures how long a change takes from the command's response to KV: the probe reads until KV itself has the version.
 * A response that D1 gave instead of KV does not count.
 */
export function createLagProbe(reader: Client) {
  const watches: Promise<number>[] = [];
  async function watch(read: (client: Client) => Promise<unknown>, version: number): Promise<number> {
    const start = performance.now();
    for (;;) {
      // Every route returns the fetch API's response, in a type of its own.
      const response = (await read(reader)) as Response;
      const elapsed = performance.now() - start;
      const isInKv = response.headers.get('Cache-Status') === 'KV; hit' && versionOf(response) >= version;
      if (isInKv || elapsed > patienceMs) return elapsed;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
  return {
    watch: (read: (client: Client) => Promise<unknown>, version: number) => void watches.push(watch(read, version)),
    finish: () => Promise.all(watches),
  };
}
