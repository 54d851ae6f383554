import { d1Limits } from './d1';
import type { Release } from './history';
import { kvOperationsPerInvocation } from './kv';
import type { SimulatedPlatform } from './platform';
import { sendLimits } from './queues';

type Limits = Release['limits'];

let real: Limits | undefined;

/**
 * The lowest and the highest value of each limit in a small world. A limit without an entry gets 2 to 5; amounts of bytes
 * need an entry.
 */
const small: Readonly<Record<string, readonly [number, number]>> = {
  firstPageSize: [3, 6],
  keysPerBatch: [3, 8],
  eventsPerRebuildStep: [5, 15],
  orphansPerRebuildStep: [3, 8],
  keysPerReconcilerSlice: [4, 12],
  deliveriesPerRelayRound: [3, 8],
  relayRoundsPerRun: [2, 4],
  keysToRecheckPerRun: [3, 8],
  expiredRowsPerRun: [1, 3],
  bytesPerSend: [9_000, 11_000],
};

/** The platform's limits beside small limits of the code: still above what the code may ask for. */
const smallPlatform = { valueBytes: 24_000, sendBytes: 12_000 };

/** Gives both versions the limits of this history: mostly small ones, so that pages, slices, rounds and batches are full. */
export function chooseLimits({ d1, kv, queues, releases, world }: SimulatedPlatform): void {
  const isSmall = world.chance(0.75) && world.hardships.has('small-limits');
  real ??= { ...releases[0].limits };
  for (const { limits } of releases) Object.assign(limits, real);
  d1.limits = isSmall ? { ...d1Limits, valueBytes: smallPlatform.valueBytes } : d1Limits;
  queues.limits = isSmall ? { ...sendLimits, bytes: smallPlatform.sendBytes } : sendLimits;
  kv.operationsPerInvocation = kvOperationsPerInvocation;
  if (!isSmall) return;
  for (const name of Object.keys(real) as (keyof Limits)[]) {
    if (/bytes/i.test(name) && !small[name]) throw new Error(`limits.ts of the simulation has no small value of ${name}.`);
    const [low, high] = small[name] ?? [2, 5];
    const value = world.between(low, high);
    for (const { limits } of releases) limits[name] = value;
  }
  world.trace?.('LIMITS', JSON.stringify(releases[0].limits));
}

/** Gives both versions their real limits, except the size of pages, so that the recovery ends soon. */
export function useRealLimits({ releases }: SimulatedPlatform): void {
  for (const { limits } of releases) Object.assign(limits, real, { firstPageSize: limits.firstPageSize });
}
