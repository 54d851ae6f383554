import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import { type AggregateVersion, isAnyOf, type TakenRows, takeRows } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { NewOrder, Order, OrderableItem, OrderLine, RequestedLine, ShippingAddress } from './order';
import { orders } from './tables';

/** An order whose customer's account is deleted, as it was before. */
export interface ReleasedOrder extends AggregateVersion {
  /** The lines of an order that the deletion cancels, because it was not shipped; null for every other order. */
  cancelledLines: readonly OrderLine[] | null;
}

/** The orders of the write model. */
export interface OrderRepository {
  /**
   * Adds an order with the next number. Numbers are given in the commit, so two orders never get the same one.
   * @param firstNumber the number that an order has at least
   */
  add(order: NewOrder, address: ShippingAddress, firstNumber: number, by: CheckedActor): void;
  saveStatus(order: Order, by: CheckedActor): void;
  find(id: string): Promise<Order | undefined>;
  /**
   * Takes the customer and the address from the next orders of a customer, `most` at most, and cancels those that are still
   * placed. Each order's version rises by one, and that of a cancelled one by two. If none is left, the commit fails if an
   * order was placed in the meantime.
   * @param at the time of the cancellation in ISO 8601
   */
  anonymiseNextOf(customerId: string, at: string, most: number): Promise<TakenRows<ReleasedOrder>>;
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

/** No command decides on an address. */
const { shippingAddress: _, ...withoutAddress } = getTableColumns(orders);

function toOrder({ amount, currency, lines, lineCount: _, number, ...row }: Omit<Row, 'shippingAddress'>): Order {
  // Only `add` writes the lines, from lines of the same type. No order is without a number, see tables.ts.
  return { ...row, number: number as number, lines: lines as OrderLine[], total: { amount, currency } };
}

export function createOrderRepository(context: RepositoryContext): OrderRepository {
  const { db, stage } = context;
  return {
    add({ total, lines, ...order }, address, firstNumber) {
      // Orders are never deleted, so the number after the highest one was never given before.
      const number = sql`(SELECT max(coalesce(max(number), 0) + 1, ${firstNumber}) FROM orders)`;
      const row = { ...order, ...total, number, lines, lineCount: lines.length, shippingAddress: address };
      stage(db.insert(orders).values(row));
    },
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage(db.update(orders).set({ version, status, updatedAt }).where(eq(orders.id, id))),
    find: async (id) => (await db.select(withoutAddress).from(orders).where(eq(orders.id, id))).map(toOrder)[0],
    async anonymiseNextOf(customerId, at, most) {
      const isPlaced = eq(orders.status, 'placed');
      // One statement reads versions and statuses. Two could see a change of an order between them.
      const loaded = await db
        .select({
          id: orders.id,
          version: orders.version,
          // Only `add` writes this column, from lines of the same type.
          cancelledLines: sql<OrderLine[] | null>`CASE WHEN ${isPlaced} THEN ${orders.lines} END`.mapWith(JSON.parse),
        })
        .from(orders)
        .where(eq(orders.customerId, customerId))
        // In the order of the index.
        .orderBy(orders.status, orders.id)
        .limit(most + 1);
      const owned = { table: orders, owner: orders.customerId, ownerId: customerId };
      const taken = takeRows(context, owned, loaded, most);
      const ids = taken.rows.map(({ id }) => id);
      if (ids.length === 0) return taken;
      stage(
        db
          .update(orders)
          .set({
            customerId: null,
            shippingAddress: null,
            status: sql`CASE WHEN ${isPlaced} THEN 'cancelled' ELSE ${orders.status} END`,
            updatedAt: sql`CASE WHEN ${isPlaced} THEN ${at} ELSE ${orders.updatedAt} END`,
            version: sql`${orders.version} + CASE WHEN ${isPlaced} THEN 2 ELSE 1 END`,
          })
          .where(isAnyOf(orders.id, ids)),
      );
      return taken;
    },
  };
}
