import type { RecordedEvent } from '../cqrs/log/event';
import type { Projector } from '../cqrs/reading/projector';
import type { Outcome } from './consumer';

/** Projects the keys of the events. An event is tried again later if one of its keys is claimed elsewhere or failed. */
export function createProjectionHandler(projector: Projector) {
  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const { done, errors } = await projector.project(events);
    const [error] = errors.values();
    const rest: Outcome = error === undefined ? { kind: 'later' } : { kind: 'failed', error };
    return new Map(events.map(({ position }) => [position, done.has(position) ? { kind: 'done' } : rest]));
  };
}
