/** A random number generator that a seed fixes (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An invocation of the Worker: it can die between any two awaits, and then hears of nothing any more. */
export interface Process {
  name: string;
  dead: boolean;
  /** Where it runs: KV's caches are per location. */
  location: number;
}

/** Something a process waits for. `orphan` says what becomes of it when the process dies first. */
interface Operation {
  process: Process;
  start(): void;
  orphan(): void;
}

interface Timer {
  at: number;
  run(): void;
}

export interface Faults {
  [kind: string]: number;
}

/** Time, chance, and everything that is under way. One seed makes one history. */
export class World {
  now = Date.parse('2026-01-01T00:00:00.000Z');
  /** Whether things go wrong. */
  hostile = true;
  readonly faults: Faults = {};
  readonly processes = new Set<Process>();
  readonly failures: string[] = [];
  #operations: Operation[] = [];
  #timers: Timer[] = [];

  constructor(readonly random: () => number) {}

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Whether a fault of this kind happens now; it is counted. */
  fault(kind: string, probability: number): boolean {
    if (!this.hostile || !this.chance(probability)) return false;
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    return true;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Starts an operation that ends when the simulation says so; `orphan` runs instead when its process dies. */
  operation<Result>(process: Process, perform: () => Result, orphan: () => void = () => {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (process.dead) return;
      const start = () => {
        try {
          resolve(perform());
        } catch (error) {
          reject(error);
        }
      };
      this.#operations.push({ process, start, orphan });
    });
  }

  after(ms: number, run: () => void): void {
    this.#timers.push({ at: this.now + Math.floor(ms), run });
  }

  wait(process: Process, ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, () => process.dead || resolve()));
  }

  get isBusy(): boolean {
    return this.#operations.length > 0;
  }

  /** Ends one of the operations that are under way. */
  async performOne(): Promise<void> {
    const [operation] = this.#operations.splice(Math.floor(this.random() * this.#operations.length), 1);
    operation?.start();
    await settle();
  }

  /** Lets time pass, and what is due in it happen, in its order. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      const next = this.#timers.reduce<Timer | undefined>(
        (first, timer) => (timer.at <= until && (!first || timer.at < first.at) ? timer : first),
        undefined,
      );
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.run();
      await settle();
    }
    this.now = until;
  }

  get nextTimerAt(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at));
  }

  spawn(name: string, run: (process: Process) => Promise<void>): Process {
    const process = { name, dead: false, location: this.between(0, 2) };
    this.processes.add(process);
    run(process)
      .catch((error: unknown) => this.failures.push(`${name}: ${error instanceof Error ? error.stack : error}`))
      .finally(() => this.processes.delete(process));
    return process;
  }

  /** The process is gone; what it had asked for may still happen. */
  kill(process: Process): void {
    process.dead = true;
    this.processes.delete(process);
    const orphans = this.#operations.filter((operation) => operation.process === process);
    this.#operations = this.#operations.filter((operation) => operation.process !== process);
    for (const { orphan } of orphans) if (this.chance(0.5)) orphan();
  }
}

/** Lets all promises go as far as they can. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
