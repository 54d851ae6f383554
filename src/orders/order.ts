import { DomainError } from '../platform/errors';

export const orderStatuses = ['placed', 'shipped', 'delivered', 'cancelled'] as const;
export type OrderStatus = (typeof orderStatuses)[number];

/** An amount in the currency's minor units with its ISO 4217 code. */
interface Money {
  amount: number;
  currency: string;
}

/** What was ordered, with title and unit price as they were at that moment. */
export interface OrderLine {
  itemId: string;
  title: string;
  quantity: number;
  price: Money;
}

export interface ShippingAddress {
  name: string;
  line1: string;
  line2?: string | undefined;
  postalCode: string;
  city: string;
  country: string;
}

/** An order as the write model knows it. Without a customer it is anonymised: their account is gone. */
export interface Order {
  id: string;
  version: number;
  customerId: string | null;
  status: OrderStatus;
  lines: readonly OrderLine[];
  total: Money;
  createdAt: string;
  updatedAt: string;
}

/** An item as an order needs it. */
export interface Orderable {
  id: string;
  title: string;
  price: Money;
  isActive: boolean;
}

export interface RequestedLine {
  itemId: string;
  quantity: number;
}

/**
 * Prices the requested lines with what the items cost now. Whether there is enough stock is the database's to say.
 * @throws DomainError `orders.item-unavailable` for an unknown or inactive item, `orders.mixed-currencies`
 */
export function priceLines(requested: readonly RequestedLine[], items: readonly Orderable[]) {
  const lines = requested.map(({ itemId, quantity }, index): OrderLine => {
    const item = items.find(({ id }) => id === itemId);
    if (!item?.isActive) throw unavailable(index);
    return { itemId, title: item.title, quantity, price: item.price };
  });
  const [currency, ...others] = new Set(lines.map(({ price }) => price.currency));
  if (currency === undefined || others.length > 0) {
    throw new DomainError('invalid', 'orders.mixed-currencies', 'All items of an order must have the same currency.');
  }
  const amount = lines.reduce((sum, { price, quantity }) => sum + price.amount * quantity, 0);
  return { lines, total: { amount, currency } };
}

function unavailable(index: number) {
  const [code, detail] = ['orders.item-unavailable', 'This item does not exist or is not for sale.'];
  return new DomainError('invalid', code, detail, { errors: [{ pointer: `/items/${index}/itemId`, detail, code }] });
}

export type OrderAction = 'cancel' | 'ship' | 'deliver';

/** Who acts: the order's customer, or staff (agent or admin). */
export interface OrderActor {
  isCustomer: boolean;
  isStaff: boolean;
}

const transitions: Record<OrderAction, { to: OrderStatus; customer: OrderStatus[]; staff: OrderStatus[] }> = {
  cancel: { to: 'cancelled', customer: ['placed'], staff: ['placed', 'shipped'] },
  ship: { to: 'shipped', customer: [], staff: ['placed'] },
  deliver: { to: 'delivered', customer: [], staff: ['shipped'] },
};

/**
 * The status that an action leads to.
 * @throws DomainError 404 for another's order, 403 for an action of staff, 409 for a status that does not allow it
 */
export function decideTransition(order: Order, action: OrderAction, actor: OrderActor): OrderStatus {
  if (!actor.isCustomer && !actor.isStaff) throw orderNotFound();
  const { to, customer, staff } = transitions[action];
  if (!actor.isStaff && customer.length === 0) {
    throw new DomainError('forbidden', 'auth.insufficient-role', 'This needs the role agent or admin.');
  }
  if (!(actor.isStaff ? staff : customer).includes(order.status)) {
    throw new DomainError('conflict', 'orders.illegal-transition', `An order that is ${order.status} can't do this.`, {
      details: { status: order.status },
    });
  }
  return to;
}

export function orderNotFound(): DomainError {
  return new DomainError('not-found', 'orders.not-found', 'There is no such order.');
}
