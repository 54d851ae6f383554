import type { Usage } from './counting';

/** Dollars for a million, beyond what the paid plan includes; the pages are named in docs/operations.md. */
const prices = { kvWrite: 5, kvRead: 0.5, rowWritten: 1, rowRead: 0.001, queueOperation: 0.4 };

/** What a command uses until its response, and what the consumers use after it. */
export interface CommandCost {
  name: string;
  command: Usage;
  after: Usage;
  queueOperations: number;
}

/** What a million of these commands cost, in dollars. */
export function dollarsPerMillion({ command, after, queueOperations }: CommandCost): number {
  const sum = (figure: keyof Usage) => command[figure] + after[figure];
  return (
    sum('kvWrites') * prices.kvWrite +
    sum('kvReads') * prices.kvRead +
    sum('rowsWritten') * prices.rowWritten +
    sum('rowsRead') * prices.rowRead +
    queueOperations * prices.queueOperation
  );
}

/** The table of docs/operations.md, one line for each command: figures of the command, and of the work after it. */
export function toTable(costs: readonly CommandCost[]): string {
  const both = (cost: CommandCost, figure: keyof Usage) => `${cost.command[figure]} + ${cost.after[figure]}`;
  const lines = costs.map((cost) =>
    [
      cost.name,
      both(cost, 'roundTrips'),
      both(cost, 'statements'),
      both(cost, 'rowsRead'),
      both(cost, 'rowsWritten'),
      both(cost, 'kvReads'),
      both(cost, 'kvWrites'),
      `${cost.queueOperations}`,
      `$${dollarsPerMillion(cost).toFixed(0)}`,
    ].join(' | '),
  );
  const head = [
    'command | round trips | statements | rows read | rows written | KV reads | KV writes | queue operations | a million',
    '--- | --- | --- | --- | --- | --- | --- | --- | ---',
  ];
  return [...head, ...lines].map((line) => `| ${line} |`).join('\n');
}
