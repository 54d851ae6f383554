import { sql } from 'drizzle-orm';
import { deleteExpired, openSession, runBatch } from '../platform/d1';

/** Deletes expired refresh tokens and password resets, and the sessions that have no refresh token left. */
export async function removeExpiredCredentials(database: D1Database, now: number) {
  const { db } = openSession(database, 'first-primary');
  const [tokens, resets] = await runBatch(db, [
    db.all<{ sessionId: string }>(
      sql`${deleteExpired('refresh_tokens', 'hash', now)} RETURNING session_id AS sessionId`,
    ),
    db.all(sql`${deleteExpired('password_resets', 'id', now)} RETURNING 1`),
  ]);
  // Every session begins with a token, so a session without tokens cannot be refreshed any more.
  const candidates = JSON.stringify([...new Set(tokens.map(({ sessionId }) => sessionId))]);
  const sessions = await db.all(sql`
    DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(${candidates}))
      AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE session_id = sessions.id) RETURNING 1`);
  return { refreshTokens: tokens.length, passwordResets: resets.length, sessions: sessions.length };
}
