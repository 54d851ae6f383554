import type { RecordedEvent } from '../cqrs/log/event';
import type { Deliveries } from '../cqrs/log/outbox';
import type { Outcome } from './consumer';

/** Writes one data point per event: blobs type, stream type, stream id; doubles position, stream version. */
export function createAnalyticsHandler(deliveries: Deliveries, dataset: AnalyticsEngineDataset) {
  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const { results: claims } = await deliveries.claim(
      'analytics',
      events.map(({ position }) => position),
    );
    const won = events.filter(({ position }) => claims.get(position) === 'won');
    for (const event of won) {
      dataset.writeDataPoint({
        indexes: [event.type],
        blobs: [event.type, event.streamType, event.streamId],
        doubles: [event.position, event.version],
      });
    }
    await deliveries.complete(
      'analytics',
      won.map(({ position }) => position),
    );
    return new Map(
      events.map(({ position }) => [position, { kind: claims.get(position) === 'busy' ? 'later' : 'done' }]),
    );
  };
}
