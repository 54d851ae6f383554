// How long events waited for their documents: exactly, from the times of the commits and of the puts.
import { upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { documentKey, targetsOf } from '../../src/cqrs/reading/view';
import { eventCatalogue, views } from '../../src/domains';
import type { Recorded } from './entry';

/** The lags in milliseconds by the name of the read model, one for each event that touches it. */
export type Lags = ReadonlyMap<string, readonly number[]>;

/**
 * Finds the lag of each event and read model: from the commit to the answer of KV to the first put of each document that
 * includes the event. Of several documents of one read model the last one counts.
 */
export function findLags(rows: readonly EventRow[], { puts, commits }: Recorded): Lags {
  const committedAt = new Map(commits);
  const byKey = Map.groupBy(puts, ({ key }) => key);
  const names = new Map(views.map(({ id, name }) => [id, name]));
  const lags = new Map<string, number[]>();
  for (const row of rows) {
    const event = upcast(eventCatalogue, toRecordedEvent(row));
    const since = committedAt.get(event.position);
    if (since === undefined) throw new Error(`The event at ${event.position} was not sent to the projections.`);
    const targets = Map.groupBy(targetsOf(views, event), ({ view }) => names.get(view) ?? view);
    for (const [name, own] of targets) {
      const times = own.map((target) => {
        const put = byKey.get(documentKey(target))?.find(({ asOf }) => asOf >= event.position);
        if (!put) throw new Error(`No put of ${documentKey(target)} includes the event at ${event.position}.`);
        return put.at - since;
      });
      lags.set(name, [...(lags.get(name) ?? []), Math.max(...times)]);
    }
  }
  return lags;
}
