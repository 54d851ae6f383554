import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { openSession, runBatch } from '../../platform/d1';
import { describeError } from '../../platform/failure';
import type { EventKey, RecordedEvent, Subscription } from './event';
import { type EventRow, eventColumns, joinEvents, toRecordedEvent } from './event-log';
import { deliveryTimes, growingWait, isPending, markAsDead } from './outbox';

/** The deliveries that the relay sends again. */
export interface DueDeliveries {
  /**
   * Takes the events whose deliveries are due, and puts these off, so that a second relay does not send them too. A row
   * of the log that cannot be read becomes a dead letter, because it would hold up what is taken together with it.
   */
  take(subscription: Subscription, limit: number): Promise<RecordedEvent[]>;
  /** Gives back deliveries whose queue did not take them. They are due again soon, as if they had not been taken. */
  giveBack(subscription: Subscription, events: readonly EventKey[]): Promise<void>;
  /**
   * Finds which of these deliveries, sent since a time (milliseconds), no consumer has finished. A delivery whose work
   * failed since then counts as finished: it waits for its next try, and must not hold up the others.
   */
  findUnfinished(subscription: Subscription, events: readonly EventKey[], since: number): Promise<EventKey[]>;
}

export function createDueDeliveries(database: D1Database, clock: Clock): DueDeliveries {
  return {
    async take(subscription, limit) {
      const now = clock.now();
      const { db } = openSession(database, 'first-primary');
      const due = sql`
        SELECT position FROM deliveries WHERE subscription = ${subscription} AND status = 'pending' AND available_at <= ${now}
        ORDER BY available_at, position LIMIT ${limit}`;
      const isDue = sql`subscription = ${subscription} AND position IN (${due})`;
      const [rows] = await runBatch(db, [
        db.all<EventRow>(sql`SELECT ${eventColumns} FROM deliveries ${joinEvents} WHERE ${isDue}`),
        db.run(
          sql`UPDATE deliveries SET attempts = attempts + 1, available_at = ${now} + ${growingWait()} WHERE ${isDue}`,
        ),
      ]);
      const events: RecordedEvent[] = [];
      for (const row of rows) {
        try {
          events.push(toRecordedEvent(row));
        } catch (error) {
          await db.run(markAsDead(subscription, [row], { error: describeError(error), now: clock.now() }));
        }
      }
      return events;
    },

    async giveBack(subscription, events) {
      const { db } = openSession(database, 'first-primary');
      await db.run(sql`
        UPDATE deliveries SET attempts = max(0, attempts - 1), available_at = ${clock.now() + deliveryTimes.waitMs}
        WHERE ${isPending(subscription, events)}`);
    },

    async findUnfinished(subscription, events, since) {
      const { db } = openSession(database, 'first-primary');
      const rows = await db.all<{ position: number }>(sql`
        SELECT position FROM deliveries
        WHERE ${isPending(subscription, events)} AND coalesce(last_failed_at, 0) < ${since}`);
      const unfinished = new Set(rows.map(({ position }) => position));
      return events.filter(({ position }) => unfinished.has(position));
    },
  };
}
