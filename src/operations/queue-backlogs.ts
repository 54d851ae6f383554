import type { Wait } from '../platform/clock';
import type { Database } from '../platform/d1';
import { withDeadline } from '../platform/deadline';
import { deadlines } from '../platform/limits';
import { findFigures } from './figures';
import type { QueueBacklog } from './inspection-schemas';

/** A queue, of which the platform may tell how full it is. */
export interface MeasuredQueue {
  metrics?(): Promise<QueueMetrics>;
}

/** Asks the platform how full a queue is; null where it does not say. */
async function readBacklog(queue: MeasuredQueue, wait: Wait): Promise<QueueBacklog['backlog']> {
  const late = () => new Error('The queue did not answer in time.');
  try {
    const metrics = await withDeadline(deadlines.readinessMs, wait, async () => queue.metrics?.(), late);
    if (metrics === undefined) return null;
    const { backlogBytes: bytes, backlogCount: messages, oldestMessageTimestamp: oldest } = metrics;
    return { messages, bytes, oldestAt: oldest ? oldest.toISOString() : null };
  } catch {
    // Not every platform has these figures, and those of the database are shown without them.
    return null;
  }
}

/** Finds what waits in each queue, by the platform and by the deliveries that the database has. */
export async function findQueues(
  db: Database,
  queues: Readonly<Record<string, MeasuredQueue>>,
  now: number,
  wait: Wait,
): Promise<{ data: QueueBacklog[] }> {
  const [{ subscriptions }, ...backlogs] = await Promise.all([
    findFigures(db, now),
    ...Object.values(queues).map((queue) => readBacklog(queue, wait)),
  ]);
  const data = Object.keys(queues).map((queue, index) => {
    const own = subscriptions.find(({ subscription }) => subscription === queue);
    const deliveries = own && {
      pending: own.pending,
      oldestSeconds: Math.floor(own.oldestSeconds),
      dead: own.dead,
    };
    return { queue, deliveries: deliveries ?? null, backlog: backlogs[index] ?? null };
  });
  return { data };
}
