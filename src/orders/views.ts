import { and, eq, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { keyset, type Slice, toListRows } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import { OrderAnonymised, OrderCancelled, OrderDelivered, OrderPlaced, OrderShipped } from './events';
import type { OrderLine, ShippingAddress } from './order';
import { type OrderStatus, orderStatuses } from './order-status';
import type { OrderDetail, OrderSummary } from './schemas';
import { orders, shippingAddresses } from './tables';

const all = [OrderPlaced, OrderCancelled, OrderShipped, OrderDelivered, OrderAnonymised];

/** The column allows NULL, but no row has it: see tables.ts. */
const number = sql<number>`${orders.number}`.as('number');

export const orderView = defineView({
  name: 'order',
  shapeVersion: 2,
  triggers: [when(all, (event) => [event.streamId])],
  query: (db, key) =>
    db
      .select({
        id: orders.id,
        number,
        version: orders.version,
        customerId: orders.customerId,
        status: orders.status,
        lines: orders.lines,
        amount: orders.amount,
        currency: orders.currency,
        address: shippingAddresses.address,
        createdAt: orders.createdAt,
        updatedAt: orders.updatedAt,
      })
      .from(orders)
      .leftJoin(shippingAddresses, eq(shippingAddresses.orderId, orders.id))
      .where(eq(orders.id, key)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, amount, currency, lines, address, ...rest } = row;
    const data = {
      ...rest,
      // Only the repository writes these two columns, from values of the same types.
      lines: (lines as OrderLine[]).map(({ tookStock: _, ...line }) => line),
      shippingAddress: address as ShippingAddress | null,
      total: { amount, currency },
    } satisfies OrderDetail;
    return { version, data };
  },
});

/** The filters of a list of orders. */
export interface OrderFilter {
  customer?: string | undefined;
  status?: OrderStatus | undefined;
  /** Selects one order. */
  number?: number | undefined;
}

const status = sql`${orders.status}`;
export const countedOrders: CountedList = {
  name: 'orders',
  table: orders,
  filter: status,
  owned: { owner: orders.customerId, filter: status },
};

/** A number belongs to one order, so a list by number has as many rows as it shows. */
function orderTotal({ customer = everybody, number, status }: OrderFilter) {
  return number === undefined ? keptCount(countedOrders, customer, status && [status]) : sql<number>`1`;
}

/** The one query for every list of orders. Each filter has an index that ends with the id, or with the number. */
export function orderListQuery(db: Database, filter: OrderFilter, slice: Slice) {
  const { id, amount, currency, lineCount, createdAt } = orders;
  const { customer, status } = filter;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({
      ...{ id, number, customerId: orders.customerId, status: orders.status, amount, currency, lineCount, createdAt },
      total: orderTotal(filter).as('total'),
    })
    .from(orders)
    .where(
      and(
        customer === undefined ? undefined : eq(orders.customerId, customer),
        status === undefined ? undefined : eq(orders.status, status),
        filter.number === undefined ? undefined : eq(orders.number, filter.number),
        isAfter,
      ),
    )
    .orderBy(inOrder)
    .limit(slice.limit);
}

type SummaryRow = Awaited<ReturnType<typeof orderListQuery>>[number];

function toOrderSummary({ amount, currency, ...row }: Omit<SummaryRow, 'total'>): OrderSummary {
  return { ...row, total: { amount, currency } };
}

const any = '*';

/** The key of a list's first page: `customer:status`, with `*` for a filter that is not set. */
export function orderListKey({ customer, status }: OrderFilter): string {
  return `${customer ?? any}:${status ?? any}`;
}

function filterOf(key: string): OrderFilter {
  const [customer = any, status = any] = key.split(':');
  return {
    customer: customer === any ? undefined : customer,
    status: orderStatuses.find((known) => known === status),
  };
}

/** The keys of the lists that can contain an order of this customer while the order has one of these statuses. */
function listsOf(customerId: string | null, statuses: readonly OrderStatus[]): string[] {
  const customers = customerId === null ? [undefined] : [undefined, customerId];
  return customers.flatMap((customer) => [undefined, ...statuses].map((status) => orderListKey({ customer, status })));
}

export const orderListView = defineView({
  name: 'order-list',
  shapeVersion: 2,
  triggers: [
    when([OrderPlaced], ({ data }) => listsOf(data.customerId, ['placed'])),
    when([OrderShipped], ({ data }) => listsOf(data.customerId, ['placed', 'shipped'])),
    when([OrderDelivered], ({ data }) => listsOf(data.customerId, ['shipped', 'delivered'])),
    when([OrderCancelled], ({ data }) => listsOf(data.customerId, ['placed', 'shipped', 'cancelled'])),
    when([OrderAnonymised], ({ data }) => listsOf(data.customerId, orderStatuses)),
  ],
  query: (db, key) => orderListQuery(db, filterOf(key), { limit: limits.firstPageSize }),
  toDocument: (rows) => ({ version: 0, data: toListRows(rows, toOrderSummary) }),
});

/** How many orders an account has placed. */
export const orderCount: AccountCount = {
  count: keptCount(countedOrders, sql`users.id`),
  triggers: [when([OrderPlaced], ({ data }) => (data.customerId === null ? [] : [data.customerId]))],
};

export const orderViews = [orderView, orderListView];
