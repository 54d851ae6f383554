import { z } from 'zod';
import { defineEvent } from '../cqrs/log/event';

/** The order's customer, and the number of pieces of each item. */
const facts = z.strictObject({
  customerId: z.uuid().nullable(),
  items: z.array(z.strictObject({ itemId: z.uuid(), quantity: z.int() })),
});

const define = <Type extends string>(type: Type) => defineEvent({ type, streamType: 'order', schema: facts });

export const OrderPlaced = define('OrderPlaced');
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
