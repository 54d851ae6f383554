import type { Reader } from '../access/reader';
import type { PageRequest } from '../cqrs/reading/pages';
import { requireDocument } from '../cqrs/reading/read-models';
import { orderErrors } from './errors';
import { requireReadable } from './order';
import { type OrderFilter, orderListKey, orderListQuery, orderListView, orderView, toOrderSummary } from './views';

/** The queries on orders. */
export function createOrderQueries(reader: Reader) {
  return {
    /** An order, for its customer and for agents and admins. */
    async GetOrder({ id }: { id: string }) {
      const { actor, result } = await reader.read(orderView, id);
      const found = requireDocument(result, () => orderErrors.notFound({ orderId: id }));
      requireReadable(found.document.data, actor);
      return found;
    },

    /** Orders, newest first: a customer's own, or for agents and admins those of one customer or of all. */
    async ListOrders({ status, customer, ...page }: OrderFilter & PageRequest) {
      const { role, userId } = reader.caller();
      // The role of the token chooses the list; the read then checks that the token is valid, and so its role.
      const filter = { customer: role === 'customer' ? userId : customer, status };
      const list = await reader.readList({
        view: orderListView,
        key: orderListKey(filter),
        page,
        rowsAfter: async (db, limit, after) => (await orderListQuery(db, filter, limit, after)).map(toOrderSummary),
      });
      return list.page;
    },
  };
}

export type OrderQueries = ReturnType<typeof createOrderQueries>;
