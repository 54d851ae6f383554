import { limits } from '../../platform/limits';
import { type EventCatalogue, type RecordedEvent, upcast } from '../log/event';
import { targetsOf, type View } from './view';

/** The keys of a view that an event touches. */
export interface Touched {
  position: number;
  keys: readonly string[];
}

/** Finds the keys of a view that each event touches, in the order of the events. */
export function findTouched(events: readonly RecordedEvent[], view: View, catalogue: EventCatalogue): Touched[] {
  return events
    .filter(({ type }) => view.types.includes(type))
    .map((event) => ({
      position: event.position,
      keys: targetsOf([view], upcast(catalogue, event)).map(({ key }) => key),
    }));
}

/**
 * Takes the keys of one step: of as many events as the limit allows, and a part of the keys of the event after them. The
 * checkpoint stays before that event; the next step finds the part of its keys that is still behind.
 */
export function takeKeys(
  touched: readonly Touched[],
  behind: ReadonlySet<string>,
  range: { checkpoint: number; end: number },
) {
  const taken = new Set<string>();
  let checkpoint = range.checkpoint;
  for (const { position, keys } of touched) {
    const more = new Set([...taken, ...keys.filter((key) => behind.has(key))]);
    if (more.size > limits.keysPerRebuildStep) {
      // The keys of the events before this one come first, so those events are replayed completely.
      return { keys: [...more].slice(0, limits.keysPerRebuildStep), checkpoint };
    }
    for (const key of more) taken.add(key);
    checkpoint = position;
  }
  return { keys: [...taken], checkpoint: range.end };
}
