import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { logPath, shortId } from '../events/links';

type Letter = InferResponseType<ReturnType<typeof api>['operations']['dead-letters']['$get']>['data'][number];

/** Dead letters, of which some can be chosen. */
export function LetterRows({
  letters,
  chosen,
  onChoose,
}: {
  letters: readonly Letter[];
  chosen: readonly string[];
  onChoose: (ids: string[]) => void;
}) {
  const { columns, group, letter: text } = texts.value.deadLetters;
  const { number } = format.value;
  const toggle = (id: string) => onChoose(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  return (
    <DataTable
      caption={group}
      rows={letters}
      keyOf={({ id }) => id}
      columns={[
        {
          title: text.event,
          cell: ({ id, type, position }) => (
            <span>
              <input
                type="checkbox"
                aria-label={say(text.chooseOne, { id })}
                checked={chosen.includes(id)}
                onChange={() => toggle(id)}
              />{' '}
              <a href={`/console/dead-letters/${id}`}>{type}</a> <span class="quiet nowrap">#{position}</span>
            </span>
          ),
        },
        {
          title: text.about,
          cell: ({ streamType, streamId }) => (
            <a href={logPath({ stream: `${streamType}/${streamId}` })} title={streamId}>
              {streamType} <code class="nowrap">{shortId(streamId)}</code>
            </a>
          ),
        },
        { title: columns.last, cell: ({ lastFailedAt }) => lastFailedAt && <Ago time={lastFailedAt} /> },
        { title: columns.attempts, isNumber: true, cell: ({ attempts }) => number(attempts) },
        { title: columns.replays, isNumber: true, cell: ({ replays }) => number(replays) },
      ]}
    />
  );
}
