import { removeExpired } from '../../platform/d1';

/** Deletes the stored responses that have expired. */
export async function removeExpiredResponses(database: D1Database, now: number) {
  return { idempotencyKeys: await removeExpired(database, 'idempotency_keys', 'key', now) };
}
