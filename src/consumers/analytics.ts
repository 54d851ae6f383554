import type { RecordedEvent } from '../cqrs/log/event';
import type { Logger } from '../platform/logger';

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
