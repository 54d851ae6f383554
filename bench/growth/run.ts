import { fail, run } from '../../scripts/command-line';
import { atMost, type Goal } from '../goals';
import type { Cost, Measured } from './figures';

/** What may read more rows as the data grows, and why. Everything else that grows is a defect. */
const reasons: Readonly<Record<string, string>> = {
  'list-counts.compared': 'It counts all rows of one list a day, and up to 100,000 rows of accounts.',
  'list of projections': 'An operator asks how many keys each read model has, and they are counted by an index.',
};

/** A figure may be this much larger at the largest size, for what is read beside the rows of the result. */
const noise = { factor: 1.5, rows: 40 };

/** What has a bound reaches it at the size before the last one, so the last two are compared. */
function growsIn(costs: readonly Cost[]): boolean {
  const [before, last] = costs.slice(-2);
  if (!before || !last) return false;
  return last.rowsRead > before.rowsRead * noise.factor + noise.rows;
}

/** Shows what each part of the system reads at three sizes of the data, and whether that grows. */
export async function measureGrowth(): Promise<readonly Goal[]> {
  const output = run('vitest', ['run', '--project', 'growth']);
  // It prints what it has after each size.
  const json = [...output.matchAll(/GROWTH (\{.*\})/g)].at(-1)?.[1];
  if (json === undefined) fail('The benchmark printed no figures.');
  const { sizes, costs, bytes }: Measured = JSON.parse(json);
  const titles = sizes.map(({ events }) => `${events.toLocaleString('en')} events`);
  const rows = Object.entries(costs).map(([name, list]) => {
    const cells = list.flatMap(({ ms, rowsRead }, index) => [
      [`rows read, ${titles[index]}`, rowsRead],
      [`ms, ${titles[index]}`, Math.round(ms * 10) / 10],
    ]);
    const growth = !growsIn(list) ? '' : (reasons[name] ?? 'GROWS');
    return [name, { ...Object.fromEntries(cells), growth }];
  });
  console.log('Rows that D1 reads, and milliseconds, as the data grows');
  console.table(Object.fromEntries(rows));
  const largest = sizes.at(-1);
  if (largest) {
    const { orders } = largest;
    console.log(
      `The database has ${Math.round(bytes / 1e6)} MB: ${Math.round(bytes / orders)} bytes for each order with all that belongs to it.`,
    );
  }
  const unexplained = Object.entries(costs).filter(([name, list]) => growsIn(list) && !(name in reasons));
  return [atMost('parts that read more rows as the data grows, without a reason', 0, unexplained.length)];
}
