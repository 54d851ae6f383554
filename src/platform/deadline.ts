import type { Wait, WaitSignal } from './clock';

/** Why a timer is stopped whose work is done. */
const done = new Error('The work was done in time.');

/** The signal of a deadline. Every call of D1 and KV has one, and an AbortController costs more than the rest of it. */
class Cancellation implements WaitSignal {
  readonly reason = done;
  #listener: (() => void) | undefined;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  cancel(): void {
    this.#listener?.();
  }
}

/**
 * Gives work a limited time. Work that is not done by then goes on or not, but nobody waits for it any more.
 * @param late makes the error of work that took too long
 */
export async function withDeadline<Result>(
  ms: number,
  wait: Wait,
  run: () => Promise<Result>,
  late: () => Error,
): Promise<Result> {
  const signal = new Cancellation();
  const deadline = wait(ms, { signal }).then(() => {
    throw late();
  });
  try {
    // The inner function turns an exception of `run` itself into a rejection, so that the timer is always removed.
    return await Promise.race([(async () => run())(), deadline]);
  } finally {
    signal.cancel();
  }
}
