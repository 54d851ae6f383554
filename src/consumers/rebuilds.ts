import * as z from 'zod';
import type { Rebuilder } from '../cqrs/reading/rebuild';
import { describeError, isPlatformFailure } from '../platform/failure';
import type { Logger } from '../platform/logger';
import { backoffSeconds, type Consumer } from './consumer';

/** Work in steps, of which each message is one. A step that was done before has no effect. */
interface Job<Step extends object> {
  /** The beginning of the names of its log events. */
  name: string;
  schema: z.ZodType<Step>;
  /** Whether a step that the platform let fail is sent again here, and not by the schedule. */
  isSentAgain: boolean;
  /** What names the job in the log. */
  describe(step: Step): { [field: string]: string };
  /** Carries out a step, and returns the next one, and whether that has to wait; undefined at the end. */
  run(step: Step): Promise<{ step: Step; mustWait: boolean } | undefined>;
  /** Records a failure, and returns whether the step is to be tried again. */
  recordFailure(step: Step, error: unknown): Promise<boolean>;
}

/** The part of the eraser that its job needs; the users domain has it. */
interface StepEraser {
  run(step: ErasureStep): Promise<ErasureStep | undefined>;
  recordFailure(userId: string, error: unknown): Promise<void>;
}

const rebuildStep = z.object({ rebuildId: z.uuid(), step: z.int() });
const erasureStep = z.object({ userId: z.uuid(), step: z.int() });
type RebuildStep = z.infer<typeof rebuildStep>;
type ErasureStep = z.infer<typeof erasureStep>;

/** How long a step waits for keys that another process has claimed or that were written within the last second. */
const waitSeconds = 2;
/** A step waits 16 to 32 s while the platform is away: shorter than the time after which a job counts as stalled. */
const platformSeconds = () => backoffSeconds(5);

/**
 * Consumes the queue of rebuilds and erasures: one message is one step, and a completed step sends the next one. A version
 * from before the erasures logs their messages as unreadable, and the schedule of this version sends them again.
 */
export function createRebuildConsumer(
  rebuilder: Rebuilder,
  eraser: StepEraser,
  queue: Queue<RebuildStep | ErasureStep>,
  logger: Logger,
): Consumer {
  const rebuild: Job<RebuildStep> = {
    name: 'rebuild',
    schema: rebuildStep,
    isSentAgain: true,
    describe: ({ rebuildId }) => ({ rebuildId }),
    async run(current) {
      const next = await rebuilder.run(current);
      if (!next) return undefined;
      const { mustWait, ...step } = next;
      return { step, mustWait };
    },
    recordFailure: ({ rebuildId }, error) => rebuilder.recordFailure(rebuildId, error),
  };
  const erasure: Job<ErasureStep> = {
    name: 'erasure',
    schema: erasureStep,
    isSentAgain: false,
    describe: ({ userId }) => ({ userId }),
    async run(current) {
      const step = await eraser.run(current);
      return step && { step, mustWait: false };
    },
    // The schedule sends the step again a minute later, for as long as it takes.
    async recordFailure({ userId }, error) {
      await eraser.recordFailure(userId, error);
      return false;
    },
  };

  async function carryOut<Step extends RebuildStep | ErasureStep>(job: Job<Step>, current: Step, attempts: number) {
    const about = job.describe(current);
    try {
      const next = await job.run(current);
      if (!next) return logger.info(`${job.name}.ended`, about);
      await queue.send(next.step, next.mustWait ? { delaySeconds: waitSeconds } : {});
    } catch (error) {
      logger.warn(`${job.name}.failed`, { ...about, attempts, error: describeError(error) });
      if (!isPlatformFailure(error)) {
        if (await job.recordFailure(current, error)) throw error;
        return;
      }
      // The tries of one message would not last as long as the platform may be away, so a new message waits.
      const isRunning = await job.recordFailure(current, error).catch(() => job.isSentAgain);
      if (isRunning) await queue.send(current, { delaySeconds: platformSeconds() });
    }
  }

  async function handle({ attempts, body, id: messageId }: Message): Promise<void> {
    const step = rebuild.schema.safeParse(body);
    if (step.success) return carryOut(rebuild, step.data, attempts);
    const erased = erasure.schema.safeParse(body);
    if (erased.success) return carryOut(erasure, erased.data, attempts);
    logger.error('rebuild.unreadable', undefined, { messageId });
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
