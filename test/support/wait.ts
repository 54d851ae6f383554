import type { Wait } from '../../src/platform/clock';

/** Time for tests: a pause ends at once and moves the clock, and a deadline (a wait with a signal) never ends. */
export function createTime(start: number = Date.now()) {
  let now = start;
  const pauses: number[] = [];
  const wait: Wait = async (ms, { signal } = {}) => {
    if (signal) return new Promise(() => {});
    pauses.push(ms);
    now += ms;
  };
  return { clock: { now: () => now }, pauses, wait };
}

/**
 * Time for tests of work that is given up: a pause ends at once, and every deadline ends as soon as nothing else can go on.
 * @param settle waits until nothing else can go on
 */
export function createStalledTime(settle: () => Promise<unknown>, start: number = Date.now()) {
  let now = start;
  const open = new Set<AbortSignal>();
  const wait: Wait = async (ms, { signal } = {}) => {
    if (!signal) {
      now += ms;
      return;
    }
    open.add(signal);
    signal.addEventListener('abort', () => open.delete(signal));
    const at = now;
    await settle();
    if (signal.aborted) throw signal.reason;
    open.delete(signal);
    now = Math.max(now, at + ms);
  };
  return { clock: { now: () => now }, open, wait };
}
