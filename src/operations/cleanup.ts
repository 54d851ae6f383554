import { sql } from 'drizzle-orm';
import type { Clock } from '../platform/clock';
import { openSession, runBatch } from '../platform/d1';

/** So many rows of each kind go in one run: a run must not hold up what people wait for. */
const rowsPerRun = 5_000;

interface Cleanup {
  idempotencyKeys: number;
  refreshTokens: number;
  passwordResets: number;
  sessions: number;
}

/** Deletes what has expired: answers to repeatable commands, refresh tokens and their sessions, password resets. */
export async function cleanUp(database: D1Database, clock: Clock): Promise<Cleanup> {
  const { db } = openSession(database, 'first-primary');
  const now = clock.now();
  const expired = (table: string) => sql`DELETE FROM ${sql.identifier(table)} WHERE rowid IN
    (SELECT rowid FROM ${sql.identifier(table)} WHERE expires_at <= ${now} LIMIT ${rowsPerRun})`;
  const [keys, tokens, resets] = await runBatch(db, [
    db.all(sql`${expired('idempotency_keys')} RETURNING 1`),
    db.all<{ sessionId: string }>(sql`${expired('refresh_tokens')} RETURNING session_id AS sessionId`),
    db.all(sql`${expired('password_resets')} RETURNING 1`),
  ]);
  // A session has a token from its first moment on: without any, nothing can refresh it.
  const candidates = JSON.stringify([...new Set(tokens.map(({ sessionId }) => sessionId))]);
  const sessions = await db.all(sql`
    DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(${candidates}))
      AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE session_id = sessions.id) RETURNING 1`);
  return {
    idempotencyKeys: keys.length,
    refreshTokens: tokens.length,
    passwordResets: resets.length,
    sessions: sessions.length,
  };
}
