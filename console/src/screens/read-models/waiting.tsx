import { api } from '../../api';
import { texts } from '../../language';
import { useList } from '../../pages';
import { Loaded } from '../../parts/loaded';
import { More } from '../../parts/more';
import { DeliveryTable } from '../inspector/deliveries';
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
            <DeliveryTable
              caption={text.title}
              rows={list.rows ?? []}
              more={[
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
      {list.more && <More list={list} />}
    </section>
  );
}
