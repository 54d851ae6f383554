import type { Clock, Wait } from './clock';

/** The time of the request that asks for a turn; each request of an isolate waits with its own timers. */
export interface RequestTime {
  clock: Clock;
  wait: Wait;
}

/** Lets the requests of one isolate do an expensive piece of work one after the other. */
export interface Turns {
  /**
   * Waits for a turn, and runs the work.
   * @returns undefined, at once, when too many requests wait already
   */
  run<Result>(time: RequestTime, work: () => Promise<Result>): Promise<{ result: Result } | undefined>;
  /** How many requests wait at a time (milliseconds). */
  waiting(now: number): number;
}

/** A request whose work is not done within this time was cancelled. */
const turnMs = 10_000;
/**
 * A request that has not looked for its turn for so long was cancelled, and so was one that has its turn and has not begun.
 * Clients can go away at any moment, so a turn must not be lost for long by the pause before the work.
 */
const placeMs = 1000;
const lookMs = 20;
/** In this pause before each turn, other requests can do their round trips to KV and D1. */
const pauseMs = 50;

/** Something that one request holds. It ends by itself, because a cancelled request runs no more code. */
interface Lease {
  until: number;
}

/**
 * Makes the turns of one isolate. Its state is only data: the runtime ties a promise to the request that made it, and may
 * cancel this request at any moment, so nobody may wait for the promise of another request.
 * @param maxWaiting the number of requests that may wait, read whenever a request arrives
 */
export function createTurns(maxWaiting: () => number): Turns {
  let current: Lease | undefined;
  /** In the order in which they arrived. */
  let waiting: Lease[] = [];

  async function take({ clock, wait }: RequestTime): Promise<Lease | undefined> {
    const place: Lease = { until: 0 };
    for (;;) {
      const now = clock.now();
      const isFree = current === undefined || current.until <= now;
      waiting = waiting.filter((other) => other === place || other.until > now);
      if (isFree && (waiting[0] ?? place) === place) {
        waiting = waiting.filter((other) => other !== place);
        current = { until: now + placeMs };
        return current;
      }
      if (!waiting.includes(place)) {
        if (waiting.length >= maxWaiting()) return undefined;
        waiting.push(place);
      }
      place.until = now + placeMs;
      await wait(lookMs);
    }
  }

  return {
    async run(time, work) {
      const turn = await take(time);
      if (!turn) return undefined;
      try {
        // The work can block the isolate. This pause lets the isolate answer other requests between two turns: in it
        // they hear from KV and D1.
        await time.wait(pauseMs);
        turn.until = time.clock.now() + turnMs;
        return { result: await work() };
      } finally {
        if (current === turn) current = undefined;
      }
    },
    waiting: (now) => waiting.filter(({ until }) => until > now).length,
  };
}
