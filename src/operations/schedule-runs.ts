import { sql } from 'drizzle-orm';
import * as z from 'zod';
import { isoTime } from '../platform/clock';
import { type Database, openSession } from '../platform/d1';
import type { ScheduledTask } from './inspection-schemas';

/** What became of a task. `ms` is how long it took. */
export interface TaskOutcome {
  startedAt: number;
  ms: number;
  /** The class of the error; null for a task that was carried out. */
  error: string | null;
}

const stored = z.record(
  z.string(),
  z.object({
    startedAt: z.number(),
    ms: z.number(),
    error: z.string().optional(),
    succeededAt: z.number().optional(),
  }),
);

/**
 * Keeps the last run of a cron trigger, in one row. What the outcomes do not say stays from the run before: when a task that
 * failed was last carried out.
 */
export async function saveRun(
  database: D1Database,
  { cron, startedAt, tasks }: { cron: string; startedAt: number; tasks: ReadonlyMap<string, TaskOutcome> },
): Promise<void> {
  const outcomes = Array.from(tasks, ([name, { error, ...run }]) => [
    name,
    // json_patch removes a member that is null, and keeps one that is missing.
    error === null ? { ...run, error, succeededAt: run.startedAt } : { ...run, error },
  ]);
  const list = JSON.stringify(Object.fromEntries(outcomes));
  await openSession(database, 'first-primary').db.run(sql`
    INSERT INTO schedule_runs (cron, started_at, tasks) VALUES (${cron}, ${startedAt}, json_patch('{}', ${list}))
    ON CONFLICT (cron) DO UPDATE SET started_at = excluded.started_at, tasks = json_patch(tasks, ${list})`);
}

/** Finds the last run of each task. A task that the last run of its trigger did not have is one of another version. */
export async function findTasks(db: Database): Promise<ScheduledTask[]> {
  const rows = await db.all<{ cron: string; startedAt: number; tasks: string }>(
    sql`SELECT cron, started_at AS startedAt, tasks FROM schedule_runs ORDER BY cron`,
  );
  return rows.flatMap(({ cron, startedAt, tasks }) =>
    Object.entries(stored.parse(JSON.parse(tasks)))
      .filter(([, run]) => run.startedAt >= startedAt)
      .map(([task, run]) => ({
        task,
        cron,
        startedAt: isoTime(run.startedAt),
        durationMs: run.ms,
        outcome: run.error === undefined ? ('done' as const) : ('failed' as const),
        error: run.error ?? null,
        succeededAt: run.succeededAt === undefined ? null : isoTime(run.succeededAt),
      })),
  );
}
