import type { Logger } from '../../platform/logger';
import type { RecordedEvent } from '../log/event';
import type { Projector } from './projector';

/** How long a response waits for a key that is busy. */
const responseMs = 3_000;
/** How long the background goes on: a claim holds its key no longer, and the runtime ends the invocation soon after. */
const backgroundMs = 30_000;
/** The first wait for a busy key. The waits double, up to `longestWaitMs`. */
const firstWaitMs = 250;
const longestWaitMs = 2_000;

/**
 * Makes the function that projects the inline views of a commit. The key can be busy: claimed elsewhere, or written
 * within the last second. Then the response waits for a short time, and the background for as long as a claim can hold.
 * If that is not enough, the consumer of the queue brings the documents up to date.
 */
export function createInlineProjection(options: {
  projector: Pick<Projector, 'projectInline'>;
  wait(ms: number): Promise<unknown>;
  waitUntil(promise: Promise<unknown>): void;
  logger: Logger;
}): (events: readonly RecordedEvent[]) => Promise<void> {
  const { projector, wait, waitUntil, logger } = options;

  return async (events) => {
    let waited = 0;
    let nextWait = firstWaitMs;
    let failure: unknown;

    /** Tries until the documents are up to date, or until the waits add up to `limit`. */
    async function tryFor(limit: number): Promise<boolean> {
      for (;;) {
        try {
          failure = undefined;
          if (await projector.projectInline(events)) return true;
        } catch (error) {
          failure = error;
        }
        if (waited >= limit) return false;
        const ms = Math.min(nextWait, limit - waited);
        nextWait = Math.min(nextWait * 2, longestWaitMs);
        waited += ms;
        await wait(ms);
      }
    }

    async function goOn(): Promise<void> {
      if (await tryFor(backgroundMs)) return;
      logger.error('inline-projection.failed', failure, { position: events.at(-1)?.position });
    }

    if (!(await tryFor(responseMs))) waitUntil(goOn());
  };
}
