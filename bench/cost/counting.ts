/** What Cloudflare bills of some work, and what makes it slow. */
export interface Usage {
  /** Calls of D1: a statement that runs alone, or a batch. */
  roundTrips: number;
  statements: number;
  /** As D1 reports and bills them: index entries count. */
  rowsRead: number;
  rowsWritten: number;
  /** Keys that were read, and keys that were put or deleted. */
  kvReads: number;
  kvWrites: number;
  /** Calls of KV: a bulk read is one. */
  kvCalls: number;
}

export const nothing: Usage = {
  roundTrips: 0,
  statements: 0,
  rowsRead: 0,
  rowsWritten: 0,
  kvReads: 0,
  kvWrites: 0,
  kvCalls: 0,
};

/** Counts into the part of the usage that this returns: the watermark's is apart, because it is shared by a second's work. */
export interface Counter {
  work: Usage;
  watermark: Usage;
}

export function createCounter(): Counter {
  return { work: { ...nothing }, watermark: { ...nothing } };
}

const partOf = (counter: Counter, sql: string) => (/\bwatermarks\b/.test(sql) ? counter.watermark : counter.work);

function addRows(usage: Usage, { rows_read: read, rows_written: written }: D1Meta): void {
  usage.statements++;
  usage.rowsRead += read;
  usage.rowsWritten += written;
}

/** Wraps a statement. `batch` below unwraps it, because D1 accepts only its own statements. */
class CountedStatement {
  constructor(
    readonly sql: string,
    readonly statement: D1PreparedStatement,
    private readonly counter: Counter,
  ) {}

  bind(...values: unknown[]): CountedStatement {
    return new CountedStatement(this.sql, this.statement.bind(...values), this.counter);
  }

  private async execute(): Promise<D1Result> {
    const usage = partOf(this.counter, this.sql);
    usage.roundTrips++;
    const result = await this.statement.all();
    addRows(usage, result.meta);
    return result;
  }

  all = () => this.execute();
  run = () => this.execute();
  first = async () => (await this.execute()).results[0] ?? null;

  async raw(): Promise<unknown[]> {
    // Only `all` reports the rows. A query reads the same rows again; a write must not run twice.
    const { results } = await this.execute();
    if (/^\s*select\b/i.test(this.sql)) return this.statement.raw();
    return results.map((row) => Object.values(row as object));
  }
}

/** Wraps D1 so that round trips, statements and rows are counted. */
export function countD1(database: D1Database, counter: Counter): D1Database {
  const withSession = (from: string) => {
    const session = database.withSession(from);
    return {
      prepare: (sql: string) => new CountedStatement(sql, session.prepare(sql), counter),
      async batch(statements: CountedStatement[]) {
        const texts = statements.map(({ sql }) => sql);
        partOf(counter, texts.join(' ')).roundTrips++;
        const results = await session.batch(statements.map(({ statement }) => statement));
        for (const [index, { meta }] of results.entries()) addRows(partOf(counter, texts[index] ?? ''), meta);
        return results;
      },
      getBookmark: () => session.getBookmark(),
    };
  };
  // The system uses D1 only through sessions, so the wrapper needs no other method.
  return { withSession } as unknown as D1Database;
}

/** Wraps KV so that its operations are counted. */
export function countKv(namespace: KVNamespace, counter: Counter): KVNamespace {
  return new Proxy(namespace, {
    get(target, property) {
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        const [key] = parameters;
        const usage = `${key}` === 'watermark' ? counter.watermark : counter.work;
        usage.kvCalls++;
        if (property === 'put' || property === 'delete') usage.kvWrites++;
        else usage.kvReads += Array.isArray(key) ? key.length : 1;
        return member.apply(target, parameters);
      };
    },
  });
}
