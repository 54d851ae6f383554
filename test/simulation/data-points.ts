import { InvariantViolation } from './violation';
import type { World } from './world';

/** The data points of Analytics Engine until the first restore; after it positions repeat, so that a point names no event. */
export class DataPoints {
  readonly #counts = new Map<string, number>();
  #wasRestored = false;

  constructor(readonly world: World) {}

  readonly dataset = {
    writeDataPoint: ({ blobs = [], doubles = [] }: AnalyticsEngineDataPoint = {}) => {
      if (this.#wasRestored) return;
      const event = [...blobs, ...doubles].join(' ');
      this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
    },
  };

  restored(): void {
    this.#wasRestored = true;
  }

  /** @throws InvariantViolation for an event with two data points, and for a history without any */
  check(): void {
    const { seed } = this.world;
    const doubled = [...this.#counts].find(([, count]) => count > 1);
    const expected = 'each event has at most one data point, and finished events have them';
    if (doubled) throw new InvariantViolation(seed, { expected, found: `${doubled[1]} data points of ${doubled[0]}` });
    if (this.#counts.size === 0) throw new InvariantViolation(seed, { expected, found: 'no data point at all' });
  }
}
