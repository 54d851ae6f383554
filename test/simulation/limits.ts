import { d1Limits } from './d1-limits';
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
  currenciesInDashboard: [1, 2],
  keysPerBatch: [3, 8],
  eventsPerRebuildStep: [5, 15],
  orphansPerRebuildStep: [2, 4],
  keysPerReconcilerSlice: [4, 12],
  reconcilerRoundMs: [1, 1],
  deliveriesPerRelayRound: [4, 20],
  relayRoundsPerRun: [2, 4],
  // Often less than a round, so that the relay waits for the consumers after each of them.
  deliveriesInFlight: [4, 40],
  keysToRecheckPerRun: [3, 8],
  expiredRowsPerSlice: [1, 3],
  // Some links end within the minutes of a history.
  confirmationLinkMs: [60_000, 1_200_000],
  rowsPerErasureStep: [1, 4],
  ticketsPerRelease: [1, 3],
  releasesPerRun: [1, 3],
  // What the staff reads of a ticket that is about to be deleted has all of its notes.
  notesPerErasureStep: [1_000, 1_000],
  deadLettersPerCommand: [1, 3],
  messagesPerSend: [3, 20],
  bytesPerSend: [2_500, 3_500],
  bytesPerMessage: [2_500, 2_500],
  bytesPerParameter: [600, 3_000],
  // Two to four of the replies that the clients write.
  replyBytesInTicket: [30, 60],
  keysPerInvocation: [20, 40],
  keysPerRebuildStep: [3, 8],
  documentsPerReconcilerSlice: [4, 12],
  pendingEventsPerReconcilerRun: [5, 20],
  obsoleteDocumentsPerRun: [3, 8],
  // An export beyond these pages is cut off, which no read of the simulation expects.
  pagesPerExport: [1_000, 1_000],
  // An e-mail that the provider puts off must not be dead within the minutes of a history.
  relaySendsPerEmail: [100, 100],
  // The check of dead letters must know the number by which an e-mail was given up.
  unclearSendsPerEmail: [3, 3],
};

/** The platform's limits beside small limits of the code: still above what the code may ask for. */
const smallPlatform = { valueBytes: 24_000, sendBytes: 4_000, messageBytes: 3_000, kvOperations: 150 };

/** Gives both versions the limits of this history: mostly small ones, so that pages, slices, rounds and batches are full. */
export function chooseLimits({ d1, kv, queues, releases, world }: SimulatedPlatform): void {
  const isSmall = world.chance(0.75) && world.hardships.has('small-limits');
  // A history has minutes, so the reconciler begins a round whenever it has ended one.
  real ??= { ...releases[0].limits, reconcilerRoundMs: 1 };
  for (const { limits } of releases) Object.assign(limits, real);
  d1.gate.limits = isSmall ? { ...d1Limits, valueBytes: smallPlatform.valueBytes } : d1Limits;
  queues.limits = isSmall
    ? { ...sendLimits, bytes: smallPlatform.sendBytes, messageBytes: smallPlatform.messageBytes }
    : sendLimits;
  kv.operationsPerInvocation = isSmall ? smallPlatform.kvOperations : kvOperationsPerInvocation;
  if (!isSmall) return;
  for (const name of Object.keys(real) as (keyof Limits)[]) {
    if (/bytes/i.test(name) && !small[name])
      throw new Error(`limits.ts of the simulation has no small value of ${name}.`);
    const [low, high] = small[name] ?? [2, 5];
    const value = world.between(low, high);
    for (const { limits } of releases) limits[name] = value;
  }
  world.trace?.('LIMITS', JSON.stringify(releases[0].limits));
}

/** The limits of what a document shows, which is compared with what it showed before. */
const ofDocuments = [
  'firstPageSize',
  'notesInTicket',
  'repliesInTicket',
  'replyBytesInTicket',
  'currenciesInDashboard',
  'itemsRankedPerDay',
  'bestSellersInDashboard',
];

/** The limits that the recovery keeps: those of documents and links, and a send that was too large must go out at last. */
const kept = [...ofDocuments, 'confirmationLinkMs', 'messagesPerSend', 'bytesPerSend', 'bytesPerMessage'];

/** Gives both versions and the platform most of their real limits, so that the recovery ends soon. */
export function useRealLimits({ d1, kv, releases }: SimulatedPlatform): void {
  if (!real) return;
  for (const name of Object.keys(real) as (keyof Limits)[]) {
    if (!kept.includes(name)) for (const { limits } of releases) limits[name] = real[name];
  }
  d1.gate.limits = d1Limits;
  kv.operationsPerInvocation = kvOperationsPerInvocation;
}
