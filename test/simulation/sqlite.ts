import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { emptyAllOf } from './emptying';
import { type LimitName, protocolOf } from './steps';
import { describeStatement } from './trace';

/**
 * The database itself records a position that decreases, so that no check can come too late to see it, and what becomes
 * of dead letters, for the coverage.
 */
const watch = `
  CREATE TABLE decreased_positions (view TEXT, key TEXT, before INTEGER, after INTEGER);
  CREATE TRIGGER watch_positions AFTER UPDATE ON projections WHEN NEW.position < OLD.position BEGIN
    INSERT INTO decreased_positions VALUES (NEW.view, NEW.key, OLD.position, NEW.position);
  END;
  CREATE TABLE dead_letters (subscription TEXT, outcome TEXT);
  CREATE TRIGGER watch_deaths AFTER UPDATE OF status ON deliveries WHEN NEW.status <> OLD.status BEGIN
    INSERT INTO dead_letters VALUES (NEW.subscription, iif(NEW.status = 'dead', 'a delivery is dead', 'a dead letter is replayed'));
  END;
  CREATE TRIGGER watch_discards AFTER DELETE ON deliveries WHEN OLD.status = 'dead' BEGIN
    INSERT INTO dead_letters VALUES (OLD.subscription, 'a dead letter is discarded');
  END;`;

const migrations = join(import.meta.dirname, '../../migrations');

/** The statements of all migrations, which are read once: every copy has the same tables. */
const allMigrations = readdirSync(migrations)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(migrations, name), 'utf8').replaceAll('--> statement-breakpoint', ''))
  .join(';\n');

/** An empty database after all migrations. */
export function migrate(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  // A statement copies every page that it changes, and the rows of a history are few and short.
  db.exec('PRAGMA page_size = 1024; PRAGMA temp_store = MEMORY');
  db.exec(allMigrations);
  return db;
}

/**
 * A LIMIT whose parameter SQLite reads when it plans. SQLite would plan such a statement again for each call, which takes as
 * long as the call; it does not read an expression.
 */
const parameterLimit = /\bLIMIT \?/gi;

/** What the simulation needs to know about the text of a statement. */
export interface StatementKind {
  sql: string;
  /** A number of its own, by which each copy of the database finds the statement that it has prepared. */
  index: number;
  isWrite: boolean;
  /** Whether it answers with rows. SQLite counts the changes of the other statements. */
  returnsRows: boolean;
  /** Whether it makes one value of many rows, which can be too large. */
  aggregates: boolean;
  /** The step of a protocol that only this statement belongs to. */
  step: string | undefined;
  /** The limit that bounds the number of its rows. */
  limit: LimitName | undefined;
}

const kinds = new Map<string, StatementKind>();

/** Looks a statement up once for each use, because the texts are long. */
export function kindOf(sql: string): StatementKind {
  let kind = kinds.get(sql);
  if (!kind) {
    const isWrite = /^\s*(?:INSERT|UPDATE|DELETE|WITH)/i.test(sql);
    const returnsRows = !isWrite || /^\s*WITH|\bRETURNING\b/i.test(sql);
    kind = { sql, index: kinds.size, isWrite, returnsRows, aggregates: /json_group/i.test(sql), ...protocolOf(sql) };
    kinds.set(sql, kind);
  }
  return kind;
}

/** A statement with its values. */
export interface Bound {
  kind: StatementKind;
  params: SQLInputValue[];
}

export type Row = Record<string, unknown>;

/** Whether a statement changes the database. */
export function isWrite({ kind }: Bound): boolean {
  return kind.isWrite;
}

/** The result codes of SQLite that a statement or its data can cause. */
const codes: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
};

/** An error of SQLite in the words of D1, by which the code tells a statement's own fault from the platform's. */
export function toD1Error(error: unknown): unknown {
  if (!(error instanceof Error && 'errcode' in error)) return error;
  // The lowest eight bits of an extended code are its class.
  const code = codes[Number(error.errcode) & 0xff] ?? `SQLITE_${error.errcode}`;
  return new Error(`D1_ERROR: ${error.message}: ${code}`, { cause: error });
}

/**
 * One copy of the database. Copies are used again by later histories, because migrations take long, and so does preparing
 * statements. Each is made by the migrations: a deserialized database writes its pages a second time in each commit.
 */
export class Copy {
  static readonly #free: Copy[] = [];
  readonly #db = migrate();
  readonly #emptyAll: string;
  readonly #findRow: StatementSync;
  readonly #statements: (StatementSync | undefined)[] = [];

  /** An empty database after all migrations. */
  static open(): Copy {
    return Copy.#free.pop() ?? new Copy();
  }

  private constructor() {
    this.#db.exec(watch);
    const { emptyAll, findRow } = emptyAllOf(this.#db);
    this.#emptyAll = emptyAll;
    this.#findRow = this.#db.prepare(findRow);
    this.#requireEmpty();
  }

  /** A later history must find nothing of an earlier one. */
  #requireEmpty(): void {
    const filled = this.#findRow.get();
    if (filled) throw new Error(`The table ${filled.name} is not empty in a copy for a new history.`);
  }

  #prepare(kind: StatementKind): StatementSync {
    let statement = this.#statements[kind.index];
    if (!statement) {
      statement = this.#db.prepare(kind.sql.replace(parameterLimit, 'LIMIT +?'));
      this.#statements[kind.index] = statement;
    }
    return statement;
  }

  #perform({ kind, params }: Bound): { rows: Row[]; changed: number } {
    const statement = this.#prepare(kind);
    if (!kind.returnsRows) return { rows: [], changed: Number(statement.run(...params).changes) };
    const rows = statement.all(...params) as Row[];
    return { rows, changed: rows.length };
  }

  /**
   * Runs all statements, or none when one of them fails.
   * @param effective receives the writes that changed something, which is what a replica needs
   * @param descriptions receives the description of each statement
   */
  batch(statements: readonly Bound[], effective: Bound[] = [], descriptions?: string[]): Row[][] {
    const needsTransaction = statements.length > 1 && statements.some(isWrite);
    if (needsTransaction) this.#prepare(begin).run();
    try {
      const results = statements.map((statement) => {
        const { kind, params } = statement;
        const { rows, changed } = this.#perform(statement);
        if (kind.isWrite && changed > 0) effective.push(statement);
        descriptions?.push(describeStatement(kind.sql, params, rows, kind.isWrite ? changed : undefined));
        return rows;
      });
      if (needsTransaction) this.#prepare(commit).run();
      return results;
    } catch (error) {
      effective.length = 0;
      if (needsTransaction) this.#prepare(rollback).run();
      throw toD1Error(error);
    }
  }

  /** Runs the writes of a batch again that another copy has committed, so nobody needs their results. */
  replay(statements: readonly Bound[]): void {
    if (statements.length > 1) this.#prepare(begin).run();
    for (const { kind, params } of statements) this.#prepare(kind).run(...params);
    if (statements.length > 1) this.#prepare(commit).run();
  }

  /**
   * Empties the copy and keeps it for a later history. No PRAGMA may help here: SQLite prepares every statement of a connection
   * again after one that sets a flag.
   */
  close(): void {
    this.#db.exec(`BEGIN; ${this.#emptyAll} COMMIT;`);
    this.#requireEmpty();
    Copy.#free.push(this);
  }
}

const [begin, commit, rollback] = ['BEGIN', 'COMMIT', 'ROLLBACK'].map(kindOf) as [
  StatementKind,
  StatementKind,
  StatementKind,
];
