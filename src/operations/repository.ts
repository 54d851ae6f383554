import { eq, sql } from 'drizzle-orm';
import type { Subscription } from '../cqrs/log/event';
import { rebuilds } from '../cqrs/reading/tables';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import type { Actor } from '../cqrs/writing/unit-of-work';
import { runBatch } from '../platform/d1';
import { ConcurrencyError } from '../platform/errors';
import { standingQuery } from '../users/standing';
import type { AccountStanding } from '../users/user';
import { type Rebuild, rebuildRunning } from './rebuild';

/** Names a delivery that was given up. */
export interface DeadLetter {
  position: number;
  subscription: Subscription;
}

/** Which dead letters are meant: one, those of a subscription, or all. */
export type DeadLetterFilter = { [Field in keyof DeadLetter]?: DeadLetter[Field] | undefined };

export interface FoundDeadLetters {
  letters: DeadLetter[];
  /** How many there are in all. */
  total: number;
  /** The version of the stream that all that is done with dead letters goes into. */
  version: number;
  standing: AccountStanding | undefined;
}

/** Dead letters and rebuilds, as those who run the system change them. */
export interface OperationsRepository {
  findDeadLetters(filter: DeadLetterFilter, limit: number, actor: Actor): Promise<FoundDeadLetters>;
  /** Makes dead letters due again, with all their tries. */
  replay(letters: readonly DeadLetter[], at: number): void;
  discard(letters: readonly DeadLetter[]): void;
  findStanding(actor: Actor): Promise<AccountStanding | undefined>;
  findRebuild(
    id: string,
    actor: Actor,
  ): Promise<{ rebuild: Rebuild | undefined; standing: AccountStanding | undefined }>;
  /** Adds a running rebuild; its target is the position that this commit's first event gets. */
  addRebuild(rebuild: Pick<Rebuild, 'id' | 'view' | 'startedAt'>, at: number): void;
  saveStatus(rebuild: Pick<Rebuild, 'id' | 'version' | 'status'>): void;
}

/** The domain errors behind the constraints of the machinery's tables. */
export const operationsConstraints = {
  'rebuilds.view': rebuildRunning,
  // It ended while it was being cancelled: fresh state will say so.
  rebuilds_status: () => new ConcurrencyError(),
};

export function createOperationsRepository({ db, stage }: RepositoryContext): OperationsRepository {
  const among = (letters: readonly DeadLetter[]) => sql`status = 'dead' AND (position, subscription) IN
    (SELECT value->>'position', value->>'subscription' FROM json_each(${JSON.stringify(letters)}))`;
  return {
    async findDeadLetters({ position, subscription }, limit, actor) {
      const isMeant = sql`status = 'dead'
        AND ${position === undefined ? sql`true` : sql`position = ${position}`}
        AND ${subscription === undefined ? sql`true` : sql`subscription = ${subscription}`}`;
      const [letters, totals, versions, standings] = await runBatch(db, [
        db.all<DeadLetter>(
          sql`SELECT position, subscription FROM deliveries WHERE ${isMeant} ORDER BY position LIMIT ${limit}`,
        ),
        db.all<{ total: number }>(sql`SELECT count(*) AS total FROM deliveries WHERE ${isMeant}`),
        db.all<{ version: number }>(sql`
          SELECT coalesce(max(version), 0) AS version FROM events
          WHERE stream_type = 'dead-letters' AND stream_id = 'all'`),
        standingQuery(db, actor),
      ]);
      return {
        letters,
        total: totals[0]?.total ?? 0,
        version: versions[0]?.version ?? 0,
        standing: standings[0],
      };
    },
    replay: (letters, at) =>
      stage(
        db.run(sql`UPDATE deliveries SET status = 'pending', attempts = 0, available_at = ${at}
          WHERE ${among(letters)}`),
      ),
    discard: (letters) => stage(db.run(sql`DELETE FROM deliveries WHERE ${among(letters)}`)),
    findStanding: async (actor) => (await standingQuery(db, actor))[0],
    async findRebuild(id, actor) {
      const [rows, standings] = await runBatch(db, [
        db.select().from(rebuilds).where(eq(rebuilds.id, id)),
        standingQuery(db, actor),
      ]);
      return { rebuild: rows[0], standing: standings[0] };
    },
    addRebuild(rebuild, at) {
      // One writer at a time: the batch's own event comes right after what is there.
      const target = sql<number>`(SELECT coalesce(max(position), 0) + 1 FROM events)`;
      const start = {
        version: 1,
        status: 'running',
        checkpoint: 0,
        steps: 0,
        keys: 0,
        attempts: 0,
        movedAt: at,
      } as const;
      stage(db.insert(rebuilds).values({ ...rebuild, ...start, target }));
    },
    saveStatus({ id, version, status }) {
      const guarded = sql<Rebuild['status']>`CASE WHEN status = 'running' THEN ${status} ELSE 'over' END`;
      stage(db.update(rebuilds).set({ version, status: guarded }).where(eq(rebuilds.id, id)));
    },
  };
}
