import { asc, getTableColumns, sql } from 'drizzle-orm';
import type * as z from 'zod';
import { keptCount } from '../cqrs/reading/list-counts';
import { isoTime } from '../platform/clock';
import type { Database } from '../platform/d1';
import { erasures } from '../users/tables';
import type { erasure as erasureSchema } from './schemas';

const listed = 100;

/** The kept counts of what an erasure takes; they go down with each of its steps. */
const left = ['items', 'orders', 'tickets'].map((name) => keptCount({ name }, sql`${erasures.userId}`));

/** Finds the erasures at work, those first that have waited longest for progress. */
export async function findErasures(db: Database): Promise<z.infer<typeof erasureSchema>[]> {
  const rowsLeft = sql<number>`${sql.join(left, sql` + `)}`.as('rows_left');
  const rows = await db
    .select({ ...getTableColumns(erasures), rowsLeft })
    .from(erasures)
    .orderBy(asc(erasures.progressedAt))
    .limit(listed);
  return rows.map((row) => ({ ...row, progressedAt: isoTime(row.progressedAt) }));
}
