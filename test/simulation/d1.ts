import type { SQLInputValue } from 'node:sqlite';
import { bindCopy, createSession } from './d1-binding';
import { D1Copies } from './d1-copies';
import { nameOf, openErrors } from './d1-errors';
import { D1Gate } from './d1-limits';
import { stall } from './d1-stalls';
import { type Process, SimulatedFault } from './process';
import { type Bound, isWrite, kindOf, type Row } from './sqlite';
import { rareSteps } from './steps';
import { describeCause } from './trace';
import type { World } from './world';

interface Session {
  from: string;
  /** The newest state that the session knows of; null before the first answer. */
  bookmark: number | null;
}

/**
 * D1 on real SQLite. A batch may be applied and still be reported as failed, or answered late or never. A session sees at
 * least the state that its bookmark names, and learns its bookmark only from an answer that arrives.
 */
export class D1Model {
  readonly #copies: D1Copies;
  readonly gate: D1Gate;

  constructor(readonly world: World) {
    this.#copies = new D1Copies(world);
    this.gate = new D1Gate(world);
  }

  /** Runs a statement without faults, for the set-up and for the checks. */
  query<Result extends Row>(sql: string, ...params: SQLInputValue[]): Result[] {
    // The rows are what the test's own SQL names.
    return this.#copies.write([{ kind: kindOf(sql), params }])[0] as Result[];
  }

  /** The number of batches so far, as a moment to which D1 can be restored. */
  get moment(): number {
    return this.#copies.moment;
  }

  /** Returns to an earlier moment, as Time Travel does. */
  restore(moment: number): void {
    this.#copies.restore(moment);
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

  #fail(process: Process, step: string, when: string): never {
    process.d1Failures++;
    const { world } = this;
    const message = world.pick(openErrors) ?? '';
    if (step === 'commit') world.coverage.count(`a commit fails ${when}`, nameOf(message));
    world.trace?.(process, `D1 fails ${when}: ${message}`);
    throw new SimulatedFault(message);
  }

  #perform(process: Process, statements: readonly Bound[], session: Session, step: string): Row[][] {
    const { gate, world } = this;
    const copies = this.#copies;
    if (world.isAway('d1')) {
      world.coverage.count('outage', step);
      this.#fail(process, step, 'before the write');
    }
    if (world.hasFaults && rareSteps.has(step)) world.coverage.count('a rare step among faults', step);
    const seldom = rareSteps.has(step) ? 0.15 : 0.02;
    if (world.fault('faults', 'D1 fails before the batch', step === 'commit' ? 0.05 : seldom, step)) {
      this.#fail(process, step, 'before the write');
    }
    const results = this.#readReplica(process, statements, session, step);
    if (results) return results;
    const written = this.#run(process, 'primary', (descriptions) => copies.write(statements, descriptions));
    gate.requireRows(statements, written);
    // The answer of a commit is worth more than others: the client's token comes from it.
    const lossOf = step === 'commit' ? 0.08 : seldom;
    const isLost = world.fault('faults', 'D1 applies the batch, and the answer is lost', lossOf, step);
    if (!isLost || !world.hardships.has('lost-bookmarks')) session.bookmark = copies.committed;
    if (isLost) this.#fail(process, step, 'after the write');
    gate.count(process, statements, written, step);
    return written;
  }

  /** The answer of the nearest replica; undefined where the primary must answer. */
  #readReplica(process: Process, statements: readonly Bound[], session: Session, step: string): Row[][] | undefined {
    const { world } = this;
    const mayUse = session.from !== 'first-primary' || session.bookmark !== null;
    if (!mayUse || !world.hardships.has('replicas') || statements.some(isWrite) || !world.chance(0.6)) return;
    const replica = this.#copies.replicaOf(process.location, session.bookmark ?? 0);
    if (!replica) return;
    const { behind, copy, newest } = replica;
    if (behind > 0) world.coverage.count('D1 answers from an old replica', step);
    const place = `replica ${process.location} (${behind} batches behind)`;
    const results = this.#run(process, place, (descriptions) => copy.batch(statements, [], descriptions));
    this.gate.requireRows(statements, results);
    session.bookmark = Math.max(session.bookmark ?? 0, newest);
    return results;
  }

  /** The binding as a process sees it. */
  bind(process: Process): D1Database {
    const { gate, world } = this;
    const withSession = (from: string) => {
      const session: Session = { from, bookmark: /^\d+$/.test(from) ? Number(from) : null };
      const run = async (statements: readonly Bound[]) => {
        gate.requireStatements(process, statements);
        const step = stepOf(process, statements);
        const call = () =>
          world.operation(
            process,
            step,
            () => this.#perform(process, statements, session, step),
            () => this.#applyAfterDeath(process, statements),
            true,
          );
        const result = stall(world, process, step, call);
        if (rareSteps.has(step) && world.fault('deaths', 'a process dies', 0.1, process.name)) world.kill(process);
        return result;
      };
      return createSession(run, () => (session.bookmark === null ? null : String(session.bookmark)));
    };
    // The model has only what sessions and drizzle call.
    return { withSession } as unknown as D1Database;
  }

  #applyAfterDeath(process: Process, statements: readonly Bound[]): void {
    if (!statements.some(isWrite)) return;
    try {
      this.#run(process, 'primary, after the death', (descriptions) => this.#copies.write(statements, descriptions));
    } catch {
      // The batch was sent before the death, so D1 may refuse it, and no process receives the refusal.
    }
  }

  /** A binding that answers at once from the primary, and never fails: for the checks. */
  bindDirectly(): D1Database {
    return bindCopy(this.#copies.primary);
  }

  close(): void {
    this.#copies.close();
  }
}

/** What a process does with this batch. Other batches have the name of the process: a load, or a read. */
function stepOf({ name }: Process, statements: readonly Bound[]): string {
  for (const { kind } of statements) if (kind.step !== undefined) return kind.step;
  return `other (${name})`;
}

function withCount([text, same]: [string, readonly string[]]): string {
  return same.length === 1 ? text : `${same.length}× ${text}`;
}
