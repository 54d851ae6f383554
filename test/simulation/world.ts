import type { WaitSignal } from '../../src/platform/clock';
import { Faults } from './faults';
import type { Release } from './history';
import { type Operation, Operations } from './operations';
import type { Process } from './process';
import { type Timer, Timers } from './timers';
import { nextTurn } from './turns';
import { type Finding, InvariantViolation } from './violation';

/** How many operations in progress are a crowd. */
const crowd = 16;
/** How many operations are completed while a long time passes. */
const mostPrompt = 400;
/** How long prompt services take at most. */
const promptMs = 2_000;

/** Time, faults, the processes and all operations in progress. One seed makes one history. */
export class World extends Faults {
  /** The processes of the Worker. */
  readonly processes = new Set<Process>();
  /** The clients: they live outside of the Worker, and nothing kills them. */
  readonly clients = new Set<Process>();
  readonly #operations = new Operations();
  readonly #timers = new Timers();
  #spawned = 0;
  #failure: InvariantViolation | undefined;

  /**
   * Begins an operation. The simulation chooses when it takes effect; `orphan` runs instead when the process dies.
   * @param step what the process does, for the coverage
   * @param isPrompt whether the service goes on answering while a long time passes
   */
  operation<Result>(
    process: Process,
    step: string,
    perform: () => Result,
    orphan: () => void = () => {},
    isPrompt = false,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (process.dead) return;
      const start = () => {
        try {
          resolve(perform());
        } catch (error) {
          reject(error);
        }
      };
      this.#operations.add({ process, step, isPrompt, start, orphan });
    });
  }

  after(ms: number, run: () => void): Timer {
    return this.#timers.add(this.now + Math.max(0, Math.floor(ms)), run);
  }

  /** Waits in a process; fails when the signal is aborted before, and then no timer is left. */
  wait(process: Process, ms: number, signal?: WaitSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.after(ms, () => process.dead || resolve());
      signal?.addEventListener('abort', () => {
        this.#timers.remove(timer);
        reject(signal.reason);
      });
    });
  }

  get nextTimerAt(): number {
    return this.#timers.next?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Whether an operation is in progress. */
  get isBusy(): boolean {
    return this.#operations.count > 0;
  }

  /** Whether so much is in progress that more would only begin, and end after the faults. */
  get isCrowded(): boolean {
    return this.#operations.count > crowd;
  }

  /** Whether no process and no client has anything left to do. */
  get isAtRest(): boolean {
    return !this.isBusy && this.processes.size === 0 && this.clients.size === 0;
  }

  /** Records a violation inside of a process. It ends the history, so that the last lines of a trace lead to it. */
  fail(finding: Finding, cause?: unknown): void {
    this.#failure ??=
      cause instanceof InvariantViolation ? cause : new InvariantViolation(this.seed, finding, { cause });
  }

  /** Runs all promises until each of them waits for an operation or a timer. @throws InvariantViolation */
  async runPromises(): Promise<void> {
    await nextTurn();
    if (this.#failure) throw this.#failure;
  }

  /** Completes one of the operations in progress. @throws InvariantViolation */
  async performOne(): Promise<void> {
    await this.#perform(this.#operations.take(Math.floor(this.random() * this.#operations.count)));
  }

  /**
   * Lets a long time pass, in which prompt services go on answering.
   * @param isPrompt whether all services are prompt
   * @throws InvariantViolation
   */
  async advancePromptly(ms: number, isPrompt: boolean): Promise<void> {
    const until = this.now + ms;
    for (let most = mostPrompt; ; most--) {
      const operation = most > 0 ? this.#operations.takePrompt(isPrompt) : undefined;
      if (operation) await this.#perform(operation);
      else if (this.now >= until) return;
      else await this.advance(Math.min(promptMs, until - this.now));
    }
  }

  async #perform(operation: Operation | undefined): Promise<void> {
    if (!operation) return;
    operation.start();
    await this.runPromises();
  }

  /** Moves the clock forward, and runs each timer at its time. @throws InvariantViolation */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (let timer = this.#timers.next; timer && timer.at <= until; timer = this.#timers.next) {
      this.#timers.removeNext();
      this.now = Math.max(this.now, timer.at);
      timer.run();
      // Timers of the same time run together: none of them can see that another one ran first.
      if (this.#timers.next?.at !== timer.at) await this.runPromises();
    }
    this.now = until;
  }

  /** Runs all processes and clients to their ends, without starting new ones. @throws InvariantViolation */
  async drain(): Promise<void> {
    await this.runPromises();
    while (!this.isAtRest) {
      if (this.isBusy) await this.performOne();
      else if (!this.#timers.next) return;
      else await this.advance(Math.max(1, this.#timers.next.at - this.now));
    }
  }

  /** Makes a process that is not started: for the bindings of a check. */
  createProcess(name: string, deployed: { release: Release; epoch: string }): Process {
    const offset = this.between(-5_000, 5_000);
    return {
      name,
      id: ++this.#spawned,
      dead: false,
      location: this.between(0, 2),
      clockOffset: this.isHard('clocks') ? offset : 0,
      ...deployed,
      operations: {},
      d1Failures: 0,
      isAnswered: false,
      background: [],
    };
  }

  /** Starts a process of the Worker, or a client. An error that `run` throws is a violation. */
  spawn(process: Process, run: (process: Process) => Promise<void>, kind: 'processes' | 'clients' = 'processes'): void {
    this[kind].add(process);
    run(process)
      .catch((error: unknown) => {
        const found = `${process.name} ${process.id}: ${error instanceof Error ? error.stack : error}`;
        this.fail({ expected: 'no process ends with an error', found }, error);
      })
      .then(() => Promise.allSettled(process.background))
      .finally(() => this[kind].delete(process));
  }

  /** Ends a process that still waits for an answer that never comes, as the platform does in the end. */
  giveUp(process: Process): void {
    if (process.dead || !this.processes.has(process)) return;
    this.note('the platform ends an invocation that waits', process.name);
    const waitsForOthers = this.#operations.isWaiting(process);
    if (['request', 'read'].includes(process.name) && !process.isAnswered && !waitsForOthers) {
      const expected = 'a request is answered within a minute although D1 never answers';
      this.fail({ expected, found: `process ${process.id} waits for an answer that never comes` });
    }
    this.kill(process);
  }

  /** Ends a process. The operations that it had begun may still take effect. */
  kill(process: Process): void {
    if (process.dead) return;
    process.dead = true;
    this.processes.delete(process);
    const orphans = this.#operations.takeAllOf(process);
    this.trace?.(process, `dies; ${orphans.length} operations were in progress`);
    for (const { orphan, step } of orphans) {
      const takesEffect = this.chance(0.5);
      this.coverage.count(
        takesEffect ? 'the process dies, the effect happens' : 'the process dies before the effect',
        step,
      );
      if (takesEffect) orphan();
    }
    process.onDeath?.();
  }
}
