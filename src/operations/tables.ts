import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** The last run of each cron trigger: one row, so that a run writes one. */
export const scheduleRuns = sqliteTable('schedule_runs', {
  cron: text().primaryKey(),
  /** Milliseconds. */
  startedAt: integer('started_at').notNull(),
  /** What became of each task: a JSON object by the task's name. */
  tasks: text().notNull(),
});
