import type { Services } from '../composition';
import { openSession } from '../platform/d1';
import { findTrouble } from './queries';
import type { IssueCode, Readiness } from './schemas';

/** What has waited longer than this is late: the relay has sent it several times. */
const lateSeconds = 300;

/** Asks D1 and KV, and looks for what is late or dead. What says nothing in time is left to the caller's own timeout. */
export async function checkReadiness({ clock, database, documents }: Services): Promise<Readiness> {
  const [trouble, kv] = await Promise.allSettled([
    // Within a promise: opening a session may throw.
    Promise.resolve().then(() => findTrouble(openSession(database, 'first-primary').db)),
    documents.getAll(['ready']),
  ]);
  const issues: Readiness['issues'] = [];
  const add = (code: IssueCode, detail: string) => issues.push({ code, detail });
  if (trouble.status === 'rejected') add('d1-unreachable', 'D1 does not answer: no command can be carried out.');
  if (kv.status === 'rejected') add('kv-unreachable', 'KV does not answer: reads come from D1, and are slower.');
  if (trouble.status === 'fulfilled') {
    const { deadLetters, oldestPendingAt } = trouble.value;
    const waitedSeconds = oldestPendingAt ? Math.floor((clock.now() - Date.parse(oldestPendingAt)) / 1000) : 0;
    if (waitedSeconds > lateSeconds) add('deliveries-late', `The oldest delivery has waited ${waitedSeconds} seconds.`);
    if (deadLetters > 0) add('dead-letters', `${deadLetters} dead letters wait to be replayed or discarded.`);
  }
  const isAvailable = issues.every(({ code }) => code === 'dead-letters');
  return { status: !isAvailable ? 'unavailable' : issues.length > 0 ? 'degraded' : 'ready', issues };
}
