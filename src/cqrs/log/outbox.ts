import { type SQL, sql } from 'drizzle-orm';
import type { Clock, Wait } from '../../platform/clock';
import { type Database, openSession, retryUnclear, runBatch } from '../../platform/d1';
import { limits } from '../../platform/limits';
import type { EventKey, NewEvent, Subscription } from './event';
import { eventsInLog, positionOf, type UnpositionedEvent } from './event-log';

/**
 * The result of a claim on a delivery: the claim holds it (`claimed`), another consumer holds it (`claimed-elsewhere`),
 * the delivery is done or dead (`finished`), or the log does not have the event (`unknown`).
 */
export type ClaimResult = 'claimed' | 'claimed-elsewhere' | 'finished' | 'unknown';

export interface DeliveryClaim {
  /** The result of each delivery, by the id of its event. */
  results: ReadonlyMap<string, ClaimResult>;
  /** When the claim runs out, in milliseconds. */
  until: number;
}

/**
 * A failure of a delivery's work, without personal data. `own`: the work itself is at fault, and an operator has to look;
 * `platform`: the platform or a provider was away, which passes; `recipient`: an e-mail's address does not take it, which
 * is an outcome and no fault of the system.
 */
export interface DeliveryFailure {
  error: string;
  fault: 'own' | 'platform' | 'recipient';
}

/**
 * The outbox: the deliveries whose work is not finished. A delivery is found by its event's position and id, because
 * another event can have the position after a restore.
 */
export interface Outbox {
  /**
   * Claims deliveries for a handler whose effect must not happen twice; a claim runs out by itself. If too
   * little time is left for the effect, the delivery counts as claimed elsewhere, so that the effect does not begin.
   */
  claim(subscription: Subscription, events: readonly EventKey[]): Promise<DeliveryClaim>;
  /** Releases a claim after the effect failed, unless another consumer has claimed the delivery since. */
  release(subscription: Subscription, event: EventKey, claim: DeliveryClaim): Promise<void>;
  /** Records that the work is done. */
  complete(subscription: Subscription, events: readonly EventKey[]): Promise<void>;
  /**
   * Records a failure, and makes the relay wait until the queue's own retry has happened. A failure of the platform
   * does not hide an error of the work itself.
   */
  recordFailure(
    subscription: Subscription,
    event: EventKey,
    failure: DeliveryFailure,
    retryInSeconds: number,
  ): Promise<void>;
  /**
   * Puts off a delivery that its receiver does not accept now, with growing waits, and marks it as dead after some days.
   * A delivery that its receiver may have accepted (`unclear`) is tried a few times only, because each try may be a
   * duplicate, and the relay makes these tries.
   * @returns who tries again: the queue's own retries at first, and then the relay; `nobody` for a dead delivery
   */
  putOff(
    subscription: Subscription,
    event: EventKey,
    error: string,
    outcome: 'refused' | 'unclear',
  ): Promise<'queue' | 'relay' | 'nobody'>;
  /**
   * Marks deliveries as dead letters with their final error. Nothing tries them again until an operator replays them.
   * @param fault `recipient` for what is refused because of its address; otherwise the system has failed
   */
  markDead(subscription: Subscription, events: readonly EventKey[], error: string, fault?: 'recipient'): Promise<void>;
  /**
   * Marks a delivery that its queue gave up as a dead letter if it has failed by its own fault since it was made or
   * replayed. Any other delivery stays pending, and the relay sends it again.
   * @returns whether the delivery is a dead letter now
   */
  bury(subscription: Subscription, event: EventKey): Promise<boolean>;
}

/** The times of deliveries in milliseconds. */
export const deliveryTimes = {
  /** How long a claim on a delivery holds, counted from before the request for it. */
  claimMs: 60_000,
  /** How long an external effect may take, together with the record of its result. */
  effectMs: 30_000,
  /** How long the relay leaves a new delivery to the send right after the commit. */
  firstSendMs: 30_000,
  /** How long the relay waits before it sends the same delivery again. The wait doubles each time, up to `maxWaitMs`. */
  waitMs: 60_000,
  maxWaitMs: 3_600_000,
} as const;

/**
 * The wait of deliveries before their next try, as an SQL expression; it grows with the number of the relay's sends. A part
 * is random, so that what failed together does not come back together.
 */
export function growingWait(random: () => number = Math.random) {
  const share = 0.9 + 0.1 * random();
  return sql`CAST(min(${deliveryTimes.maxWaitMs}, ${deliveryTimes.waitMs} << min(attempts, 10)) * ${share} AS INTEGER)`;
}

/** The assignments that record that a try failed at a time (milliseconds). */
const failedAt = (now: number) =>
  sql`tries = tries + 1, first_failed_at = coalesce(first_failed_at, ${now}), last_failed_at = ${now}`;

/** Selects the deliveries of these events, as an SQL condition on `deliveries`. */
function isDelivery(subscription: Subscription, events: readonly EventKey[]) {
  return sql`subscription = ${subscription} AND position IN (SELECT position FROM ${eventsInLog(events)})`;
}

/** Selects those of these deliveries that are neither done nor dead. */
export function isPending(subscription: Subscription, events: readonly EventKey[]) {
  // The plus keeps SQLite from choosing the index that begins with the status, which would read every pending delivery.
  return sql`${isDelivery(subscription, events)} AND +status = 'pending'`;
}

/** The statement that makes dead letters of deliveries, with their final error. */
export function markAsDead(
  subscription: Subscription,
  events: readonly EventKey[],
  { error, fault, now }: { error: string; fault?: 'recipient' | undefined; now: number },
) {
  return sql`
    UPDATE deliveries SET status = 'dead', failures = failures + 1, last_error = ${error}, claimed_until = 0,
      fault = ${fault ?? null}, ${failedAt(now)}
    WHERE ${isPending(subscription, events)}`;
}

/** Who receives an event. */
export interface Receivers {
  /** The subscriptions that may receive an event. */
  subscriptionsOf(event: NewEvent): readonly Subscription[];
  /** The account that receives the e-mail of an event only if it wants it; undefined for every other event. */
  onlyIfWantedBy(event: NewEvent): string | undefined;
  /** Whether an account wants e-mails, as a condition of SQL. */
  wantsEmails(account: SQL): SQL;
}

/**
 * The statement that adds the deliveries of new events to the outbox, for the batch that appends the events, and returns
 * them. The commit itself sees whether an account wants an e-mail, so an e-mail that nobody wants costs nothing.
 */
export function insertDeliveries(
  db: Database,
  events: readonly UnpositionedEvent[],
  { onlyIfWantedBy, subscriptionsOf, wantsEmails }: Receivers,
  now: number,
) {
  const wanted = events.flatMap((event) =>
    subscriptionsOf(event).map((subscription) => {
      const account = subscription === 'emails' ? onlyIfWantedBy(event) : undefined;
      return { id: event.id, subscription, account };
    }),
  );
  return db.all(sql`
    INSERT INTO deliveries (position, subscription, available_at, writes_data_point)
    SELECT ${positionOf(sql`value->>'id'`)}, value->>'subscription', ${now + deliveryTimes.firstSendMs},
      value->>'subscription' = 'projections'
    FROM json_each(${JSON.stringify(wanted)})
    WHERE value->>'account' IS NULL OR ${wantsEmails(sql`value->>'account'`)}
    RETURNING position, subscription`);
}

/** The subscriptions that receive events, by the positions of these, from the rows that {@link insertDeliveries} returns. */
export function toReceivers(rows: unknown): Map<number, Subscription[]> {
  // RETURNING in insertDeliveries names these columns.
  const made = rows as { position: number; subscription: Subscription }[];
  const byPosition = Map.groupBy(made, ({ position }) => position);
  return new Map([...byPosition].map(([position, some]) => [position, some.map(({ subscription }) => subscription)]));
}

// What makes a delivery dead sets its fault, because a row can still have one: a Worker before 0.5.0 replays without it.
export function createOutbox(database: D1Database, clock: Clock, wait: Wait): Outbox {
  const open = () => openSession(database, 'first-primary').db;
  return {
    async claim(subscription, events) {
      const now = clock.now();
      const until = now + deliveryTimes.claimMs;
      const db = open();
      const [known, claimed] = await runBatch(db, [
        db.all<EventKey & { status: string | null }>(sql`
          SELECT known.position, known.id, deliveries.status FROM ${eventsInLog(events)} AS known
            LEFT JOIN deliveries ON deliveries.subscription = ${subscription} AND deliveries.position = known.position`),
        db.all<{ position: number }>(sql`
          UPDATE deliveries SET claimed_until = ${until}
          WHERE ${isPending(subscription, events)} AND claimed_until <= ${now}
          RETURNING position`),
      ]);
      const statuses = new Map(known.map(({ id, status }) => [id, status]));
      const ours = new Set(claimed.map(({ position }) => position));
      const isTooLate = clock.now() + deliveryTimes.effectMs > until;
      const resultOf = ({ id, position }: EventKey): ClaimResult => {
        if (!statuses.has(id)) return 'unknown';
        if (statuses.get(id) !== 'pending') return 'finished';
        return ours.has(position) && !isTooLate ? 'claimed' : 'claimed-elsewhere';
      };
      return { results: new Map(events.map((event) => [event.id, resultOf(event)])), until };
    },

    async release(subscription, event, { until }) {
      await open().run(sql`
        UPDATE deliveries SET claimed_until = 0
        WHERE ${isDelivery(subscription, [event])} AND claimed_until = ${until}`);
    },

    async complete(subscription, events) {
      // The write is repeated, because a completion that is not recorded would send an e-mail a second time.
      await retryUnclear(() => open().run(sql`DELETE FROM deliveries WHERE ${isDelivery(subscription, events)}`), wait);
    },

    async recordFailure(subscription, event, { error, fault }, retryInSeconds) {
      const isOwn = fault === 'own' ? 1 : 0;
      await open().run(sql`
        UPDATE deliveries SET failures = failures + ${isOwn}, ${failedAt(clock.now())},
          last_error = CASE WHEN ${isOwn} OR failures = 0 THEN ${error} ELSE last_error END,
          available_at = max(available_at, ${clock.now() + retryInSeconds * 1000 + deliveryTimes.waitMs})
        WHERE ${isPending(subscription, [event])}`);
    },

    async putOff(subscription, event, error, outcome) {
      const unclear = outcome === 'unclear' ? 1 : 0;
      const [row] = await open().all<{ attempts: number; status: string }>(sql`
        UPDATE deliveries SET last_error = ${error}, fault = NULL, ${failedAt(clock.now())},
          available_at = ${clock.now()} + ${growingWait()},
          unclear_sends = unclear_sends + ${unclear},
          status = CASE WHEN attempts >= ${limits.relaySendsPerEmail}
              OR unclear_sends + ${unclear} >= ${limits.unclearSendsPerEmail}
            THEN 'dead' ELSE 'pending' END
        WHERE ${isPending(subscription, [event])}
        RETURNING attempts, status`);
      if (row?.status !== 'pending') return 'nobody';
      return row.attempts === 0 && !unclear ? 'queue' : 'relay';
    },

    async markDead(subscription, events, error, fault) {
      await open().run(markAsDead(subscription, events, { error, fault, now: clock.now() }));
    },

    async bury(subscription, event) {
      const buried = await open().all(sql`
        UPDATE deliveries SET status = 'dead', fault = NULL
        WHERE ${isPending(subscription, [event])} AND failures > 0
        RETURNING position`);
      return buried.length > 0;
    },
  };
}
