import { requireStaff } from '../access/caller';
import type { Reader } from '../access/reader';
import type { ListRequest } from '../cqrs/reading/page-request';
import { requireDocument } from '../cqrs/reading/read-models';
import type { Clock } from '../platform/clock';
import { orderErrors } from './errors';
import { requireReadable } from './order';
import { presentSales, salesKey, salesView } from './sales';
import { type OrderFilter, orderCells, orderListKey, orderListQuery, orderListView, orderView } from './views';

/** The queries on orders. */
export function createOrderQueries(reader: Reader, clock: Clock) {
  return {
    /** Reads an order, for its customer and for agents and admins. */
    async GetOrder({ id }: { id: string }) {
      const { actor, result } = await reader.read(orderView, id);
      const found = requireDocument(result, () => orderErrors.notFound({ orderId: id }));
      requireReadable(found.document.data, actor);
      return found;
    },

    /**
     * Lists orders: for customers their own; for agents and admins those of one customer or of all. With a number, the list
     * has this one order.
     */
    async ListOrders({ number, status, customer, ...page }: OrderFilter & ListRequest) {
      const { role, userId } = reader.caller();
      // The role in the token may choose the list, because the read then checks the token and with it the role.
      const filter = { customer: role === 'customer' ? userId : customer, status, number };
      const list = await reader.readList({
        view: orderListView,
        // No document has the list of one number.
        key: number === undefined ? orderListKey(filter) : undefined,
        cells: orderCells(filter),
        page,
        query: (db, slice) => orderListQuery(db, filter, slice),
      });
      return list.page;
    },

    /** Reads the sales figures, for agents and admins. */
    async GetSalesDashboard() {
      const { actor, result } = await reader.read(salesView, salesKey);
      requireStaff(actor);
      const { document, ...freshness } = result;
      return { ...freshness, dashboard: presentSales(document?.data, clock.now()) };
    },
  };
}

export type OrderQueries = ReturnType<typeof createOrderQueries>;
