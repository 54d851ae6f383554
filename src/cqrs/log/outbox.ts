import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession, retryUnclear, runBatch } from '../../platform/d1';
import type { RecordedEvent, Subscription } from './event';
import {
  type EventRow,
  eventColumns,
  joinEvents,
  positionOf,
  toRecordedEvent,
  type UnpositionedEvent,
} from './event-log';

/** A delivery that the relay has to send again, with its event. */
export interface DueDelivery {
  subscription: Subscription;
  attempts: number;
  event: RecordedEvent;
}

/**
 * The result of a claim on a delivery: the claim holds it (`claimed`), another consumer holds it (`claimed-elsewhere`),
 * or the delivery is done or dead (`finished`).
 */
export type ClaimResult = 'claimed' | 'claimed-elsewhere' | 'finished';

export interface DeliveryClaim {
  results: ReadonlyMap<number, ClaimResult>;
  /** When the claim runs out, in milliseconds. */
  until: number;
}

/** The outbox: the deliveries whose work is not finished. */
export interface Outbox {
  /**
   * Claims deliveries for a handler whose effect must not happen twice; a claim runs out by itself. If too
   * little time is left for the effect, the delivery counts as claimed elsewhere, so that the effect does not begin.
   */
  claim(subscription: Subscription, positions: readonly number[]): Promise<DeliveryClaim>;
  /** Releases a claim after the effect failed, unless another consumer has claimed the delivery since. */
  release(subscription: Subscription, position: number, claim: DeliveryClaim): Promise<void>;
  /** Records that the work is done. */
  complete(subscription: Subscription, positions: readonly number[]): Promise<void>;
  /** Records a failure, and makes the relay wait until the queue's own retry has happened. */
  recordFailure(subscription: Subscription, position: number, error: string, retryInSeconds: number): Promise<void>;
  /** Marks deliveries as dead letters, which are not tried again until an operator replays them. */
  markDead(subscription: Subscription, positions: readonly number[], error: string): Promise<void>;
  /** Returns the due deliveries and postpones them, so that a second relay does not send them too. */
  takeDue(limit: number): Promise<DueDelivery[]>;
}

/** How long a claim on a delivery holds, counted from before the request for it. */
const claimMs = 60_000;
/** How long an external effect may take, together with the record of its result. */
const effectMs = 30_000;
/** How long the relay waits before it sends the same delivery again. The wait doubles each time, up to an hour. */
const relayBaseMs = 60_000;
const relayCapMs = 3_600_000;
/** After this many sends without a result, the relay marks a delivery as dead. */
const relayTries = 20;
/** How long the relay leaves a new delivery to the send right after the commit. */
const firstSendMs = 30_000;

/** The statement that adds the deliveries of new events to the outbox, for the batch that appends the events. */
export function insertDeliveries(
  db: Database,
  events: readonly UnpositionedEvent[],
  subscriptionsOf: (type: string) => readonly Subscription[],
  now: number,
) {
  const wanted = events.flatMap(({ id, type }) => subscriptionsOf(type).map((subscription) => ({ id, subscription })));
  return db.run(sql`
    INSERT INTO deliveries (position, subscription, available_at)
    SELECT ${positionOf(sql`value->>'id'`)}, value->>'subscription', ${now + firstSendMs}
    FROM json_each(${JSON.stringify(wanted)})`);
}

export function createOutbox(database: D1Database, clock: Clock, wait: (ms: number) => Promise<unknown>): Outbox {
  const open = () => openSession(database, 'first-primary').db;
  const isAmong = (positions: readonly number[]) =>
    sql`position IN (SELECT value FROM json_each(${JSON.stringify(positions)}))`;
  return {
    async claim(subscription, positions) {
      const now = clock.now();
      const until = now + claimMs;
      const db = open();
      const [before, claimed] = await runBatch(db, [
        db.all<{ position: number }>(sql`
          SELECT position FROM deliveries
          WHERE subscription = ${subscription} AND ${isAmong(positions)} AND status = 'pending'`),
        db.all<{ position: number }>(sql`
          UPDATE deliveries SET claimed_until = ${until}
          WHERE subscription = ${subscription} AND ${isAmong(positions)}
            AND claimed_until <= ${now} AND status = 'pending'
          RETURNING position`),
      ]);
      const present = new Set(before.map(({ position }) => position));
      const ours = new Set(claimed.map(({ position }) => position));
      const isTooLate = clock.now() + effectMs > until;
      const resultOf = (position: number): ClaimResult => {
        if (!present.has(position)) return 'finished';
        return ours.has(position) && !isTooLate ? 'claimed' : 'claimed-elsewhere';
      };
      return { results: new Map(positions.map((position) => [position, resultOf(position)])), until };
    },

    async release(subscription, position, { until }) {
      await open().run(sql`
        UPDATE deliveries SET claimed_until = 0
        WHERE subscription = ${subscription} AND position = ${position} AND claimed_until = ${until}`);
    },

    async complete(subscription, positions) {
      // The write is repeated, because a completion that is not recorded would send an e-mail a second time.
      await retryUnclear(
        () => open().run(sql`DELETE FROM deliveries WHERE subscription = ${subscription} AND ${isAmong(positions)}`),
        wait,
      );
    },

    async recordFailure(subscription, position, error, retryInSeconds) {
      await open().run(sql`
        UPDATE deliveries SET attempts = attempts + 1, last_error = ${error},
          available_at = ${clock.now() + retryInSeconds * 1000 + relayBaseMs}
        WHERE subscription = ${subscription} AND position = ${position} AND status = 'pending'`);
    },

    async markDead(subscription, positions, error) {
      await open().run(sql`
        UPDATE deliveries SET status = 'dead', last_error = coalesce(last_error, ${error})
        WHERE subscription = ${subscription} AND ${isAmong(positions)}`);
    },

    async takeDue(limit) {
      const now = clock.now();
      const db = open();
      const due = sql`
        SELECT position, subscription, attempts FROM deliveries WHERE status = 'pending' AND available_at <= ${now}
        ORDER BY available_at, position LIMIT ${limit}`;
      const [rows] = await runBatch(db, [
        db.all<EventRow & Pick<DueDelivery, 'attempts' | 'subscription'>>(sql`
          SELECT ${eventColumns}, due.subscription, due.attempts FROM (${due}) AS due ${joinEvents}`),
        db.run(sql`
          UPDATE deliveries SET attempts = attempts + 1,
            available_at = ${now} + min(${relayCapMs}, ${relayBaseMs} << min(attempts, 10)),
            status = CASE WHEN attempts + 1 >= ${relayTries} THEN 'dead' ELSE status END,
            last_error = CASE WHEN attempts + 1 >= ${relayTries}
              THEN coalesce(last_error, 'no consumer handled it after ${sql.raw(String(relayTries))} sends')
              ELSE last_error END
          WHERE (position, subscription) IN (SELECT position, subscription FROM (${due}))`),
      ]);
      return rows.map(({ subscription, attempts, ...row }) => ({
        subscription,
        attempts,
        event: toRecordedEvent(row),
      }));
    },
  };
}
