import { z } from 'zod';
import { defineCommand } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { type CommandContext, requireActor, type Transaction, type UnitOfWork } from '../cqrs/writing/unit-of-work';
import type { ItemRepository } from '../items/repository';
import { isoTime } from '../platform/clock';
import { newId } from '../platform/ids';
import type { AccountOwned } from '../users/commands';
import { isStaff, requireValidToken } from '../users/user';
import * as events from './events';
import { decideTransition, type Order, type OrderAction, orderNotFound, priceLines } from './order';
import type { OrderRepository } from './repository';
import * as schemas from './schemas';

export interface OrderTransaction {
  orders: OrderRepository;
  items: ItemRepository;
}

const target = z.strictObject({ orderId: schemas.orderId });

const eventOf = { cancel: events.OrderCancelled, ship: events.OrderShipped, deliver: events.OrderDelivered };

function factsOf({ customerId, lines }: Order) {
  return { customerId, items: lines.map(({ itemId, quantity }) => ({ itemId, quantity })) };
}

/** The commands on orders. */
export function createOrderCommands(unitOfWork: UnitOfWork<OrderTransaction>) {
  const transition = (action: OrderAction) =>
    defineCommand(target, ({ orderId }, context) =>
      unitOfWork.run(context, (tx) => changeStatus(tx, orderId, action, context)),
    );

  return {
    PlaceOrder: defineCommand(schemas.placeOrder, ({ items: requested, shippingAddress }, context) =>
      unitOfWork.run(context, async (tx) => {
        const actor = requireActor(context);
        const items = await tx.items.findAll(requested.map(({ itemId }) => itemId));
        const at = isoTime(context.issuedAt);
        const order: Order = {
          id: newId(),
          version: 1,
          customerId: actor.id,
          status: 'placed',
          ...priceLines(requested, items),
          createdAt: at,
          updatedAt: at,
        };
        tx.orders.add(order, shippingAddress, actor);
        tx.items.takeStock(order.lines);
        tx.record(events.OrderPlaced.create(order.id, order.version, factsOf(order)));
        return { id: order.id, version: order.version };
      }),
    ),
    CancelOrder: transition('cancel'),
    ShipOrder: transition('ship'),
    DeliverOrder: transition('deliver'),
  };
}

async function changeStatus(
  tx: Transaction<OrderTransaction>,
  orderId: string,
  action: OrderAction,
  context: CommandContext,
) {
  const actor = requireActor(context);
  const { order, standing } = await tx.orders.findFor(orderId, actor);
  const valid = requireValidToken(standing, actor.issuedAt);
  if (!order) throw orderNotFound();
  const status = decideTransition(order, action, {
    isCustomer: order.customerId === actor.id,
    isStaff: isStaff(valid),
  });
  requireVersion(order.version, context);
  const next = { ...order, status, version: order.version + 1, updatedAt: isoTime(context.issuedAt) };
  tx.orders.saveStatus(next);
  if (action === 'cancel') tx.items.returnStock(order.lines);
  tx.record(eventOf[action].create(order.id, next.version, factsOf(order)));
  return { id: order.id, version: next.version };
}

/** What becomes of a customer's orders when their account is deleted: they stay, and say no more whose they were. */
export function releaseOrders(orders: OrderRepository): AccountOwned {
  return async (customerId) => {
    const taken = await orders.takeOf(customerId);
    return taken.map(({ id, version }) => events.OrderAnonymised.create(id, version + 1, { customerId }));
  };
}
