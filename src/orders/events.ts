import * as z from 'zod';
import { defineEvent, upcaster } from '../cqrs/log/event';

/** The order's customer, and the number of pieces of each item. */
const facts = z.strictObject({
  customerId: z.uuid().nullable(),
  items: z.array(z.strictObject({ itemId: z.uuid(), quantity: z.int() })),
});

const define = <Type extends string>(type: Type) => defineEvent({ type, streamType: 'order', schema: facts });

/**
 * The total is in minor units of its currency. It is null in events of version 1, which did not say it: an upcaster is a pure
 * function of the event, and the order's row is not a part of it (docs/decisions/0012-totals-of-old-orders.md).
 */
export const OrderPlaced = defineEvent({
  type: 'OrderPlaced',
  streamType: 'order',
  schema: facts.extend({ total: z.strictObject({ amount: z.int().min(0), currency: z.string() }).nullable() }),
  upcasters: [upcaster(facts, (data) => ({ ...data, total: null }))],
});
export const OrderCancelled = define('OrderCancelled');
export const OrderShipped = define('OrderShipped');
export const OrderDelivered = define('OrderDelivered');

/** The customer's account was deleted. The order disappears from the lists of the customer `customerId`. */
export const OrderAnonymised = defineEvent({
  type: 'OrderAnonymised',
  streamType: 'order',
  schema: z.strictObject({ customerId: z.uuid() }),
});

export const orderEvents = [OrderPlaced, OrderCancelled, OrderShipped, OrderDelivered, OrderAnonymised];
