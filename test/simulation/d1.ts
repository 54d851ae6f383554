import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { describeCause, describeStatement } from './trace';
import type { Process, World } from './world';

/** The database itself records a position that decreases, so that no check can come too late to see it. */
const watch = `
  CREATE TABLE decreased_positions (view TEXT, key TEXT, before INTEGER, after INTEGER);
  CREATE TRIGGER watch_positions AFTER UPDATE ON projections WHEN NEW.position < OLD.position BEGIN
    INSERT INTO decreased_positions VALUES (NEW.view, NEW.key, OLD.position, NEW.position);
  END;`;

/** The database after all migrations, as bytes. A copy of it takes a fraction of the time that the migrations take. */
const migrated = migrate();

function migrate(): Uint8Array {
  const folder = join(import.meta.dirname, '../../migrations');
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  const db = new DatabaseSync(':memory:');
  for (const name of files.sort()) {
    db.exec(readFileSync(join(folder, name), 'utf8').replaceAll('--> statement-breakpoint', ''));
  }
  db.exec(watch);
  const bytes = db.serialize();
  db.close();
  return bytes;
}

interface Bound {
  sql: string;
  params: SQLInputValue[];
}

type Row = Record<string, unknown>;

const isWrite = ({ sql }: Bound) => /^\s*(?:INSERT|UPDATE|DELETE|WITH)/i.test(sql);

/** One copy of the database. */
class Copy {
  readonly #db = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();

  constructor() {
    this.#db.deserialize(migrated);
  }

  #all({ sql, params }: Bound): Row[] {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(...params) as Row[];
  }

  /**
   * Runs all statements, or none when one of them fails.
   * @param descriptions receives the description of each statement
   */
  batch(statements: readonly Bound[], descriptions?: string[]): Row[][] {
    this.#db.exec('BEGIN');
    try {
      const results = statements.map((statement) => {
        const rows = this.#all(statement);
        descriptions?.push(describeStatement(statement, rows, isWrite(statement) ? this.#changes() : undefined));
        return rows;
      });
      this.#db.exec('COMMIT');
      return results;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #changes(): number {
    return Number(this.#all({ sql: 'SELECT changes() AS n', params: [] })[0]?.n);
  }

  close(): void {
    this.#db.close();
  }
}

/**
 * D1 on real SQLite: a primary, and a replica that lags behind by chance. A batch may be applied and still be reported
 * as failed. A session sees at least the state that its bookmark names.
 */
export class D1Model {
  readonly #primary = new Copy();
  readonly #replica = new Copy();
  readonly #log: (readonly Bound[])[] = [];
  #replicated = 0;

  constructor(readonly world: Pick<World, 'between' | 'chance' | 'fault' | 'operation' | 'trace'>) {}

  /** Runs a statement without faults, for the set-up and for the checks. */
  query<Result extends Row>(sql: string, ...params: SQLInputValue[]): Result[] {
    // The rows are what the test's own SQL names.
    return this.#write([{ sql, params }])[0] as Result[];
  }

  #write(statements: readonly Bound[], descriptions?: string[]): Row[][] {
    const results = this.#primary.batch(statements, descriptions);
    if (statements.some(isWrite)) this.#log.push(statements);
    return results;
  }

  #catchUp(until: number): void {
    for (; this.#replicated < until; this.#replicated++) this.#replica.batch(this.#log[this.#replicated] ?? []);
  }

  /** Runs a batch on one copy and traces what the batch did. */
  #run(process: Process, place: string, batch: (descriptions?: string[]) => Row[][]): Row[][] {
    const { trace } = this.world;
    if (!trace) return batch();
    const descriptions: string[] = [];
    try {
      const results = batch(descriptions);
      // A batch that loads many documents repeats one statement.
      const distinct = Map.groupBy(descriptions.filter(Boolean), (text) => text);
      trace(process, `D1 ${place}: ${[...distinct].map(withCount).join(', ')}`);
      return results;
    } catch (error) {
      trace(process, `D1 ${place} rolls back: ${describeCause(error)}`);
      throw error;
    }
  }

  #perform(process: Process, statements: readonly Bound[], session: { bookmark: number; from: string }): Row[][] {
    const { world } = this;
    if (world.fault('d1: failed', 0.02)) {
      world.trace?.(process, 'D1: the batch fails and is not applied');
      throw new Error('D1_ERROR: Network connection lost.');
    }
    const mayUseReplica = session.from !== 'first-primary' && !statements.some(isWrite);
    if (mayUseReplica && world.chance(0.5)) {
      if (world.chance(0.5)) this.#catchUp(world.between(this.#replicated, this.#log.length));
      this.#catchUp(session.bookmark);
      session.bookmark = Math.max(session.bookmark, this.#replicated);
      const place = `replica (${this.#log.length - this.#replicated} batches behind)`;
      return this.#run(process, place, (descriptions) => this.#replica.batch(statements, descriptions));
    }
    const results = this.#run(process, 'primary', (descriptions) => this.#write(statements, descriptions));
    session.bookmark = this.#log.length;
    if (world.fault('d1: applied, but reported as failed', 0.02)) {
      world.trace?.(process, 'D1: the batch was applied, but the process receives a failure');
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
          () => this.#perform(process, statements, session),
          () => {
            if (!statements.some(isWrite)) return;
            try {
              this.#run(process, 'primary, after the death', (descriptions) => this.#write(statements, descriptions));
            } catch {
              // The batch was sent before the death, so D1 may refuse it, and no process receives the refusal.
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
    // The model has only what sessions and drizzle call.
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

function withCount([text, same]: [string, readonly string[]]): string {
  return same.length === 1 ? text : `${same.length}× ${text}`;
}
