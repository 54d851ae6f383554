import { eq, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import type { Subscription } from '../cqrs/log/event';
import { lastPosition, streamVersion } from '../cqrs/log/event-log';
import { rebuilds } from '../cqrs/reading/tables';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { runBatch } from '../platform/d1';
import { operationsErrors } from './errors';
import { deadLetterStream } from './events';
import type { Rebuild } from './rebuild';

/** The key of a dead delivery. */
export interface DeadLetter {
  position: number;
  subscription: Subscription;
}

/** Selects one dead letter, the dead letters of a subscription, or all of them. */
export type DeadLetterFilter = { [Field in keyof DeadLetter]?: DeadLetter[Field] | undefined };

export interface FoundDeadLetters {
  letters: DeadLetter[];
  /** How many dead letters the filter selects without the limit. */
  total: number;
  /** The version of the stream that records every replay and every discard. */
  version: number;
}

/** The dead letters and rebuilds that operators change. */
export interface OperationsRepository {
  findDeadLetters(filter: DeadLetterFilter, limit: number): Promise<FoundDeadLetters>;
  /** Makes dead letters due again; their attempts start at 0. */
  replay(letters: readonly DeadLetter[], at: number, by: CheckedActor): void;
  discard(letters: readonly DeadLetter[], by: CheckedActor): void;
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
    async findDeadLetters({ position, subscription }, limit) {
      const isSelected = sql`status = 'dead'
        AND ${position === undefined ? sql`true` : sql`position = ${position}`}
        AND ${subscription === undefined ? sql`true` : sql`subscription = ${subscription}`}`;
      const [letters, [counts]] = await runBatch(db, [
        db.all<DeadLetter>(
          sql`SELECT position, subscription FROM deliveries WHERE ${isSelected} ORDER BY position LIMIT ${limit}`,
        ),
        db.all<{ total: number; version: number }>(sql`
          SELECT (SELECT count(*) FROM deliveries WHERE ${isSelected}) AS total,
            ${streamVersion(deadLetterStream)} AS version`),
      ]);
      return { letters, total: counts?.total ?? 0, version: counts?.version ?? 0 };
    },
    replay: (letters, at) =>
      stage(
        db.run(sql`UPDATE deliveries SET status = 'pending', attempts = 0, available_at = ${at}
          WHERE ${isAmong(letters)}`),
      ),
    discard: (letters) => stage(db.run(sql`DELETE FROM deliveries WHERE ${isAmong(letters)}`)),
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
