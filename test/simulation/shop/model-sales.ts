import type { Order, State } from './state';

// The sales figures, counted in the orders of the model one by one; the code keeps them.

/** How much a document shows, which differs from history to history. */
export interface SalesLimits {
  currenciesInDashboard: number;
  itemsRankedPerDay: number;
  bestSellersInDashboard: number;
}

const dayMs = 86_400_000;
const dayOf = ({ createdAt }: Order) => createdAt.slice(0, 10);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** What was ordered on each day in each currency. A day on which everything was cancelled has zeros. */
export function salesDays({ orders }: State) {
  const groups = Map.groupBy(orders.values(), (order) => `${dayOf(order)} ${order.total.currency}`);
  return [...groups].map(([key, own]) => {
    const [date = '', currency = ''] = key.split(' ');
    const valid = own.filter(({ status }) => status !== 'cancelled');
    return { date, currency, orders: valid.length, revenue: sum(valid.map(({ total }) => total.amount)) };
  });
}

/** How many pieces of each item were ordered on each day, with the title in the newest order of the day. */
export function itemSales({ orders }: State) {
  const lines = [...orders.values()]
    .sort((one, other) => one.number - other.number)
    .flatMap((order) =>
      order.lines.map((line) => ({ ...line, date: dayOf(order), isSold: order.status !== 'cancelled' })),
    );
  return [...Map.groupBy(lines, ({ date, itemId }) => `${date} ${itemId}`)].map(([key, own]) => {
    const [date = '', itemId = ''] = key.split(' ');
    const pieces = sum(own.map(({ isSold, quantity }) => (isSold ? quantity : 0)));
    return { date, itemId, title: own.at(-1)?.title ?? '', pieces };
  });
}

type ItemSales = ReturnType<typeof itemSales>[number];

function bestSellers(state: State, first: string, limits: SalesLimits) {
  const days = Map.groupBy(
    itemSales(state).filter(({ date, pieces }) => date >= first && pieces > 0),
    ({ date }) => date,
  );
  const byPieces = (one: ItemSales, other: ItemSales) =>
    other.pieces - one.pieces || (one.itemId < other.itemId ? 1 : -1);
  const ranked = [...days.values()].flatMap((own) => own.sort(byPieces).slice(0, limits.itemsRankedPerDay));
  return [...Map.groupBy(ranked, ({ itemId }) => itemId)]
    .map(([itemId, own]) => {
      const [newest] = own.sort((one, other) => (one.date < other.date ? 1 : -1));
      return { itemId, title: newest?.title, quantity: sum(own.map(({ pieces }) => pieces)) };
    })
    .sort((one, other) => other.quantity - one.quantity || (one.itemId < other.itemId ? -1 : 1))
    .slice(0, limits.bestSellersInDashboard);
}

/** The sales dashboard; `days` has only what was sold. */
export function salesDocument(state: State, limits: SalesLimits) {
  const countOf = (status: Order['status']) =>
    [...state.orders.values()].filter((order) => order.status === status).length;
  const sold = salesDays(state).filter(({ orders }) => orders > 0);
  const last = sold
    .map(({ date }) => date)
    .sort()
    .at(-1);
  const first = last === undefined ? '' : new Date(Date.parse(last) - 29 * dayMs).toISOString().slice(0, 10);
  const latest = sold.filter(({ date }) => date >= first);
  const byCurrency = [...Map.groupBy(latest, ({ currency }) => currency)]
    .map(([currency, own]) => ({
      currency,
      orders: sum(own.map(({ orders }) => orders)),
      amount: Math.round(sum(own.map(({ revenue }) => revenue)) / sum(own.map(({ orders }) => orders))),
    }))
    .sort((one, other) => other.orders - one.orders || (one.currency < other.currency ? -1 : 1));
  const shown = byCurrency.slice(0, limits.currenciesInDashboard);
  const isShown = (currency: string) => shown.some((one) => one.currency === currency);
  const byName = (one: { currency: string }, other: { currency: string }) => (one.currency < other.currency ? -1 : 1);
  return {
    counts: {
      placed: countOf('placed'),
      shipped: countOf('shipped'),
      delivered: countOf('delivered'),
      cancelled: countOf('cancelled'),
    },
    days: latest
      .filter(({ currency }) => isShown(currency))
      .sort((one, other) => (one.date === other.date ? byName(one, other) : one.date < other.date ? -1 : 1)),
    averages: shown.map(({ currency, amount }) => ({ currency, amount })).sort(byName),
    otherCurrencies: byCurrency.length - shown.length,
    bestSellers: last === undefined ? [] : bestSellers(state, first, limits),
  };
}
