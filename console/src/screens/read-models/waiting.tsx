import { api } from '../../api';
import { format, texts } from '../../language';
import { useList } from '../../pages';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { inspectorOf } from '../inspector/places';

/** The events that are not in their documents yet, the oldest first. */
export function Waiting({ views }: { views: readonly string[] }) {
  const list = useList('waiting', (cursor, headers) =>
    api().operations.deliveries.$get({ query: { subscription: 'projections', cursor } }, { headers }),
  );
  const text = texts.value.readModels.waiting;
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">{text.title}</h2>
      <Loaded read={list.read}>
        {({ data }) =>
          data.length === 0 ? (
            <p class="quiet">{text.none}</p>
          ) : (
            <DataTable
              caption={text.title}
              rows={list.rows ?? []}
              keyOf={({ id }) => id}
              columns={[
                {
                  title: text.event,
                  cell: ({ type, streamType, streamId }) => (
                    <a href={`/console/events?stream=${streamType}/${streamId}`}>{type}</a>
                  ),
                },
                { title: text.position, isNumber: true, cell: ({ position }) => position },
                { title: text.happened, cell: ({ occurredAt }) => <Ago time={occurredAt} /> },
                { title: text.attempts, isNumber: true, cell: ({ attempts }) => format.value.number(attempts) },
                { title: text.error, cell: ({ lastError }) => lastError ?? '–' },
                { title: text.next, cell: ({ nextSendAt }) => format.value.time(nextSendAt) },
                {
                  title: text.document,
                  // The read model of single things has the name of their streams.
                  cell: ({ streamType, streamId }) =>
                    views.includes(streamType) ? <a href={inspectorOf(streamType, streamId)}>{text.inspect}</a> : '–',
                },
              ]}
            />
          )
        }
      </Loaded>
      <More list={list} />
    </section>
  );
}
