import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { percentile } from '../../scripts/measures';
import type { EventRow } from '../../src/cqrs/log/event-log';
import type { Goal } from '../goals';
import type { RunningWorker } from '../workerd';
import type { Recorded } from './entry';
import { findLags, type Lags } from './lags';
import { type Action, openShop, UnexpectedAnswer } from './shop';
import { countPending, startVersion } from './worker';

const shares = [0.25, 0.5, 0.75, 1];
const ceilingSeconds = 20;
const phaseSeconds = 30;
/** So many requests at once measure the ceiling. */
const clients = 16;

type Shop = Awaited<ReturnType<typeof openShop>>;

/** What one phase of the load has shown. */
interface Phase {
  name: string;
  /** Answers a second. */
  throughput: number;
  latencies: number[];
  /** Actions that were not answered as expected. */
  failures: number;
  lags: Lags;
  drainMs: number;
}

/** Runs actions, and keeps how long each answer took since it was due. */
function createRecorder(shop: Shop) {
  const latencies: number[] = [];
  let failures = 0;
  async function act(dueAt: number, action: Action = shop.next()): Promise<void> {
    try {
      await shop.run(action);
      latencies.push(performance.now() - dueAt);
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error;
      if (++failures === 1) console.error(error.message);
    }
  }
  return { act, latencies, failures: () => failures };
}

/** As many actions as so many clients can carry out one after another. */
async function runClosed(shop: Shop, seconds: number): Promise<{ throughput: number }> {
  const { act, latencies } = createRecorder(shop);
  const [startedAt, endsAt] = [performance.now(), performance.now() + seconds * 1000];
  const client = async () => {
    while (performance.now() < endsAt) await act(performance.now());
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { throughput: latencies.length / ((performance.now() - startedAt) / 1000) };
}

/** Starts actions at their times, whether the ones before are answered or not. */
async function runOpen(shop: Shop, rate: number, seconds: number) {
  const recorder = createRecorder(shop);
  const running: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < rate * seconds; index++) {
    const dueAt = startedAt + (index * 1000) / rate;
    const early = dueAt - performance.now();
    if (early > 1) await wait(early);
    running.push(recorder.act(dueAt));
  }
  await Promise.all(running);
  const throughput = recorder.latencies.length / ((performance.now() - startedAt) / 1000);
  return { throughput, latencies: recorder.latencies, failures: recorder.failures() };
}

async function untilDrained(worker: RunningWorker): Promise<number> {
  const startedAt = performance.now();
  while ((await countPending(worker)) > 0) await wait(50);
  return performance.now() - startedAt;
}

async function runPhase(worker: RunningWorker, shop: Shop, name: string, rate: number): Promise<Phase> {
  const takeRecorded = async (): Promise<Recorded> => (await fetch(`${worker.url}/bench/recorded`)).json();
  const database = await worker.database();
  const lastPosition = async () =>
    (await database.prepare('SELECT max(position) AS last FROM events').first<number>('last')) ?? 0;
  await takeRecorded();
  const first = await lastPosition();
  const { throughput, latencies, failures } = await runOpen(shop, rate, phaseSeconds);
  const drainMs = await untilDrained(worker);
  const { results } = await database
    .prepare('SELECT * FROM events WHERE position > ? ORDER BY position')
    .bind(first)
    .all<EventRow>();
  return { name, throughput, latencies, failures, drainMs, lags: findLags(results, await takeRecorded()) };
}

const inMs = (value: number) => Math.round(value);
const inSeconds = (ms: number) => (ms / 1000).toFixed(2);

function printPhases(ceiling: number, phases: readonly Phase[]): void {
  console.log(`Ceiling: ${ceiling.toFixed(0)} answers a second for ${clients} clients`);
  console.table(
    Object.fromEntries(
      phases.map(({ name, throughput, latencies, failures, drainMs }) => [
        name,
        {
          'answers/s': inMs(throughput),
          'p50 (ms)': inMs(percentile(latencies, 50)),
          'p99 (ms)': inMs(percentile(latencies, 99)),
          'max (ms)': inMs(Math.max(...latencies)),
          failures,
          'drained after (s)': inSeconds(drainMs),
        },
      ]),
    ),
  );
  console.log('Lag from the commit to KV, p50 / p99 / max in seconds');
  const names = [...new Set(phases.flatMap(({ lags }) => [...lags.keys()]))].sort();
  const describeLags = (values: readonly number[] = []) =>
    values.length === 0
      ? '-'
      : [percentile(values, 50), percentile(values, 99), Math.max(...values)].map(inSeconds).join(' / ');
  console.table(
    Object.fromEntries(
      names.map((view) => [
        view,
        Object.fromEntries(phases.map(({ name, lags }) => [name, describeLags(lags.get(view))])),
      ]),
    ),
  );
}

/** Measures the API under load, and how long its documents lag behind. */
export async function measureLoad(): Promise<readonly Goal[]> {
  const data = mkdtempSync(join(tmpdir(), 'frontdesk-load-'));
  const worker = await startVersion({ folder: '.', data, hasConsumers: true });
  try {
    await worker.schedule('* * * * *');
    const everyMinute = setInterval(() => void worker.schedule('* * * * *'), 60_000);
    const shop = await openShop(worker.url, 1);
    await runClosed(shop, 5);
    const { throughput: ceiling } = await runClosed(shop, ceilingSeconds);
    await untilDrained(worker);
    const phases: Phase[] = [];
    for (const share of shares) {
      const name = `${share * 100} %: ${Math.round(ceiling * share)}/s`;
      phases.push(await runPhase(worker, shop, name, ceiling * share));
    }
    clearInterval(everyMinute);
    printPhases(ceiling, phases);
  } finally {
    await worker.stop();
    rmSync(data, { recursive: true, force: true });
  }
  return [];
}
