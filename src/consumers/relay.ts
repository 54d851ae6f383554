import type { Deliveries } from '../cqrs/log/outbox';
import { findDoubtful } from '../cqrs/reading/projection-steps';
import type { Projector } from '../cqrs/reading/projector';
import type { Clock } from '../platform/clock';
import { openSession } from '../platform/d1';
import type { Logger } from '../platform/logger';
import type { Dispatch } from './dispatch';

const deliveriesPerRound = 500;
const roundsPerRun = 10;
const doubtfulPerRun = 400;

/**
 * The guarantee behind the fast path, run on a schedule: sends again what has not been handled in time, and
 * projects the keys whose last put is in doubt.
 */
export function createRelay(options: {
  database: D1Database;
  deliveries: Deliveries;
  dispatch: Dispatch;
  projector: Projector;
  clock: Clock;
  logger: Logger;
}): () => Promise<void> {
  const { database, deliveries, dispatch, projector, clock, logger } = options;

  async function resend(): Promise<number> {
    let sent = 0;
    for (let round = 0; round < roundsPerRun; round++) {
      const due = await deliveries.takeDue(deliveriesPerRound);
      await dispatch(due);
      sent += due.length;
      if (due.length < deliveriesPerRound) break;
    }
    return sent;
  }

  async function settle(): Promise<number> {
    const { db } = openSession(database, 'first-primary');
    const keys = await findDoubtful(db, clock.now(), doubtfulPerRun);
    await projector.refresh(keys);
    return keys.length;
  }

  return async () => {
    // Each of the two goes on when the other fails; what is left is still there for the next run.
    const [resent, settled] = await Promise.allSettled([resend(), settle()]);
    for (const result of [resent, settled]) {
      if (result.status === 'rejected') logger.error('relay.failed', result.reason);
    }
    logger.info('relay.ran', {
      resent: resent.status === 'fulfilled' ? resent.value : null,
      settled: settled.status === 'fulfilled' ? settled.value : null,
    });
  };
}
