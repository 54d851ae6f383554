import { expect, test } from 'vitest';
import { createRelay } from '../../src/consumers/relay';
import type { DueDeliveries } from '../../src/cqrs/log/due-deliveries';
import { type RecordedEvent, subscriptions } from '../../src/cqrs/log/event';
import type { Projector } from '../../src/cqrs/reading/projector';
import { limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';
import { bindCopy } from '../simulation/d1-binding';
import { Copy } from '../simulation/sqlite';

/**
 * Runs a relay with so many due deliveries of the projections, and tells how often each subscription was asked.
 * @param finishedPerSecond how many deliveries the consumers finish
 * @param roundMs how long D1 takes for a round
 */
async function runRelay(deliveries: number, { finishedPerSecond = 0, patienceMs = 0, roundMs = 0 } = {}) {
  const asked = new Map<string, number>();
  const left = Array.from({ length: deliveries }, (_, index) => ({ position: index + 1 }) as RecordedEvent);
  const sent: RecordedEvent[] = [];
  let [now, mostInFlight] = [0, 0];
  const inFlight = () => sent.slice(Math.floor((now / 1000) * finishedPerSecond));
  const due: DueDeliveries = {
    async take(subscription, limit) {
      asked.set(subscription, (asked.get(subscription) ?? 0) + 1);
      if (subscription !== 'projections') return [];
      now += roundMs;
      return left.splice(0, limit);
    },
    async giveBack() {},
    findUnfinished: async (_subscription, events) => {
      const positions = new Set(inFlight().map(({ position }) => position));
      return events.filter(({ position }) => positions.has(position));
    },
  };
  const copy = Copy.open();
  await createRelay({
    database: bindCopy(copy),
    due,
    dispatch: async (addressed) => {
      sent.push(...addressed.map(({ event }) => event));
      mostInFlight = Math.max(mostInFlight, inFlight().length);
      return [];
    },
    // The relay calls no other method.
    projector: { projectAgain: async () => ({ put: new Set(), errors: new Map() }) } as unknown as Projector,
    clock: { now: () => now },
    wait: async (ms) => (now += ms),
    logger: createLogger({}, () => {}),
  })(patienceMs);
  copy.close();
  return { asked, left: left.length, mostInFlight, seconds: now / 1000 };
}

test('the relay asks once for the deliveries of a subscription that has none (product 7.1)', async () => {
  const { asked } = await runRelay(0);
  expect([...asked]).toEqual(subscriptions.map((subscription) => [subscription, 1]));
});

test('the relay takes the next round only after a full one, and not more rounds than one run has (product 7.1)', async () => {
  const { deliveriesPerRelayRound: round, relayRoundsPerRun: rounds } = limits;
  expect((await runRelay(round - 1)).asked.get('projections')).toBe(1);
  expect((await runRelay(round + 1)).asked.get('projections')).toBe(2);
  const fast = { finishedPerSecond: 10 * round, patienceMs: 50_000 };
  const many = await runRelay(round * rounds + 5, fast);
  expect([many.asked.get('projections'), many.left]).toEqual([rounds, 5]);
});

test('of a backlog the relay sends as much as the consumers finish, and never more than a few seconds of work (product 7.10)', async () => {
  const { deliveriesInFlight } = limits;
  const slow = await runRelay(20_000, { finishedPerSecond: 300, patienceMs: 50_000 });
  expect(slow.mostInFlight).toBeLessThanOrEqual(deliveriesInFlight);
  // What the consumers finished in the time, and what is on its way to them.
  expect(20_000 - slow.left).toBeGreaterThan(300 * 45 + deliveriesInFlight - limits.deliveriesPerRelayRound);
  expect(slow.seconds).toBe(50);
  const away = await runRelay(20_000, { patienceMs: 50_000 });
  expect([20_000 - away.left, away.seconds]).toEqual([deliveriesInFlight, 50]);
  expect(await runRelay(20_000, { finishedPerSecond: 300 })).toMatchObject({ left: 18_000, seconds: 0 });
});

test('a run of the relay on a slow D1 ends before many others run beside it (product 7.10)', async () => {
  const slow = { finishedPerSecond: 1_000, patienceMs: 50_000, roundMs: 9_000 };
  expect((await runRelay(20_000, slow)).seconds).toBeLessThan(60);
});

test('a relay whose round is larger than what may be on its way sends round by round (product 7.10)', async () => {
  const real = { ...limits };
  Object.assign(limits, { deliveriesPerRelayRound: 10, deliveriesInFlight: 4 });
  try {
    const { left, mostInFlight } = await runRelay(50, { finishedPerSecond: 5, patienceMs: 20_000 });
    expect([left, mostInFlight]).toEqual([0, 10]);
  } finally {
    Object.assign(limits, real);
  }
});
