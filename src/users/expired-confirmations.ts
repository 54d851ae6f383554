import { sql } from 'drizzle-orm';
import { openSession, removeInSlices } from '../platform/d1';
import { limits } from '../platform/limits';

/** A pending change of an address, which ends by an event of its account and not by the clean-up: documents show it. */
const isPendingChange = sql`kind = 'change' AND used_at IS NULL`;

/** Finds the pending changes that nobody has confirmed in time, the longest expired first; as many as one run ends. */
export async function findExpiredChanges(database: D1Database, now: number): Promise<string[]> {
  const { db } = openSession(database, 'first-primary');
  const found = await db.all<{ id: string }>(sql`
    SELECT id FROM email_confirmations WHERE expires_at <= ${now} AND ${isPendingChange}
    ORDER BY expires_at LIMIT ${limits.emailChangesExpiredPerRun}`);
  return found.map(({ id }) => id);
}

/** Deletes the other expired links: those that were used, and those of registrations. */
export async function removeExpiredConfirmations(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const emailConfirmations = await removeInSlices(async () => {
    const removed = await db.all(sql`
      DELETE FROM email_confirmations WHERE id IN (
        SELECT id FROM email_confirmations WHERE expires_at <= ${now} AND NOT (${isPendingChange})
        ORDER BY expires_at LIMIT ${limits.expiredRowsPerSlice})
      RETURNING 1`);
    return removed.length;
  });
  return { emailConfirmations };
}
