import type { DueDeliveries } from '../cqrs/log/due-deliveries';
import { type EventKey, type RecordedEvent, type Subscription, subscriptions } from '../cqrs/log/event';
import type { Projector } from '../cqrs/reading/projector';
import { findKeysToRecheck } from '../cqrs/reading/settled';
import type { Clock, Wait } from '../platform/clock';
import { openSession } from '../platform/d1';
import { deadlines, limits } from '../platform/limits';
import type { Logger } from '../platform/logger';
import type { Dispatch } from './dispatch';

/** How long the relay waits before it looks again how many deliveries the consumers have finished. */
const pollMs = 1_000;

/**
 * Sends again each delivery that was not handled in time, and projects again each key that is to be rechecked.
 * @param patienceMs how long it goes on while consumers are at work on what it has sent
 */
export type Relay = (patienceMs?: number) => Promise<void>;

/**
 * Makes the relay, which guarantees what the send after a commit cannot. Of a backlog it sends as much as the consumers
 * finish: the backlog stays in D1, where each delivery is once, and a new event waits behind a short queue.
 */
export function createRelay(options: {
  database: D1Database;
  due: DueDeliveries;
  dispatch: Dispatch;
  projector: Projector;
  clock: Clock;
  wait: Wait;
  logger: Logger;
}): Relay {
  const { database, due, dispatch, projector, clock, wait, logger } = options;

  /** Takes and sends one round of due deliveries, and returns how many were due and which were sent. */
  async function sendRound(subscription: Subscription) {
    const events = await due.take(subscription, limits.deliveriesPerRelayRound);
    let sent: readonly RecordedEvent[] = events;
    for (const unsent of await dispatch(events.map((event) => ({ subscription, event })))) {
      const positions = new Set(unsent.events.map(({ position }) => position));
      sent = sent.filter(({ position }) => !positions.has(position));
      logger.error('relay.failed', unsent.error, { subscription, deliveries: unsent.events.length });
      await due.giveBack(subscription, unsent.events);
    }
    return { due: events.length, sent };
  }

  /**
   * Sends rounds until nothing is due, and waits for the consumers where they have as many deliveries as they may.
   * A queue that fails stops neither the next rounds nor the other subscriptions.
   */
  async function resend(subscription: Subscription, patienceMs: number): Promise<number> {
    const startedAt = clock.now();
    let resent = 0;
    let unfinished: readonly EventKey[] = [];
    const isFull = () => unfinished.length + limits.deliveriesPerRelayRound > limits.deliveriesInFlight;
    try {
      for (let round = 0; round < limits.relayRoundsPerRun; round++) {
        while (unfinished.length > 0 && isFull()) {
          if (clock.now() + pollMs > startedAt + patienceMs) return resent;
          await wait(pollMs);
          unfinished = await due.findUnfinished(subscription, unfinished, startedAt);
        }
        const { due: taken, sent } = await sendRound(subscription);
        resent += sent.length;
        unfinished = [...unfinished, ...sent.map(({ id, position }) => ({ id, position }))];
        if (taken < limits.deliveriesPerRelayRound) break;
        // The queue is away. Each further round would only put off more deliveries.
        if (sent.length === 0) break;
        // D1 or the queue is slow. The next run goes on, and not beside this one.
        if (clock.now() - startedAt >= deadlines.relayMs) break;
      }
    } catch (error) {
      logger.error('relay.failed', error, { subscription });
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

  return async (patienceMs = 0) => {
    const resending = subscriptions.map((subscription) => resend(subscription, patienceMs));
    const [rechecked, ...resent] = await Promise.all([recheck(), ...resending]);
    logger.info('relay.ran', { resent: resent.reduce((sum, count) => sum + count, 0), rechecked });
  };
}
