import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import { format, say, sayCount, texts } from '../../language';
import type { Column } from '../../parts/data-table';
import { Status } from '../../parts/status';

export type ReadModels = InferResponseType<ReturnType<typeof api>['operations']['projections']['$get']>;
export type ReadModel = ReadModels['data'][number];

/** How a read model is, in words, and whether it is being rebuilt. */
function StateOfModel({ model }: { model: ReadModel }) {
  const { rebuild } = model;
  return (
    <span>
      <Health model={model} />
      {rebuild && (
        <>
          {' '}
          <Status tone="quiet">
            {say(texts.value.readModels.state.rebuilding, { percent: format.value.percent(rebuild.progress) })}
          </Status>
        </>
      )}
    </span>
  );
}

/** What fails goes before what is slow, and that before what waits. */
function Health({ model: { failedKeys, isWithinTarget, lagEvents } }: { model: ReadModel }) {
  const text = texts.value.readModels.state;
  if (failedKeys > 0) return <Status tone="bad">{sayCount(text.failing, failedKeys)}</Status>;
  const tone = isWithinTarget ? 'quiet' : 'warn';
  const words = isWithinTarget ? sayCount(text.waiting, lagEvents) : text.slow;
  if (lagEvents > 0)
    return (
      <Status tone={tone}>
        <a href="#waiting">{words}</a>
      </Status>
    );
  if (!isWithinTarget) return <Status tone={tone}>{words}</Status>;
  return <Status tone="good">{text.good}</Status>;
}

/** A lag of the last hour; null if it had no event. */
function describeLag(seconds: number | null): string {
  return seconds === null ? texts.value.readModels.none : format.value.duration(seconds);
}

/** The lag now, in time and in events. */
function describeLagNow({ lagEvents, lagSeconds }: ReadModel): string {
  const time = format.value.duration(lagSeconds);
  return lagEvents === 0 ? time : `${time} (${sayCount(texts.value.readModels.events, lagEvents)})`;
}

/** The API counts so many documents at most. */
const mostCounted = 1_000;

/** How many documents there are, at least. */
export const describeCount = (count: number) => format.value.number(count) + (count < mostCounted ? '' : '+');

/** How many documents are made once more, and the way to them. */
function describeRechecks({ view, keysToRecheck }: ReadModel) {
  const count = format.value.number(keysToRecheck);
  return keysToRecheck > 0 ? <a href={`/console/read-models/${view}#rechecks`}>{count}</a> : count;
}

/** What is said of each read model. */
export function factsOfModels(): Column<ReadModel>[] {
  const { columns: text } = texts.value.readModels;
  return [
    { title: text.state, cell: (model) => <StateOfModel model={model} /> },
    { title: text.position, isNumber: true, cell: ({ position }) => position },
    { title: text.now, isNumber: true, cell: describeLagNow },
    { title: text.usual, isNumber: true, cell: ({ lagP50Seconds }) => describeLag(lagP50Seconds) },
    { title: text.late, isNumber: true, cell: ({ lagP99Seconds }) => describeLag(lagP99Seconds) },
    { title: text.keys, isNumber: true, cell: ({ keys }) => describeCount(keys) },
    { title: text.recheck, isNumber: true, cell: describeRechecks },
  ];
}
