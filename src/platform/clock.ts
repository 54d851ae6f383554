/** The time, in milliseconds since the Unix epoch; tests and the simulation drive their own. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** ISO 8601 in UTC, the form of every time that crosses HTTP or is stored. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
