import { sql } from 'drizzle-orm';
import { occurredAtOf } from '../cqrs/log/event-log';
import type { DocumentStore } from '../cqrs/reading/document-store';
import type { Clock } from '../platform/clock';
import { type Database, openSession } from '../platform/d1';
import type { IssueCode, Readiness } from './schemas';

/** A delivery is late after this time, because the relay has sent it several times by then. */
const lateSeconds = 300;

interface Backlog {
  oldestPendingAt: string | null;
  deadLetters: number;
}

async function findBacklog(db: Database): Promise<Backlog> {
  const oldest = sql`(SELECT min(position) FROM deliveries WHERE status = 'pending')`;
  const [row] = await db.all<Backlog>(sql`
    SELECT ${occurredAtOf(oldest)} AS oldestPendingAt,
      (SELECT count(*) FROM deliveries WHERE status = 'dead') AS deadLetters`);
  return row ?? { oldestPendingAt: null, deadLetters: 0 };
}

/** Reads from D1 and KV, and looks for late and dead deliveries. There is no time limit: the client sets its own. */
export async function checkReadiness(services: {
  clock: Clock;
  database: D1Database;
  documents: DocumentStore;
}): Promise<Readiness> {
  const { clock, database, documents } = services;
  const [backlog, kv] = await Promise.allSettled([
    // `openSession` runs inside a promise, because it may throw.
    Promise.resolve().then(() => findBacklog(openSession(database, 'first-primary').db)),
    documents.getAll(['ready']),
  ]);
  const issues: Readiness['issues'] = [];
  const add = (code: IssueCode, detail: string) => issues.push({ code, detail });
  if (backlog.status === 'rejected') add('d1-unreachable', 'D1 does not respond, so no command can be carried out.');
  if (kv.status === 'rejected') add('kv-unreachable', 'KV does not respond, so reads come from D1 and are slower.');
  if (backlog.status === 'fulfilled') {
    const { deadLetters, oldestPendingAt } = backlog.value;
    const waitedSeconds = oldestPendingAt ? Math.floor((clock.now() - Date.parse(oldestPendingAt)) / 1000) : 0;
    if (waitedSeconds > lateSeconds) add('deliveries-late', `The oldest delivery has waited ${waitedSeconds} seconds.`);
    if (deadLetters > 0) add('dead-letters', `${deadLetters} dead letters wait to be replayed or discarded.`);
  }
  const isAvailable = issues.every(({ code }) => code === 'dead-letters');
  return { status: !isAvailable ? 'unavailable' : issues.length > 0 ? 'degraded' : 'ready', issues };
}
