// The commands about orders. An order can be named by its short number, as customers name it.
import { orderStatuses } from '../../src/orders/order-status';
import { formatMoney } from '../../src/platform/money';
import { block, formatTable, minute } from '../table';
import { command, type Group } from './command';
import { describePage } from './lists';
import { findNames, findOrder, findUserIfAny } from './names';
import { oneOf, order, sortedPage, user } from './parameters';

/** What this program prints is in English. */
const locale = 'en';

const list = command({
  says: 'orders, newest first',
  options: {
    status: oneOf('STATUS', orderStatuses, 'only orders with this status'),
    customer: user('only the orders of one customer'),
    ...sortedPage,
  },
  async run(context, { customer, ...query }) {
    const id = await findUserIfAny(context, customer);
    const json = await (await context.api.orders.$get({ query: { ...query, customer: id } })).json();
    const nameOf = await findNames(
      context,
      json.data.map(({ customerId }) => customerId),
    );
    const rows = json.data.map(({ number, status, total, lineCount, createdAt, customerId }) => {
      const who = customerId && nameOf(customerId);
      return [number, status, formatMoney(total, locale), lineCount, minute(createdAt), who];
    });
    return { json, text: describePage(json, ['number', 'status', 'total', 'lines', 'placed', 'customer'], rows) };
  },
});

const show = command({
  says: 'an order with its lines',
  takes: { order },
  async run(context, { order }) {
    const id = await findOrder(context, order);
    const json = await (await context.api.orders[':id'].$get({ param: { id } })).json();
    const { number, customerId, status, lines, total, shippingAddress: to, createdAt, updatedAt } = json;
    const nameOf = await findNames(context, [customerId]);
    const address = to && [to.name, to.line1, to.line2, `${to.postalCode} ${to.city}`, to.country];
    const head = block(`Order No. ${number}`, [
      ['id', id],
      ['status', status],
      ['customer', customerId ? nameOf(customerId) : 'deleted'],
      ['to', address?.filter(Boolean).join(', ') ?? 'deleted'],
      ['placed', createdAt],
      ['changed', updatedAt],
      ['total', formatMoney(total, locale)],
    ]);
    const rows = lines.map(({ title, quantity, price }) => [quantity, formatMoney(price, locale), title]);
    return { json, text: `${head}\n\n${formatTable(['pieces', 'price', 'item'], rows)}` };
  },
});

/** A command that brings an order to another status. */
const step = (action: 'ship' | 'deliver' | 'cancel', says: string, done: string) =>
  command({
    says,
    takes: { order },
    async run(context, { order }) {
      const id = await findOrder(context, order);
      const json = await (await context.api.orders[':id'][action].$post({ param: { id } })).json();
      const name = 'id' in order ? id : `No. ${order.number}`;
      return { json, text: `The order ${name} is ${done}.` };
    },
  });

const ship = step('ship', 'say that an order was handed to the carrier (agent)', 'shipped');
const deliver = step('deliver', 'say that an order has arrived (agent)', 'delivered');
const cancel = step('cancel', 'cancel an order, and put its stock back', 'cancelled');

export const orders = { list, show, ship, deliver, cancel } satisfies Group;
