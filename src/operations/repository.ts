import { eq, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import type { Subscription } from '../cqrs/log/event';
import { joinEvents, lastPosition, streamVersion } from '../cqrs/log/event-log';
import { markKeys } from '../cqrs/reading/repair';
import { rebuilds } from '../cqrs/reading/tables';
import type { ViewKey } from '../cqrs/reading/view';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { runBatch } from '../platform/d1';
import { limits } from '../platform/limits';
import { type Fault, selectDeadLetters, selectNamed } from './dead-letters';
import { operationsErrors } from './errors';
import { deadLetterStream } from './events';
import type { Rebuild } from './rebuild';

/** The key of a dead delivery. */
export interface DeadLetter {
  position: number;
  subscription: Subscription;
}

/** Selects one dead letter, the dead letters of a subscription, those with the same last error, or all of them. */
export type DeadLetterFilter = { [Field in keyof DeadLetter]?: DeadLetter[Field] | undefined } & {
  fault?: Fault | undefined;
  error?: string | null | undefined;
  /** Some dead letters by their keys; nothing else selects then. */
  letters?: readonly DeadLetter[] | undefined;
};

export interface FoundDeadLetters {
  letters: DeadLetter[];
  /** How many dead letters the filter selects beyond these; a large number is not counted to its end. */
  remaining: number;
  /** The version of the stream that records every replay and every discard. */
  version: number;
}

/** The dead letters and rebuilds that operators change. */
export interface OperationsRepository {
  findDeadLetters(filter: DeadLetterFilter, limit: number): Promise<FoundDeadLetters>;
  /** Makes dead letters due again, as if they had never been tried. */
  replay(letters: readonly DeadLetter[], at: number, by: CheckedActor): void;
  /** Deletes dead letters. Documents that miss the event of a discarded projection do not count any more. */
  discard(letters: readonly DeadLetter[], by: CheckedActor): void;
  /** Marks a document to be rechecked from a time on, in milliseconds; an older mark stays. */
  markKey(key: ViewKey, at: number, by: CheckedActor): void;
  findRebuild(id: string): Promise<Rebuild | undefined>;
  /** Adds a running rebuild; its target is the position of this commit's first event. */
  addRebuild(rebuild: Pick<Rebuild, 'id' | 'view' | 'startedAt'>, at: number, by: CheckedActor): void;
  /** Cancels a rebuild. The commit fails if the rebuild has ended by then. */
  saveCancelled(rebuild: Pick<Rebuild, 'id' | 'version' | 'status'>, by: CheckedActor): void;
}

export function createOperationsRepository({ db, stage, guard }: RepositoryContext): OperationsRepository {
  const isAmong = (letters: readonly DeadLetter[]) => sql`status = 'dead' AND (position, subscription) IN
    (SELECT value->>'position', value->>'subscription' FROM json_each(${JSON.stringify(letters)}))`;
  return {
    async findDeadLetters({ position, letters: named, ...filter }, limit) {
      const condition = position === undefined ? sql`true` : sql`position = ${position}`;
      const most = limit + limits.deliveriesCounted;
      const rows = named ? selectNamed(named) : selectDeadLetters({ ...filter, condition }, most);
      const [letters, [stream]] = await runBatch(db, [
        db.all<DeadLetter>(sql`SELECT position, subscription FROM ${rows} ORDER BY position LIMIT ${most}`),
        db.all<{ version: number }>(sql`SELECT ${streamVersion(deadLetterStream)} AS version`),
      ]);
      const remaining = Math.max(0, letters.length - limit);
      return { letters: letters.slice(0, limit), remaining, version: stream?.version ?? 0 };
    },
    replay: (letters, at) =>
      stage(
        db.run(sql`
          UPDATE deliveries SET status = 'pending', attempts = 0, failures = 0, unclear_sends = 0,
            tries = 0, replays = replays + 1, fault = NULL, last_error = NULL, first_failed_at = NULL, last_failed_at = NULL, available_at = ${at}
          WHERE ${isAmong(letters)}`),
      ),
    discard(letters) {
      stage(
        db.run(sql`
          UPDATE shapes SET missed = max(missed, coalesce((
            SELECT max(position) FROM deliveries ${joinEvents}
            WHERE subscription = 'projections' AND ${isAmong(letters)}
              AND (shapes.types = '[]' OR type IN (SELECT value FROM json_each(shapes.types)))), 0))`),
      );
      stage(db.run(sql`DELETE FROM deliveries WHERE ${isAmong(letters)}`));
    },
    markKey: (key, at) => stage(db.run(markKeys([key], at))),
    findRebuild: async (id) => (await db.select().from(rebuilds).where(eq(rebuilds.id, id)))[0],
    addRebuild(rebuild, at) {
      const { view } = rebuild;
      guard(sql`NOT EXISTS (SELECT 1 FROM rebuilds WHERE view = ${view} AND status = 'running')`, () =>
        operationsErrors.rebuildRunning({ view }),
      );
      // D1 commits one batch at a time, so the first event of this batch gets the next position.
      const target = sql<number>`${lastPosition} + 1`;
      const start = {
        version: 1,
        status: 'running',
        checkpoint: 0,
        steps: 0,
        keys: 0,
        attempts: 0,
        progressedAt: at,
      } as const;
      stage(db.insert(rebuilds).values({ ...rebuild, ...start, target }));
    },
    saveCancelled({ id, version, status }) {
      guard(sql`EXISTS (SELECT 1 FROM rebuilds WHERE id = ${id} AND status = 'running')`, () => new ConcurrencyError());
      stage(db.update(rebuilds).set({ version, status }).where(eq(rebuilds.id, id)));
    },
  };
}
