import { createTrace, type Trace } from './trace';
import { type Finding, InvariantViolation } from './violation';

/** A random number generator that a seed fixes (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One invocation of the Worker. It can die between any two awaits; a dead process receives no result any more. */
export interface Process {
  name: string;
  id: number;
  dead: boolean;
  /** Where the process runs: KV has a cache for each location. */
  location: number;
  /** What the process gave to `waitUntil`: the process lives until this work has ended too. */
  background: Promise<unknown>[];
}

/** Something that a process waits for. `orphan` runs instead of `start` when the process dies first. */
interface Operation {
  process: Process;
  start(): void;
  orphan(): void;
}

interface Timer {
  at: number;
  run(): void;
}

/** How often each kind of fault has happened. */
export interface Faults {
  [kind: string]: number;
}

/** Time, chance, and all operations in progress. One seed makes one history. */
export class World {
  now = Date.parse('2026-01-01T00:00:00.000Z');
  /** Whether faults happen. */
  hasFaults = true;
  readonly faults: Faults = {};
  readonly processes = new Set<Process>();
  /** Prints one step of the history. Undefined unless tracing is on: `trace?.(…)` then does not even make the text. */
  readonly trace: Trace | undefined;
  readonly random: () => number;
  #operations: Operation[] = [];
  #timers: Timer[] = [];
  #spawned = 0;
  #failure: InvariantViolation | undefined;

  constructor(
    readonly seed: number,
    print?: (line: string) => unknown,
  ) {
    this.random = createRandom(seed);
    const start = this.now;
    this.trace = print && createTrace(() => this.now - start, print);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** Whether a fault of this kind happens now. The fault is counted. */
  fault(kind: string, probability: number): boolean {
    if (!this.hasFaults || !this.chance(probability)) return false;
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    this.trace?.('FAULT', kind);
    return true;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Begins an operation. The simulation chooses when it takes effect; `orphan` runs instead when the process dies. */
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

  /** Records a violation inside of a process. It ends the history, so that the last lines of a trace lead to it. */
  fail(finding: Finding, cause?: unknown): void {
    this.#failure ??=
      cause instanceof InvariantViolation ? cause : new InvariantViolation(this.seed, finding, { cause });
  }

  /** Runs all promises until each of them waits for an operation or a timer. @throws InvariantViolation */
  async runPromises(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure) throw this.#failure;
  }

  /** Completes one of the operations in progress. @throws InvariantViolation */
  async performOne(): Promise<void> {
    const [operation] = this.#operations.splice(Math.floor(this.random() * this.#operations.length), 1);
    operation?.start();
    await this.runPromises();
  }

  /** Moves the clock forward, and runs each timer at its time. @throws InvariantViolation */
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
      await this.runPromises();
    }
    this.now = until;
  }

  get nextTimerAt(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at));
  }

  spawn(name: string, run: (process: Process) => Promise<void>): Process {
    const process: Process = {
      name,
      id: ++this.#spawned,
      dead: false,
      location: this.between(0, 2),
      background: [],
    };
    this.processes.add(process);
    run(process)
      .catch((error: unknown) => {
        const found = `${name} ${process.id}: ${error instanceof Error ? error.stack : error}`;
        this.fail({ expected: 'no process ends with an error', found }, error);
      })
      .then(() => Promise.allSettled(process.background))
      .finally(() => this.processes.delete(process));
    return process;
  }

  /** Ends a process. The operations that it had begun may still take effect. */
  kill(process: Process): void {
    process.dead = true;
    this.processes.delete(process);
    const orphans = this.#operations.filter((operation) => operation.process === process);
    this.#operations = this.#operations.filter((operation) => operation.process !== process);
    this.trace?.(process, `dies; ${orphans.length} operations were in progress`);
    for (const { orphan } of orphans) if (this.chance(0.5)) orphan();
  }
}
