import { sql } from 'drizzle-orm';
import { isoTime } from '../../platform/clock';
import { openSession, runBatch, type Statement } from '../../platform/d1';
import { DomainError } from '../../platform/errors';
import { newId } from '../../platform/ids';
import {
  type EventCatalogue,
  type NewEvent,
  type RecordedEvent,
  requireValidEvent,
  type Subscription,
} from '../log/event';
import { lastPosition, type UnpositionedEvent } from '../log/event-log';
import { type CommitOptions, commit } from './commit';
import { ConcurrencyError, PreconditionFailedError } from './errors';
import { type Guard, requireAll, selectGuards } from './guards';
import { selectStoredResponse, storeResponse, toStoredResponse } from './idempotency';
import {
  type CommandContext,
  type Committed,
  eventMetadata,
  type RepositoryContext,
  type UnitOfWork,
  type Work,
} from './unit-of-work';

export interface UnitOfWorkOptions<Repositories extends object> extends CommitOptions {
  catalogue: EventCatalogue;
  createRepositories(context: RepositoryContext): Repositories;
  /**
   * A function that runs after each commit, before the command returns, and that must not throw.
   * @param receiversOf the subscriptions to which an event is to be sent
   */
  onCommitted(
    events: readonly RecordedEvent[],
    receiversOf: (event: RecordedEvent) => readonly Subscription[],
  ): Promise<void>;
}

/** The writes, guards and events that one run of a unit of work has collected. */
interface Collected {
  staged: Statement[];
  guards: Guard[];
  recorded: NewEvent[];
}

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

  /** The caller of a command that was refused for its version wants to read what changed. */
  async function withSeen(error: DomainError): Promise<PreconditionFailedError> {
    const { db, bookmark } = openSession(database, 'first-primary');
    const [[row]] = await runBatch(db, [db.all<{ position: number }>(sql`SELECT ${lastPosition} AS position`)]);
    return new PreconditionFailedError(error, { position: row?.position ?? 0, bookmark: bookmark() });
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
    // A request with the same key may have made the change after this one looked for a stored response.
    const stored = context.storesOnlyChanges && (await findStored<Result>(context, guards));
    if (stored) return stored;
    if (response.length > 0) await commit(options, context, session, { staged: response, guards }, []);
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
        const { bookmark, positions, receiversOf } = applied;
        const recordedEvents = events.map((event) => ({ ...event, position: positions.get(event.id) ?? 0 }));
        await options.onCommitted(recordedEvents, receiversOf);
        return { result, commit: { position: Math.max(...positions.values()), bookmark } };
      } catch (error) {
        // A command that was refused on a replica runs again on the primary, so its guards are checked there.
        if (!isFinalRefusal(error) || context.readFrom !== 'first-primary') throw error;
        // Another request with the same key may have succeeded after this one looked for its response.
        const stored = accessGuards && (await findStored<Result>(context, accessGuards));
        if (stored) return stored;
        await requireGuards(guards);
        throw error.kind === 'precondition' ? await withSeen(error) : error;
      }
    },
  };
}

function toUnpositioned(recorded: readonly NewEvent[], context: CommandContext, now: number): UnpositionedEvent[] {
  const metadata = eventMetadata(context);
  const { firstEventId = newId() } = context;
  const idOf = (index: number) => (index === 0 ? firstEventId : newId());
  return recorded.map((event, index) => ({ ...event, id: idOf(index), metadata, occurredAt: isoTime(now) }));
}

/**
 * Whether a command was refused for a reason that another look on the primary can confirm. Nobody knows the outcome of an
 * `unavailable` one, and a ConcurrencyError is tried again.
 */
function isFinalRefusal(error: unknown): error is DomainError {
  return error instanceof DomainError && !(error instanceof ConcurrencyError) && error.kind !== 'unavailable';
}
