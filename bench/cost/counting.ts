/** Counts the calls of a binding that go over the network. */
export interface Counter {
  count: number;
}

const executing = new Set(['run', 'all', 'raw', 'first']);

function countStatement(statement: D1PreparedStatement, counter: Counter): D1PreparedStatement {
  return new Proxy(statement, {
    get(target, property) {
      // `batch` below unwraps its statements with this property, because D1 accepts only its own statements.
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

/** Wraps D1 so that round trips are counted: each statement that runs alone, and each batch. */
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
  // The system uses D1 only through sessions, so the wrapper needs no other method.
  return { database: { withSession } as unknown as D1Database, counter };
}

/** Wraps KV so that operations are counted. */
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
