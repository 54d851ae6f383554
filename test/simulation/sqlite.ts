import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { describeStatement } from './trace';

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

/** A statement with its values. */
export interface Bound {
  sql: string;
  params: SQLInputValue[];
}

export type Row = Record<string, unknown>;

const writes = new Map<string, boolean>();

/** Whether a statement changes the database. */
export function isWrite({ sql }: Bound): boolean {
  let known = writes.get(sql);
  if (known === undefined) {
    known = /^\s*(?:INSERT|UPDATE|DELETE|WITH)/i.test(sql);
    writes.set(sql, known);
  }
  return known;
}

/** One copy of the database. */
export class Copy {
  readonly #db = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();

  constructor(bytes: Uint8Array = migrated) {
    this.#db.deserialize(bytes);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #all({ sql, params }: Bound): Row[] {
    return this.#prepare(sql).all(...params) as Row[];
  }

  /**
   * Runs all statements, or none when one of them fails.
   * @param descriptions receives the description of each statement
   */
  batch(statements: readonly Bound[], descriptions?: string[]): Row[][] {
    const needsTransaction = statements.length > 1 && statements.some(isWrite);
    if (needsTransaction) this.#prepare('BEGIN').run();
    try {
      const results = statements.map((statement) => {
        const rows = this.#all(statement);
        descriptions?.push(describeStatement(statement, rows, isWrite(statement) ? this.#changes() : undefined));
        return rows;
      });
      if (needsTransaction) this.#prepare('COMMIT').run();
      return results;
    } catch (error) {
      if (needsTransaction) this.#prepare('ROLLBACK').run();
      throw error;
    }
  }

  /** Runs the writes of a batch again that another copy has committed, so nobody needs their results. */
  replay(statements: readonly Bound[]): void {
    this.#prepare('BEGIN').run();
    for (const statement of statements) {
      if (isWrite(statement)) this.#prepare(statement.sql).run(...statement.params);
    }
    this.#prepare('COMMIT').run();
  }

  #changes(): number {
    return Number(this.#all({ sql: 'SELECT changes() AS n', params: [] })[0]?.n);
  }

  close(): void {
    this.#db.close();
  }
}
