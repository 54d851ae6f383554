import { sql } from 'drizzle-orm';
import { limitOf, wantedKeys } from '../cqrs/reading/keyed-query';
import { everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineView, when } from '../cqrs/reading/view';
import { limits } from '../platform/limits';
import { OrderCancelled, OrderDelivered, OrderPlaced, OrderShipped } from './events';
import { orderStatuses } from './order-status';
import type { SalesDashboard } from './schemas';
import { countedOrders } from './views';

// The figures are kept in the tables sales_days and item_sales, so that no query counts orders. The document depends on these
// tables alone and not on the time: the reconciler may compare it at any moment.

const days = 30;
const dayMs = 86_400_000;

/** What was ordered on a day in a currency, without cancelled orders; the revenue is in minor units. */
interface DaySales {
  date: string;
  currency: string;
  orders: number;
  revenue: number;
}

/** The part of the dashboard that does not depend on the time of the read. */
export interface SalesFigures {
  counts: Record<string, number>;
  /** The 30 days that end with the last day on which something was ordered. */
  days: DaySales[];
  otherCurrencies: number;
  bestSellers: SalesDashboard['bestSellers'];
}

/** The one key of the dashboard. */
export const salesKey = 'all';

const countsByStatus = sql`json_object(${sql.join(
  orderStatuses.map((status) => sql`${status}, ${keptCount(countedOrders, everybody, [status])}`),
  sql`, `,
)})`;

/** The first of the 30 days that end with the last day on which something was ordered. */
const firstDay = sql`(
  SELECT date(date, ${`-${days - 1} days`}) FROM sales_days WHERE orders > 0 ORDER BY date DESC LIMIT 1)`;

/** The sums of the days by currency, with the place of each currency by its number of orders. */
const ranked = sql`
  SELECT currency, row_number() OVER (ORDER BY sum(orders) DESC, currency) AS place
  FROM sales_days WHERE date >= ${firstDay} GROUP BY currency HAVING sum(orders) > 0`;

const latestDays = sql<string>`(
  SELECT json_group_array(json_object('date', date, 'currency', currency, 'orders', orders, 'revenue', revenue))
  FROM (
    SELECT date, currency, orders, revenue FROM sales_days
    WHERE date >= ${firstDay} AND orders > 0
      AND currency IN (SELECT currency FROM (${ranked}) WHERE place <= ${limitOf('currenciesInDashboard')})
    ORDER BY date, currency))`;

const otherCurrencies = sql<number>`(
  SELECT count(*) FROM (${ranked}) WHERE place > ${limitOf('currenciesInDashboard')})`;

/** The items that count on a day are those with the most pieces on it, so that the query reads a bounded number of rows. */
const bestSellers = sql<string>`(
  SELECT json_group_array(json_object('itemId', item_id, 'title', title, 'quantity', pieces)) FROM (
    SELECT item_id, title, max(sold.date), sum(pieces) AS pieces
    FROM (SELECT DISTINCT date FROM sales_days WHERE date >= ${firstDay}) AS day
      CROSS JOIN item_sales AS sold ON sold.date = day.date AND sold.item_id IN (
        SELECT item_id FROM item_sales AS ranked WHERE ranked.date = day.date AND ranked.pieces > 0
        ORDER BY pieces DESC, item_id DESC LIMIT ${limitOf('itemsRankedPerDay')})
    GROUP BY item_id ORDER BY pieces DESC, item_id LIMIT ${limitOf('bestSellersInDashboard')}))`;

/** The sales figures of the shop: orders and revenue by day and currency, by status, and the best-selling items. */
export const salesView = defineView({
  name: 'sales-dashboard',
  shapeVersion: 1,
  restMs: limits.dashboardRestMs,
  triggers: [when([OrderPlaced, OrderCancelled, OrderShipped, OrderDelivered], () => [salesKey])],
  keyColumn: 'key',
  query: (db) =>
    db
      .select({
        key: sql<string>`wanted.value`.as('key'),
        counts: sql<string>`${countsByStatus}`.as('counts'),
        days: latestDays.as('days'),
        otherCurrencies: otherCurrencies.as('other_currencies'),
        bestSellers: bestSellers.as('best_sellers'),
      })
      .from(sql`json_each(${wantedKeys}) AS wanted`)
      // An operator may ask for any key: no event would keep the document of another one up to date.
      .where(sql`wanted.value = ${salesKey}`),
  toDocument([row]): { version: number; data: SalesFigures } | undefined {
    if (!row) return undefined;
    const { counts, days, bestSellers, otherCurrencies } = row;
    const lists = { counts: JSON.parse(counts), days: JSON.parse(days), bestSellers: JSON.parse(bestSellers) };
    return { version: 0, data: { ...lists, otherCurrencies } };
  },
});

/** Makes the dashboard for the time `now` (milliseconds): the last 30 days in UTC with today, and their averages. */
export function presentSales(figures: SalesFigures | undefined, now: number): SalesDashboard {
  const dates = Array.from({ length: days }, (_, index) =>
    new Date(now - (days - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
  const shown = (figures?.days ?? []).filter(({ date }) => dates.includes(date));
  const byDate = Map.groupBy(shown, ({ date }) => date);
  const { placed = 0, shipped = 0, delivered = 0, cancelled = 0 } = figures?.counts ?? {};
  return {
    counts: { placed, shipped, delivered, cancelled },
    days: dates.map((date) => ({ date, sales: (byDate.get(date) ?? []).map(({ date: _, ...sales }) => sales) })),
    averages: [...Map.groupBy(shown, ({ currency }) => currency)]
      .map(([currency, own]) => {
        const sumOf = (figure: 'orders' | 'revenue') => own.reduce((sum, day) => sum + day[figure], 0);
        return { currency, amount: Math.round(sumOf('revenue') / sumOf('orders')) };
      })
      .sort((one, other) => (one.currency < other.currency ? -1 : 1)),
    otherCurrencies: figures?.otherCurrencies ?? 0,
    bestSellers: figures?.bestSellers ?? [],
  };
}
