import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Process, World } from './world';

const folder = join(import.meta.dirname, '../../migrations');
const schema = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(folder, name), 'utf8'))
  .join('\n')
  .replaceAll('--> statement-breakpoint', '');

/** A position that goes backwards is noted by the database itself. */
const watch = `
  CREATE TABLE backwards (view TEXT, key TEXT, was INTEGER, became INTEGER);
  CREATE TRIGGER watch_positions AFTER UPDATE ON projections WHEN NEW.position < OLD.position BEGIN
    INSERT INTO backwards VALUES (NEW.view, NEW.key, OLD.position, NEW.position);
  END;`;

interface Bound {
  sql: string;
  params: SQLInputValue[];
}

type Row = Record<string, unknown>;

/** One copy of the database. */
class Copy {
  readonly #db = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();

  constructor() {
    this.#db.exec(schema + watch);
  }

  all({ sql, params }: Bound): Row[] {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(...params) as Row[];
  }

  /** All of them or none. */
  batch(statements: readonly Bound[]): Row[][] {
    this.#db.exec('BEGIN');
    try {
      const results = statements.map((statement) => this.all(statement));
      this.#db.exec('COMMIT');
      return results;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}

const isWrite = ({ sql }: Bound) => /^\s*(?:INSERT|UPDATE|DELETE|WITH)/i.test(sql);

/**
 * D1 on real SQLite: a primary, and a replica that follows as slowly as chance has it. Commits may be applied but reported
 * as failed, and sessions see at least what their bookmark names.
 */
export class D1Model {
  readonly #primary = new Copy();
  readonly #replica = new Copy();
  readonly #log: (readonly Bound[])[] = [];
  #replicated = 0;

  constructor(readonly world: Pick<World, 'between' | 'chance' | 'fault' | 'operation'>) {}

  /** For setting up and looking at the result, past all faults. */
  query<Result extends Row>(sql: string, ...params: SQLInputValue[]): Result[] {
    // The rows are what the test's own SQL names.
    return this.#write([{ sql, params }])[0] as Result[];
  }

  #write(statements: readonly Bound[]): Row[][] {
    const results = this.#primary.batch(statements);
    if (statements.some(isWrite)) this.#log.push(statements);
    return results;
  }

  #catchUp(until: number): void {
    for (; this.#replicated < until; this.#replicated++) this.#replica.batch(this.#log[this.#replicated] ?? []);
  }

  #perform(statements: readonly Bound[], session: { bookmark: number; from: string }): Row[][] {
    const { world } = this;
    if (world.fault('d1: failed', 0.02)) throw new Error('D1_ERROR: Network connection lost.');
    const mayUseReplica = session.from !== 'first-primary' && !statements.some(isWrite);
    if (mayUseReplica && world.chance(0.5)) {
      if (world.chance(0.5)) this.#catchUp(world.between(this.#replicated, this.#log.length));
      this.#catchUp(session.bookmark);
      session.bookmark = Math.max(session.bookmark, this.#replicated);
      return this.#replica.batch(statements);
    }
    const results = this.#write(statements);
    session.bookmark = this.#log.length;
    if (world.fault('d1: applied, but reported as failed', 0.02)) {
      throw new Error('D1_ERROR: Network connection lost.');
    }
    return results;
  }

  /** The binding as a process sees it. */
  bind(process: Process): D1Database {
    const withSession = (from: string) => {
      const session = { from, bookmark: /^\d+$/.test(from) ? Number(from) : 0 };
      const run = (statements: readonly Bound[]) =>
        this.world.operation(
          process,
          () => this.#perform(statements, session),
          () => {
            // Sent, but nobody hears of it any more.
            if (statements.some(isWrite)) {
              try {
                this.#write(statements);
              } catch {
                // Refused, and nobody hears of that either.
              }
            }
          },
        );
      const prepare = (sql: string, params: SQLInputValue[] = []): D1Statement => ({
        bound: { sql, params },
        bind: (...values) => prepare(sql, values.map(toSql)),
        all: async () => ({ results: (await run([{ sql, params }]))[0] }),
        run: async () => ({ results: (await run([{ sql, params }]))[0] }),
        raw: async () => (await run([{ sql, params }]))[0]?.map((row) => Object.values(row)),
      });
      return {
        prepare,
        batch: async (statements: D1Statement[]) =>
          (await run(statements.map(({ bound }) => bound))).map((results) => ({ results })),
        getBookmark: () => String(session.bookmark),
      };
    };
    // Only what sessions and drizzle call.
    return { withSession } as unknown as D1Database;
  }

  close(): void {
    this.#primary.close();
    this.#replica.close();
  }
}

interface D1Statement {
  bound: Bound;
  bind(...values: unknown[]): D1Statement;
  all(): Promise<{ results: Row[] | undefined }>;
  run(): Promise<{ results: Row[] | undefined }>;
  raw(): Promise<unknown[][] | undefined>;
}

function toSql(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) throw new Error("D1_TYPE_ERROR: Type 'undefined' not supported");
  return value as SQLInputValue;
}
