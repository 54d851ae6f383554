import type { RecordedEvent } from '../cqrs/log/event';
import type { Projector } from '../cqrs/reading/projector';
import type { Outcome, Outcomes } from './consumer';

/** Projects the keys of the events. An event is tried again later if one of its keys is claimed elsewhere or failed. */
export function createProjectionHandler(projector: Projector) {
  return async (events: readonly RecordedEvent[]): Promise<Outcomes> => {
    const { done, errors } = await projector.project(events);
    const [error] = errors.values();
    const rest: Outcome = error === undefined ? { kind: 'later' } : { kind: 'failed', error };
    return new Map(events.map(({ id, position }) => [id, done.has(position) ? { kind: 'done' } : rest]));
  };
}
