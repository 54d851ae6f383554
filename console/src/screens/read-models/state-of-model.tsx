import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';
import { locale, sayCount, texts } from '../../language';
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

/** A time as people say it: `1.2 sec`, `16 min`. */
function duration(seconds: number): string {
  const isLong = seconds >= 120;
  const options = { style: 'unit', unit: isLong ? 'minute' : 'second', maximumFractionDigits: isLong ? 0 : 1 } as const;
  return new Intl.NumberFormat(locale.value, options).format(isLong ? seconds / 60 : seconds);
}

/** A lag of the last hour; null if it had no event. */
export function describeLag(seconds: number | null): string {
  return seconds === null ? texts.value.readModels.none : duration(seconds);
}

/** The lag now, in time and in events. */
export function describeLagNow({ lagEvents, lagSeconds }: ReadModel): string {
  const time = duration(lagSeconds);
  return lagEvents === 0 ? time : `${time} (${sayCount(texts.value.readModels.events, lagEvents)})`;
}
