import { asc } from 'drizzle-orm';
import type { z } from 'zod';
import { isoTime } from '../platform/clock';
import type { Database } from '../platform/d1';
import { erasures } from '../users/tables';
import type { erasure as erasureSchema } from './schemas';

const listed = 100;

/** Finds the erasures at work, those first that have waited longest for progress. */
export async function findErasures(db: Database): Promise<z.infer<typeof erasureSchema>[]> {
  const rows = await db.select().from(erasures).orderBy(asc(erasures.progressedAt)).limit(listed);
  return rows.map((row) => ({ ...row, progressedAt: isoTime(row.progressedAt) }));
}
