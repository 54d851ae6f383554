import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { type Column, DataTable } from '../../parts/data-table';
import { Status } from '../../parts/status';
import type { InspectedKey, OpenDelivery } from './inspected-key';

type Waiting = Omit<OpenDelivery, 'status'> & { status?: OpenDelivery['status'] };

/** Deliveries that are not done; without a status they wait. */
export function DeliveryTable<Row extends Waiting>({
  caption,
  rows,
  more = [],
}: {
  caption: string;
  rows: readonly Row[];
  more?: readonly Column<Row>[];
}) {
  const text = texts.value.inspector.deliveries;
  const { number, until } = format.value;
  return (
    <DataTable
      caption={caption}
      rows={rows}
      keyOf={({ id }) => id}
      columns={[
        {
          title: text.event,
          cell: ({ position, type }) => (
            <span>
              <a href={`/console/events/${position}`}>{type}</a> <span class="quiet">{position}</span>
            </span>
          ),
        },
        { title: text.happened, cell: ({ occurredAt }) => <Ago time={occurredAt} /> },
        {
          title: text.state,
          cell: ({ id, status, nextSendAt }) =>
            status === 'dead' ? (
              <Status tone="bad">
                <a href={`/console/dead-letters/${id}`}>{text.dead}</a>
              </Status>
            ) : (
              <span>
                <Status tone="warn">{text.pending}</Status>{' '}
                <span class="quiet">{say(text.next, { when: until(nextSendAt) })}</span>
              </span>
            ),
        },
        { title: text.error, cell: ({ lastError }) => lastError ?? '–' },
        ...more,
        { title: text.attempts, isNumber: true, cell: ({ attempts }) => number(attempts) },
      ]}
    />
  );
}

/** The events that touch the document and whose work is not done. */
export function Deliveries({ found: { deliveries, isSearchComplete } }: { found: InspectedKey }) {
  const text = texts.value.inspector.deliveries;
  return (
    <section aria-labelledby="deliveries">
      <h2 id="deliveries">{text.title}</h2>
      {!isSearchComplete && <p>{text.incomplete}</p>}
      {deliveries.length === 0 ? (
        <p class="quiet">{text.none}</p>
      ) : (
        <DeliveryTable caption={text.title} rows={deliveries} />
      )}
    </section>
  );
}
