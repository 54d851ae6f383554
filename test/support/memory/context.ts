import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { AggregateVersion } from '../../../src/cqrs/writing/owned-rows';
import type { MemoryState } from './state';
import { raiseVersions, select } from './table';

/** What a repository in memory works with; it mirrors the context of a repository on D1. */
export interface MemoryContext {
  /** What is committed, as the command's reads see it. */
  read(): MemoryState;
  /** Adds a write to the one commit. */
  stage(write: (next: MemoryState) => void): void;
  /** Adds a condition that the commit checks before its writes. */
  guard(holds: (state: MemoryState) => boolean, refuse: () => Error): void;
}

/** Loads all rows of an owner and raises the version of each; a row that is added in the meantime refuses the commit. */
export function raiseVersionsOf<Row extends AggregateVersion>(
  { read, stage, guard }: MemoryContext,
  tableOf: (state: MemoryState) => Map<string, Row>,
  isOwned: (row: Row) => boolean,
): AggregateVersion[] {
  const rows = select(tableOf(read()), isOwned);
  guard(
    (state) => select(tableOf(state), isOwned).length === rows.length,
    () => new ConcurrencyError(),
  );
  stage((next) => raiseVersions(tableOf(next), isOwned));
  return rows.map(({ id, version }) => ({ id, version }));
}
