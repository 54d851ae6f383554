import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Status } from '../../parts/status';
import type { InspectedKey } from './explain';

function describeClaim(row: InspectedKey['row']): string {
  const text = texts.value.inspector.work;
  const { time } = format.value;
  if (!row?.lastTouchedAt) return text.free;
  if (row.claimedUntil === null) return say(text.last, { time: time(row.lastTouchedAt) });
  return say(text.held, { until: time(row.claimedUntil) });
}

/** What the projector has noted about the document. */
export function Work({ found: { row, floor, otherShapes } }: { found: InspectedKey }) {
  const text = texts.value.inspector.work;
  const facts: [string, string][] = [
    [text.put, row ? say(text.upTo, { position: String(row.position) }) : text.never],
    [text.claim, describeClaim(row)],
    [text.recheck, row?.recheckAt ? say(text.after, { time: format.value.time(row.recheckAt) }) : text.no],
  ];
  if (row?.error) facts.push([text.error, row.error]);
  if (floor > 0) facts.push([text.floor, String(floor)]);
  for (const { shape, position } of otherShapes)
    facts.push([text.shapes, say(text.shape, { shape, position: String(position) })]);
  return (
    <section aria-labelledby="work">
      <h2 id="work">{text.title}</h2>
      <dl class="known">
        {facts.map(([name, fact]) => (
          <>
            <dt>{name}</dt>
            <dd>{fact}</dd>
          </>
        ))}
      </dl>
    </section>
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
        <DataTable
          caption={text.title}
          rows={deliveries}
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
            {
              title: text.state,
              cell: ({ status }) =>
                status === 'dead' ? (
                  <a href="/console/dead-letters?subscription=projections">
                    <Status tone="bad">{text.dead}</Status>
                  </a>
                ) : (
                  <Status tone="warn">{text.pending}</Status>
                ),
            },
            { title: text.attempts, isNumber: true, cell: ({ attempts }) => format.value.number(attempts) },
            { title: text.error, cell: ({ lastError }) => lastError ?? '–' },
            {
              title: text.next,
              cell: ({ status, nextSendAt }) => (status === 'dead' ? '–' : format.value.time(nextSendAt)),
            },
          ]}
        />
      )}
    </section>
  );
}
