// Runs benchmarks, and prints the goal of each figure beside it.
import { type Goal, printGoals } from '../bench/goals';
import { readOptions, refuse } from './command-line';

interface Benchmark {
  /** What it measures, for the usage. */
  text: string;
  /** Loads the benchmark, which takes seconds for some, and runs it. */
  run(): Promise<readonly Goal[]>;
  /** Runs only when it is named, because it takes many minutes. */
  isLong?: true;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  cost: {
    text: 'round trips, rows, keys and dollars of each command',
    run: async () => (await import('../bench/cost/run')).measureCost(),
  },
  drain: {
    text: 'how fast deliveries drain, beside the version COMPARE',
    run: async () => (await import('../bench/drain/run')).measureDrain(),
    isLong: true,
  },
  growth: {
    text: 'time and rows read as the data grows to 1,000,000 events',
    run: async () => (await import('../bench/growth/run')).measureGrowth(),
    isLong: true,
  },
  load: {
    text: 'the API and the lag of documents under load',
    run: async () => (await import('../bench/load/run')).measureLoad(),
    isLong: true,
  },
  requests: {
    text: 'requests a second beside a bare Worker and a FastAPI peer',
    run: async () => (await import('../bench/requests/run')).measureRequests(),
    isLong: true,
  },
  size: {
    text: "the size of the Worker's bundle, and its start-up",
    run: async () => (await import('../bench/size/run')).measureSize(),
  },
};

const lines = Object.entries(benchmarks).map(
  ([name, { text, isLong }]) => `  ${name.padEnd(10)} ${text}${isLong ? ' (only when it is named)' : ''}`,
);
const usage = `npm run bench [-- NAME…]\n\nRuns the benchmarks, or those with these names:\n\n${lines.join('\n')}`;

const { positionals } = readOptions(usage, { allowPositionals: true });
const unknown = positionals.find((name) => !Object.hasOwn(benchmarks, name));
if (unknown !== undefined) refuse(`There is no benchmark "${unknown}".`, usage);

const goals: Goal[] = [];
for (const [name, { run, isLong }] of Object.entries(benchmarks)) {
  if (positionals.length === 0 ? !isLong : positionals.includes(name)) goals.push(...(await run()));
}
printGoals(goals);
