import type { Process } from './process';
import type { Bound, Row } from './sqlite';
import type { World } from './world';

/** What D1 documents as its limits. */
export interface D1Limits {
  parameters: number;
  sqlBytes: number;
  valueBytes: number;
  queriesPerInvocation: number;
}

export const d1Limits: D1Limits = {
  parameters: 100,
  sqlBytes: 100_000,
  valueBytes: 2_000_000,
  queriesPerInvocation: 1_000,
};

/** How many rows the largest cell of one owner has, in what the documents of a list are made of. */
function largestCell(rows: readonly Row[]): number {
  const cells = Map.groupBy(rows, (row) => `${row.owner} ${row.status} ${row.has_note} ${row.is_active}`);
  return Math.max(0, ...Array.from(cells.values(), (some) => some.length));
}

/** Refuses what D1 would refuse because of its size, and counts which limits the code has reached. */
export class D1Gate {
  limits = d1Limits;

  constructor(readonly world: World) {}

  /** @throws Error as D1 does for statements that are too large or too many */
  requireStatements(process: Process, statements: readonly Bound[]): void {
    const begun = (process.operations.d1 ?? 0) + statements.length;
    process.operations.d1 = begun;
    if (!this.world.hardships.has('platform-limits')) return;
    const { parameters, queriesPerInvocation, sqlBytes } = this.limits;
    if (begun > queriesPerInvocation) throw new Error('D1_ERROR: Too many API requests by single Worker invocation.');
    for (const { kind, params } of statements) {
      if (kind.sql.length > sqlBytes) throw new Error('D1_ERROR: statement too long: SQLITE_TOOBIG');
      if (params.length > parameters) throw new Error('D1_ERROR: too many SQL variables: SQLITE_ERROR');
      for (const param of params) this.#requireShort(param);
    }
  }

  /** @throws Error as D1 does for a value that is too large */
  requireRows(statements: readonly Bound[], results: readonly Row[][]): void {
    if (!this.world.hardships.has('platform-limits')) return;
    for (const [index, { kind }] of statements.entries()) {
      if (!kind.aggregates) continue;
      for (const row of results[index] ?? []) for (const value of Object.values(row)) this.#requireShort(value);
    }
  }

  #requireShort(value: unknown): void {
    if (typeof value === 'string' && value.length > this.limits.valueBytes) {
      this.world.note('D1 refuses a value that is too large');
      throw new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG');
    }
  }

  /** Counts which limits the code has reached. */
  count(process: Process, statements: readonly Bound[], results: readonly Row[][], step: string): void {
    const { coverage } = this.world;
    const { limits } = process.release;
    for (const [index, { kind, params }] of statements.entries()) {
      const { limit } = kind;
      if (limit === undefined || (results[index]?.length ?? 0) < limits[limit]) continue;
      const isReached = limit !== 'firstPageSize' || largestCell(results[index] ?? []) >= limits[limit];
      if (isReached) coverage.count('limit reached', limit);
      if (limit !== 'deliveriesPerRelayRound') continue;
      const rounds = `rounds of ${params[0]}`;
      process.operations[rounds] = (process.operations[rounds] ?? 0) + 1;
      if (process.operations[rounds] === limits.relayRoundsPerRun) coverage.count('limit reached', 'relayRoundsPerRun');
    }
    const inserts = statements.filter(({ kind }) => kind.step === 'commit');
    if (inserts.length > 1) coverage.count('limit reached', 'bytesPerParameter');
    // Only a command looks for unsettled keys in a request: its inline projection could not claim them.
    const isBusy = step === 'find unsettled keys' && process.name === 'request' && (results[0]?.length ?? 0) > 0;
    if (isBusy) coverage.count('a command finds its access document busy', '');
  }
}
