import type { Outbox } from '../cqrs/log/outbox';
import { findKeysToRecheck } from '../cqrs/reading/projection-steps';
import type { Projector } from '../cqrs/reading/projector';
import type { Clock } from '../platform/clock';
import { openSession } from '../platform/d1';
import { limits } from '../platform/limits';
import type { Logger } from '../platform/logger';
import type { Dispatch } from './dispatch';

/**
 * Runs on a schedule and guarantees what the send after a commit cannot: it sends again each delivery that was not
 * handled in time, and projects again each key that is to be rechecked.
 */
export function createRelay(options: {
  database: D1Database;
  outbox: Outbox;
  dispatch: Dispatch;
  projector: Projector;
  clock: Clock;
  logger: Logger;
}): () => Promise<void> {
  const { database, outbox, dispatch, projector, clock, logger } = options;

  async function resend(): Promise<number> {
    let sent = 0;
    for (let round = 0; round < limits.relayRoundsPerRun; round++) {
      const due = await outbox.takeDue(limits.deliveriesPerRelayRound);
      await dispatch(due);
      sent += due.length;
      if (due.length < limits.deliveriesPerRelayRound) break;
    }
    return sent;
  }

  async function recheck(): Promise<number> {
    const { db } = openSession(database, 'first-primary');
    const keys = await findKeysToRecheck(db, clock.now(), limits.keysToRecheckPerRun);
    await projector.projectAgain(keys);
    return keys.length;
  }

  return async () => {
    // A failure of one task does not stop the other; the next run continues with the rest.
    const [resent, rechecked] = await Promise.allSettled([resend(), recheck()]);
    for (const result of [resent, rechecked]) {
      if (result.status === 'rejected') logger.error('relay.failed', result.reason);
    }
    logger.info('relay.ran', {
      resent: resent.status === 'fulfilled' ? resent.value : null,
      rechecked: rechecked.status === 'fulfilled' ? rechecked.value : null,
    });
  };
}
