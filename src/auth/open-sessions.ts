import { type SQL, sql } from 'drizzle-orm';
import { newestEventTime } from '../cqrs/log/event-log';
import type { Database } from '../platform/d1';
import { lifetimes } from './session';

/** A session that is not revoked, as its account sees it. */
export interface OpenSession {
  id: string;
  startedAt: string;
  lastUsedAt: string | null;
  expiresAt: string;
}

/**
 * The query for the sessions of an account that are not revoked, newest first. Each sign-in and each refresh is an event, so
 * the newest event of a session tells its last use, and no refresh has to write it down.
 */
export function openSessionsQuery(userId: string, before: string | undefined, limit: number): SQL {
  return sql`
    SELECT id, created_at AS startedAt, ${newestEventTime('session', sql`s.id`)} AS lastUsedAt
    FROM sessions AS s INDEXED BY sessions_open
    WHERE user_id = ${userId} AND revoked_at IS NULL ${before === undefined ? sql`` : sql`AND id < ${before}`}
    ORDER BY id DESC LIMIT ${limit}`;
}

/** Finds the open sessions of an account. Expired ones may be among them for a minute, until the schedule deletes them. */
export async function findOpenSessions(
  db: Database,
  userId: string,
  before: string | undefined,
  limit: number,
): Promise<OpenSession[]> {
  const rows = await db.all<Omit<OpenSession, 'expiresAt'>>(openSessionsQuery(userId, before, limit));
  return rows.map((row) => {
    const end = Date.parse(row.lastUsedAt ?? row.startedAt) + lifetimes.refreshTokenMs;
    return { ...row, expiresAt: new Date(end).toISOString() };
  });
}
