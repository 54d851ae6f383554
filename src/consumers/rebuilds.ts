import { z } from 'zod';
import type { Rebuilder, RebuildStep } from '../cqrs/reading/rebuild';
import { describeError, isPlatformFailure } from '../platform/failure';
import type { Logger } from '../platform/logger';
import { backoffSeconds, type Consumer } from './consumer';

const messageSchema = z.object({ rebuildId: z.uuid(), step: z.int() });

/** How long a step waits for keys that another process has claimed or that were written within the last second. */
const waitSeconds = 2;
/** A step waits 16 to 32 s while the platform is away: shorter than the time after which a rebuild counts as stalled. */
const platformSeconds = () => backoffSeconds(5);

/** Consumes the queue of rebuilds: one message is one step, and a completed step sends the next one. */
export function createRebuildConsumer(rebuilder: Rebuilder, queue: Queue<RebuildStep>, logger: Logger): Consumer {
  async function handle(message: Message): Promise<void> {
    const parsed = messageSchema.safeParse(message.body);
    if (!parsed.success) return logger.error('rebuild.unreadable', undefined, { messageId: message.id });
    const { rebuildId } = parsed.data;
    try {
      const next = await rebuilder.run(parsed.data);
      if (!next) return logger.info('rebuild.ended', { rebuildId });
      const { mustWait, ...step } = next;
      await queue.send(step, mustWait ? { delaySeconds: waitSeconds } : {});
    } catch (error) {
      logger.warn('rebuild.failed', { rebuildId, attempts: message.attempts, error: describeError(error) });
      if (!isPlatformFailure(error)) {
        if (await rebuilder.recordFailure(rebuildId, error)) throw error;
        return;
      }
      // The tries of one message would not last as long as the platform may be away, so a new message waits.
      const isRunning = await rebuilder.recordFailure(rebuildId, error).catch(() => true);
      if (isRunning) await queue.send(parsed.data, { delaySeconds: platformSeconds() });
    }
  }

  return async (batch) => {
    for (const message of batch.messages) {
      try {
        await handle(message);
        message.ack();
      } catch {
        message.retry({ delaySeconds: backoffSeconds(message.attempts) });
      }
    }
  };
}
