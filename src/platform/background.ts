import type { Clock, Wait } from './clock';
import type { Logger } from './logger';
import { backoffMs } from './retry';

/**
 * Runs work for which the response does not wait. Work that fails is tried again with growing random waits. In the end
 * its failure is logged under this event, and nobody else learns of it.
 */
export type RunInBackground = (failureEvent: string, work: () => Promise<unknown>) => void;

const tries = 4;
const pauses = { firstMs: 1_000, longestMs: 4_000 };
/**
 * The platform ends an invocation 30 seconds after its response, and then nobody would log the failure. A try in which D1
 * stalls takes more than 15 seconds, so none begins later than this.
 */
const lastStartMs = 12_000;

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
        const pauseMs = backoffMs(attempt, pauses);
        if (attempt === tries || clock.now() + pauseMs - begun > lastStartMs) throw error;
        await wait(pauseMs);
      }
    }
  }

  return (failureEvent, work) => {
    waitUntil(runWithRetries(work).catch((error) => logger.error(failureEvent, error)));
  };
}
