/** One call of D1: its statements, and the call itself. */
export interface D1Call {
  sql: string;
  /** Where its session begins: `first-primary`, `first-unconstrained`, or a bookmark. */
  from: string;
  /** Whether this is the batch of a commit, which appends events or stores a response. */
  isCommit: boolean;
  send(): Promise<unknown>;
}

/**
 * D1 with something around each call.
 * @param around is called instead of D1 with each call in turn
 */
export function createFaultyD1(database: D1Database, around: (call: D1Call) => Promise<unknown>): D1Database {
  function toCall(
    from: string,
    statements: readonly { sql: string }[],
    send: () => Promise<unknown>,
  ): Promise<unknown> {
    const sql = statements.map((statement) => statement.sql).join(';\n');
    return around({ sql, from, isCommit: /insert into "?(events|idempotency_keys)\b/i.test(sql), send });
  }
  interface Watched {
    sql: string;
    original: D1PreparedStatement;
  }
  function watch(from: string, original: D1PreparedStatement, sql: string): Watched & Record<string, unknown> {
    const own = { sql, original };
    const call = (method: 'all' | 'raw' | 'run') => () => toCall(from, [own], () => original[method]());
    const bind = (...values: unknown[]) => watch(from, original.bind(...values), sql);
    return { ...own, bind, all: call('all'), raw: call('raw'), run: call('run') };
  }
  return {
    withSession(from: string) {
      const session = database.withSession(from);
      return {
        prepare: (sql: string) => watch(from, session.prepare(sql), sql),
        batch: (statements: Watched[]) =>
          toCall(from, statements, () => session.batch(statements.map(({ original }) => original))),
        getBookmark: () => session.getBookmark(),
      };
    },
    // Sessions and drizzle call no other method.
  } as unknown as D1Database;
}

/** The errors that D1 documents in "List of D1_ERRORs" and elsewhere, in its own words. */
export const documentedErrors = [
  'D1_ERROR: D1 DB reset because its code was updated.',
  'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
  'D1_ERROR: Network connection lost.',
  'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
  'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
  "D1_ERROR: Can't read from request stream because client disconnected.",
  'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
  'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
  'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
  "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
  'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.',
  // Errors of the platform that other pages of the documentation name, or that it gives without documenting them.
  'D1_ERROR: Replica disconnected from primary.',
  'D1_ERROR: internal error; reference = 0u3odos5iotccpol68ppc0eg',
  'D1_ERROR: Currently processing a long-running export.',
  'D1_ERROR: Exceeded maximum DB size.',
  'D1_ERROR: database is locked: SQLITE_BUSY',
  'D1_ERROR: interrupted: SQLITE_INTERRUPT',
  'D1_ERROR: disk I/O error: SQLITE_IOERR',
  'Network connection lost.',
] as const;
