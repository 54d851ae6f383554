import type { RecordedEvent } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import type { Outcome } from './consumer';

/**
 * Writes one data point for each event. Blobs: type, stream type, stream id; doubles: position, stream version. A claim
 * on the delivery keeps duplicates away.
 */
export function createAnalyticsHandler(outbox: Outbox, dataset: AnalyticsEngineDataset) {
  return async (events: readonly RecordedEvent[]): Promise<Map<number, Outcome>> => {
    const { results: claims } = await outbox.claim(
      'analytics',
      events.map(({ position }) => position),
    );
    const claimed = events.filter(({ position }) => claims.get(position) === 'claimed');
    for (const event of claimed) {
      dataset.writeDataPoint({
        indexes: [event.type],
        blobs: [event.type, event.streamType, event.streamId],
        doubles: [event.position, event.version],
      });
    }
    await outbox.complete(
      'analytics',
      claimed.map(({ position }) => position),
    );
    return new Map(
      events.map(({ position }) => [
        position,
        { kind: claims.get(position) === 'claimed-elsewhere' ? 'later' : 'done' },
      ]),
    );
  };
}
