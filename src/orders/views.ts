import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { isWanted } from '../cqrs/reading/keyed-query';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, everybodyKey, firstPages } from '../cqrs/reading/list-view';
import { mergeCells } from '../cqrs/reading/merge-cells';
import { keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import type { Database } from '../platform/d1';
import { OrderAnonymised, OrderCancelled, OrderDelivered, OrderPlaced, OrderShipped } from './events';
import type { OrderLine, ShippingAddress } from './order';
import { type OrderStatus, orderStatuses } from './order-status';
import type { OrderDetail, OrderSummary } from './schemas';
import { orders } from './tables';

const all = [OrderPlaced, OrderCancelled, OrderShipped, OrderDelivered, OrderAnonymised];

/** The column allows NULL, but no row has it: see tables.ts. */
const number = sql<number>`${orders.number}`.as('number');

export const orderView = defineView({
  name: 'order',
  shapeVersion: 3,
  triggers: [when(all, (event) => [event.streamId])],
  query: (db) =>
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
        address: orders.shippingAddress,
        createdAt: orders.createdAt,
        updatedAt: orders.updatedAt,
      })
      .from(orders)
      .where(isWanted(orders.id)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, amount, currency, lines, address, ...rest } = row;
    const data = {
      ...rest,
      // Only the repository writes these two columns, from values of the same types. As in `linesToReturn`, a line that does
      // not say counts as one that took its pieces.
      lines: (lines as OrderLine[]).map(({ tookStock = true, ...line }) => ({ ...line, tookStock })),
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

/** The cells of a list with this filter; undefined for all of them. */
export function orderCells({ status }: OrderFilter): OrderStatus[] | undefined {
  return status && [status];
}

/** A number belongs to one order, so a list by number has as many rows as it shows. */
function orderTotal({ customer = everybody, number, ...filter }: OrderFilter) {
  return number === undefined ? keptCount(countedOrders, customer, orderCells(filter)) : sql<number>`1`;
}

const { id, customerId, amount, currency, lineCount, createdAt } = orders;
const summary = { id, number, customerId, status: orders.status, amount, currency, lineCount, createdAt };

/** The conditions of the cells of a customer's orders, whose index has the status before the id. */
export function cellsOfCustomer(customer: string, status?: OrderStatus): SQL[] {
  const statuses = status === undefined ? orderStatuses : [status];
  return statuses.map((one) => sql`${customerId} = ${customer} AND ${orders.status} = ${one}`);
}

/** The query for the pages that no document has. Each filter has an index that ends with the id, or with the number. */
export function orderListQuery(db: Database, filter: OrderFilter, slice: Slice) {
  const { customer, number: wanted, status } = filter;
  const rows = { ...summary, total: orderTotal(filter).as('total') };
  const select = (where: SQL | undefined) => db.select(rows).from(orders).where(where).$dynamic();
  const isWantedStatus = status === undefined ? undefined : eq(orders.status, status);
  const isCustomers = customer === undefined ? undefined : eq(customerId, customer);
  // The index of a number has at most one order, whatever else is asked for.
  const one = wanted === undefined ? undefined : and(eq(orders.number, wanted), isWantedStatus, isCustomers);
  const cells = customer === undefined || one ? [one ?? isWantedStatus] : cellsOfCustomer(customer, status);
  return mergeCells(db, select, cells, keyset(id, slice), slice.limit);
}

/** The key of the document with the first page of a list. */
export const orderListKey = ({ customer = everybodyKey }: OrderFilter) => customer;

const pages = firstPages({
  counted: countedOrders,
  id,
  columns: [orders.status],
  cells: orderStatuses.map((status) => [status]),
  documents: ['everybody', customerId],
});

export const orderListView = defineListView({
  name: 'order-lists',
  shapeVersion: 1,
  triggers: [when(all, ({ data }) => (data.customerId === null ? [everybodyKey] : [everybodyKey, data.customerId]))],
  query: (db) =>
    db
      .select({ ...pages.columns, ...summary })
      .from(pages.from)
      .crossJoin(orders)
      .where(pages.where),
  toRow: ({ amount, currency, ...row }): OrderSummary => ({ ...row, total: { amount, currency } }),
  cellOf: ({ status }) => status,
});

/** How many orders an account has placed. */
export const orderCount: AccountCount = {
  count: keptCount(countedOrders, sql`users.id`),
  triggers: [when([OrderPlaced], ({ data }) => (data.customerId === null ? [] : [data.customerId]))],
};

export const orderViews = [orderView, orderListView];
