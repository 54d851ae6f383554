import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { slowlyMs } from './slowly';

/** The database counts no further. */
const mostCounted = 1000;

/** What waits in each queue: as the database knows it, and as the platform says, which not every platform does. */
export function Queues() {
  const read = useRead('queues', (headers) => api().operations.queues.$get({}, { headers }), slowlyMs);
  const text = texts.value.overview.queues;
  const names: Readonly<Record<string, string | undefined>> = text.names;
  const { number, duration } = format.value;
  const count = (value: number) => (value < mostCounted ? number(value) : say(text.atLeast, { count: number(value) }));
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
                isNumber: true,
                cell: ({ deliveries }) => (deliveries ? count(deliveries.pending) : '–'),
              },
              {
                title: text.oldest,
                isNumber: true,
                cell: ({ deliveries }) =>
                  deliveries && deliveries.pending > 0 ? duration(deliveries.oldestSeconds) : '–',
              },
              {
                title: text.dead,
                isNumber: true,
                cell: ({ deliveries }) => (deliveries ? count(deliveries.dead) : '–'),
              },
              {
                title: text.platform,
                cell: ({ backlog }) =>
                  backlog === null ? (
                    <span class="quiet">{text.unsaid}</span>
                  ) : (
                    <>
                      {number(backlog.messages)}
                      {backlog.oldestAt !== null && (
                        <>
                          {', '}
                          {text.since} <Ago time={backlog.oldestAt} />
                        </>
                      )}
                    </>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
    </section>
  );
}
