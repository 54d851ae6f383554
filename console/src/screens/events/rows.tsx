import './events.css';
import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import { texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Actor } from './actor';
import { logPath, shortId } from './links';

/** An event as the API shows it. */
export type LogEvent = InferResponseType<ReturnType<typeof api>['operations']['events']['$get']>['data'][number];

/** The address of the screen of an event. */
export const eventPath = (position: number) => `/console/events/${position}`;

/** Events of the log; each value is a link to what it has in common with other events. */
export function EventRows({ caption, events }: { caption: string; events: readonly LogEvent[] }) {
  const { columns: text } = texts.value.events;
  return (
    <DataTable
      caption={caption}
      rows={events}
      keyOf={({ id }) => id}
      columns={[
        {
          title: text.event,
          cell: ({ position, type }) => (
            <span>
              <a href={eventPath(position)}>{type}</a> <span class="quiet nowrap">#{position}</span>
            </span>
          ),
        },
        { title: text.when, cell: ({ occurredAt }) => <Ago time={occurredAt} /> },
        {
          title: text.who,
          cell: (event) => (
            <span>
              <Actor event={event} />
            </span>
          ),
        },
        {
          title: text.stream,
          cell: ({ streamType, streamId }) => (
            <a href={logPath({ stream: `${streamType}/${streamId}` })} title={streamId}>
              {streamType} <code class="nowrap">{shortId(streamId)}</code>
            </a>
          ),
        },
        {
          title: text.request,
          cell: ({ requestId }) =>
            requestId !== null && (
              <a href={logPath({ request: requestId })} title={requestId}>
                <code class="nowrap">{shortId(requestId)}</code>
              </a>
            ),
        },
      ]}
    />
  );
}
