import { describeError } from '../platform/failure';
import { type FinishedRequest, type IsolateFigures, type Occurrence, occurrences } from '../platform/isolate-figures';
import type { Logger } from '../platform/logger';

/** An answered request, and where it came from as Cloudflare says it: a country, and the data centre that answers. */
export interface AnsweredRequest extends FinishedRequest {
  country?: string | undefined;
  colo?: string | undefined;
}

/** The figures of one invocation: what it counts goes to its isolate, and with its request to Analytics Engine. */
export interface InvocationFigures {
  count(occurrence: Occurrence): void;
  recordRequest(request: AnsweredRequest): void;
}

/**
 * Makes the figures of an invocation. Each request becomes one data point without personal data; docs/operations.md
 * explains its columns.
 */
export function createInvocationFigures(options: {
  isolate: IsolateFigures;
  dataset: AnalyticsEngineDataset;
  logger: Logger;
}): InvocationFigures {
  const { dataset, isolate, logger } = options;
  const counts = new Map<Occurrence, number>();
  return {
    count(occurrence) {
      isolate.count(occurrence);
      counts.set(occurrence, (counts.get(occurrence) ?? 0) + 1);
    },
    recordRequest(request) {
      isolate.request(request);
      const { route, method, status, durationMs, country = '', colo = '' } = request;
      try {
        dataset.writeDataPoint({
          indexes: [route],
          blobs: [route, method, `${Math.floor(status / 100)}xx`, String(status), country, colo],
          doubles: [durationMs, ...occurrences.map((occurrence) => counts.get(occurrence) ?? 0)],
        });
      } catch (error) {
        // The response is on its way, and its figures are not worth a failure.
        logger.warn('request-point.failed', { error: describeError(error) });
      }
    },
  };
}
