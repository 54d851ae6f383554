// The two dashboards as bars: `npm run ops -- dashboard` shows them, and `npm run demo` at the end of its day.
import type { SalesDashboard } from '../src/orders/schemas';
import { formatMoney } from '../src/platform/money';
import type { TicketDashboard } from '../src/tickets/schemas';
import { type Bar, formatBars } from './bars';
import { count } from './table';

const byStatus = (counts: Readonly<Record<string, number>>): Bar[] =>
  Object.entries(counts).map(([label, value]) => ({ label, value }));

/** The days from the first one on which something happened. */
function sinceFirst<Day>(days: readonly Day[], isEmpty: (day: Day) => boolean): readonly Day[] {
  const first = days.findIndex((day) => !isEmpty(day));
  return first === -1 ? [] : days.slice(first);
}

/** The support desk's figures. */
export function ticketBars({ counts, days, oldestOpenAt, medianTriageSeconds }: TicketDashboard): string {
  const bars = sinceFirst(days, ({ opened, reopened, closed }) => opened + reopened + closed === 0).flatMap((day) => [
    { label: `${day.date} opened`, value: day.opened },
    // Most days have none.
    ...(day.reopened > 0 ? [{ label: `${day.date} reopened`, value: day.reopened }] : []),
    { label: `${day.date} closed`, value: day.closed },
  ]);
  const oldest = oldestOpenAt === null ? 'No ticket is open.' : `The oldest open ticket is of ${oldestOpenAt}.`;
  const median = medianTriageSeconds === null ? 'none yet' : count(medianTriageSeconds, 'second');
  return [
    formatBars('Tickets by status', byStatus(counts)),
    formatBars('Tickets by day, of the last 30', bars),
    `${oldest}\nThe median time from opening to triage: ${median}.`,
  ].join('\n\n');
}

/** The sales figures; bars of different currencies are not compared. */
export function salesBars({ counts, days, averages, bestSellers, otherCurrencies }: SalesDashboard): string {
  const revenues = averages.map(({ currency, amount }) => {
    const ofCurrency = days.map(({ date, sales }) => ({ date, ...sales.find((sale) => sale.currency === currency) }));
    const bars = sinceFirst(ofCurrency, ({ orders = 0 }) => orders === 0).map(({ date, orders = 0, revenue = 0 }) => ({
      label: date,
      value: revenue,
      text: `${formatMoney({ amount: revenue, currency }, 'en')} of ${count(orders, 'order')}`,
    }));
    const average = formatMoney({ amount, currency }, 'en');
    return formatBars(`Revenue by day in ${currency}, of the last 30; the average order is ${average}`, bars);
  });
  return [
    formatBars('Orders by status', byStatus(counts)),
    ...revenues,
    ...(otherCurrencies > 0 ? [`There are ${otherCurrencies} more currencies.`] : []),
    formatBars(
      'Best-selling items, in pieces',
      bestSellers.map(({ title, quantity }) => ({ label: title, value: quantity })),
    ),
  ].join('\n\n');
}
