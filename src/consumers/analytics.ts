import type { RecordedEvent } from '../cqrs/log/event';
import type { Outbox } from '../cqrs/log/outbox';
import type { Outcome, Outcomes } from './consumer';

/**
 * Writes one data point for each event. Blobs: type, stream type, stream id; doubles: position, stream version. A claim
 * on the delivery keeps duplicates away.
 */
export function createAnalyticsHandler(outbox: Outbox, dataset: AnalyticsEngineDataset) {
  function write(event: RecordedEvent): Outcome {
    try {
      dataset.writeDataPoint({
        indexes: [event.type],
        blobs: [event.type, event.streamType, event.streamId],
        doubles: [event.position, event.version],
      });
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
