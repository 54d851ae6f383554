import type { SQLInputValue } from 'node:sqlite';
import { type Bound, type Copy, kindOf, type Row, type StatementKind } from './sqlite';

// What the Worker sees of D1: sessions and prepared statements.

/** A binding to one copy of the database that answers at once and never fails. */
export function bindCopy(copy: Copy): D1Database {
  const run = async (statements: readonly Bound[]) => copy.batch(statements);
  // The model has only what sessions and drizzle call.
  return { withSession: () => createSession(run, () => null) } as unknown as D1Database;
}

interface D1Statement {
  bound: Bound;
  bind(...values: unknown[]): D1Statement;
  all(): Promise<{ results: Row[] | undefined }>;
  run(): Promise<{ results: Row[] | undefined }>;
  raw(): Promise<unknown[][] | undefined>;
}

/** A session whose batches `run` carries out. */
export function createSession(
  run: (statements: readonly Bound[]) => Promise<Row[][]>,
  getBookmark: () => string | null,
) {
  const make = (kind: StatementKind, params: SQLInputValue[]): D1Statement => ({
    bound: { kind, params },
    bind: (...values) => make(kind, values.map(toSql)),
    all: async () => ({ results: (await run([{ kind, params }]))[0] }),
    run: async () => ({ results: (await run([{ kind, params }]))[0] }),
    raw: async () => (await run([{ kind, params }]))[0]?.map((row) => Object.values(row)),
  });
  return {
    prepare: (sql: string) => make(kindOf(sql), []),
    batch: async (statements: D1Statement[]) =>
      (await run(statements.map(({ bound }) => bound))).map((results) => ({ results })),
    getBookmark,
  };
}

function toSql(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) throw new Error("D1_TYPE_ERROR: Type 'undefined' not supported");
  return value as SQLInputValue;
}
