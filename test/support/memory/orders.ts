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
    add: (order, address, by) =>
      stage((next) => {
        if (order.customerId !== null) requireParent(next.users, order.customerId);
        requireParent(next.users, by.id);
        insert(next.orders, 'orders.id', order.id, order);
        const stored = { orderId: order.id, customerId: by.id, address };
        insert(next.shippingAddresses, 'shipping_addresses.order_id', order.id, stored);
      }),
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage((next) => update(next.orders, id, { version, status, updatedAt })),
    find: async (id) => find(read().orders, id),
    anonymiseAllOf: async (customerId) =>
      raiseVersionsOf(
        context,
        ({ orders }) => orders,
        (order) => order.customerId === customerId,
      ),
  };
}
