import type { Reader } from '../access/reader';
import { type Page, type PageRequest, pageErrors } from '../cqrs/reading/pages';
import { requireDocument } from '../cqrs/reading/read-models';
import { orderErrors } from './errors';
import { requireReadable } from './order';
import type { OrderSummary } from './schemas';
import { type OrderQueryFilter, orderListKey, orderListQuery, orderListView, orderView } from './views';

/** The queries on orders. */
export function createOrderQueries(reader: Reader) {
  /** Finds one order by its number, as a list with one row or none. It has no second page, so no cursor belongs to it. */
  async function findByNumber(filter: OrderQueryFilter, { cursor }: PageRequest): Promise<Page<OrderSummary>> {
    if (cursor !== undefined) throw pageErrors.invalidCursor({});
    const { rows, freshness } = await reader.readRows((db) => orderListQuery(db, filter, 1));
    return { data: orderListView.toDocument(rows, '')?.data ?? [], nextCursor: null, freshness };
  }

  return {
    /** Reads an order, for its customer and for agents and admins. */
    async GetOrder({ id }: { id: string }) {
      const { actor, result } = await reader.read(orderView, id);
      const found = requireDocument(result, () => orderErrors.notFound({ orderId: id }));
      requireReadable(found.document.data, actor);
      return found;
    },

    /**
     * Lists orders, newest first: for customers their own; for agents and admins those of one customer or of all. With a
     * number, the list has this one order.
     */
    async ListOrders({ number, status, customer, ...page }: OrderQueryFilter & PageRequest) {
      const { role, userId } = reader.caller();
      // The role in the token may choose the list, because the read then checks the token and with it the role.
      const filter = { customer: role === 'customer' ? userId : customer, status };
      if (number !== undefined) return findByNumber({ ...filter, number }, page);
      const list = await reader.readList({
        view: orderListView,
        key: orderListKey(filter),
        page,
        rowsAfter: (db, limit, after) => orderListQuery(db, filter, limit, after),
      });
      return list.page;
    },
  };
}

export type OrderQueries = ReturnType<typeof createOrderQueries>;
