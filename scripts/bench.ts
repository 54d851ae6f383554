// Runs benchmarks, and prints the goal of each figure beside it.
import { measureCost } from '../bench/cost/run';
import { measureDrain } from '../bench/drain/run';
import { type Goal, printGoals } from '../bench/goals';
import { measureGrowth } from '../bench/growth/run';
import { measureLoad } from '../bench/load/run';
import { measureRequests } from '../bench/requests/run';
import { measureSize } from '../bench/size/run';
import { readOptions, refuse } from './command-line';

interface Benchmark {
  /** What it measures, for the usage. */
  text: string;
  run(): Promise<readonly Goal[]>;
  /** Runs only when it is named, because it takes many minutes. */
  isLong?: true;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  cost: { text: 'round trips, rows, keys and dollars of each command', run: measureCost },
  drain: { text: 'how fast deliveries drain, beside the version COMPARE', run: measureDrain, isLong: true },
  growth: { text: 'time and rows read as the data grows to 1,000,000 events', run: measureGrowth, isLong: true },
  load: { text: 'the API and the lag of documents under load', run: measureLoad, isLong: true },
  requests: { text: 'requests a second beside a bare Worker and a FastAPI peer', run: measureRequests, isLong: true },
  size: { text: "the size of the Worker's bundle, and its start-up", run: measureSize },
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
