import { expect, test, vi } from 'vitest';
import { type Report, simulate } from './simulate';

// A real password hash takes 150 ms, and no invariant depends on it.
vi.mock('../../src/platform/password', () => ({ hashPassword: async () => '', verifyPassword: async () => ({}) }));

const kinds = [
  'client: sent twice at the same time',
  'd1: applied, but reported as failed',
  'd1: failed',
  'e-mail: provider unavailable',
  'kv: put failed and lost',
  'kv: put failed, but lands later',
  'kv: put refused (429)',
  'kv: read failed',
  'kv: read from a cache',
  'process died',
  'queue: message duplicated',
  'queue: message late',
  'queue: message lost',
  'queue: message moved to the dead letters',
  'queue: sent, but reported as failed',
  'queue: unavailable',
  'rebuild during traffic',
  'schedule: paused',
];

// The seeds are shared between two projects, so that two cores work on them; `npm run simulate` sets its own.
const part = Number(process.env.SIMULATION_PART ?? 0);
const count = Number(process.env.SEEDS ?? 1000);
const first = Number(process.env.SEED ?? 1 + part * count);
/** vitest's console would print a heading before each line. */
const print = process.env.SIMULATION_TRACE === '1' ? (line: string) => process.stdout.write(`${line}\n`) : undefined;

test(`every invariant holds in the histories of the seeds ${first} to ${first + count - 1}`, {
  timeout: 3_600_000,
}, async () => {
  const reports: Report[] = [];
  for (let seed = first; seed < first + count; seed++) reports.push(await simulate(seed, print));
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const faults: Record<string, number> = {};
  for (const report of reports) {
    for (const [kind, times] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  }
  console.table({
    ...Object.fromEntries(Object.entries(faults).sort()),
    'histories (seeds)': reports.length,
    'events handled': sum(({ events }) => events),
    'commands acknowledged': sum(({ acknowledged }) => acknowledged),
    'commands lost': sum(({ lost }) => lost),
    'reads with a token': sum(({ reads }) => reads),
    'e-mails sent': sum(({ emails }) => emails),
  });
  // With enough seeds every kind of fault has happened; a kind that is missing would mean that it is never tested.
  if (count >= 500) expect(Object.keys(faults).sort()).toEqual(kinds);
});
