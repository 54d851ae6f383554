import { and, asc, eq, lt, sql } from 'drizzle-orm';
import type { RowsWithoutEvents } from '../access/account-parts';
import type { Clock } from '../platform/clock';
import { openSession, runBatch } from '../platform/d1';
import { describeError, isPlatformFailure } from '../platform/failure';
import { erasures } from './tables';

/** An erasure without progress for this long has lost its message. */
const stalledMs = 60_000;
/** Stalled erasures that one run of the schedule restarts. */
const restartedAtOnce = 100;

/** A step of an erasure. */
export interface ErasureStep {
  userId: string;
  /** How many steps were done before this one. */
  step: number;
}

/** Erases the next rows of a deleted account that have events; undefined when another message carried out the same step. */
type ContinueErasure = (step: ErasureStep) => Promise<{ rows: number; isFinished: boolean } | undefined>;

/** Erases what deleted accounts still own, step by step. Each step is one commit, so a crash loses none and repeats none. */
export interface Eraser {
  /**
   * Carries out a step. A step that was done before has no effect.
   * @param continueErasure sends the command for the rows that have events
   * @returns the next step; undefined at the end
   */
  run(step: ErasureStep, continueErasure: ContinueErasure): Promise<ErasureStep | undefined>;
  /** Records that a step failed. An erasure never gives up, because personal data is left: the schedule sends it again. */
  recordFailure(userId: string, error: unknown): Promise<void>;
  /** Finds the first step of the erasure that the deletion of an account has started; undefined for most accounts. */
  findFirst(userId: string): Promise<ErasureStep | undefined>;
  /** Finds the next step of each stalled erasure, whose message is probably lost; those that fail again and again come last. */
  findStalled(): Promise<ErasureStep[]>;
}

export function createEraser(options: {
  database: D1Database;
  clock: Clock;
  rowsWithoutEvents: readonly RowsWithoutEvents[];
}): Eraser {
  const { clock, database, rowsWithoutEvents } = options;
  const open = () => openSession(database, 'first-primary').db;
  const columns = { userId: erasures.userId, step: erasures.steps };

  async function find(userId: string): Promise<ErasureStep | undefined> {
    return (await open().select(columns).from(erasures).where(eq(erasures.userId, userId)))[0];
  }

  /**
   * Deletes the next rows that have no events, while the erasure is at this step: after a restore the account may exist again.
   * Returns whether more of them may be left.
   */
  async function removeRowsWithoutEvents({ userId, step }: ErasureStep): Promise<boolean> {
    const db = open();
    const isAtWork = sql`EXISTS (SELECT 1 FROM ${erasures} WHERE user_id = ${userId} AND steps = ${step})`;
    const statements = rowsWithoutEvents.flatMap((part) =>
      part.remove(userId).map((statement) => ({ statement, most: part.most() })),
    );
    const removed = await runBatch(
      db,
      statements.map(({ statement }) => db.all(sql`${statement} AND ${isAtWork} RETURNING 1`)),
    );
    const isMore = statements.some(({ most }, index) => (removed[index]?.length ?? 0) >= most);
    if (isMore) await db.update(erasures).set({ progressedAt: clock.now() }).where(eq(erasures.userId, userId));
    return isMore;
  }

  return {
    async run(step, continueErasure) {
      const { userId } = step;
      if ((await find(userId))?.step !== step.step) return undefined;
      if (await removeRowsWithoutEvents(step)) return step;
      const done = await continueErasure(step);
      if (!done) return undefined;
      // A step that finds no row changes nothing, also not the number of steps.
      const next = { userId, step: done.rows > 0 ? step.step + 1 : step.step };
      if (!done.isFinished) return next;
      // If this fails, the next step finds nothing left, and comes here again. After a restore in between, the erasure is at
      // an earlier step, and must stay.
      await open()
        .delete(erasures)
        .where(and(eq(erasures.userId, userId), eq(erasures.steps, next.step)));
      return undefined;
    },

    async recordFailure(userId, error) {
      const attempts = sql<number>`${erasures.attempts} + ${isPlatformFailure(error) ? 0 : 1}`;
      const failure = { attempts, lastError: describeError(error) };
      await open().update(erasures).set(failure).where(eq(erasures.userId, userId));
    },

    findFirst: find,

    async findStalled() {
      return open()
        .select(columns)
        .from(erasures)
        .where(lt(erasures.progressedAt, clock.now() - stalledMs))
        .orderBy(asc(erasures.attempts), asc(erasures.progressedAt))
        .limit(restartedAtOnce);
    },
  };
}
