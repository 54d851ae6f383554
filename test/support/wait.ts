import type { Wait, WaitSignal } from '../../src/platform/clock';

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
 * Time for tests of work that is given up: a pause ends at once and moves the clock, and deadlines end when the test says
 * so.
 * @param advance moves the clock of the test
 */
export function createDeadlines(advance: (ms: number) => void) {
  let now = 0;
  const open = new Map<WaitSignal, { at: number; end(): void }>();
  const pass = (ms: number) => {
    now += ms;
    advance(ms);
  };
  const wait: Wait = async (ms, { signal } = {}) => {
    if (!signal) return pass(ms);
    await new Promise<void>((end, reject) => {
      open.set(signal, { at: now + ms, end });
      signal.addEventListener('abort', () => {
        open.delete(signal);
        reject(signal.reason);
      });
    });
  };
  return {
    wait,
    /** How many timers are left. */
    left: () => open.size,
    /** How many milliseconds have passed. */
    passed: () => now,
    /** The deadline that began last. */
    newest: () => [...open.keys()].at(-1),
    /** Moves the clock to the end of a deadline, and ends the earlier ones on the way. */
    expire(deadline: WaitSignal | undefined) {
      const end = deadline && open.get(deadline)?.at;
      if (end === undefined) throw new Error('The call has no deadline, so it would hang for ever.');
      const due = [...open].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at);
      for (const [signal, next] of due) {
        pass(Math.max(0, next.at - now));
        open.delete(signal);
        next.end();
      }
    },
  };
}
