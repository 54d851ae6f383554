import { sql } from 'drizzle-orm';
import { openSession, removeInSlices } from '../platform/d1';
import { limits } from '../platform/limits';

/** How long an e-mail that its address does not take can be looked at and replayed, in milliseconds. */
export const keepRefusedMs = 30 * 86_400_000;

/** Deletes the dead letters of e-mails that their addresses refused long ago, from the oldest events on. */
export async function removeRefusedEmails(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const refusedEmails = await removeInSlices(async () => {
    const removed = await db.all(sql`
    DELETE FROM deliveries WHERE subscription = 'emails' AND position IN (
      SELECT position FROM (
        SELECT position, last_failed_at FROM deliveries INDEXED BY deliveries_dead_by_fault
        WHERE status = 'dead' AND fault = 'recipient' AND subscription = 'emails'
        ORDER BY position LIMIT ${limits.expiredRowsPerSlice})
      WHERE last_failed_at <= ${now - keepRefusedMs})
    RETURNING 1`);
    return removed.length;
  });
  return { refusedEmails };
}
