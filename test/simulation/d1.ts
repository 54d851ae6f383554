import type { SQLInputValue } from 'node:sqlite';
import { type Bound, Copy, isWrite, kindOf, type Row, type StatementKind } from './sqlite';
import { rareSteps } from './steps';
import { describeCause } from './trace';
import { type Process, SimulatedFault, type World } from './world';

/** What D1 documents as its limits. */
interface D1Limits {
  parameters: number;
  sqlBytes: number;
  valueBytes: number;
  queriesPerInvocation: number;
}

export const d1Limits: D1Limits = {
  parameters: 100,
  sqlBytes: 100_000,
  valueBytes: 2_000_000,
  queriesPerInvocation: 1_000,
};

/** Errors after which nobody knows whether the batch was applied, in D1's words. */
const unclear = [
  'D1_ERROR: Network connection lost.',
  'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
  'D1_ERROR: D1 DB reset because its code was updated.',
];
/** Errors of a batch that was certainly not applied. */
const clear = [
  'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
  'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
  'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
];

interface Session {
  from: string;
  /** The newest state that the session knows of; null before the first answer. */
  bookmark: number | null;
}

/** A batch that changed the database. Its number never comes back, also not after a restore. */
interface Committed {
  number: number;
  at: number;
  /** The writes that changed something. */
  writes: readonly Bound[];
}

/** A replica, and how it lags. */
interface Replica {
  copy: Copy | undefined;
  /** How many batches of the log the copy has. */
  applied: number;
  /** `quick` catches up now and then, `slow` is so many milliseconds behind, `stuck` waits for a bookmark. */
  lag: 'quick' | 'stuck' | number;
}

/**
 * D1 on real SQLite: a primary, and a replica for each location, with a lag of its own. A batch may be applied and still
 * be reported as failed. A session sees at least the state that its bookmark names, and learns its bookmark only from
 * an answer that arrives.
 */
export class D1Model {
  #primary = Copy.open();
  #replicas: Replica[];
  #log: Committed[] = [];
  #committed = 0;
  limits = d1Limits;

  constructor(readonly world: World) {
    this.#replicas = this.#createReplicas();
  }

  /** One replica that is never far behind, and one that is. The third location is next to the primary. */
  #createReplicas(): Replica[] {
    const lags = [this.world.pick(['quick', 'quick', 20_000] as const), this.world.pick(['stuck', 90_000] as const)];
    return lags.map((lag = 'quick') => ({ copy: undefined, applied: 0, lag }));
  }

  /** Runs a statement without faults, for the set-up and for the checks. */
  query<Result extends Row>(sql: string, ...params: SQLInputValue[]): Result[] {
    // The rows are what the test's own SQL names.
    return this.#write([{ kind: kindOf(sql), params }])[0] as Result[];
  }

  /** The number of batches in the log, as a moment to which D1 can be restored. */
  get moment(): number {
    return this.#log.length;
  }

  /** Returns to an earlier moment, as Time Travel does. */
  restore(moment: number): void {
    this.#log.length = moment;
    this.close();
    this.#primary = Copy.open();
    for (const { writes } of this.#log) this.#primary.replay(writes);
    this.#replicas = this.#createReplicas();
  }

  #write(statements: readonly Bound[], descriptions?: string[]): Row[][] {
    const writes: Bound[] = [];
    const results = this.#primary.batch(statements, writes, descriptions);
    if (writes.length > 0) this.#log.push({ number: ++this.#committed, at: this.world.now, writes });
    return results;
  }

  #catchUp(replica: Replica, until: number): Copy {
    replica.copy ??= Copy.open();
    for (; replica.applied < until; replica.applied++) replica.copy.replay(this.#log[replica.applied]?.writes ?? []);
    return replica.copy;
  }

  /** How many batches of the log have at most this number. */
  #countUntil(number: number): number {
    let count = this.#log.length;
    while (count > 0 && (this.#log[count - 1]?.number ?? 0) > number) count--;
    return count;
  }

  /** How far a replica has come by itself. */
  #progressOf({ applied, lag }: Replica): number {
    const { world } = this;
    if (!world.hasFaults) return this.#log.length;
    if (lag === 'stuck') return applied;
    if (lag === 'quick') return world.chance(0.5) ? world.between(applied, this.#log.length) : applied;
    let count = applied;
    while (count < this.#log.length && (this.#log[count]?.at ?? 0) <= world.now - lag) count++;
    return count;
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

  #fail(process: Process, messages: readonly string[], what: string): never {
    process.d1Failures++;
    const message = this.world.pick(messages) ?? '';
    this.world.trace?.(process, `D1: ${what}: ${message}`);
    throw new SimulatedFault(message);
  }

  #requireWithinLimits(process: Process, statements: readonly Bound[]): void {
    const begun = (process.operations.d1 ?? 0) + statements.length;
    process.operations.d1 = begun;
    if (!this.world.hardships.has('platform-limits')) return;
    const { parameters, queriesPerInvocation, sqlBytes } = this.limits;
    if (begun > queriesPerInvocation) throw new Error('D1_ERROR: Too many API requests by single Worker invocation.');
    for (const { kind, params } of statements) {
      if (kind.sql.length > sqlBytes) throw new Error('D1_ERROR: statement too long: SQLITE_TOOBIG');
      if (params.length > parameters) throw new Error('D1_ERROR: too many SQL variables: SQLITE_ERROR');
      for (const param of params) this.#requireShort(param);
    }
  }

  #perform(process: Process, statements: readonly Bound[], session: Session, step: string): Row[][] {
    const { world } = this;
    if (world.isAway('d1')) {
      world.coverage.count('outage', step);
      this.#fail(process, [...clear, ...unclear], 'is away');
    }
    if (world.hasFaults && rareSteps.has(step)) world.coverage.count('a rare step among faults', step);
    const seldom = rareSteps.has(step) ? 0.15 : 0.02;
    if (world.fault('faults', 'D1 fails before the batch', seldom, step)) {
      this.#fail(process, [...clear, ...unclear], 'the batch is not applied');
    }
    const results = this.#readReplica(process, statements, session, step);
    if (results) return results;
    const written = this.#run(process, 'primary', (descriptions) => this.#write(statements, descriptions));
    this.#requireShortRows(statements, written);
    // The answer of a commit is worth more than others: the client's token comes from it.
    const lossOf = step === 'commit' ? 0.08 : seldom;
    const isLost = world.fault('faults', 'D1 applies the batch, and the answer is lost', lossOf, step);
    if (!isLost || !world.hardships.has('lost-bookmarks')) session.bookmark = this.#committed;
    if (isLost) this.#fail(process, unclear, 'the batch was applied, but the process receives a failure');
    this.#countLimits(process, statements, written, step);
    return written;
  }

  /** The answer of the nearest replica; undefined where the primary must answer. */
  #readReplica(process: Process, statements: readonly Bound[], session: Session, step: string): Row[][] | undefined {
    const { world } = this;
    const mayUse = session.from !== 'first-primary' || session.bookmark !== null;
    if (!mayUse || !world.hardships.has('replicas') || statements.some(isWrite) || !world.chance(0.6)) return;
    const replica = this.#replicas[process.location];
    if (!replica) return;
    const until = Math.max(this.#progressOf(replica), this.#countUntil(session.bookmark ?? 0));
    const copy = this.#catchUp(replica, until);
    const behind = this.#log.length - replica.applied;
    if (behind > 0) world.coverage.count('D1 answers from an old replica', step);
    const place = `replica ${process.location} (${behind} batches behind)`;
    const results = this.#run(process, place, (descriptions) => copy.batch(statements, [], descriptions));
    this.#requireShortRows(statements, results);
    session.bookmark = Math.max(session.bookmark ?? 0, this.#log[replica.applied - 1]?.number ?? 0);
    return results;
  }

  #requireShortRows(statements: readonly Bound[], results: readonly Row[][]): void {
    if (!this.world.hardships.has('platform-limits')) return;
    for (const [index, { kind }] of statements.entries()) {
      if (!kind.aggregates) continue;
      for (const row of results[index] ?? []) for (const value of Object.values(row)) this.#requireShort(value);
    }
  }

  #requireShort(value: unknown): void {
    if (typeof value === 'string' && value.length > this.limits.valueBytes) {
      this.world.note('D1 refuses a value that is too large');
      throw new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG');
    }
  }

  /** Counts which limits the code has reached. */
  #countLimits(process: Process, statements: readonly Bound[], results: readonly Row[][], step: string): void {
    const { coverage } = this.world;
    const { limits } = process.release;
    for (const [index, { kind, params }] of statements.entries()) {
      const { limit } = kind;
      if (limit === undefined || (results[index]?.length ?? 0) < limits[limit]) continue;
      const isReached = limit !== 'firstPageSize' || params.at(-1) === limits[limit];
      if (isReached) coverage.count('limit reached', limit);
      if (limit !== 'deliveriesPerRelayRound') continue;
      const rounds = `rounds of ${params[0]}`;
      process.operations[rounds] = (process.operations[rounds] ?? 0) + 1;
      if (process.operations[rounds] === limits.relayRoundsPerRun) coverage.count('limit reached', 'relayRoundsPerRun');
    }
    const inserts = statements.filter(({ kind }) => kind.step === 'commit');
    if (inserts.length > 1) coverage.count('limit reached', 'bytesPerParameter');
    // Only a command looks for unsettled keys in a request: its inline projection could not claim them.
    const isBusy = step === 'find unsettled keys' && process.name === 'request' && (results[0]?.length ?? 0) > 0;
    if (isBusy) coverage.count('a command finds its access document busy', '');
  }

  /** The binding as a process sees it. */
  bind(process: Process): D1Database {
    const withSession = (from: string) => {
      const session: Session = { from, bookmark: /^\d+$/.test(from) ? Number(from) : null };
      const run = async (statements: readonly Bound[]) => {
        this.#requireWithinLimits(process, statements);
        const step = stepOf(process, statements);
        const result = this.world.operation(
          process,
          step,
          () => this.#perform(process, statements, session, step),
          () => {
            if (!statements.some(isWrite)) return;
            try {
              this.#run(process, 'primary, after the death', (descriptions) => this.#write(statements, descriptions));
            } catch {
              // The batch was sent before the death, so D1 may refuse it, and no process receives the refusal.
            }
          },
        );
        if (rareSteps.has(step) && this.world.fault('deaths', 'a process dies', 0.1, process.name)) {
          this.world.kill(process);
        }
        return result;
      };
      return createSession(run, () => (session.bookmark === null ? null : String(session.bookmark)));
    };
    // The model has only what sessions and drizzle call.
    return { withSession } as unknown as D1Database;
  }

  /** A binding that answers at once from the primary, and never fails: for the checks. */
  bindDirectly(): D1Database {
    return bindCopy(this.#primary);
  }

  close(): void {
    this.#primary.close();
    for (const { copy } of this.#replicas) copy?.close();
  }
}

/** A binding to one copy of the database that answers at once and never fails. */
export function bindCopy(copy: Copy): D1Database {
  const run = async (statements: readonly Bound[]) => copy.batch(statements);
  // The model has only what sessions and drizzle call.
  return { withSession: () => createSession(run, () => null) } as unknown as D1Database;
}

interface D1Statement {
  bound: Bound;
  bind(...values: unknown[]): D1Statement;
  all(): Promise<{ results: Row[] | undefined }>;
  run(): Promise<{ results: Row[] | undefined }>;
  raw(): Promise<unknown[][] | undefined>;
}

function createSession(run: (statements: readonly Bound[]) => Promise<Row[][]>, getBookmark: () => string | null) {
  const make = (kind: StatementKind, params: SQLInputValue[]): D1Statement => ({
    bound: { kind, params },
    bind: (...values) => make(kind, values.map(toSql)),
    all: async () => ({ results: (await run([{ kind, params }]))[0] }),
    run: async () => ({ results: (await run([{ kind, params }]))[0] }),
    raw: async () => (await run([{ kind, params }]))[0]?.map((row) => Object.values(row)),
  });
  return {
    prepare: (sql: string) => make(kindOf(sql), []),
    batch: async (statements: D1Statement[]) =>
      (await run(statements.map(({ bound }) => bound))).map((results) => ({ results })),
    getBookmark,
  };
}

/** What a process does with this batch. Other batches have the name of the process: a load, or a read. */
function stepOf({ name }: Process, statements: readonly Bound[]): string {
  for (const { kind } of statements) if (kind.step !== undefined) return kind.step;
  return `other (${name})`;
}

function toSql(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === undefined) throw new Error("D1_TYPE_ERROR: Type 'undefined' not supported");
  return value as SQLInputValue;
}

function withCount([text, same]: [string, readonly string[]]): string {
  return same.length === 1 ? text : `${same.length}× ${text}`;
}
