import { type CheckedActor, isStaff, requireStaff } from '../access/caller';
import type { Money } from '../platform/money';
import { orderErrors } from './errors';
import type { OrderStatus } from './order-status';

/** An item of an order, with its title and unit price at the time of the order. */
export interface OrderLine {
  itemId: string;
  title: string;
  quantity: number;
  price: Money;
  /** Whether the order took its pieces from a stock. Orders from before version 0.3.0 do not say. */
  tookStock?: boolean;
}

export interface ShippingAddress {
  name: string;
  line1: string;
  line2?: string | undefined;
  postalCode: string;
  city: string;
  country: string;
}

/** An order that is about to be placed: the commit gives it its number. */
export interface NewOrder {
  id: string;
  version: number;
  customerId: string | null;
  status: OrderStatus;
  lines: readonly OrderLine[];
  total: Money;
  createdAt: string;
  updatedAt: string;
}

/** An order of the write model. `customerId` is null if the customer's account was deleted. */
export interface Order extends NewOrder {
  /** A short number for people, in the order in which the orders were committed. It never changes. */
  number: number;
}

/** An item as far as an order needs it. A `stock` of null means an unlimited number of pieces. */
export interface OrderableItem {
  id: string;
  version: number;
  title: string;
  price: Money;
  stock: number | null;
  isActive: boolean;
}

export interface RequestedLine {
  itemId: string;
  quantity: number;
}

/**
 * Turns the requested lines into order lines with the current prices.
 * @throws DomainError `orders.item-unavailable` for an unknown or inactive item, `orders.mixed-currencies`,
 * `orders.out-of-stock` for too few pieces
 */
export function priceLines(requested: readonly RequestedLine[], items: readonly OrderableItem[]) {
  const lines = requested.map(({ itemId, quantity }, index): OrderLine => {
    const item = items.find(({ id }) => id === itemId);
    if (!item?.isActive) throw orderErrors.itemUnavailable({ itemId }, { pointer: `/items/${index}/itemId` });
    return { itemId, title: item.title, quantity, price: item.price, tookStock: item.stock !== null };
  });
  const currencies = [...new Set(lines.map(({ price }) => price.currency))];
  const [currency, ...others] = currencies;
  if (currency === undefined || others.length > 0) throw orderErrors.mixedCurrencies({ currencies });
  for (const { itemId, quantity } of lines) {
    const stock = items.find(({ id }) => id === itemId)?.stock ?? null;
    if (stock !== null && stock < quantity) throw orderErrors.outOfStock({ itemId, stock, quantity });
  }
  const amount = lines.reduce((sum, { price, quantity }) => sum + price.amount * quantity, 0);
  return { lines, total: { amount, currency } };
}

/**
 * The lines whose pieces a cancellation returns. A line of an item that was unlimited took none, also if the item has a
 * stock by now. A line that does not say counts as one that did.
 */
export function linesToReturn(lines: readonly OrderLine[]): OrderLine[] {
  return lines.filter(({ tookStock = true }) => tookStock);
}

/** Adds the lines of several orders up, so that each item is on one line. */
export function mergeLines(lines: readonly RequestedLine[]): RequestedLine[] {
  const quantities = new Map<string, number>();
  for (const { itemId, quantity } of lines) quantities.set(itemId, (quantities.get(itemId) ?? 0) + quantity);
  return [...quantities].map(([itemId, quantity]) => ({ itemId, quantity }));
}

export type OrderAction = 'cancel' | 'ship' | 'deliver';

const transitions: Record<OrderAction, { to: OrderStatus; customer: OrderStatus[]; staff: OrderStatus[] }> = {
  cancel: { to: 'cancelled', customer: ['placed'], staff: ['placed', 'shipped'] },
  ship: { to: 'shipped', customer: [], staff: ['placed'] },
  deliver: { to: 'delivered', customer: [], staff: ['shipped'] },
};

/**
 * Decides the order's status after an action.
 * @throws DomainError 404 for another customer's order, 403 for an action that only agents and admins may do, 409 for a
 * status that does not allow the action, and for the shipping of an order without an address
 */
export function decideTransition(order: Order, action: OrderAction, actor: CheckedActor): OrderStatus {
  requireReadable(order, actor);
  const { to, customer, staff } = transitions[action];
  if (customer.length === 0) requireStaff(actor);
  const allowedFrom = isStaff(actor) ? staff : customer;
  if (!allowedFrom.includes(order.status)) {
    throw orderErrors.illegalTransition({ action, status: order.status, allowedFrom });
  }
  // The deletion of an account cancels its placed orders since version 0.4.0. An older one has no address to go to.
  if (action === 'ship' && order.customerId === null) throw orderErrors.noAddress({ orderId: order.id });
  return to;
}

/** @throws DomainError `orders.not-found` (404) for another customer's order: its existence is secret */
export function requireReadable({ id, customerId }: Pick<Order, 'id' | 'customerId'>, actor: CheckedActor): void {
  if (customerId !== actor.id && !isStaff(actor)) throw orderErrors.notFound({ orderId: id });
}
