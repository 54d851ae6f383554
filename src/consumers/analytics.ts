import type { RecordedEvent } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import type { Logger } from '../platform/logger';
import type { Outcome, Outcomes } from './consumer';

/** One data point for each event. Blobs: type, stream type, stream id; doubles: position, stream version. */
function toDataPoint({ position, streamId, streamType, type, version }: RecordedEvent): AnalyticsEngineDataPoint {
  return { indexes: [type], blobs: [type, streamType, streamId], doubles: [position, version] };
}

/**
 * Makes the function that writes the data point of an event. It never throws, because the documents are up to date and a
 * second try would find no delivery: a data point that cannot be written is missing.
 */
export function createDataPointWriter(dataset: AnalyticsEngineDataset, logger: Logger): (event: RecordedEvent) => void {
  return (event) => {
    try {
      dataset.writeDataPoint(toDataPoint(event));
    } catch (error) {
      logger.error('data-point.failed', error, { position: event.position });
    }
  };
}

/**
 * Writes the data points of events with a delivery for analytics, which only a Worker before 0.6.0 makes. A claim on the
 * delivery keeps duplicates away. 0.7.0 can remove this handler, its queue and its subscription.
 */
export function createAnalyticsHandler(outbox: Outbox, dataset: AnalyticsEngineDataset) {
  function write(event: RecordedEvent): Outcome {
    try {
      dataset.writeDataPoint(toDataPoint(event));
      return { kind: 'done' };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  return async (events: readonly RecordedEvent[]): Promise<Outcomes> => {
    const claim = await outbox.claim('analytics', events);
    const outcomes = new Map<string, Outcome>();
    const written: RecordedEvent[] = [];
    for (const event of events) {
      const result = claim.results.get(event.id);
      if (result === 'claimed') {
        const outcome = write(event);
        outcomes.set(event.id, outcome);
        if (outcome.kind === 'done') written.push(event);
        else await outbox.release('analytics', event, claim);
      } else if (result === 'claimed-elsewhere') outcomes.set(event.id, { kind: 'later' });
      else outcomes.set(event.id, { kind: result === 'unknown' ? 'obsolete' : 'done' });
    }
    await outbox.complete('analytics', written);
    return outcomes;
  };
}
