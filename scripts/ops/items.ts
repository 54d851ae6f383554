// The commands about items.
import { formatMoney } from '../../src/platform/money';
import { command, type Group } from './command';
import { describePage } from './lists';
import { findUserIfAny } from './names';
import { oneOf, sortedPage, user } from './parameters';

const list = command({
  says: 'items, newest first',
  options: {
    active: oneOf('ACTIVE', ['true', 'false'], 'only items that are for sale, or only the others'),
    owner: user('only the items of one seller'),
    ...sortedPage,
  },
  async run(context, { owner, ...query }) {
    const id = await findUserIfAny(context, owner);
    const json = await (await context.api.items.$get({ query: { ...query, owner: id } })).json();
    const rows = json.data.map(({ id, title, price, isActive, takenDown }) => {
      const sale = isActive ? 'for sale' : takenDown ? 'taken down' : 'off sale';
      return [id, sale, formatMoney(price, 'en'), title];
    });
    return { json, text: describePage(json, ['item', 'sale', 'price', 'title'], rows) };
  },
});

export const items = { list } satisfies Group;
