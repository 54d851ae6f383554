import { api } from '../../api';
import { texts } from '../../language';
import { DayChart } from '../../parts/day-chart';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { isAdmin } from '../../session';
import { Health } from './health';
import { Lags } from './lags';

/** What is wrong, how late the read models are, and how the shop does. */
export function Overview() {
  const tickets = useRead('ticket-dashboard', (headers) => api().dashboard.tickets.$get({}, { headers }));
  const text = texts.value.overview.tickets;
  return (
    <>
      <h1>{texts.value.sections.overview}</h1>
      <Health />
      {isAdmin.value && <Lags />}
      <h2>{text.title}</h2>
      <Loaded read={tickets}>
        {({ days }) => (
          <DayChart
            title={text.title}
            days={days}
            series={[
              { title: text.opened, value: ({ opened }) => opened },
              { title: text.closed, value: ({ closed }) => closed },
            ]}
          />
        )}
      </Loaded>
    </>
  );
}
