import { sql } from 'drizzle-orm';
import { expiredKeys, openSession, removeExpired, removeInSlices, runBatch } from '../platform/d1';

/**
 * Deletes expired refresh tokens and password resets, and the sessions that have no refresh token left. A session goes in the
 * same batch as its last token: every session begins with a token, so one without tokens cannot be refreshed any more, and
 * nothing would find it later.
 */
export async function removeExpiredCredentials(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const expired = expiredKeys('refresh_tokens', 'hash', now);
  let sessions = 0;
  const refreshTokens = await removeInSlices(async () => {
    const [slice, , ended] = await runBatch(db, [
      db.all(sql`SELECT 1 FROM (${expired})`),
      // Tokens of sessions that have another one.
      db.all(sql`
        DELETE FROM refresh_tokens WHERE hash IN (${expired}) AND EXISTS (
          SELECT 1 FROM refresh_tokens AS t WHERE t.session_id = refresh_tokens.session_id AND t.hash NOT IN (${expired}))`),
      // A foreign key deletes their tokens too, which are all among the next expired ones.
      db.all(sql`
        DELETE FROM sessions
        WHERE id IN (SELECT session_id FROM refresh_tokens WHERE hash IN (${expired}))
          AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS t WHERE t.session_id = sessions.id AND t.hash NOT IN (${expired}))
        RETURNING 1`),
    ]);
    sessions += ended.length;
    return slice.length;
  });
  const passwordResets = await removeExpired(database, 'password_resets', 'id', now);
  return { refreshTokens, passwordResets, sessions };
}
