import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { AggregateVersion, TakenRows } from '../../../src/cqrs/writing/owned-rows';
import type { MemoryState } from './state';
import { select } from './table';

/** What a repository in memory works with; it mirrors the context of a repository on D1. */
export interface MemoryContext {
  /** What is committed, as the command's reads see it. */
  read(): MemoryState;
  /** Adds a write to the one commit. */
  stage(write: (next: MemoryState) => void): void;
  /** Adds a condition that the commit checks before its writes. */
  guard(holds: (state: MemoryState) => boolean, refuse: () => Error): void;
}

/** Takes the next rows of an owner; where none is left, a row that is added in the meantime refuses the commit. */
export function takeRows<Row extends AggregateVersion>(
  { read, guard }: MemoryContext,
  tableOf: (state: MemoryState) => Map<string, Row>,
  isOwned: (row: Row) => boolean,
  most: number,
): TakenRows<Row> {
  const find = (state: MemoryState) => select(tableOf(state), isOwned).sort((a, b) => (a.id < b.id ? -1 : 1));
  const rows = find(read());
  const isLast = rows.length <= most;
  if (isLast) {
    guard(
      (state) => find(state).length === rows.length,
      () => new ConcurrencyError(),
    );
  }
  return { rows: rows.slice(0, most), isLast };
}

/** The same rows as ids and versions, which is what the interface of a repository returns. */
export function toVersions<Row extends AggregateVersion>({
  rows,
  isLast,
}: TakenRows<Row>): TakenRows<AggregateVersion> {
  return { rows: rows.map(({ id, version }) => ({ id, version })), isLast };
}
