import { expect, test, vi } from 'vitest';
import { type Report, simulate } from './simulate';

// A password is hashed for 150 ms; nothing here depends on it.
vi.mock('../../src/platform/password', () => ({ hashPassword: async () => '', verifyPassword: async () => ({}) }));

const kinds = [
  'client: sent twice at once',
  'd1: applied, but reported as failed',
  'd1: failed',
  'e-mail: provider away',
  'kv: 429',
  'kv: failed and lost',
  'kv: failed, but lands later',
  'kv: read failed',
  'kv: read from a cache',
  'process died',
  'queue: down',
  'queue: message doubled',
  'queue: message given up',
  'queue: message late',
  'queue: message lost',
  'queue: sent, but reported as failed',
  'rebuild in the middle',
  'schedule: off for a while',
];

// By default the seeds are shared between two projects, so that two cores are at work; `npm run simulate` takes its own.
const part = Number(process.env.SIMULATION_PART ?? 0);
const count = Number(process.env.SEEDS ?? 1000);
const first = Number(process.env.SEED ?? 1 + part * count);

test(`histories ${first} to ${first + count - 1} keep every promise`, { timeout: 3_600_000 }, async () => {
  const reports: Report[] = [];
  for (let seed = first; seed < first + count; seed++) reports.push(await simulate(seed));
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0);
  const faults: Record<string, number> = {};
  for (const report of reports) {
    for (const [kind, times] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + times;
  }
  console.table({
    ...faults,
    'histories (seeds)': reports.length,
    'events handled': sum(({ events }) => events),
    'commands acknowledged': sum(({ acknowledged }) => acknowledged),
    'commands lost': sum(({ lost }) => lost),
    'reads with a token': sum(({ reads }) => reads),
    'e-mails sent': sum(({ emails }) => emails),
  });
  // The storm was one: every kind of fault has happened.
  if (count >= 500) expect(Object.keys(faults).sort()).toEqual(kinds);
});
