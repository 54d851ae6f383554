import { api } from '../../api';
import { now } from '../../clock';
import { format, say, texts } from '../../language';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { slowlyMs } from './slowly';

/** The database counts no further. */
const mostCounted = 1000;

const secondsSince = (time: string) => Math.max(0, Math.round((now.value - Date.parse(time)) / 1000));

/** What waits in each queue: as the database knows it, and as the platform says, which not every platform does. */
export function Queues() {
  const read = useRead('queues', (headers) => api().operations.queues.$get({}, { headers }), slowlyMs);
  const text = texts.value.machinery.queues;
  const names: Readonly<Record<string, string | undefined>> = text.names;
  const { number, duration } = format.value;
  const count = (value: number) => (value < mostCounted ? number(value) : say(text.atLeast, { count: number(value) }));
  function waiting(pending: number | undefined, seconds = 0) {
    if (pending === undefined) return '–';
    return pending === 0 ? number(0) : say(text.since, { count: count(pending), time: duration(seconds) });
  }
  return (
    <section aria-labelledby="queues">
      <h2 id="queues">{text.title}</h2>
      <Loaded read={read}>
        {({ data }) => (
          <DataTable
            caption={text.title}
            rows={data}
            keyOf={({ queue }) => queue}
            columns={[
              { title: text.queue, cell: ({ queue }) => names[queue] ?? queue },
              {
                title: text.waiting,
                cell: ({ deliveries }) => waiting(deliveries?.pending, deliveries?.oldestSeconds),
              },
              {
                title: text.dead,
                cell: ({ queue, deliveries }) =>
                  deliveries ? (
                    <a href={`/console/dead-letters?subscription=${queue}`}>{count(deliveries.dead)}</a>
                  ) : (
                    '–'
                  ),
              },
              {
                title: text.platform,
                cell: ({ backlog }) =>
                  backlog ? (
                    waiting(backlog.messages, backlog.oldestAt === null ? 0 : secondsSince(backlog.oldestAt))
                  ) : (
                    <span class="quiet">{text.unsaid}</span>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}
