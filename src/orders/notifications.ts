import { eq } from 'drizzle-orm';
import * as z from 'zod';
import type { EventDefinition } from '../cqrs/log/event';
import type { OrderFacts } from '../notifications/notification';
import { onForCustomer, type Reaction, type Registration } from '../notifications/reaction';
import { openSession } from '../platform/d1';
import { orders } from './tables';

type FindOrderFacts = (orderId: string) => Promise<OrderFacts | undefined>;

/** Finds what an e-mail says of an order, on the primary, because no event has the number. */
export function createFindOrderFacts(database: D1Database): FindOrderFacts {
  return async (orderId) => {
    const { db } = openSession(database, 'first-primary');
    const { amount, currency, number } = orders;
    const [row] = await db.select({ amount, currency, number }).from(orders).where(eq(orders.id, orderId));
    if (row?.number == null) return undefined;
    return { number: row.number, total: { amount: row.amount, currency: row.currency } };
  };
}

/** What all events of an order have. */
const dataSchema = z.object({ customerId: z.uuid().nullable() });

/** Tells the customer of an order about it. An order of a deleted account has no customer. */
function tellCustomer(kind: 'order-placed' | 'order-shipped' | 'order-delivered' | 'order-cancelled') {
  return ({ findOrderFacts }: { findOrderFacts: FindOrderFacts }): Reaction =>
    async ({ data, streamId }) => {
      const { customerId } = dataSchema.parse(data);
      const facts = customerId === null ? undefined : await findOrderFacts(streamId);
      return facts && customerId !== null ? { userId: customerId, kind, facts } : undefined;
    };
}

/** Registers the notification of the customer of an order. */
export function onOrder(
  definition: EventDefinition<string, { customerId: string | null }>,
  kind: Parameters<typeof tellCustomer>[0],
): Registration<{ findOrderFacts: FindOrderFacts }> {
  return onForCustomer(definition, tellCustomer(kind));
}
