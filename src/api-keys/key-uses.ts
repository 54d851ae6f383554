import { and, eq, isNull, lt, ne, or } from 'drizzle-orm';
import type { Projector } from '../cqrs/reading/projector';
import { type Clock, isoTime } from '../platform/clock';
import { openSession } from '../platform/d1';
import { apiKeys } from './tables';
import { keyView } from './views';

const hourMs = 3_600_000;

/** A use of an API key. */
export interface KeyUse {
  keyId: string;
  userId: string;
  /** The hash with the current secret of the configuration, if the stored one has a former secret. */
  newHash?: string | undefined;
}

/**
 * Notes in which hour a key was used. Most uses return no work: an isolate notes a key once an hour, and of several isolates one
 * changes the row. A key that was hashed with a former secret is also hashed with the current one, before the former one is
 * taken out of the configuration.
 * @returns the work that notes the use, for which no response waits
 */
export type NoteKeyUse = (use: KeyUse) => (() => Promise<void>) | undefined;

export function createNoteKeyUse(options: { database: D1Database; clock: Clock; projector: Projector }): NoteKeyUse {
  const { database, clock, projector } = options;
  const noted = { hour: 0, uses: new Set<string>() };

  return ({ keyId, userId, newHash }) => {
    const hour = clock.now() - (clock.now() % hourMs);
    if (noted.hour !== hour) Object.assign(noted, { hour, uses: new Set() });
    const use = `${keyId} ${newHash ?? ''}`;
    if (noted.uses.has(use)) return undefined;
    noted.uses.add(use);
    const lastUsedAt = isoTime(hour);
    return async () => {
      const { db } = openSession(database, 'first-primary');
      const isNews = or(
        isNull(apiKeys.lastUsedAt),
        lt(apiKeys.lastUsedAt, lastUsedAt),
        newHash === undefined ? undefined : ne(apiKeys.hash, newHash),
      );
      const changes = newHash === undefined ? { lastUsedAt } : { lastUsedAt, hash: newHash };
      await db
        .update(apiKeys)
        .set(changes)
        .where(and(eq(apiKeys.id, keyId), isNews));
      if (newHash === undefined) return;
      const { errors } = await projector.projectAgain([{ view: keyView.id, key: userId }]);
      for (const error of errors.values()) throw error;
    };
  };
}
