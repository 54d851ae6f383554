import { expect, test } from 'vitest';
import { createRelay } from '../../src/consumers/relay';
import type { DueDeliveries } from '../../src/cqrs/log/due-deliveries';
import { type RecordedEvent, subscriptions } from '../../src/cqrs/log/event';
import type { Projector } from '../../src/cqrs/reading/projector';
import { limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';
import { bindCopy } from '../simulation/d1-binding';
import { Copy } from '../simulation/sqlite';

/** A relay with so many due deliveries of the projections, and how often each subscription was asked. */
async function runRelay(deliveries: number) {
  const asked = new Map<string, number>();
  const left = Array.from({ length: deliveries }, (_, index) => ({ position: index + 1 }) as RecordedEvent);
  const due: DueDeliveries = {
    async take(subscription, limit) {
      asked.set(subscription, (asked.get(subscription) ?? 0) + 1);
      return subscription === 'projections' ? left.splice(0, limit) : [];
    },
    async giveBack() {},
  };
  const copy = Copy.open();
  await createRelay({
    database: bindCopy(copy),
    due,
    dispatch: async () => [],
    // The relay calls no other method.
    projector: { projectAgain: async () => ({ put: new Set(), errors: new Map() }) } as unknown as Projector,
    clock: { now: () => 0 },
    logger: createLogger({}, () => {}),
  })();
  copy.close();
  return { asked, left: left.length };
}

test('the relay asks once for the deliveries of a subscription that has none (product 7.1)', async () => {
  const { asked } = await runRelay(0);
  expect([...asked]).toEqual(subscriptions.map((subscription) => [subscription, 1]));
});

test('the relay takes the next round only after a full one, and not more rounds than one run has (product 7.1)', async () => {
  const { deliveriesPerRelayRound: round, relayRoundsPerRun: rounds } = limits;
  expect((await runRelay(round - 1)).asked.get('projections')).toBe(1);
  expect((await runRelay(round + 1)).asked.get('projections')).toBe(2);
  const many = await runRelay(round * rounds + 5);
  expect([many.asked.get('projections'), many.left]).toEqual([rounds, 5]);
});
