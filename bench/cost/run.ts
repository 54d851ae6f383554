import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { fail, run } from '../../scripts/command-line';
import { atMost, type Goal } from '../goals';
import { type CommandCost, dollarsPerMillion, toTable } from './prices';

/** What a command may cost at most, together with the work after it: rows written, and keys of KV written. */
const goals: Readonly<Record<string, { rows: number; keys: number }>> = {
  // An e-mail is four rows and a message more (docs/operations.md).
  'place an order without an e-mail': { rows: 28, keys: 5 },
  'place an order of one line': { rows: 28, keys: 5 },
  'triage a ticket': { rows: 36, keys: 6 },
  'reply as an agent': { rows: 25, keys: 4 },
};
/** The commands that 0.5.0 had, and what a million of each cost there by the same counts, in dollars. */
const commandsOf050 = [
  ...['register', 'sign in', 'refresh a session', 'rename', 'change settings', 'create an item', 'update an item'],
  ...['place an order of one line', 'ship an order', 'deliver an order', 'cancel an order'],
  ...['open a ticket', 'add a note', 'triage a ticket', 'close a ticket'],
];
const dollarsOf050 = 1223;

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
  const printed = stripVTControlCharacters(run('vitest', ['run', '--project', 'bench']));
  console.log('Round trips per request');
  console.table(findPrinted(printed, '{"create'));
  const { costs }: { costs: CommandCost[] } = findPrinted(printed, '{"costs');
  const table = toTable(costs);
  console.log(`Costs of a command + those of the work after it\n\n${table}\n`);
  requireDocumented(table);
  const commands = costs.filter(({ command }) => command.roundTrips > 0);
  const old = commands.filter(({ name }) => commandsOf050.includes(name));
  const dollars = old.reduce((sum, cost) => sum + dollarsPerMillion(cost), 0);
  const perCommand = commands.flatMap(({ after, command, name }) => {
    const goal = goals[name];
    if (!goal) return [];
    return [
      atMost(`rows written to ${name}`, goal.rows, command.rowsWritten + after.rowsWritten),
      atMost(`keys written to ${name}`, goal.keys, command.kvWrites + after.kvWrites),
    ];
  });
  return [...perCommand, atMost('dollars for a million of each command that 0.5.0 had', dollarsOf050 / 2, dollars)];
}
