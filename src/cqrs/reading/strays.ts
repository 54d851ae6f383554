import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import type { ListableDocuments } from './document-store';
import { type Drift, presentAmong } from './drift';
import type { ViewKey } from './view';

/** Finds the parts of a key in KV; undefined for a key that is no document's, such as `watermark`. */
function parseKvKey(name: string): ViewKey | undefined {
  const [, view, key] = /^([a-z][a-z-]*@\d+):(.*)$/s.exec(name) ?? [];
  return view === undefined || key === undefined ? undefined : { view, key };
}

/**
 * Finds the documents without a row in `projections` among keys that KV has listed: whichever version a document belongs
 * to, without its row nobody would ever update or remove it. A row is inserted before its document is put, so these
 * documents belong to a time before a restore, or to a view that no version knows any more. KV lists a deleted key for
 * about a minute, so the value must exist as well. A mistake does no harm: to project a key is always safe, and D1 serves
 * the reads of a document that was removed.
 */
export async function findStrays(
  db: Database,
  { documents }: { documents: ListableDocuments },
  listed: readonly string[],
): Promise<Drift> {
  const keys = listed.flatMap((name) => parseKvKey(name) ?? []);
  const withoutRow = await db.all<ViewKey>(sql`
    SELECT listed.value->>'view' AS view, listed.value->>'key' AS key FROM json_each(${JSON.stringify(keys)}) AS listed
      LEFT JOIN projections AS p ON p.view = listed.value->>'view' AND p.key = listed.value->>'key'
    WHERE p.view IS NULL`);
  return { checked: keys.length, differing: await presentAmong(withoutRow, documents) };
}
