/** The source of the time; tests and the simulation replace it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** Tells a wait that its time does not matter any more; an AbortSignal is one. */
export interface WaitSignal {
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** Waits for some milliseconds. When the signal is aborted before, its timer is removed. Tests and the simulation replace it. */
export type Wait = (ms: number, options?: { signal?: WaitSignal }) => Promise<unknown>;

export const systemClock: Clock = { now: () => Date.now() };

/** A wait whose signal is aborted never ends: nobody waits for it. */
export const systemWait: Wait = (ms, { signal } = {}) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => clearTimeout(timer));
  });

/** Formats a time as ISO 8601 in UTC, the form that HTTP bodies, events and state have. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Writes a time in milliseconds in ISO 8601; null where there is no time. */
export const isoTimeOrNull = (ms: number | null | undefined) => (ms == null ? null : isoTime(ms));
