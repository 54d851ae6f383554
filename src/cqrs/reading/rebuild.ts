import { and, eq, lt, sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { describeError, isPlatformFailure } from '../../platform/failure';
import { limits } from '../../platform/limits';
import type { EventCatalogue } from '../log/event';
import { readEvents } from '../log/event-log';
import { countFailing, failedSince } from './failing-keys';
import type { Projector } from './projector';
import { findTouched, takeKeys } from './rebuild-keys';
import { rebuilds } from './tables';
import type { View, ViewKey } from './view';

/** A rebuild fails after this many failures of its own that follow each other. */
const maxFailures = 10;
/** A running rebuild without progress for this long has lost its message. */
const stalledMs = 60_000;

/** A step of a rebuild. */
export interface RebuildStep {
  rebuildId: string;
  /** How many steps were done before this one. */
  step: number;
}

/** The step after a step; undefined at the end. The step must wait when some keys could not be claimed yet. */
export type NextStep = (RebuildStep & { mustWait: boolean }) | undefined;

/** Replays the event log for one view, step by step, while the view is read and projected as usual. */
export interface Rebuilder {
  /** Carries out a step. A step that was done before has no effect. */
  run(step: RebuildStep): Promise<NextStep>;
  /**
   * Records that a step failed. Only failures of the rebuild itself are counted: while the platform is away, it waits.
   * @returns whether the step is to be tried again
   */
  recordFailure(id: string, error: unknown): Promise<boolean>;
  /** Finds the next step of each stalled rebuild; the message for this step is probably lost. */
  findStalled(): Promise<RebuildStep[]>;
}

type Rebuild = typeof rebuilds.$inferSelect;

export function createRebuilder(options: {
  database: D1Database;
  projector: Projector;
  views: readonly View[];
  catalogue: EventCatalogue;
  clock: Clock;
}): Rebuilder {
  const { catalogue, clock, database, projector, views } = options;
  const open = () => openSession(database, 'first-primary').db;

  /** Saves the progress of a step, unless the rebuild was cancelled or another message carried out the same step. */
  async function saveProgress(
    db: Database,
    { id, steps }: Rebuild,
    view: View | undefined,
    values: Partial<Rebuild>,
    mustWait = false,
  ): Promise<NextStep> {
    const saved = await db
      .update(rebuilds)
      .set({
        ...values,
        failedKeys: view && countFailing(view.id),
        steps: steps + 1,
        progressedAt: clock.now(),
        attempts: 0,
        lastError: null,
      })
      .where(and(eq(rebuilds.id, id), eq(rebuilds.steps, steps), eq(rebuilds.status, 'running')))
      .returning({ status: rebuilds.status });
    return saved[0]?.status === 'running' ? { rebuildId: id, step: steps + 1, mustWait } : undefined;
  }

  /** Projects the keys that are behind among those that the next events touch, as many as one step may take. */
  async function replay(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    const end = Math.min(rebuild.checkpoint + limits.eventsPerRebuildStep, rebuild.target - 1);
    const touched = findTouched(await readEvents(db, rebuild.checkpoint, end), view, catalogue);
    const behind = await findBehind(db, view, rebuild, [...new Set(touched.flatMap(({ keys }) => keys))]);
    const { keys, checkpoint } = takeKeys(touched, new Set(behind), { ...rebuild, end });
    const targets = keys.map((key) => ({ view: view.id, key, position: rebuild.target }));
    const { errors } = await projector.projectUpTo(targets);
    const left = await findBehind(db, view, rebuild, keys);
    // A key that failed by its own fault is not left, and stops no other. The other errors are the platform's.
    for (const key of left) if (errors.has(view.kvKey(key))) throw errors.get(view.kvKey(key));
    const failed = keys.filter((key) => errors.has(view.kvKey(key)));
    const progress = { keys: rebuild.keys + keys.length - failed.length - left.length };
    // Another consumer holds some keys, or they were written within the last second: replay the same events again.
    if (left.length > 0) return saveProgress(db, rebuild, view, progress, true);
    return saveProgress(db, rebuild, view, { ...progress, checkpoint });
  }

  /** Removes the documents that no event of the log touches, and the documents of the view's other shapes. */
  async function removeOrphans(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    // The ids of all shapes of a view sort between `ticket@` and `ticketA`. A version that still has another shape reads
    // D1 from now on.
    const orphans = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections WHERE view = ${view.id} AND position > 0 AND position < ${rebuild.target}
        AND NOT ${failedSince(Date.parse(rebuild.startedAt))}
      UNION ALL
      SELECT view, key FROM projections
      WHERE view > ${`${view.name}@`} AND view < ${`${view.name}A`} AND view <> ${view.id}
      LIMIT ${limits.orphansPerRebuildStep}`);
    if (orphans.length === 0) return saveProgress(db, rebuild, view, { status: 'done' });
    for (const error of (await projector.remove(orphans)).errors.values()) throw error;
    // Some of them may be claimed, or may have to be removed once more.
    return saveProgress(db, rebuild, view, {}, true);
  }

  return {
    async run({ rebuildId, step }) {
      const db = open();
      const [rebuild] = await db.select().from(rebuilds).where(eq(rebuilds.id, rebuildId));
      if (rebuild?.status !== 'running' || rebuild.steps !== step) return undefined;
      const view = views.find(({ name }) => name === rebuild.view);
      if (!view) return saveProgress(db, rebuild, view, { status: 'failed' });
      const isReplayed = rebuild.checkpoint >= rebuild.target - 1;
      return isReplayed ? removeOrphans(db, rebuild, view) : replay(db, rebuild, view);
    },

    async recordFailure(id, error) {
      const attempts = sql<number>`${rebuilds.attempts} + ${isPlatformFailure(error) ? 0 : 1}`;
      const status = sql<Rebuild['status']>`CASE WHEN ${attempts} >= ${maxFailures} THEN 'failed' ELSE status END`;
      const [updated] = await open()
        .update(rebuilds)
        .set({ attempts, status, lastError: describeError(error), progressedAt: clock.now() })
        .where(and(eq(rebuilds.id, id), eq(rebuilds.status, 'running')))
        .returning({ status: rebuilds.status });
      return updated?.status === 'running';
    },

    async findStalled() {
      return open()
        .select({ rebuildId: rebuilds.id, step: rebuilds.steps })
        .from(rebuilds)
        .where(and(eq(rebuilds.status, 'running'), lt(rebuilds.progressedAt, clock.now() - stalledMs)));
    },
  };
}

/** Finds the keys whose documents were last loaded before the rebuild's target, without those that fail. */
async function findBehind(
  db: Database,
  view: View,
  { startedAt, target }: Rebuild,
  keys: readonly string[],
): Promise<string[]> {
  const rows = await db.all<{ key: string }>(sql`
    SELECT wanted.value AS key FROM json_each(${JSON.stringify(keys)}) AS wanted
      LEFT JOIN projections AS p ON p.view = ${view.id} AND p.key = wanted.value
    WHERE p.view IS NULL OR (p.position < ${target} AND NOT ${failedSince(Date.parse(startedAt))})`);
  return rows.map(({ key }) => key);
}
