import { readFileSync } from 'node:fs';
import { fail, run } from '../../scripts/command-line';
import { atMost, type Goal } from '../goals';
import { type CommandCost, dollarsPerMillion, toTable } from './prices';

/** What a command may cost at most: rows written, keys written, and dollars a million. */
const goals: Readonly<Record<string, { rows: number; puts: number; dollars: number }>> = {
  'place an order of one line': { rows: 28, puts: 5, dollars: 44.5 },
  'triage a ticket': { rows: 36, puts: 6, dollars: 80.5 },
  'open a ticket': { rows: 33, puts: 5, dollars: 59.5 },
};

/** The JSON in the only printed line that begins so. */
function findPrinted(printed: string, beginning: string) {
  const line = printed.split('\n').find((text) => text.startsWith(beginning));
  return line === undefined ? fail(`The benchmark printed no line with ${beginning}.`) : JSON.parse(line);
}

/** A table's text without its fourth column: how many rows are read depends on where random ids fall, by one or two. */
const withoutRowsRead = (text: string) => text.replace(/^((?:\|[^|\n]*){3})\|[^|\n]*/gm, '$1');

/** Fails when docs/operations.md shows another table than this run has counted. */
function requireDocumented(table: string): void {
  if (withoutRowsRead(readFileSync('docs/operations.md', 'utf8')).includes(withoutRowsRead(table))) return;
  fail(`docs/operations.md shows other costs. Replace its table by this one, with today's date:\n\n${table}`);
}

/** Counts the round trips of each request, and what each command uses with the work after it. */
export async function measureCost(): Promise<readonly Goal[]> {
  const printed = run('vitest', ['run', '--project', 'bench']);
  console.log('Round trips per request');
  console.table(findPrinted(printed, '{"create'));
  const { costs }: { costs: CommandCost[] } = findPrinted(printed, '{"costs');
  const table = toTable(costs);
  console.log(`Costs of a command + those of the work after it\n\n${table}\n`);
  requireDocumented(table);
  return costs.flatMap((cost) => {
    const goal = goals[cost.name];
    if (!goal) return [];
    const { command, after, name } = cost;
    return [
      atMost(`rows written to ${name}`, goal.rows, command.rowsWritten + after.rowsWritten),
      atMost(`keys written to ${name}`, goal.puts, command.kvWrites + after.kvWrites),
      atMost(`dollars to ${name} a million times`, goal.dollars, dollarsPerMillion(cost)),
    ];
  });
}
