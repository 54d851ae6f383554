import { sql } from 'drizzle-orm';
import { deleteExpired, openSession } from '../../platform/d1';

/** Deletes the stored responses that have expired. */
export async function removeExpiredResponses(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const removed = await db.all(sql`${deleteExpired('idempotency_keys', 'key', now)} RETURNING 1`);
  return { idempotencyKeys: removed.length };
}
