import { sql } from 'drizzle-orm';
import { type Clock, isoTime, type Wait } from '../../platform/clock';
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
import { newId } from '../../platform/ids';
import { deadlines, limits } from '../../platform/limits';
import { backoffMs, retryAfterSeconds } from '../../platform/retry';
import { splitByBytes } from '../../platform/split';
import {
  type EventCatalogue,
  type NewEvent,
  type RecordedEvent,
  requireValidEvent,
  type Subscription,
} from '../log/event';
import { findPositions, insertEvents, lastPosition, toPositions, type UnpositionedEvent } from '../log/event-log';
import { insertDeliveries } from '../log/outbox';
import { ConcurrencyError, commandErrors } from './errors';
import { checkInBatch, explainRefusal, type Guard, guardConstraint, requireAll, selectGuards } from './guards';
import { selectStoredResponse, storeResponse, toStoredResponse } from './idempotency';
import {
  type CommandContext,
  type Committed,
  eventMetadata,
  type RepositoryContext,
  type UnitOfWork,
  type Work,
} from './unit-of-work';

export interface UnitOfWorkOptions<Repositories extends object> {
  database: D1Database;
  clock: Clock;
  catalogue: EventCatalogue;
  createRepositories(context: RepositoryContext): Repositories;
  /** The subscriptions that receive events of this type. */
  subscriptionsOf(type: string): readonly Subscription[];
  /** The domain error for each constraint of the database, by the constraint's name (`users.email`). */
  constraints: Readonly<Record<string, () => DomainError>>;
  /** A function that runs after each commit, before the command returns, and that must not throw. */
  onCommitted(events: readonly RecordedEvent[]): Promise<void>;
  wait: Wait;
}

/** The writes, guards and events that one run of a unit of work has collected. */
interface Collected {
  staged: Statement[];
  guards: Guard[];
  recorded: NewEvent[];
}

/** The pauses between the requests of one commit; `deadlines.commitMs` ends them, or the number of failures. */
const pauses = { firstMs: 200, longestMs: 2_000 };
const failuresPerCommit = 12;

/** The unit of work on D1: one batch, which fails if a guard is false or another commit took a stream's version. */
export function createD1UnitOfWork<Repositories extends object>(
  options: UnitOfWorkOptions<Repositories>,
): UnitOfWork<Repositories> {
  const { catalogue, clock, database } = options;

  /** Checks the guards of a refused command, so that a revoked caller gets 401 and no other refusal. */
  async function requireGuards(guards: readonly Guard[]): Promise<void> {
    if (guards.length === 0) return;
    const { db } = openSession(database, 'first-primary');
    requireAll(guards, await selectGuards(db, guards));
  }

  async function findStored<Result>(
    context: CommandContext,
    guards: readonly Guard[],
  ): Promise<Committed<Result> | undefined> {
    const { requestHashes } = context;
    if (requestHashes === undefined) return undefined;
    const { db, bookmark } = openSession(database, 'first-primary');
    const stored = selectStoredResponse(db, context, clock.now());
    const [[row], holds] = await runBatch(db, [stored, selectGuards(db, guards)]);
    if (!row) return undefined;
    requireAll(guards, holds);
    return toStoredResponse(row, requestHashes, bookmark());
  }

  /** Ends a command that changed nothing. A replica may be old, so such a command ends only on the primary. */
  async function endWithoutEvents<Result>(context: CommandContext, result: Result, { guards }: Collected) {
    if (context.readFrom !== 'first-primary') throw new ConcurrencyError();
    const session = openSession(database, 'first-primary');
    const { db } = session;
    const response = context.storesOnlyChanges ? [] : storeResponse(db, context, result, 0, clock.now());
    const [position, holds] = await runBatch(db, [
      db.all<{ position: number }>(sql`SELECT ${lastPosition} AS position`),
      selectGuards(db, guards),
    ]);
    requireAll(guards, holds);
    // What this command wanted to change, its twin may have changed since it looked for a stored response.
    const stored = context.storesOnlyChanges && (await findStored<Result>(context, guards));
    if (stored) return stored;
    if (response.length > 0) await commit(options, context, session, { staged: response, guards, recorded: [] }, []);
    return { result, commit: { position: position[0]?.position ?? 0, bookmark: session.bookmark() } };
  }

  return {
    async run<Actor, Result>(
      context: CommandContext,
      work: Work<Actor, Repositories, Result>,
    ): Promise<Committed<Result>> {
      const session = openSession(database, context.readFrom);
      const { db } = session;
      const collected: Collected = { staged: [], guards: [], recorded: [] };
      const { staged, guards, recorded } = collected;
      const repositories = options.createRepositories({
        db,
        stage: (statement) => void staged.push(statement),
        guard: (condition, refuse) => void guards.push({ condition, refuse }),
      });
      const record = (event: NewEvent) => {
        requireValidEvent(catalogue, event);
        recorded.push(event);
      };
      /** The guards of the access rule alone, as soon as the rule has passed. */
      let accessGuards: readonly Guard[] | undefined;
      try {
        const actor = work.authorize(repositories);
        accessGuards = [...guards];
        const stored = await findStored<Result>(context, accessGuards);
        if (stored) return stored;
        const result = await work.handle(actor, { ...repositories, record });
        if (staged.length > 0 && recorded.length === 0) throw new Error('A command staged a write without an event.');
        if (recorded.length === 0) return await endWithoutEvents(context, result, collected);

        const events = toUnpositioned(recorded, context, clock.now());
        const response = storeResponse(db, context, result, events.length, clock.now());
        const all = { ...collected, staged: [...response, ...staged] };
        const applied = await commit(options, context, session, all, events);
        const { bookmark, positions } = applied;
        await options.onCommitted(events.map((event) => ({ ...event, position: positions.get(event.id) ?? 0 })));
        return { result, commit: { position: Math.max(...positions.values()), bookmark } };
      } catch (error) {
        // A command that was refused on a replica runs again on the primary, so its guards are checked there.
        if (!isFinalRefusal(error) || context.readFrom !== 'first-primary') throw error;
        // Another request with the same key may have succeeded after this one looked for its response.
        const stored = accessGuards && (await findStored<Result>(context, accessGuards));
        if (stored) return stored;
        await requireGuards(guards);
        throw error;
      }
    },
  };
}

function toUnpositioned(recorded: readonly NewEvent[], context: CommandContext, now: number): UnpositionedEvent[] {
  const metadata = eventMetadata(context);
  return recorded.map((event) => ({ ...event, id: newId(), metadata, occurredAt: isoTime(now) }));
}

/** The position of each event of a commit, and a bookmark that is at least as new as the commit. */
interface Applied {
  positions: Map<string, number>;
  bookmark: string | null;
}

/**
 * Commits everything in one batch. Only a sure refusal of D1 means that nothing was applied. After every other failure, also
 * that of the first try, the primary is asked for the events; if it has none, the same batch is sent again. Its events keep
 * their ids, so that it cannot be applied twice.
 * @throws DomainError `concurrency.outcome-unknown` when the outcome stays open until the deadline
 */
async function commit<Repositories extends object>(
  options: UnitOfWorkOptions<Repositories>,
  context: CommandContext,
  { db, bookmark }: DatabaseSession,
  { staged, guards }: Collected,
  events: readonly UnpositionedEvent[],
): Promise<Applied> {
  const { clock, database, wait } = options;
  const before = [...checkInBatch(db, guards), ...staged];
  // The deliveries of some events take fewer bytes than the events, so both are split at the same places.
  const parts = splitByBytes(events, limits.bytesPerParameter);
  const statements = [
    ...before,
    ...parts.map((part) => insertEvents(db, part)),
    ...parts.map((part) => insertDeliveries(db, part, options.subscriptionsOf, clock.now())),
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
    return { positions: toPositions(inserted.flat()), bookmark: bookmark() };
  }

  /** Asks the primary, until it answers, whether a try was applied. */
  async function findApplied(): Promise<Applied | undefined> {
    for (;;) {
      try {
        return await lookForCommit(openSession(database, 'first-primary'), context, events, clock.now());
      } catch (error) {
        if (error instanceof DomainError) throw error;
        await pause(error);
      }
    }
  }

  for (let attempt = 1; ; attempt++) {
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
): Promise<Applied | undefined> {
  if (events.length === 0) {
    const [stored] = await selectStoredResponse(db, context, now);
    if (stored) throw new ConcurrencyError();
    return undefined;
  }
  const ids = events.map(({ id }) => id);
  const positions = await findPositions(db, ids);
  return positions.size > 0 ? { positions, bookmark: bookmark() } : undefined;
}

/**
 * Whether a command was refused for a reason that another look on the primary can confirm. Nobody knows the outcome of an
 * `unavailable` one, and a ConcurrencyError is tried again.
 */
function isFinalRefusal(error: unknown): boolean {
  return error instanceof DomainError && !(error instanceof ConcurrencyError) && error.kind !== 'unavailable';
}

/** Another commit took the stream's version or deleted a row that this command refers to, or took the command's id. */
function isLostRace(constraint: string): boolean {
  return constraint.startsWith('events.stream_type') || ['idempotency_keys.key', foreignKey].includes(constraint);
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
