import type { Clock, Wait } from './clock';
import type { Logger } from './logger';

/**
 * Runs work for which the response does not wait. Work that fails is tried again with growing random waits. In the end
 * its failure is logged under this event, and nobody else learns of it.
 */
export type RunInBackground = (failureEvent: string, work: () => Promise<unknown>) => void;

const tries = 4;
/** The platform ends an invocation 30 seconds after its response. No try begins so late that it could be cut off. */
const lastStartMs = 15_000;

export function createBackground(options: {
  clock: Clock;
  logger: Logger;
  wait: Wait;
  waitUntil(promise: Promise<unknown>): void;
}): RunInBackground {
  const { clock, logger, wait, waitUntil } = options;

  async function runWithRetries(work: () => Promise<unknown>): Promise<void> {
    const begun = clock.now();
    for (let attempt = 1; ; attempt++) {
      try {
        await work();
        return;
      } catch (error) {
        if (attempt === tries || clock.now() - begun > lastStartMs) throw error;
        await wait(Math.round(500 * 2 ** attempt * (0.5 + Math.random() / 2)));
      }
    }
  }

  return (failureEvent, work) => {
    waitUntil(runWithRetries(work).catch((error) => logger.error(failureEvent, error)));
  };
}
