import type { Clock, Wait } from '../../platform/clock';
import {
  brokenConstraint,
  type DatabaseSession,
  foreignKey,
  isOverloaded,
  isRefusedByD1,
  openSession,
  runBatch,
  type Statement,
} from '../../platform/d1';
import { DomainError } from '../../platform/errors';
import type { CommitOutcome } from '../../platform/isolate-figures';
import { deadlines, limits } from '../../platform/limits';
import { backoffMs, retryAfterSeconds } from '../../platform/retry';
import { splitByBytes } from '../../platform/split';
import type { RecordedEvent, Subscription } from '../log/event';
import { findPositions, insertEvents, toPositions, type UnpositionedEvent } from '../log/event-log';
import { insertDeliveries, type Receivers, toReceivers } from '../log/outbox';
import { ConcurrencyError, commandErrors } from './errors';
import { checkInBatch, explainRefusal, type Guard, guardConstraint } from './guards';
import { selectStoredResponse } from './idempotency';
import type { CommandContext } from './unit-of-work';

/** What a commit needs beside its session. */
export interface CommitOptions {
  database: D1Database;
  clock: Clock;
  wait: Wait;
  receivers: Receivers;
  /** The domain error for each constraint of the database, by the constraint's name (`users.email`). */
  constraints: Readonly<Record<string, () => DomainError>>;
  /** Counts what became of a commit, and how often its batch was sent again. */
  count(occurrence: `commit-${CommitOutcome}` | 'batch-repeated'): void;
}

/** The pauses between the requests of one commit; `deadlines.commitMs` ends them, or the number of failures. */
const pauses = { firstMs: 200, longestMs: 2_000 };
const failuresPerCommit = 12;

/** The position of each event of a commit, who receives them, and a bookmark that is at least as new as the commit. */
interface Applied {
  positions: Map<string, number>;
  /** The subscriptions that have a delivery of an event. Where the answer of the commit was lost, all that may have one. */
  receiversOf(event: RecordedEvent): readonly Subscription[];
  bookmark: string | null;
}

/** What became of a commit that threw an error. */
function outcomeOf(error: unknown): CommitOutcome {
  if (error instanceof ConcurrencyError) return 'conflict';
  if (error instanceof DomainError) return error.kind === 'unavailable' ? 'unclear' : 'refused';
  return 'failed';
}

/** Commits everything in one batch, as {@link carryOut} says it, and counts the outcome. */
export async function commit(...args: Parameters<typeof carryOut>): Promise<Applied> {
  const [{ count }] = args;
  try {
    const applied = await carryOut(...args);
    count('commit-applied');
    return applied;
  } catch (error) {
    count(`commit-${outcomeOf(error)}`);
    throw error;
  }
}

/**
 * Commits everything in one batch. Only a sure refusal of D1 means that nothing was applied. After every other failure, also
 * that of the first try, the primary is asked for the events; if it has none, the same batch is sent again. Its events keep
 * their ids, so that it cannot be applied twice.
 * @throws DomainError `concurrency.outcome-unknown` when the outcome stays open until the deadline
 */
async function carryOut(
  options: CommitOptions,
  context: CommandContext,
  { db, bookmark }: DatabaseSession,
  { staged, guards }: { staged: readonly Statement[]; guards: readonly Guard[] },
  events: readonly UnpositionedEvent[],
): Promise<Applied> {
  const { clock, database, wait } = options;
  const before = [...checkInBatch(db, guards), ...staged];
  // The deliveries of some events take fewer bytes than the events, so both are split at the same places.
  const parts = splitByBytes(events, limits.bytesPerParameter);
  const statements = [
    ...before,
    ...parts.map((part) => insertEvents(db, part)),
    ...parts.map((part) => insertDeliveries(db, part, options.receivers, clock.now())),
  ];
  const until = clock.now() + deadlines.commitMs;
  const giveUp = (cause: unknown) =>
    commandErrors.outcomeUnknown({ retryAfterSeconds: retryAfterSeconds() }, { cause });

  let failures = 0;

  /** @throws DomainError when no time is left for another request and its deadline */
  function requireTime(cause: unknown, afterMs = 0): void {
    if (clock.now() + afterMs + deadlines.requestCallMs > until) throw giveUp(cause);
  }

  /** Waits before the next request. @throws DomainError when there may be none */
  async function pause(cause: unknown): Promise<void> {
    const ms = backoffMs(++failures, pauses);
    if (isOverloaded(cause) || failures >= failuresPerCommit) throw giveUp(cause);
    requireTime(cause, ms);
    await wait(ms);
  }

  async function send(): Promise<Applied> {
    const results = await runBatch(db, statements);
    const inserted = results.slice(before.length, before.length + parts.length);
    const receivers = toReceivers(results.slice(before.length + parts.length).flat());
    return {
      positions: toPositions(inserted.flat()),
      receiversOf: ({ position }) => receivers.get(position) ?? [],
      bookmark: bookmark(),
    };
  }

  /** Asks the primary, until it answers, whether a try was applied. */
  async function findApplied(): Promise<Applied | undefined> {
    for (;;) {
      try {
        const found = await lookForCommit(openSession(database, 'first-primary'), context, events, clock.now());
        // A message without a delivery has no effect.
        return found && { ...found, receiversOf: options.receivers.subscriptionsOf };
      } catch (error) {
        if (error instanceof DomainError) throw error;
        await pause(error);
      }
    }
  }

  for (let attempt = 1; ; attempt++) {
    if (attempt > 1) options.count('batch-repeated');
    try {
      return await send();
    } catch (error) {
      const isRefused = isRefusedByD1(error);
      const constraint = brokenConstraint(error);
      const explain = async () =>
        constraint === guardConstraint
          ? await explainRefusal(openSession(database, 'first-primary').db, guards)
          : toDomainError(error, constraint, options.constraints);
      if (isRefused && attempt === 1) throw await explain();
      requireTime(error);
      const applied = await findApplied();
      if (applied) return applied;
      // An earlier try may still be on its way. If the reason of this refusal can pass, that try can succeed afterwards.
      if (isRefused) throw isRefusedForEver(constraint) ? await explain() : giveUp(error);
      await pause(error);
    }
  }
}

/**
 * Finds out on the primary whether a commit was applied. The session of the batch never got the response, so its bookmark
 * can be older than the commit, and that of this session is returned.
 * @throws ConcurrencyError when only a response was to be stored, and one is stored: the command then finds it
 */
async function lookForCommit(
  { bookmark, db }: DatabaseSession,
  context: CommandContext,
  events: readonly UnpositionedEvent[],
  now: number,
): Promise<Pick<Applied, 'positions' | 'bookmark'> | undefined> {
  if (events.length === 0) {
    const [stored] = await selectStoredResponse(db, context, now);
    if (stored) throw new ConcurrencyError();
    return undefined;
  }
  const positions = await findPositions(db, events);
  return positions.size > 0 ? { positions, bookmark: bookmark() } : undefined;
}

/**
 * Another commit took the stream's version or deleted a row that this command refers to, or took the command's id, or an
 * earlier command of the same request took the id of the first event, which the next attempt does not use.
 */
function isLostRace(constraint: string): boolean {
  const others = ['events.id', 'idempotency_keys.key', foreignKey];
  return constraint.startsWith('events.stream_type') || others.includes(constraint);
}

/** Whether the same batch would be refused at any later time too. Versions and ids are never free again. */
function isRefusedForEver(constraint: string | undefined): boolean {
  return constraint === undefined || isLostRace(constraint);
}

function toDomainError(
  error: unknown,
  constraint: string | undefined,
  constraints: Readonly<Record<string, () => DomainError>>,
): unknown {
  if (!constraint) return error;
  if (isLostRace(constraint)) return new ConcurrencyError();
  return constraints[constraint]?.() ?? error;
}
