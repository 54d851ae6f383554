import * as z from 'zod';
import { activeAccount, type DefineCommand } from '../access/access-rules';
import type { AccountDeletionHandler } from '../access/account-parts';
import { requireVersion } from '../cqrs/writing/expected-version';
import { newId } from '../platform/ids';
import { orderErrors } from './errors';
import * as events from './events';
import {
  decideTransition,
  linesToReturn,
  mergeLines,
  type NewOrder,
  type Order,
  type OrderAction,
  priceLines,
} from './order';
import type { OrderableItems, OrderRepository } from './repository';
import * as schemas from './schemas';

export interface OrderTransaction {
  orders: OrderRepository;
  orderableItems: OrderableItems;
}

const target = z.strictObject({ orderId: schemas.orderId });

const eventOf = { cancel: events.OrderCancelled, ship: events.OrderShipped, deliver: events.OrderDelivered };

function factsOf({ customerId, lines }: Pick<Order, 'customerId' | 'lines'>) {
  return { customerId, items: lines.map(({ itemId, quantity }) => ({ itemId, quantity })) };
}

/**
 * The commands on orders.
 * @param firstNumber the number that a new order has at least
 */
export function createOrderCommands(command: DefineCommand<OrderTransaction>, firstNumber: number) {
  const moveTo = (action: OrderAction) =>
    command({
      input: target,
      onlyIf: activeAccount,
      async handle({ orderId }, tx, details) {
        const order = await tx.orders.find(orderId);
        if (!order) throw orderErrors.notFound({ orderId });
        const status = decideTransition(order, action, details.actor);
        requireVersion(order.version, details);
        const next = { ...order, status, version: order.version + 1, updatedAt: details.at };
        tx.orders.saveStatus(next, details.actor);
        if (action === 'cancel') tx.orderableItems.returnStock(linesToReturn(order.lines));
        tx.record(eventOf[action].create(order.id, next.version, factsOf(order)));
        return { id: order.id, version: next.version };
      },
    });

  return {
    /** Places an order with the current titles and prices, and takes the stock in the same commit. */
    PlaceOrder: command({
      input: schemas.placeOrder,
      onlyIf: activeAccount,
      async handle({ items: requested, shippingAddress }, tx, { actor, at }) {
        const items = await tx.orderableItems.findAll(requested.map(({ itemId }) => itemId));
        const order: NewOrder = {
          id: newId(),
          version: 1,
          customerId: actor.id,
          status: 'placed',
          ...priceLines(requested, items),
          createdAt: at,
          updatedAt: at,
        };
        tx.orderableItems.requireUnchanged(items);
        tx.orderableItems.takeStock(order.lines);
        tx.orders.add(order, shippingAddress, firstNumber, actor);
        tx.record(events.OrderPlaced.create(order.id, order.version, { ...factsOf(order), total: order.total }));
        return { id: order.id, version: order.version };
      },
    }),

    /** Cancels an order and returns its stock. */
    CancelOrder: moveTo('cancel'),
    ShipOrder: moveTo('ship'),
    DeliverOrder: moveTo('deliver'),
  };
}

export type OrderCommands = ReturnType<typeof createOrderCommands>;

/**
 * Cancels the orders of a deleted account that are still placed, because their address is deleted too, and puts their
 * pieces back. All orders are kept without personal data.
 */
export function releaseOrdersOfAccount(orders: OrderRepository, items: OrderableItems): AccountDeletionHandler {
  return async (customerId, at, most) => {
    const { rows, isLast } = await orders.anonymiseNextOf(customerId, at, most);
    items.returnStock(mergeLines(rows.flatMap(({ cancelledLines }) => linesToReturn(cancelledLines ?? []))));
    const released = rows.flatMap(({ id, version, cancelledLines: lines }) => {
      if (lines === null) return [events.OrderAnonymised.create(id, version + 1, { customerId })];
      return [
        events.OrderCancelled.create(id, version + 1, factsOf({ customerId, lines })),
        events.OrderAnonymised.create(id, version + 2, { customerId }),
      ];
    });
    return { events: released, rows: rows.length, isFinished: isLast };
  };
}
