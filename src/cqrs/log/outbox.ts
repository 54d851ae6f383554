import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { openSession, retryUnclear, runBatch } from '../../platform/d1';
import type { RecordedEvent, Subscription } from './event';
import { type EventRow, toRecordedEvent } from './event-log';

/** A delivery whose time has come, with its event as the log holds it. */
export interface DueDelivery {
  subscription: Subscription;
  attempts: number;
  event: RecordedEvent;
}

/** The state of a delivery as a claim finds it: won, at work elsewhere, or nobody's business any more (done or dead). */
export type ClaimResult = 'won' | 'busy' | 'gone';

export interface DeliveryClaim {
  results: ReadonlyMap<number, ClaimResult>;
  /** When it runs out; milliseconds. */
  until: number;
}

/** The outbox: what has been committed but not yet handled. A row exists exactly as long as the work is not done. */
export interface Deliveries {
  /**
   * Claims deliveries for a handler whose effect must not be doubled; the claim runs out by itself. One that came so
   * late that it could run out before the effect is noted counts as busy: nothing is begun on it.
   */
  claim(subscription: Subscription, positions: readonly number[]): Promise<DeliveryClaim>;
  /** Frees a claim after its effect failed, unless it has run out and is another's now. */
  release(subscription: Subscription, position: number, claim: DeliveryClaim): Promise<void>;
  /** Notes that the work is done. */
  complete(subscription: Subscription, positions: readonly number[]): Promise<void>;
  /** Notes a failure, and keeps the relay away until the queue's own retry has had its turn. */
  recordFailure(subscription: Subscription, position: number, error: string, retryInSeconds: number): Promise<void>;
  /** Makes dead letters: nothing tries them again until somebody replays them. */
  bury(subscription: Subscription, positions: readonly number[], error: string): Promise<void>;
  /** Takes what is due, and puts it off so that a second relay leaves it alone. */
  takeDue(limit: number): Promise<DueDelivery[]>;
}

/** How long a claim on a delivery holds, counted from before it was asked for. */
const claimMs = 60_000;
/** How long an external effect may take, and the note of it. */
const effectMs = 30_000;
/** How long the relay waits before it sends the same delivery again: doubles up to an hour. */
const relayBaseMs = 60_000;
const relayCapMs = 3_600_000;
/** The relay gives up after this many sendings that nobody handled. */
const relayTries = 20;

interface DueRow extends EventRow {
  subscription: Subscription;
  attempts: number;
}

export function createDeliveries(
  database: D1Database,
  clock: Clock,
  wait: (ms: number) => Promise<unknown>,
): Deliveries {
  const open = () => openSession(database, 'first-primary').db;
  return {
    async claim(subscription, positions) {
      const list = JSON.stringify(positions);
      const now = clock.now();
      const until = now + claimMs;
      const db = open();
      const [before, won] = await runBatch(db, [
        db.all<{ position: number }>(sql`
          SELECT position FROM deliveries
          WHERE subscription = ${subscription} AND position IN (SELECT value FROM json_each(${list}))
            AND status = 'pending'`),
        db.all<{ position: number }>(sql`
          UPDATE deliveries SET claimed_until = ${until}
          WHERE subscription = ${subscription} AND position IN (SELECT value FROM json_each(${list}))
            AND claimed_until <= ${now} AND status = 'pending'
          RETURNING position`),
      ]);
      const present = new Set(before.map(({ position }) => position));
      const ours = new Set(won.map(({ position }) => position));
      const isLate = clock.now() + effectMs > until;
      const resultOf = (position: number) =>
        ours.has(position) && !isLate ? 'won' : present.has(position) ? 'busy' : 'gone';
      return { results: new Map(positions.map((position) => [position, resultOf(position)])), until };
    },

    async release(subscription, position, { until }) {
      await open().run(sql`
        UPDATE deliveries SET claimed_until = 0
        WHERE subscription = ${subscription} AND position = ${position} AND claimed_until = ${until}`);
    },

    async complete(subscription, positions) {
      // What is not noted is done again: an e-mail that the provider has would go out twice.
      await retryUnclear(
        () =>
          open().run(sql`
            DELETE FROM deliveries WHERE subscription = ${subscription}
              AND position IN (SELECT value FROM json_each(${JSON.stringify(positions)}))`),
        wait,
      );
    },

    async recordFailure(subscription, position, error, retryInSeconds) {
      await open().run(sql`
        UPDATE deliveries SET attempts = attempts + 1, last_error = ${error},
          available_at = ${clock.now() + retryInSeconds * 1000 + relayBaseMs}
        WHERE subscription = ${subscription} AND position = ${position} AND status = 'pending'`);
    },

    async bury(subscription, positions, error) {
      await open().run(sql`
        UPDATE deliveries SET status = 'dead', last_error = coalesce(last_error, ${error})
        WHERE subscription = ${subscription} AND position IN (SELECT value FROM json_each(${JSON.stringify(positions)}))`);
    },

    async takeDue(limit) {
      const now = clock.now();
      const db = open();
      const due = sql`
        SELECT position, subscription FROM deliveries WHERE status = 'pending' AND available_at <= ${now}
        ORDER BY available_at, position LIMIT ${limit}`;
      const [rows] = await runBatch(db, [
        db.all<DueRow>(sql`
          SELECT due.subscription, deliveries.attempts, events.* FROM (${due}) AS due
            JOIN deliveries USING (position, subscription) JOIN events USING (position)`),
        db.run(sql`
          UPDATE deliveries SET attempts = attempts + 1,
            available_at = ${now} + min(${relayCapMs}, ${relayBaseMs} << min(attempts, 10)),
            status = CASE WHEN attempts + 1 >= ${relayTries} THEN 'dead' ELSE status END,
            last_error = CASE WHEN attempts + 1 >= ${relayTries}
              THEN coalesce(last_error, 'sent again and again, but never handled') ELSE last_error END
          WHERE (position, subscription) IN (${due})`),
      ]);
      return rows.map(({ subscription, attempts, ...row }) => ({
        subscription,
        attempts,
        event: toRecordedEvent(row),
      }));
    },
  };
}
