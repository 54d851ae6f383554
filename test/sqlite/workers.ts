// Takes the place of `cloudflare:workers` in the project `sqlite` of vitest: bindings that live in this process.
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { migrate, toD1Error } from '../simulation/sqlite';
import { assets } from './assets';

type Row = Record<string, unknown>;

const database = migrate();
const statements = new Map<string, StatementSync>();

function prepare(sql: string): StatementSync {
  const known = statements.get(sql) ?? database.prepare(sql);
  statements.set(sql, known);
  return known;
}

function toSql(value: unknown): SQLInputValue {
  if (value === undefined) throw new Error("D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'");
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value as SQLInputValue;
}

/** A statement of D1 on SQLite. The figures in `meta` are those that tests look at. */
class Statement {
  constructor(
    readonly sql: string,
    readonly params: readonly SQLInputValue[] = [],
  ) {}

  bind(...values: unknown[]): Statement {
    return new Statement(this.sql, values.map(toSql));
  }

  now(): { results: Row[]; success: true; meta: { changes: number } } {
    try {
      const results = prepare(this.sql).all(...this.params) as Row[];
      const changes = Number(prepare('SELECT changes() AS changes').get()?.changes);
      return { results, success: true, meta: { changes } };
    } catch (error) {
      throw toD1Error(error);
    }
  }

  all = async () => this.now();
  run = async () => this.now();
  raw = async () => this.now().results.map((row) => Object.values(row));
  first = async (column?: string) => {
    const [row] = this.now().results;
    return row === undefined ? null : column === undefined ? row : row[column];
  };
}

async function batch(list: readonly Statement[]) {
  database.exec('BEGIN');
  try {
    const results = list.map((statement) => statement.now());
    database.exec('COMMIT');
    return results;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

const session = { prepare: (sql: string) => new Statement(sql), batch, getBookmark: () => '00000001-test' };
const DB = { ...session, exec: async (sql: string) => database.exec(sql), withSession: () => session };

const stored = new Map<string, string>();
const decode = (text: string | undefined, type: unknown) =>
  text === undefined ? null : type === 'json' ? JSON.parse(text) : text;

const VIEWS = {
  async get(keys: string | readonly string[], options?: string | { type?: string }) {
    const type = typeof options === 'object' ? options.type : options;
    if (typeof keys === 'string') return decode(stored.get(keys), type);
    return new Map(keys.map((key) => [key, decode(stored.get(key), type)]));
  },
  put: async (key: string, value: string) => void stored.set(key, value),
  delete: async (key: string) => void stored.delete(key),
  async list({ prefix = '', cursor, limit = 1000 }: { prefix?: string; cursor?: string | null; limit?: number } = {}) {
    const after = cursor ?? '';
    const names = [...stored.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    const keys = names.slice(0, limit).map((name) => ({ name }));
    return names.length > limit
      ? { keys, list_complete: false, cursor: keys.at(-1)?.name }
      : { keys, list_complete: true };
  },
};

export const env = {
  DB,
  VIEWS,
  ASSETS: assets,
  TEST_MIGRATIONS: [],
  ISSUER: 'https://frontdesk.example',
  AUDIENCE: 'frontdesk',
  EPOCH: '1',
  EMAIL_TRANSPORT: 'console',
  EMAIL_FROM: 'Frontdesk <hello@frontdesk.example>',
  SELLERS: 'everyone',
  TOKEN_SECRET: 'only-for-tests-0123456789-abcdefghijklmnop',
};
