import type { RecordedEvent } from '../cqrs/log/event';
import type { Projector } from '../cqrs/reading/projector';
import type { Outcome, Outcomes } from './consumer';

/** No claim and no recheck lasts longer than this, so a longer wait comes from clocks that differ. */
const longestWaitSeconds = 60;

/**
 * Projects the keys of the events. An event is tried again when the last of its keys is free, or after it failed. Then it
 * writes the data points of the events that are finished: one event is finished once, whatever is sent again.
 */
export function createProjectionHandler(projector: Projector, writeDataPoint: (event: RecordedEvent) => void) {
  return async (events: readonly RecordedEvent[]): Promise<Outcomes> => {
    const outcome = await projector.project(events).catch((error: unknown) => ({ error }));
    // The platform failed. Each event alone would take more of it than one invocation may.
    if ('error' in outcome) return new Map(events.map(({ id }) => [id, { kind: 'failed', ...outcome }]));
    const { done, failed, finished, waiting } = outcome;
    for (const event of events) if (finished.has(event.position)) writeDataPoint(event);
    const outcomeOf = (position: number): Outcome => {
      if (done.has(position)) return { kind: 'done' };
      if (failed.has(position)) return { kind: 'failed', error: failed.get(position) };
      const seconds = Math.ceil((waiting.get(position) ?? 0) / 1000);
      return { kind: 'later', retryInSeconds: Math.min(seconds, longestWaitSeconds) };
    };
    return new Map(events.map(({ id, position }) => [id, outcomeOf(position)]));
  };
}
