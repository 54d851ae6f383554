import type { Order } from '../../../src/orders/order';
import type { OrderRepository } from '../../../src/orders/repository';
import { type MemoryContext, takeRows } from './context';
import type { MemoryState } from './state';
import { find, insert, select, update } from './table';

/** What the trigger does with the orders of an account that is deleted without an erasure. */
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
        const number = Math.max(firstNumber, ...select(next.orders, () => true).map((other) => other.number + 1));
        insert(next.orders, 'orders.id', order.id, { ...order, number });
        const stored = { orderId: order.id, customerId: by.id, address };
        insert(next.shippingAddresses, 'shipping_addresses.order_id', order.id, stored);
      }),
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage((next) => update(next.orders, id, { version, status, updatedAt })),
    find: async (id) => find(read().orders, id),
    async anonymiseNextOf(customerId, at, most) {
      const isTheirs = (order: Order) => order.customerId === customerId;
      const { rows, isLast } = takeRows(context, ({ orders }) => orders, isTheirs, most);
      if (rows.length === 0) return { rows: [], isLast };
      stage(({ orders, shippingAddresses }) => {
        for (const { id } of rows) {
          const { status, updatedAt, version } = orders.get(id) ?? { status: 'cancelled', updatedAt: at, version: 0 };
          const isPlaced = status === 'placed';
          update(orders, id, { customerId: null, version: version + (isPlaced ? 2 : 1) });
          update(orders, id, isPlaced ? { status: 'cancelled', updatedAt: at } : { status, updatedAt });
          shippingAddresses.delete(id);
        }
      });
      const released = rows.map(({ id, version, status, lines }) => {
        return { id, version, cancelledLines: status === 'placed' ? lines : null };
      });
      return { rows: released, isLast };
    },
  };
}
