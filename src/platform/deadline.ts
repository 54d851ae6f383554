import type { Wait } from './clock';

/** Why a timer ends that nobody needs any more. Without a reason of its own, each abort would make an error with a stack. */
const done = 'The work is done.';

/**
 * Gives work a limited time. Work that is not done by then goes on or not, but nobody waits for it any more.
 * @param run gets a signal that is aborted when the time is over
 * @param late makes the error of work that took too long
 */
export async function withDeadline<Result>(
  ms: number,
  wait: Wait,
  run: (signal: AbortSignal) => Promise<Result>,
  late: () => Error,
): Promise<Result> {
  const running = new AbortController();
  const waiting = new AbortController();
  const deadline = wait(ms, { signal: waiting.signal }).then(() => {
    running.abort();
    throw late();
  });
  try {
    // The inner function turns an exception of `run` itself into a rejection, so that the timer is always removed.
    return await Promise.race([(async () => run(running.signal))(), deadline]);
  } finally {
    waiting.abort(done);
  }
}
