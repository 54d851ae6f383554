import { contractSubscriptions } from '../support/contract/implementation';
import { select, update } from '../support/memory/table';
import { createMemoryUnitOfWork } from '../support/memory/unit-of-work';
import { describeUnitOfWork } from '../support/unit-of-work-contract';

describeUnitOfWork('in memory', async (clock) => {
  const { unitOfWork, state } = createMemoryUnitOfWork({
    ...(clock && { clock }),
    subscriptionsOf: () => contractSubscriptions,
  });
  return {
    unitOfWork,
    eventsOf: async (id) => state().events.filter(({ streamId }) => streamId === id),
    deliveriesOf: async (at) =>
      select(state().deliveries, ({ position }) => position === at)
        .map(({ position: _, ...delivery }) => delivery)
        .toSorted((a, b) => a.subscription.localeCompare(b.subscription)),
    async markDead(at) {
      for (const [key, { position }] of state().deliveries) {
        if (position === at)
          update(state().deliveries, key, { status: 'dead', attempts: 3, failures: 2, lastError: 'Error' });
      }
    },
    async endRebuild(id) {
      update(state().rebuilds, id, { status: 'done' });
    },
  };
});
