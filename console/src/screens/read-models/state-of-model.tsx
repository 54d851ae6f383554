import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import { format, say, sayCount, texts } from '../../language';
import { Status } from '../../parts/status';

export type ReadModels = InferResponseType<ReturnType<typeof api>['operations']['projections']['$get']>;
export type ReadModel = ReadModels['data'][number];

/** How a read model is, in words: what fails goes before what is slow, and that before what waits. */
export function StateOfModel({ model: { failedKeys, isWithinTarget, lagEvents } }: { model: ReadModel }) {
  const text = texts.value.readModels.state;
  if (failedKeys > 0) return <Status tone="bad">{sayCount(text.failing, failedKeys)}</Status>;
  if (!isWithinTarget) return <Status tone="bad">{text.slow}</Status>;
  if (lagEvents > 0) return <Status tone="warn">{sayCount(text.waiting, lagEvents)}</Status>;
  return <Status tone="good">{text.good}</Status>;
}

/** A lag of the last hour; null if it had no event. */
export function describeLag(seconds: number | null): string {
  const text = texts.value.readModels;
  return seconds === null ? text.none : say(text.seconds, { value: format.value.number(seconds) });
}

/** The lag now, in seconds and in events. */
export function describeLagNow({ lagEvents, lagSeconds }: ReadModel): string {
  const text = texts.value.readModels;
  const seconds = describeLag(lagSeconds);
  return lagEvents === 0 ? seconds : say(text.lag, { seconds, events: sayCount(text.events, lagEvents) });
}
