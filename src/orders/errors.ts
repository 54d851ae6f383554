import { defineError } from '../platform/errors';
import type { OrderStatus } from './order-status';

/** The errors of orders. */
export const orderErrors = {
  notFound: defineError({
    code: 'orders.not-found',
    kind: 'not-found',
    meaning: 'No order has this id, or the order belongs to another customer.',
    remedy: 'Check the id. A customer sees their own orders only.',
    text: ({ orderId }: { orderId: string }) => `There is no order ${orderId} that you may see. Check the id.`,
  }),
  itemUnavailable: defineError({
    code: 'orders.item-unavailable',
    kind: 'invalid',
    meaning: 'An item of the order does not exist or is not for sale.',
    remedy: 'Remove the line that `errors` points at, or choose another item.',
    text: ({ itemId }: { itemId: string }) =>
      `The item ${itemId} does not exist or is not for sale. Remove it from the order.`,
  }),
  mixedCurrencies: defineError({
    code: 'orders.mixed-currencies',
    kind: 'invalid',
    meaning: 'The items of the order have prices in different currencies, and an order has one total.',
    remedy: 'Place one order for each currency.',
    text: ({ currencies }: { currencies: readonly string[] }) =>
      `The items have prices in ${currencies.join(' and ')}. Place one order for each currency.`,
  }),
  outOfStock: defineError({
    code: 'orders.out-of-stock',
    kind: 'conflict',
    meaning: 'An item of the order has fewer pieces left than the order asks for.',
    remedy: 'Order at most the number of pieces that `details.stock` shows, or try again later.',
    text: ({ itemId, stock, quantity }: { itemId: string; stock: number; quantity: number }) =>
      `The item ${itemId} has ${stock} pieces left, and the order asks for ${quantity}. Order fewer pieces.`,
  }),
  noAddress: defineError({
    code: 'orders.no-address',
    kind: 'conflict',
    meaning: 'The account of the customer was deleted, and the shipping address of the order with it.',
    remedy: 'Cancel the order, which puts its stock back.',
    text: ({ orderId }: { orderId: string }) =>
      `The order ${orderId} has no address, because its customer’s account was deleted. Cancel the order.`,
  }),
  illegalTransition: defineError({
    code: 'orders.illegal-transition',
    kind: 'conflict',
    meaning: 'The status of the order does not allow this action.',
    remedy: 'Read the order; `details.allowedFrom` lists the statuses from which you may do this.',
    text: ({
      action,
      status,
      allowedFrom,
    }: {
      action: string;
      status: OrderStatus;
      allowedFrom: readonly OrderStatus[];
    }) => `This order is ${status}. To ${action} an order, its status must be ${allowedFrom.join(' or ')}.`,
  }),
};
