import type { Cost } from './figures';

interface Meta {
  rows_read?: number;
  rows_written?: number;
}

/** Counts what the statements of a database read and write. */
export interface Meter {
  database: D1Database;
  /** Runs an operation and returns what it costs. */
  measure(run: () => Promise<unknown>): Promise<Cost>;
}

const reads = /^\s*(?:select|with)/i;

/**
 * Wraps D1 so that it counts the rows that D1 would bill. The results of `raw` do not say it, so a reading statement runs once
 * more, and that time is left out.
 */
export function createMeter(database: D1Database): Meter {
  const total: Cost = { ms: 0, rowsRead: 0, rowsWritten: 0 };
  const add = ({ rows_read = 0, rows_written = 0 }: Meta) => {
    total.rowsRead += rows_read;
    total.rowsWritten += rows_written;
  };
  function countStatement(statement: D1PreparedStatement, sql: string): D1PreparedStatement {
    return new Proxy(statement, {
      get(target, property) {
        if (property === 'unwrapped') return target;
        if (property === 'bind') return (...values: unknown[]) => countStatement(target.bind(...values), sql);
        if (property === 'all' || property === 'run') {
          return async () => {
            const result = await target[property]();
            add(result.meta as Meta);
            return result;
          };
        }
        if (property === 'raw') {
          return async (options: { columnNames: true }) => {
            const rows = await target.raw(options);
            const before = performance.now();
            if (reads.test(sql)) add((await target.all()).meta as Meta);
            total.ms -= performance.now() - before;
            return rows;
          };
        }
        const member = Reflect.get(target, property);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }
  const withSession = (from: string) => {
    const session = database.withSession(from);
    return {
      prepare: (sql: string) => countStatement(session.prepare(sql), sql),
      async batch(statements: D1PreparedStatement[]) {
        const results = await session.batch(statements.map((one) => Reflect.get(one, 'unwrapped')));
        for (const { meta } of results) add(meta as Meta);
        return results;
      },
      getBookmark: () => session.getBookmark(),
    };
  };
  return {
    // The system uses D1 only through sessions, so the wrapper needs no other method.
    database: { withSession } as unknown as D1Database,
    async measure(run) {
      Object.assign(total, { ms: 0, rowsRead: 0, rowsWritten: 0 });
      const before = performance.now();
      await run();
      return { ...total, ms: total.ms + performance.now() - before };
    },
  };
}
