import type { RecordedEvent } from '../cqrs/log/event';
import { projectMarked, type RepairServices } from '../cqrs/reading/repair';
import type { ViewKey } from '../cqrs/reading/view';
import type { Wait } from '../platform/clock';
import { openSession } from '../platform/d1';
import { withDeadline } from '../platform/deadline';
import { deadlines } from '../platform/limits';
import { ProjectionRequested } from './events';

/**
 * Makes the function that projects the documents that the events of a commit ask for. The commit has marked them, so what
 * fails or is late here, the relay does.
 */
export function createRequestedProjection(
  services: Omit<RepairServices, 'clock'> & {
    database: D1Database;
    wait: Wait;
    waitUntil(promise: Promise<unknown>): void;
  },
): (committed: readonly RecordedEvent[]) => Promise<void> {
  const { database, logger, wait, waitUntil } = services;

  async function project({ data, metadata }: RecordedEvent): Promise<void> {
    try {
      const { db } = openSession(database, 'first-primary');
      // The definition of the event has this data.
      const { view, key, markedAt } = data as ViewKey & { markedAt: string };
      await projectMarked(db, services, [{ view, key }], Date.parse(markedAt));
    } catch (error) {
      logger.error('requested-projection.failed', error, { requestId: metadata.requestId });
    }
  }

  return async (committed) => {
    const requests = committed.filter(({ type }) => type === ProjectionRequested.type);
    if (requests.length === 0) return;
    const projected = Promise.all(requests.map(project));
    const late = () => new Error('The document is not projected yet.');
    await withDeadline(deadlines.inlineProjectionMs, wait, () => projected, late).catch(() => waitUntil(projected));
  };
}
