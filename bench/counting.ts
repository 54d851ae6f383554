/** Counts what a binding is asked to do over the network. */
export interface Counter {
  count: number;
}

const executing = new Set(['run', 'all', 'raw', 'first']);

function countStatement(statement: D1PreparedStatement, counter: Counter): D1PreparedStatement {
  return new Proxy(statement, {
    get(target, property) {
      // A statement of a batch is unwrapped there: D1 takes only its own.
      if (property === 'unwrapped') return target;
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        if (executing.has(String(property))) counter.count++;
        const result = member.apply(target, parameters);
        return property === 'bind' ? countStatement(result, counter) : result;
      };
    },
  });
}

/** D1 through a wrapper that counts round trips: each statement that runs alone, and each batch. */
export function countD1(database: D1Database): { database: D1Database; counter: Counter } {
  const counter: Counter = { count: 0 };
  const withSession = (from: string) => {
    const session = database.withSession(from);
    return {
      prepare: (sql: string) => countStatement(session.prepare(sql), counter),
      batch: (statements: D1PreparedStatement[]) => {
        counter.count++;
        return session.batch(statements.map((statement) => Reflect.get(statement, 'unwrapped')));
      },
      getBookmark: () => session.getBookmark(),
    };
  };
  // The system uses D1 through sessions alone.
  return { database: { withSession } as unknown as D1Database, counter };
}

/** KV through a wrapper that counts operations. */
export function countKv(namespace: KVNamespace): { namespace: KVNamespace; counter: Counter } {
  const counter: Counter = { count: 0 };
  const counted = new Proxy(namespace, {
    get(target, property) {
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => {
        counter.count++;
        return member.apply(target, parameters);
      };
    },
  });
  return { namespace: counted, counter };
}
