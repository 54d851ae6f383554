import { eq, sql } from 'drizzle-orm';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import type { Actor } from '../cqrs/writing/unit-of-work';
import { runBatch } from '../platform/d1';
import { ConcurrencyError, DomainError } from '../platform/errors';
import { type OwnedRow, takeOwned } from '../users/owned';
import { standingQuery, validActorId } from '../users/standing';
import type { AccountStanding } from '../users/user';
import type { Order, OrderLine, ShippingAddress } from './order';
import { orders, shippingAddresses } from './tables';

/** The orders of the write model. */
export interface OrderRepository {
  /** Adds an order of the actor; the commit itself checks their standing, and that every item is still for sale. */
  add(order: Order, address: ShippingAddress, actor: Actor): void;
  saveStatus(order: Order): void;
  /** The order together with the actor's standing, in one round trip. */
  findFor(id: string, actor: Actor): Promise<{ order: Order | undefined; standing: AccountStanding | undefined }>;
  /** All orders of a customer, to be anonymised in this commit: one that is placed meanwhile refuses it. */
  takeOf(customerId: string): Promise<OwnedRow[]>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const orderConstraints = {
  // An item was taken off sale meanwhile: fresh state will say which.
  'orders.line_count': () => new ConcurrencyError(),
  'orders.version': () => new ConcurrencyError(),
  'shipping_addresses.customer_id': () =>
    new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is no longer valid.'),
};

type Row = typeof orders.$inferSelect;

function toOrder({ amount, currency, lines, lineCount: _, ...row }: Row): Order {
  // Written by `add` alone, from lines of this very type.
  return { ...row, lines: lines as OrderLine[], total: { amount, currency } };
}

export function createOrderRepository(context: RepositoryContext): OrderRepository {
  const { db, stage } = context;
  return {
    add({ total, lines, ...order }, address, actor) {
      const ids = JSON.stringify(lines.map(({ itemId }) => itemId));
      const lineCount = sql<number>`(SELECT CASE WHEN count(*) = ${lines.length} THEN ${lines.length} END
        FROM items WHERE is_active = 1 AND id IN (SELECT value FROM json_each(${ids})))`;
      const customerId = validActorId(actor);
      stage(db.insert(orders).values({ ...order, ...total, customerId, lines, lineCount }));
      stage(db.insert(shippingAddresses).values({ orderId: order.id, customerId, address }));
    },
    saveStatus: ({ id, version, status, updatedAt }) =>
      stage(db.update(orders).set({ version, status, updatedAt }).where(eq(orders.id, id))),
    async findFor(id, actor) {
      const [rows, standings] = await runBatch(db, [
        db.select().from(orders).where(eq(orders.id, id)),
        standingQuery(db, actor),
      ]);
      return { order: rows[0] && toOrder(rows[0]), standing: standings[0] };
    },
    takeOf: (customerId) => takeOwned(context, orders, orders.customerId, customerId),
  };
}
