import type { Wait } from '../../platform/clock';
import { withDeadline } from '../../platform/deadline';
import { deadlines } from '../../platform/limits';
import type { Logger } from '../../platform/logger';
import { backoffMs } from '../../platform/retry';
import type { RecordedEvent } from '../log/event';
import type { Projector } from './projector';

/** How long the background goes on: a claim holds its key no longer, and the runtime ends the invocation soon after. */
const backgroundMs = 30_000;
/** The pauses between tries on a busy key. */
const pauses = { firstMs: 300, longestMs: 1_000 };

/**
 * Makes the function that projects the inline views of a commit. The key can be busy: claimed elsewhere, or written
 * within the last second; or D1 and KV can be slow. Then the response waits for a short time, and the background for as
 * long as a claim can hold. If that is not enough, the consumer of the queue brings the documents up to date.
 */
export function createInlineProjection(options: {
  projector: Pick<Projector, 'projectInline'>;
  wait: Wait;
  waitUntil(promise: Promise<unknown>): void;
  logger: Logger;
}): (events: readonly RecordedEvent[]) => Promise<void> {
  const { projector, wait, waitUntil, logger } = options;

  return async (events) => {
    let failure: unknown;

    /** Tries until the documents are up to date, or until the pauses add up to `backgroundMs`. */
    async function project(): Promise<void> {
      let waited = 0;
      for (let attempt = 1; ; attempt++) {
        try {
          failure = undefined;
          if (await projector.projectInline(events)) return;
        } catch (error) {
          failure = error;
        }
        if (waited >= backgroundMs) break;
        const ms = Math.min(backoffMs(attempt, pauses), backgroundMs - waited);
        waited += ms;
        await wait(ms);
      }
      logger.error('inline-projection.failed', failure, { position: events.at(-1)?.position });
    }

    const projected = project();
    const late = () => new Error('The documents are not up to date yet.');
    await withDeadline(deadlines.inlineProjectionMs, wait, () => projected, late).catch(() => waitUntil(projected));
  };
}
