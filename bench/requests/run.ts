import { atLeast, type Goal } from '../goals';
import { cpuMicroseconds } from '../processes';
import { sendAll } from './client';
import { type Case, cases, clients, type Side, startBare, startFrontdesk, startPeerSide, statuses } from './sides';

/** Each case is measured so many times, all sides one after the other each time. */
const rounds = 7;
const requestsPerRound = 1_000;
/** So many requests come first, until the engine has compiled what runs often. */
const warmUp = 3_000;

/** What Frontdesk is to answer, as a share of what the bare Worker answers, and of what the peer answers. */
const ofBare: Readonly<Record<Case, number>> = {
  health: 0.8,
  'public read': 0.9,
  'authenticated read': 0.85,
  create: 0.9,
  change: 0.9,
};
const ofPeer: Partial<Record<Case, number>> = { 'public read': 1.2, 'authenticated read': 1.2, create: 1.3 };

/** One run of one side. */
interface Sample {
  perSecond: number;
  /** The CPU time of the side's process for each request, in microseconds. */
  cpu: number;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function measure(side: Side, measured: Case, requests: number): Promise<Sample> {
  const before = cpuMicroseconds(side.pid);
  const call = (client: number) => side.callOf(measured, client);
  const perSecond = await sendAll(requests, clients, side.url, call, statuses[measured]);
  return { perSecond, cpu: (cpuMicroseconds(side.pid) - before) / requests };
}

/** The figures of one case: of each side the medians, and of each round the share of the others that Frontdesk reaches. */
async function compare(measured: Case, sides: Readonly<Record<string, Side>>) {
  for (const side of Object.values(sides)) await measure(side, measured, warmUp);
  const samples: Record<string, Sample[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, side] of Object.entries(sides)) {
      samples[name] = [...(samples[name] ?? []), await measure(side, measured, requestsPerRound)];
    }
  }
  const of = (name: string) => samples[name] ?? [];
  const medianOf = (name: string, figure: keyof Sample) => median(of(name).map((sample) => sample[figure]));
  /** The median of the shares, each of two runs directly after each other. */
  const shareOf = (other: string) =>
    median(of('frontdesk').map(({ perSecond }, round) => perSecond / (of(other)[round]?.perSecond ?? Number.NaN)));
  return { medianOf, shareOf };
}

/**
 * Compares what Frontdesk, a bare Worker and a peer answer in a second, side by side in one run. The equipped bare Worker has no
 * goal: it shows which part of the distance is the price of what every answer has and records.
 */
export async function measureRequests(): Promise<readonly Goal[]> {
  const frontdesk = await startFrontdesk();
  const bare = await startBare(frontdesk);
  const equipped = await startBare(frontdesk, { EQUIPPED: 'yes' });
  const peer = await startPeerSide();
  if (!peer) console.log('The peer is skipped: bench/peers/fastapi/README.md says which packages it needs.');
  const sides: Record<string, Side> = { bare, equipped, frontdesk, ...(peer && { peer }) };
  const goals: Goal[] = [];
  const table: Record<string, Record<string, number>> = {};
  try {
    for (const measured of cases) {
      const { medianOf, shareOf } = await compare(measured, sides);
      const figures = Object.keys(sides).map((name) => [
        [`${name}, requests/s`, Math.round(medianOf(name, 'perSecond'))],
        [`${name}, µs CPU`, Math.round(medianOf(name, 'cpu'))],
      ]);
      const share = Math.round(shareOf('equipped') * 100) / 100;
      table[measured] = { ...Object.fromEntries(figures.flat()), 'of the equipped bare Worker': share };
      goals.push(atLeast(`${measured}, of the bare Worker`, ofBare[measured], shareOf('bare')));
      const goal = ofPeer[measured];
      if (peer && goal !== undefined) goals.push(atLeast(`${measured}, of the peer`, goal, shareOf('peer')));
    }
  } finally {
    for (const side of Object.values(sides)) await side.stop();
  }
  console.log(`Requests a second and CPU time a request: ${clients} clients, medians of ${rounds} alternations`);
  console.table(table);
  return goals;
}
