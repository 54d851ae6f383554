import { eq } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import { type AggregateVersion, raiseVersionsOf } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { Order, OrderableItem, OrderLine, RequestedLine, ShippingAddress } from './order';
import { orders, shippingAddresses } from './tables';

/** The orders of the write model. */
export interface OrderRepository {
  add(order: Order, address: ShippingAddress, by: CheckedActor): void;
  saveStatus(order: Order, by: CheckedActor): void;
  find(id: string): Promise<Order | undefined>;
  /** Anonymises all orders of a customer. The commit fails if an order was placed in the meantime. */
  anonymiseAllOf(customerId: string): Promise<AggregateVersion[]>;
}

/** The catalogue as far as orders need it. domains.ts passes the repository of items, which has these functions. */
export interface OrderableItems {
  /** Finds items in one round trip; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<OrderableItem[]>;
  /** Adds the guard that none of these items has changed since it was read, its stock left aside. */
  requireUnchanged(items: readonly OrderableItem[]): void;
  /** Takes pieces. The commit fails if an item has too few pieces left by then. */
  takeStock(lines: readonly RequestedLine[]): void;
  returnStock(lines: readonly RequestedLine[]): void;
}

type Row = typeof orders.$inferSelect;

function toOrder({ amount, currency, lines, lineCount: _, ...row }: Row): Order {
  // Only `add` writes this column, from lines of the same type.
  return { ...row, lines: lines as OrderLine[], total: { amount, currency } };
}

export function createOrderRepository(context: RepositoryContext): OrderRepository {
  const { db, stage } = context;
  return {
    add({ total, lines, ...order }, address, by) {
      stage(db.insert(orders).values({ ...order, ...total, lines, lineCount: lines.length }));
      stage(db.insert(shippingAddresses).values({ orderId: order.id, customerId: by.id, address }));
    },
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage(db.update(orders).set({ version, status, updatedAt }).where(eq(orders.id, id))),
    find: async (id) => (await db.select().from(orders).where(eq(orders.id, id))).map(toOrder)[0],
    // The foreign key sets the customer to null when the account's row is deleted.
    anonymiseAllOf: (customerId) => raiseVersionsOf(context, orders, orders.customerId, customerId),
  };
}
