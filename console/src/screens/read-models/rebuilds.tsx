import type { InferResponseType } from 'hono/client';
import { useLayoutEffect } from 'preact/hooks';
import { useAction } from '../../act';
import { api } from '../../api';
import { holdFocus } from '../../focus';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { ConfirmedButton } from '../../parts/confirm';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { Status, type Tone } from '../../parts/status';
import { type Read, useRead } from '../../read';
import { describeCount, type ReadModel } from './state-of-model';

type RebuildList = InferResponseType<ReturnType<typeof api>['operations']['rebuilds']['$get']>;
type Rebuild = RebuildList['data'][number];

const everyMs = 2_000;
const tones: Readonly<Record<Rebuild['status'], Tone>> = {
  running: 'warn',
  done: 'good',
  cancelled: 'quiet',
  failed: 'bad',
};

/** The latest rebuilds, read often enough for a bar to move. */
export const useRebuilds = () =>
  useRead('rebuilds', (headers) => api().operations.rebuilds.$get({}, { headers }), everyMs);

/** The button that starts a rebuild. */
export function StartRebuild({ model: { view, keys }, position }: { model: ReadModel; position: number }) {
  const text = texts.value.readModels.rebuild;
  const start = useAction(() => api().operations.projections[':view'].rebuild.$post({ param: { view } }));
  const { number } = format.value;
  return (
    <ConfirmedButton label={text.start} title={say(text.question, { view })} action={start}>
      <ul>
        {text.effects.map((effect) => (
          <li key={effect}>{say<string>(effect, { view, keys: describeCount(keys), position: number(position) })}</li>
        ))}
      </ul>
    </ConfirmedButton>
  );
}

/** The progress of a rebuild, with the button that stops it. */
function Running({ rebuild }: { rebuild: Rebuild }) {
  const { id, view, progress, checkpoint, target, keys, lastError } = rebuild;
  const text = texts.value.readModels.rebuild;
  // A rebuild that ends takes its button along.
  useLayoutEffect(() => () => holdFocus()(), []);
  const stop = useAction(() => api().operations.rebuilds[':id'].cancel.$post({ param: { id } }));
  const { number } = format.value;
  return (
    <div class="panel running">
      <p>
        <strong>{view}</strong>{' '}
        {say(text.progress, {
          percent: format.value.percent(progress),
          checkpoint: number(checkpoint),
          target: number(target),
          keys: number(keys),
        })}
      </p>
      <progress value={progress} max={1} aria-label={say(text.bar, { view })} />
      {lastError !== null && <p class="quiet">{`${text.error}: ${lastError}`}</p>}
      <ConfirmedButton label={text.stop} title={say(text.stopQuestion, { view })} action={stop}>
        <p>{text.stopEffect}</p>
      </ConfirmedButton>
    </div>
  );
}

function Rows({ rebuilds }: { rebuilds: readonly Rebuild[] }) {
  const text = texts.value.readModels.rebuild;
  const { number } = format.value;
  const [newest] = rebuilds;
  if (!newest) return <p class="quiet">{text.none}</p>;
  return (
    <>
      {rebuilds
        .filter(({ status }) => status === 'running')
        .map((rebuild) => (
          <Running key={rebuild.id} rebuild={rebuild} />
        ))}
      <p class="hidden" role="status">{`${newest.view}: ${text.status[newest.status]}`}</p>
      <DataTable
        caption={text.recent}
        rows={rebuilds}
        keyOf={({ id }) => id}
        columns={[
          { title: text.view, cell: ({ view }) => <a href={`/console/read-models/${view}`}>{view}</a> },
          { title: text.state, cell: ({ status }) => <Status tone={tones[status]}>{text.status[status]}</Status> },
          { title: text.started, cell: ({ startedAt }) => <Ago time={startedAt} /> },
          { title: text.keys, isNumber: true, cell: ({ keys }) => number(keys) },
          { title: text.failed, isNumber: true, cell: ({ failedKeys }) => number(failedKeys) },
          { title: text.error, cell: ({ lastError }) => lastError ?? '–' },
          { title: text.act, cell: ({ id }) => <a href={`/console/events?stream=rebuild/${id}`}>{text.events}</a> },
        ]}
      />
    </>
  );
}

/** The latest rebuilds, of all read models or of one. */
export function Rebuilds({ read, view }: { read: Read<RebuildList>; view?: string }) {
  return (
    <Loaded read={read}>
      {({ data }) => <Rows rebuilds={view === undefined ? data : data.filter((one) => one.view === view)} />}
    </Loaded>
  );
}
