import type { DueDeliveries } from '../cqrs/log/due-deliveries';
import { type Subscription, subscriptions } from '../cqrs/log/event';
import type { Projector } from '../cqrs/reading/projector';
import { findKeysToRecheck } from '../cqrs/reading/settled';
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
  due: DueDeliveries;
  dispatch: Dispatch;
  projector: Projector;
  clock: Clock;
  logger: Logger;
}): () => Promise<void> {
  const { database, due, dispatch, projector, clock, logger } = options;

  /** Takes and sends one round of due deliveries, and returns how many were due and how many were sent. */
  async function sendRound(subscription: Subscription) {
    const events = await due.take(subscription, limits.deliveriesPerRelayRound);
    let sent = events.length;
    for (const unsent of await dispatch(events.map((event) => ({ subscription, event })))) {
      sent -= unsent.events.length;
      logger.error('relay.failed', unsent.error, { subscription, deliveries: unsent.events.length });
      await due.giveBack(subscription, unsent.events);
    }
    return { due: events.length, sent };
  }

  /** A queue that fails stops neither the next rounds nor the other subscriptions. */
  async function resend(subscription: Subscription): Promise<number> {
    let resent = 0;
    for (let round = 0; round < limits.relayRoundsPerRun; round++) {
      try {
        const { due: taken, sent } = await sendRound(subscription);
        resent += sent;
        if (taken < limits.deliveriesPerRelayRound) break;
      } catch (error) {
        logger.error('relay.failed', error, { subscription });
        break;
      }
    }
    return resent;
  }

  async function recheck(): Promise<number | null> {
    try {
      const { db } = openSession(database, 'first-primary');
      const keys = await findKeysToRecheck(db, clock.now(), limits.keysToRecheckPerRun);
      await projector.projectAgain(keys);
      return keys.length;
    } catch (error) {
      logger.error('relay.failed', error);
      return null;
    }
  }

  return async () => {
    const [rechecked, ...resent] = await Promise.all([recheck(), ...subscriptions.map(resend)]);
    logger.info('relay.ran', { resent: resent.reduce((sum, count) => sum + count, 0), rechecked });
  };
}
