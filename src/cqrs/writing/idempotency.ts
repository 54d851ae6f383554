import { and, eq, gt, inArray, lte, sql } from 'drizzle-orm';
import type { Database, Statement } from '../../platform/d1';
import { lastPosition } from '../log/event-log';
import { idempotencyKeys } from './tables';
import { type CommandContext, type Committed, type RequestHashes, requireSameRequest } from './unit-of-work';

/** How long a response is stored. */
const lifetimeMs = 24 * 3_600_000;

/** The statement that finds the stored response to a repeatable command. */
export function selectStoredResponse(db: Database, context: CommandContext, now: number) {
  const { commandId, formerCommandIds = [] } = context;
  return db
    .select()
    .from(idempotencyKeys)
    .where(and(inArray(idempotencyKeys.key, [commandId, ...formerCommandIds]), gt(idempotencyKeys.expiresAt, now)));
}

/**
 * The stored response to a repeatable command.
 * @param bookmark that of the session that read the row, which is at least as new as the command's commit
 * @throws DomainError `http.idempotency-key-reused` when the id was used with another payload
 */
export function toStoredResponse<Result>(
  row: typeof idempotencyKeys.$inferSelect,
  requestHashes: RequestHashes,
  bookmark: string | null,
): Committed<Result> {
  requireSameRequest(row.requestHash, requestHashes);
  // The same command has returned this result before, so it has the command's type.
  const result: Result = JSON.parse(row.result);
  return { result, commit: { position: row.position, bookmark }, isReplayed: true };
}

/**
 * The statements that store a response, for the start of the command's own batch. If two requests with one key arrive
 * at the same time, the second batch fails because the key is taken, and its command then finds the stored response.
 */
export function storeResponse(
  db: Database,
  { commandId: key, requestHashes }: CommandContext,
  result: unknown,
  eventCount: number,
  now: number,
): Statement[] {
  if (requestHashes === undefined) return [];
  const [requestHash] = requestHashes;
  // D1 commits one batch at a time, so the events of this batch get the next positions.
  const position = sql<number>`${lastPosition} + ${eventCount}`;
  const response = { key, requestHash, result: JSON.stringify(result ?? null), position, expiresAt: now + lifetimeMs };
  return [
    db.delete(idempotencyKeys).where(and(eq(idempotencyKeys.key, key), lte(idempotencyKeys.expiresAt, now))),
    db.insert(idempotencyKeys).values(response),
  ];
}
