import { useAddress } from '../../address';
import { api } from '../../api';
import { format, say, sayCount, texts } from '../../language';
import { DayChart } from '../../parts/day-chart';
import { FilterLinks } from '../../parts/filter-links';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { Figures } from './figures';

type Response = Awaited<ReturnType<ReturnType<typeof api>['dashboard']['sales']['$get']>>;
type Dashboard = Awaited<ReturnType<Response['json']>>;

const shownBestSellers = 3;

/** The days in one currency: amounts of others are no part of its sums. */
function inCurrency(days: Dashboard['days'], currency: string) {
  return days.map(({ date, sales }) => {
    const { orders = 0, revenue = 0 } = sales.find((one) => one.currency === currency) ?? {};
    return { date, orders, revenue };
  });
}

function Content({ counts, days, averages, otherCurrencies, bestSellers }: Dashboard) {
  const { query } = useAddress<'currency'>();
  const text = texts.value.overview.sales;
  const { number, money } = format.value;
  const average = averages.find(({ currency }) => currency === query.currency) ?? averages[0];
  const { currency = 'EUR' } = average ?? {};
  const shown = inCurrency(days, currency);
  const sum = shown.reduce((sum, { revenue }) => sum + revenue, 0);
  return (
    <>
      {averages.length > 1 && (
        <FilterLinks
          label={text.currency}
          name="currency"
          query={{ currency }}
          links={averages.map((one) => [one.currency, one.currency] as const)}
        />
      )}
      <Figures
        figures={[
          [text.placed, <a href="/console/orders?status=placed">{number(counts.placed)}</a>],
          [text.shipped, <a href="/console/orders?status=shipped">{number(counts.shipped)}</a>],
          [text.revenue, money({ amount: sum, currency })],
          [text.average, average ? money(average) : '–'],
        ]}
      />
      <DayChart
        title={say(text.chart, { currency })}
        days={shown}
        series={[
          { title: text.revenue, value: ({ revenue }) => revenue, show: (amount) => money({ amount, currency }) },
        ]}
        others={[{ title: text.orders, value: ({ orders }) => orders }]}
      />
      {otherCurrencies > 0 && <p class="hint">{sayCount(text.others, otherCurrencies)}</p>}
      {bestSellers.length > 0 && (
        <p class="hint">
          {text.best}{' '}
          {bestSellers.slice(0, shownBestSellers).map(({ itemId, title, quantity }, index) => (
            <span key={itemId}>
              {index > 0 && ' · '}
              <a href={`/console/items/${itemId}`}>{title}</a> ({number(quantity)})
            </span>
          ))}
        </p>
      )}
    </>
  );
}

/** How the shop sells. */
export function Sales() {
  const read = useRead('sales-dashboard', (headers) => api().dashboard.sales.$get({}, { headers }));
  return (
    <section aria-labelledby="sales">
      <h2 id="sales">{texts.value.overview.sales.title}</h2>
      <Loaded read={read}>{(sales) => <Content {...sales} />}</Loaded>
    </section>
  );
}
