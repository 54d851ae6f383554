import type { Clock } from '../../platform/clock';
import { openSession } from '../../platform/d1';
import { limits } from '../../platform/limits';
import type { Projector } from './projector';
import { findObsolete } from './shapes';
import type { View } from './view';

/**
 * Makes the task that removes documents of shapes that this version of the Worker does not know, and that have missed an
 * event: another version would serve their old content after a roll back. Each call removes the next documents, and
 * returns how many it tried to remove. The rows of `shapes` stay, because KV may have cached a document that is removed.
 */
export function createRemoveObsolete(options: {
  database: D1Database;
  views: readonly View[];
  projector: Projector;
  clock: Clock;
}): () => Promise<number> {
  const { database, projector, clock } = options;
  const views = new Map(options.views.map((view) => [view.id, view]));
  return async () => {
    const { db } = openSession(database, 'first-primary');
    const keys = await findObsolete(db, views, clock.now(), limits.obsoleteDocumentsPerRun);
    for (const error of (await projector.remove(keys)).errors.values()) throw error;
    return keys.length;
  };
}
