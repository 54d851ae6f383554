import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import type { DocumentStore } from './document-store';
import type { ViewKey } from './projector';

/**
 * Deletes documents of views that this version does not know, and their rows. D1 serves the reads of a version that knows
 * them. A document that could not be deleted keeps its row.
 * @returns why keys failed
 */
export async function removeUnknown(
  db: Database,
  documents: DocumentStore,
  keys: readonly ViewKey[],
): Promise<Map<ViewKey, unknown>> {
  const errors = new Map<ViewKey, unknown>();
  await Promise.all(
    keys.map((key) => documents.delete(`${key.view}:${key.key}`).catch((error: unknown) => errors.set(key, error))),
  );
  const deleted = keys.filter((key) => !errors.has(key));
  if (deleted.length > 0) {
    await db.run(sql`
      DELETE FROM projections WHERE (view, key) IN
        (SELECT value->>'view', value->>'key' FROM json_each(${JSON.stringify(deleted)}))`);
  }
  return errors;
}
