import { and, eq, lt, sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { type Database, openSession } from '../../platform/d1';
import { type EventCatalogue, upcast } from '../log/event';
import { readEvents } from '../log/event-log';
import type { DocumentStore } from './document-store';
import type { Projector, ViewKey } from './projector';
import { rebuilds } from './tables';
import { targetsOf, type View } from './view';

/** How many events a step replays, and how many orphans it removes: a Worker may have 1,000 subrequests, and each key is a put. */
const eventsPerStep = 100;
const orphansPerStep = 100;
/** A step that failed this often in a row ends the rebuild. */
const tries = 10;
/** A running rebuild that has not moved for this long has lost its message. */
const stalledMs = 60_000;

/** A step of a rebuild. */
export interface Step {
  rebuildId: string;
  /** How many were done before it. */
  step: number;
}

/** What follows a step, and whether it should wait a while because keys are at work elsewhere; undefined at the end. */
export type NextStep = (Step & { isBusy: boolean }) | undefined;

/** Replays the event log for one view, step by step, while the view is read and projected as ever. */
export interface Rebuilder {
  /** Does a step; the duplicate of one that was done does nothing. */
  run(step: Step): Promise<NextStep>;
  /** Notes that a step failed. Answers whether it is worth another try. */
  recordFailure(id: string, error: string): Promise<boolean>;
  /** Rebuilds whose next step was lost. */
  findStalled(): Promise<Step[]>;
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

  /** Moves the rebuild on, unless another step did so first or it was cancelled. */
  async function move(
    db: Database,
    { id, steps }: Rebuild,
    values: Partial<Rebuild>,
    isBusy = false,
  ): Promise<NextStep> {
    const moved = await db
      .update(rebuilds)
      .set({ ...values, steps: steps + 1, progressedAt: clock.now(), attempts: 0, lastError: null })
      .where(and(eq(rebuilds.id, id), eq(rebuilds.steps, steps), eq(rebuilds.status, 'running')))
      .returning({ status: rebuilds.status });
    return moved[0]?.status === 'running' ? { rebuildId: id, step: steps + 1, isBusy } : undefined;
  }

  async function replay(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    const end = Math.min(rebuild.checkpoint + eventsPerStep, rebuild.target - 1);
    const events = await readEvents(db, rebuild.checkpoint, end);
    const types = new Set(view.triggers.flatMap((trigger) => trigger.types));
    const replayed = events.filter(({ type }) => types.has(type)).map((event) => upcast(catalogue, event));
    const touched = [...new Set(replayed.flatMap((event) => targetsOf([view], event)).map(({ key }) => key))];
    const behind = await findBehind(db, view, touched, rebuild.target);
    const errors = await projector.advance(behind.map((key) => ({ view: view.id, key, position: rebuild.target })));
    for (const error of errors.values()) throw error;
    const busy = behind.length > 0 && (await findBehind(db, view, behind, rebuild.target)).length > 0;
    // Keys are at work elsewhere, or were written within the last second: the same events once more.
    if (busy) return move(db, rebuild, {}, true);
    return move(db, rebuild, { checkpoint: end, keys: rebuild.keys + behind.length });
  }

  /** What no event of the log touches, and what older shapes left behind. */
  async function removeOrphans(db: Database, rebuild: Rebuild, view: View): Promise<NextStep> {
    const orphans = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections WHERE view = ${view.id} AND position > 0 AND position < ${rebuild.target}
      LIMIT ${orphansPerStep}`);
    if (orphans.length > 0) {
      const errors = await projector.remove(orphans);
      for (const error of errors.values()) throw error;
      return move(db, rebuild, {}, true);
    }
    // Between `ticket@` and `ticketA` are the view's shapes. Nobody projects an old one any more.
    const old = await db.all<ViewKey>(sql`
      SELECT view, key FROM projections
      WHERE view > ${`${view.name}@`} AND view < ${`${view.name}A`} AND view <> ${view.id} LIMIT ${orphansPerStep}`);
    if (old.length === 0) return move(db, rebuild, { status: 'done' });
    await Promise.all(old.map((orphan) => documents.delete(`${orphan.view}:${orphan.key}`)));
    await db.run(sql`
      DELETE FROM projections WHERE (view, key) IN
        (SELECT value->>'view', value->>'key' FROM json_each(${JSON.stringify(old)}))`);
    return move(db, rebuild, {});
  }

  return {
    async run({ rebuildId, step }) {
      const db = open();
      const [rebuild] = await db.select().from(rebuilds).where(eq(rebuilds.id, rebuildId));
      if (rebuild?.status !== 'running' || rebuild.steps !== step) return undefined;
      const view = views.find(({ name }) => name === rebuild.view);
      if (!view) return move(db, rebuild, { status: 'failed' });
      const isReplayed = rebuild.checkpoint >= rebuild.target - 1;
      return isReplayed ? removeOrphans(db, rebuild, view) : replay(db, rebuild, view);
    },

    async recordFailure(id, lastError) {
      const attempts = sql<number>`${rebuilds.attempts} + 1`;
      const status = sql<Rebuild['status']>`CASE WHEN attempts + 1 >= ${tries} THEN 'failed' ELSE status END`;
      const [after] = await open()
        .update(rebuilds)
        .set({ attempts, status, lastError, progressedAt: clock.now() })
        .where(and(eq(rebuilds.id, id), eq(rebuilds.status, 'running')))
        .returning({ status: rebuilds.status });
      return after?.status === 'running';
    },

    async findStalled() {
      return open()
        .select({ rebuildId: rebuilds.id, step: rebuilds.steps })
        .from(rebuilds)
        .where(and(eq(rebuilds.status, 'running'), lt(rebuilds.progressedAt, clock.now() - stalledMs)));
    },
  };
}

/** Which of a view's keys were last loaded before `target`. */
async function findBehind(db: Database, view: View, keys: readonly string[], target: number): Promise<string[]> {
  const rows = await db.all<{ key: string }>(sql`
    SELECT wanted.value AS key FROM json_each(${JSON.stringify(keys)}) AS wanted
      LEFT JOIN projections AS p ON p.view = ${view.id} AND p.key = wanted.value
    WHERE coalesce(p.position, -1) < ${target}`);
  return rows.map(({ key }) => key);
}
