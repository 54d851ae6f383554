import { and, eq, gt, lte, sql } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import { lastPosition } from '../log/event-log';
import { idempotencyKeys } from './tables';
import { type CommandContext, type Committed, requireSameRequest } from './unit-of-work';

/** How long a response is stored. */
const lifetimeMs = 24 * 3_600_000;

/** The statement that finds the stored response to a repeatable command. */
export function selectStoredResponse(db: Database, { commandId }: CommandContext, now: number) {
  return db
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.key, commandId), gt(idempotencyKeys.expiresAt, now)));
}

/**
 * The first response to a repeatable command, as the command returned it.
 * @throws DomainError `http.idempotency-key-reused` when the id arrived with another payload
 */
export function toStoredResponse<Result>(
  row: typeof idempotencyKeys.$inferSelect,
  requestHash: string,
): Committed<Result> {
  requireSameRequest(row.requestHash, requestHash);
  // The stored result is the one that this very command returned the first time.
  const result: Result = JSON.parse(row.result);
  return { result, commit: { position: row.position, bookmark: null }, isReplayed: true };
}

/**
 * The statements that store a response, to go first in the command's own batch. When two requests with one key arrive
 * together, the second one breaks the key's uniqueness before anything else, and then finds the first one's response.
 */
export function storeResponse(
  db: Database,
  { commandId: key, requestHash }: CommandContext,
  result: unknown,
  eventCount: number,
  now: number,
): Statement[] {
  if (requestHash === undefined) return [];
  // D1 commits one batch at a time, so this batch's own events follow directly on the last position.
  const position = sql<number>`${lastPosition} + ${eventCount}`;
  const response = { key, requestHash, result: JSON.stringify(result ?? null), position, expiresAt: now + lifetimeMs };
  return [
    db.delete(idempotencyKeys).where(and(eq(idempotencyKeys.key, key), lte(idempotencyKeys.expiresAt, now))),
    db.insert(idempotencyKeys).values(response),
  ];
}
