import { sql } from 'drizzle-orm';
import type { Clock } from '../../platform/clock';
import { isoTime } from '../../platform/clock';
import {
  brokenConstraint,
  type Database,
  isUnclearFailure,
  openSession,
  runBatch,
  type Statement,
} from '../../platform/d1';
import { ConcurrencyError, type DomainError } from '../../platform/errors';
import { newId } from '../../platform/ids';
import type { NewEvent, RecordedEvent, Subscription } from '../log/event';
import { findAnswer, storeAnswer } from './idempotency';
import { type CommandContext, type Committed, eventMetadata, type Transaction, type UnitOfWork } from './unit-of-work';

/** What a repository works with: reads go to `db`, writes are staged for the one commit. */
export interface RepositoryContext {
  db: Database;
  stage(statement: Statement): void;
}

export interface UnitOfWorkOptions<Repositories extends object> {
  database: D1Database;
  clock: Clock;
  createRepositories(context: RepositoryContext): Repositories;
  /** Who is to hear of an event of this type. */
  subscriptionsOf(type: string): readonly Subscription[];
  /** The domain error for each constraint that the database holds, by its name (`users.email`). */
  constraints: Readonly<Record<string, () => DomainError>>;
  /** What follows a commit at once: the fast path, and what the command must not answer before. Never throws. */
  onCommitted(events: readonly RecordedEvent[]): Promise<void>;
  wait(ms: number): Promise<unknown>;
}

/** The relay leaves a new delivery to the fast path for this long. */
const fastPathMs = 30_000;
const commitTries = 4;

/** The unit of work on D1: one batch, guarded by the uniqueness of a stream's versions. */
export function createD1UnitOfWork<Repositories extends object>(
  options: UnitOfWorkOptions<Repositories>,
): UnitOfWork<Repositories> {
  return {
    async run<Result>(
      context: CommandContext,
      work: (tx: Transaction<Repositories>) => Promise<Result>,
    ): Promise<Committed<Result>> {
      const { clock, database } = options;
      const earlier = await findAnswer<Result>(database, context, clock.now());
      if (earlier) return earlier;
      const { db, bookmark } = openSession(database, context.readFrom);
      const staged: Statement[] = [];
      const recorded: NewEvent[] = [];
      const repositories = options.createRepositories({ db, stage: (statement) => staged.push(statement) });
      const result = await work({ ...repositories, record: (event) => recorded.push(event) });
      if (staged.length > 0 && recorded.length === 0) throw new Error('state was staged without an event');

      const events = toRecorded(recorded, context, clock.now());
      const answer = storeAnswer(db, context, result, events.length, clock.now());
      if (events.length === 0) {
        if (answer.length > 0) await commit(options, db, answer, events);
        return { result, commit: { position: await lastPosition(db), bookmark: bookmark() } };
      }
      const positions = await commit(options, db, [...answer, ...staged], events);
      await options.onCommitted(events.map((event) => ({ ...event, position: positions.get(event.id) ?? 0 })));
      return { result, commit: { position: Math.max(...positions.values()), bookmark: bookmark() } };
    },
  };
}

async function lastPosition(db: Database): Promise<number> {
  const [last] = await db.all<{ position: number }>(sql`SELECT coalesce(max(position), 0) AS position FROM events`);
  return last?.position ?? 0;
}

type Unpositioned = Omit<RecordedEvent, 'position'>;

function toRecorded(recorded: readonly NewEvent[], context: CommandContext, now: number): Unpositioned[] {
  const metadata = eventMetadata(context);
  return recorded.map((event) => ({ ...event, id: newId(), metadata, occurredAt: isoTime(now) }));
}

/** Commits, and settles whether an attempt whose answer was lost had been applied; answers each event's position. */
async function commit<Repositories extends object>(
  options: UnitOfWorkOptions<Repositories>,
  db: Database,
  staged: readonly Statement[],
  events: readonly Unpositioned[],
): Promise<Map<string, number>> {
  const statements = [
    ...staged,
    insertEvents(db, events),
    insertDeliveries(db, events, options.subscriptionsOf, options.clock.now() + fastPathMs),
  ];
  for (let attempt = 1; ; attempt++) {
    try {
      const results = await runBatch(db, statements);
      return positionsById(results[staged.length]);
    } catch (error) {
      if (attempt < commitTries && isUnclearFailure(error)) {
        await options.wait(50 * 2 ** attempt * (0.5 + Math.random()));
        continue;
      }
      // The batch of a lost answer breaks its own constraints when sent again: then the events are there already.
      if (attempt > 1) {
        const landed = await findPositions(options.database, events);
        if (landed.size > 0) return landed;
      }
      throw toDomainError(error, options.constraints);
    }
  }
}

function toDomainError(error: unknown, constraints: Readonly<Record<string, () => DomainError>>): unknown {
  const constraint = brokenConstraint(error);
  if (!constraint) return error;
  // Another commit took the stream's version, or the same command is being carried out by another request.
  if (constraint.startsWith('events.stream_type') || constraint === 'idempotency_keys.key')
    return new ConcurrencyError();
  return constraints[constraint]?.() ?? error;
}

/** A list crosses as one JSON parameter: D1 binds at most 100. */
function insertEvents(db: Database, events: readonly Unpositioned[]) {
  return db.all(sql`
    INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
    SELECT value->>'id', value->>'streamType', value->>'streamId', value->>'version', value->>'type',
      value->>'schemaVersion', value->'data', value->'metadata', value->>'occurredAt'
    FROM json_each(${JSON.stringify(events)}) ORDER BY key
    RETURNING id, position`);
}

function insertDeliveries(
  db: Database,
  events: readonly Unpositioned[],
  subscriptionsOf: (type: string) => readonly Subscription[],
  availableAt: number,
) {
  const wanted = events.flatMap(({ id, type }) => subscriptionsOf(type).map((subscription) => ({ id, subscription })));
  return db.run(sql`
    INSERT INTO deliveries (position, subscription, available_at)
    SELECT events.position, wanted.value->>'subscription', ${availableAt}
    FROM json_each(${JSON.stringify(wanted)}) AS wanted JOIN events ON events.id = wanted.value->>'id'`);
}

function positionsById(rows: unknown): Map<string, number> {
  // The shape that RETURNING names in insertEvents.
  return new Map((rows as { id: string; position: number }[]).map(({ id, position }) => [id, position]));
}

async function findPositions(database: D1Database, events: readonly Unpositioned[]): Promise<Map<string, number>> {
  const ids = JSON.stringify(events.map(({ id }) => id));
  const { db } = openSession(database, 'first-primary');
  return positionsById(
    await db.all(sql`SELECT id, position FROM events WHERE id IN (SELECT value FROM json_each(${ids}))`),
  );
}
