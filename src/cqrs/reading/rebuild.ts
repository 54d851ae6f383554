import { and, eq, lt, sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { limits } from '../../platform/limits';
import { type EventCatalogue, upcast } from '../log/event';
import { readEvents } from '../log/event-log';
import type { DocumentStore } from './document-store';
import type { Projector, ViewKey } from './projector';
import { rebuilds } from './tables';
import { targetsOf, type View } from './view';

/** A rebuild fails after this many failures that follow each other. */
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
  /** Records that a step failed. Returns whether the step is to be tried again. */
  recordFailure(id: string, error: string): Promise<boolean>;
  /** Finds the next step of each stalled rebuild; the message for this step is probably lost. */
  findStalled(): Promise<RebuildStep[]>;
}

type Rebuild = typeof rebuilds.$inferSelect;

export function createRebuilder(options: {
  database: D1Database;
  documents: DocumentStore;
  projector: Projector;
  views: readonly View[];
  catalogue: EventCatalogue;
  clock: Clock;
}): Rebuilder {
  const { catalogue, clock, database, documents, projector, views } = options;
  const open = () => openSession(database, 'first-primary').db;

  /** Saves the progress of a step, unless the rebuild was cancelled or another message carried out the same step. */
  async function saveProgress(
    db: Database,
    { id, steps }: Rebuild,
    values: Partial<Rebuild>,
    mustWait = false,
  ): Promise<NextStep> {
    const saved = await db
      .update(rebuilds)
      .set({ ...values, steps: steps + 1, progressedAt: clock.now(), attempts: 0, lastError: null })
      .where(and(eq(rebuilds.id, id), eq(rebuilds.steps, steps), eq(rebuilds.status, 'running')))
      .returning({ status: rebuilds.status });
    return saved[0]?.status === 'running' ? { rebuildId: id, step: steps + 1, mustWait } : undefined;
  }

  async function replay(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    const end = Math.min(rebuild.checkpoint + limits.eventsPerRebuildStep, rebuild.target - 1);
    const events = await readEvents(db, rebuild.checkpoint, end);
    const types = new Set(view.triggers.flatMap((trigger) => trigger.types));
    const replayed = events.filter(({ type }) => types.has(type)).map((event) => upcast(catalogue, event));
    const touched = [...new Set(replayed.flatMap((event) => targetsOf([view], event)).map(({ key }) => key))];
    const behind = await findBehind(db, view, touched, rebuild.target);
    const errors = await projector.projectUpTo(behind.map((key) => ({ view: view.id, key, position: rebuild.target })));
    for (const error of errors.values()) throw error;
    const isIncomplete = behind.length > 0 && (await findBehind(db, view, behind, rebuild.target)).length > 0;
    // Another consumer holds some keys, or they were written within the last second: replay the same events again.
    if (isIncomplete) return saveProgress(db, rebuild, {}, true);
    return saveProgress(db, rebuild, { checkpoint: end, keys: rebuild.keys + behind.length });
  }

  /** Removes the documents that no event of the log touches, and the documents of older shapes. */
  async function removeOrphans(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    const orphans = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections WHERE view = ${view.id} AND position > 0 AND position < ${rebuild.target}
      LIMIT ${limits.orphansPerRebuildStep}`);
    if (orphans.length > 0) {
      const errors = await projector.remove(orphans);
      for (const error of errors.values()) throw error;
      return saveProgress(db, rebuild, {}, true);
    }
    // The ids of all shapes of a view sort between `ticket@` and `ticketA`. Old shapes are not projected any more.
    const old = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections
      WHERE view > ${`${view.name}@`} AND view < ${`${view.name}A`} AND view <> ${view.id} LIMIT ${limits.orphansPerRebuildStep}`);
    if (old.length === 0) return saveProgress(db, rebuild, { status: 'done' });
    await Promise.all(old.map((orphan) => documents.delete(`${orphan.view}:${orphan.key}`)));
    await db.run(sql`
      DELETE FROM projections WHERE (view, key) IN
        (SELECT value->>'view', value->>'key' FROM json_each(${JSON.stringify(old)}))`);
    return saveProgress(db, rebuild, {});
  }

  return {
    async run({ rebuildId, step }) {
      const db = open();
      const [rebuild] = await db.select().from(rebuilds).where(eq(rebuilds.id, rebuildId));
      if (rebuild?.status !== 'running' || rebuild.steps !== step) return undefined;
      const view = views.find(({ name }) => name === rebuild.view);
      if (!view) return saveProgress(db, rebuild, { status: 'failed' });
      const isReplayed = rebuild.checkpoint >= rebuild.target - 1;
      return isReplayed ? removeOrphans(db, rebuild, view) : replay(db, rebuild, view);
    },

    async recordFailure(id, lastError) {
      const attempts = sql<number>`${rebuilds.attempts} + 1`;
      const status = sql<Rebuild['status']>`CASE WHEN attempts + 1 >= ${maxFailures} THEN 'failed' ELSE status END`;
      const [updated] = await open()
        .update(rebuilds)
        .set({ attempts, status, lastError, progressedAt: clock.now() })
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

/** Finds the keys of a view whose documents were last loaded before the position `target`. */
async function findBehind(db: Database, view: View, keys: readonly string[], target: number): Promise<string[]> {
  const rows = await db.all<{ key: string }>(sql`
    SELECT wanted.value AS key FROM json_each(${JSON.stringify(keys)}) AS wanted
      LEFT JOIN projections AS p ON p.view = ${view.id} AND p.key = wanted.value
    WHERE coalesce(p.position, -1) < ${target}`);
  return rows.map(({ key }) => key);
}
