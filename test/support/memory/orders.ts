import type { Order } from '../../../src/orders/order';
import type { OrderRepository } from '../../../src/orders/repository';
import { type MemoryContext, raiseVersionsOf } from './context';
import type { MemoryState } from './state';
import { find, insert, requireParent, select, update } from './table';

/** What the foreign key does with the orders of a deleted account. */
export function releaseOrders({ orders }: MemoryState, customerId: string): void {
  for (const { id } of select(orders, (order) => order.customerId === customerId)) {
    update(orders, id, { customerId: null });
  }
}

export function createOrderRepository(context: MemoryContext): OrderRepository {
  const { read, stage } = context;
  return {
    add: (order, address, firstNumber, by) =>
      stage((next) => {
        if (order.customerId !== null) requireParent(next.users, order.customerId);
        requireParent(next.users, by.id);
        const number = Math.max(firstNumber, ...select(next.orders, () => true).map((other) => other.number + 1));
        insert(next.orders, 'orders.id', order.id, { ...order, number });
        const stored = { orderId: order.id, customerId: by.id, address };
        insert(next.shippingAddresses, 'shipping_addresses.order_id', order.id, stored);
      }),
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage((next) => update(next.orders, id, { version, status, updatedAt })),
    find: async (id) => find(read().orders, id),
    async anonymiseAllOf(customerId, updatedAt) {
      const isTheirs = (order: Order) => order.customerId === customerId;
      const found = select(read().orders, isTheirs);
      stage(({ orders }) => {
        for (const { id, version, status } of select(orders, isTheirs)) {
          if (status === 'placed') update(orders, id, { status: 'cancelled', updatedAt, version: version + 1 });
        }
      });
      raiseVersionsOf(context, ({ orders }) => orders, isTheirs);
      return found.map(({ id, version, status, lines }) => {
        return { id, version, cancelledLines: status === 'placed' ? lines : null };
      });
    },
  };
}
