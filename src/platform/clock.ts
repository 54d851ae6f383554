/** The source of the time; tests and the simulation replace it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** Waits for some milliseconds; fails when the signal is aborted before. Tests and the simulation replace it. */
export type Wait = (ms: number, options?: { signal?: AbortSignal }) => Promise<unknown>;

export const systemClock: Clock = { now: () => Date.now() };

/** Formats a time as ISO 8601 in UTC, the form that HTTP bodies, events and state have. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
