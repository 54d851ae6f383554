import { type SQL, sql } from 'drizzle-orm';
import { expiredKeys, openSession, removeExpired, removeInSlices, runBatch } from '../platform/d1';

/**
 * Deletes expired refresh tokens and password resets, and the sessions whose tokens have all expired. A session goes with its
 * tokens in one statement: without tokens nothing would find it later. The second statement leaves to the first one the
 * tokens of sessions that end, because it looks for a slice of its own.
 */
export async function removeExpiredCredentials(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const expired = expiredKeys('refresh_tokens', 'hash', now);
  const hasLiveToken = (session: SQL) =>
    sql`EXISTS (SELECT 1 FROM refresh_tokens AS live WHERE live.session_id = ${session} AND live.expires_at > ${now})`;
  let sessions = 0;
  const refreshTokens = await removeInSlices(async () => {
    const [slice, ended] = await runBatch(db, [
      db.all(expired),
      // A foreign key deletes the tokens of a session with it.
      db.all(sql`
        DELETE FROM sessions WHERE id IN (SELECT session_id FROM refresh_tokens WHERE hash IN (${expired}))
          AND NOT ${hasLiveToken(sql`sessions.id`)} RETURNING 1`),
      db.run(sql`
        DELETE FROM refresh_tokens WHERE hash IN (${expired}) AND ${hasLiveToken(sql`refresh_tokens.session_id`)}`),
    ]);
    sessions += ended.length;
    return slice.length;
  });
  const passwordResets = await removeExpired(database, 'password_resets', 'id', now);
  return { refreshTokens, passwordResets, sessions };
}
