import { desc, eq } from 'drizzle-orm';
import type * as z from 'zod';
import { rebuilds } from '../cqrs/reading/tables';
import type { Database } from '../platform/d1';
import type { Rebuild } from './rebuild';
import type { rebuild as rebuildSchema } from './schemas';

const latestCount = 20;

export async function findRebuild(db: Database, id: string): Promise<Rebuild | undefined> {
  return (await db.select().from(rebuilds).where(eq(rebuilds.id, id)))[0];
}

/** Finds the latest rebuilds. Ids are UUIDv7, so they have the order in which the rebuilds were started. */
export function findRebuilds(db: Database): Promise<Rebuild[]> {
  return db.select().from(rebuilds).orderBy(desc(rebuilds.id)).limit(latestCount);
}

export function presentRebuild(rebuild: Rebuild): z.infer<typeof rebuildSchema> {
  const { id, view, status, checkpoint, target, keys, failedKeys, lastError, startedAt } = rebuild;
  const progress = status === 'done' ? 1 : checkpoint / Math.max(target, 1);
  return { id, view, status, progress, checkpoint, target, keys, failedKeys, lastError, startedAt };
}
