import { type Bound, Copy, type Row } from './sqlite';
import type { World } from './world';

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
  copied: number;
  /** How many batches of the log the replica shows. */
  applied: number;
  /** `quick` catches up now and then, `slow` is so many milliseconds behind, `stuck` waits for a bookmark. */
  lag: 'quick' | 'stuck' | number;
}

/** A copy of the database that answers, and the number of the newest batch that it has. */
interface Answering {
  copy: Copy;
  newest: number;
  behind: number;
}

/** The primary and its replicas, each with a lag of its own. */
export class D1Copies {
  #primary = Copy.open();
  #replicas: Replica[];
  #log: Committed[] = [];
  #committed = 0;

  constructor(readonly world: World) {
    this.#replicas = this.#createReplicas();
  }

  /** One replica that is never far behind, and one that is. The third location is next to the primary. */
  #createReplicas(): Replica[] {
    const lags = [this.world.pick(['quick', 'quick', 20_000] as const), this.world.pick(['stuck', 90_000] as const)];
    return lags.map((lag = 'quick') => ({ copy: undefined, copied: 0, applied: 0, lag }));
  }

  get primary(): Copy {
    return this.#primary;
  }

  /** The number of the newest batch. */
  get committed(): number {
    return this.#committed;
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

  /** Runs a batch on the primary. */
  write(statements: readonly Bound[], descriptions?: string[]): Row[][] {
    const writes: Bound[] = [];
    const results = this.#primary.batch(statements, writes, descriptions);
    if (writes.length > 0) this.#log.push({ number: ++this.#committed, at: this.world.now, writes });
    return results;
  }

  /** The replica of a location, at least as new as a bookmark; undefined where the primary is the nearest. */
  replicaOf(location: number, bookmark: number): Answering | undefined {
    const replica = this.#replicas[location];
    if (!replica) return undefined;
    const until = Math.max(this.#progressOf(replica), this.#countUntil(bookmark));
    replica.applied = until;
    const newest = this.#log[until - 1]?.number ?? 0;
    // A replica that has everything answers as the primary does; its copy is brought up to date when it is behind again.
    if (until === this.#log.length) return { copy: this.#primary, newest, behind: 0 };
    replica.copy ??= Copy.open();
    for (; replica.copied < until; replica.copied++) replica.copy.replay(this.#log[replica.copied]?.writes ?? []);
    return { copy: replica.copy, newest, behind: this.#log.length - until };
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

  close(): void {
    this.#primary.close();
    for (const { copy } of this.#replicas) copy?.close();
  }
}
