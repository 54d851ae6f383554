import { and, eq, gt, lte, sql } from 'drizzle-orm';
import { type Database, openSession, type Statement } from '../../platform/d1';
import { idempotencyKeys } from './tables';
import { type CommandContext, type Committed, requireSameRequest } from './unit-of-work';

/** How long an answer is kept. */
const lifetimeMs = 24 * 3_600_000;

/**
 * The first answer to a repeatable command; undefined where there is none (any more).
 * @throws DomainError `http.idempotency-key-reused` when the id came with another payload.
 */
export async function findAnswer<Result>(
  database: D1Database,
  { commandId, requestHash }: CommandContext,
  now: number,
): Promise<Committed<Result> | undefined> {
  if (requestHash === undefined) return undefined;
  const { db } = openSession(database, 'first-primary');
  const [row] = await db
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.key, commandId), gt(idempotencyKeys.expiresAt, now)));
  if (!row) return undefined;
  requireSameRequest(row.requestHash, requestHash);
  // The stored result is what this very command answered the first time.
  const result: Result = JSON.parse(row.result);
  return { result, commit: { position: row.position, bookmark: null }, isReplayed: true };
}

/**
 * The statements that keep an answer, to go first in the command's own batch: the second of two requests at once
 * breaks the key's uniqueness before anything else, and then finds the first one's answer.
 */
export function storeAnswer(
  db: Database,
  { commandId: key, requestHash }: CommandContext,
  result: unknown,
  eventCount: number,
  now: number,
): Statement[] {
  if (requestHash === undefined) return [];
  // One writer at a time: the batch's own events come right after what is there.
  const position = sql<number>`(SELECT coalesce(max(position), 0) + ${eventCount} FROM events)`;
  const answer = { key, requestHash, result: JSON.stringify(result ?? null), position, expiresAt: now + lifetimeMs };
  return [
    db.delete(idempotencyKeys).where(and(eq(idempotencyKeys.key, key), lte(idempotencyKeys.expiresAt, now))),
    db.insert(idempotencyKeys).values(answer),
  ];
}
