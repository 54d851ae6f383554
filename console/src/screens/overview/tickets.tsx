import { api } from '../../api';
import { format, texts } from '../../language';
import { DayChart } from '../../parts/day-chart';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { Figures } from './figures';

/** How the support desk does. */
export function Tickets() {
  const read = useRead('ticket-dashboard', (headers) => api().dashboard.tickets.$get({}, { headers }));
  const text = texts.value.overview.tickets;
  const { number, duration } = format.value;
  const linked = (status: string, count: number) => <a href={`/console/tickets?status=${status}`}>{number(count)}</a>;
  return (
    <section aria-labelledby="tickets">
      <h2 id="tickets">{text.title}</h2>
      <Loaded read={read}>
        {({ counts, days, oldestOpenSeconds, medianTriageSeconds }) => (
          <>
            <Figures
              figures={[
                [text.open, linked('open', counts.open)],
                [text.triaged, linked('triaged', counts.triaged)],
                [text.oldest, oldestOpenSeconds === null ? '–' : duration(oldestOpenSeconds)],
                [text.median, medianTriageSeconds === null ? '–' : duration(medianTriageSeconds)],
              ]}
            />
            <DayChart
              title={text.chart}
              days={days}
              series={[
                { title: text.opened, value: ({ opened }) => opened },
                { title: text.closed, value: ({ closed }) => closed },
              ]}
            />
          </>
        )}
      </Loaded>
    </section>
  );
}
