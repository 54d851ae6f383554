import { Chance } from './chance';
import { Coverage } from './coverage';
import type { Hardship, Hardships } from './hardships';
import { createTrace, type Trace } from './trace';

/** The faults of a history: which of them may happen, which happened, and which services are away. */
export class Faults extends Chance {
  now = Date.parse('2026-01-01T08:00:00.000Z');
  /** Whether faults happen. */
  hasFaults = true;
  readonly coverage = new Coverage();
  /** Prints one step of the history. Undefined unless tracing is on: `trace?.(…)` then does not even make the text. */
  readonly trace: Trace | undefined;
  /** The services that are away, and until when. */
  readonly #outages = new Map<string, number>();

  constructor(
    seed: number,
    readonly hardships: Hardships,
    print?: (line: string) => unknown,
  ) {
    super(seed);
    const start = this.now;
    this.trace = print && createTrace(() => this.now - start, print);
  }

  /** Whether the world is this hard, at the moment. */
  isHard(hardship: Hardship): boolean {
    return this.hasFaults && this.hardships.has(hardship);
  }

  /** Whether a fault happens now to this step. The fault is counted. */
  fault(hardship: Hardship, kind: string, probability: number, step = ''): boolean {
    // Chance is asked in any case, so that a seed without a hardship resembles the seed with it.
    const happens = this.chance(probability) && this.isHard(hardship);
    if (happens) this.note(kind, step);
    return happens;
  }

  /** Counts something that happened to a step. */
  note(kind: string, step = ''): void {
    this.coverage.count(kind, step);
    this.trace?.('FAULT', step ? `${kind}: ${step}` : kind);
  }

  /** Whether the service is away. */
  isAway(service: string): boolean {
    return this.isHard('outages') && (this.#outages.get(service) ?? 0) > this.now;
  }

  startOutage(service: string, ms: number): void {
    this.#outages.set(service, this.now + ms);
    this.note('outage begins', service);
  }

  get hasOutage(): boolean {
    return [...this.#outages.keys()].some((service) => this.isAway(service));
  }
}
