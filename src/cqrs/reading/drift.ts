import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { isSameJson } from '../../platform/json';
import { limits } from '../../platform/limits';
import { type EventCatalogue, upcast } from '../log/event';
import { type EventRow, eventColumns, joinEvents, toRecordedEvent } from '../log/event-log';
import type { ListableDocuments } from './document-store';
import { type LoadedKey, loadDocument, loadTogether } from './load';
import type { Views } from './shapes';
import { type Document, documentKey, targetsOf, type ViewKey } from './view';

/** KV may serve a cached value for some time after a write, so keys that were written or claimed within this time are left out. */
const cachedMs = 120_000;

/** What a slice of keys has shown. */
export interface Drift {
  checked: number;
  /** Keys whose documents in KV are not what the write model says, or belong to no version that keeps them up to date. */
  differing: ViewKey[];
}

/** A row that nobody is about to project. */
interface QuietRow extends ViewKey {
  position: number;
  error: string | null;
  /** The floor of its shape; null for a shape that is not registered. */
  missed: number | null;
}

/** The documents that these events touch, by their keys in KV. */
function findTouched(views: Views, catalogue: EventCatalogue, rows: readonly EventRow[]): Set<string> {
  const touched = new Set<string>();
  for (const row of rows) {
    try {
      const event = upcast(catalogue, toRecordedEvent(row));
      for (const target of targetsOf([...views.values()], event)) touched.add(documentKey(target));
    } catch {
      // The consumer reports an event that cannot be read.
    }
  }
  return touched;
}

/** Whether the document in KV is the one that the projector would put; `absent` when neither has one. */
function compare(document: Document | undefined, loaded: LoadedKey, { position, error, missed }: QuietRow) {
  if (error !== null) return 'different';
  try {
    const expected = loadDocument(loaded);
    if (!expected) return document ? 'different' : 'absent';
    // Readers take no document below the floor, whatever it contains.
    if (document?.asOf !== position || position < (missed ?? 0)) return 'different';
    const { version, revision, data } = document;
    return isSameJson({ version, revision, data }, expected) ? 'same' : 'different';
  } catch {
    // The projector keeps the error.
    return 'different';
  }
}

/**
 * Compares the documents of rows of `projections` with the write model. Left out are keys to be rechecked and keys that
 * pending events touch, which others project, and keys that were claimed or written recently. A claim that ran out longer ago
 * hides nothing: nobody else may look at its key again. KV is read before D1's snapshot, so a change between the two is left
 * out for one of these reasons as well.
 */
export async function compareRows(
  db: Database,
  { documents, catalogue }: { documents: ListableDocuments; catalogue: EventCatalogue },
  views: Views,
  slice: readonly ViewKey[],
  now: number,
): Promise<Drift> {
  const known = slice.filter(({ view }) => views.has(view));
  const stored = known.length === 0 ? new Map() : await documents.getAll(known.map(documentKey));
  const { results, loaded } = await loadTogether(db, views, slice, [
    db.all(sql`
      SELECT p.view, p.key, p.position, p.error, shapes.missed
      FROM json_each(${JSON.stringify(slice)}) AS wanted
        JOIN projections AS p ON p.view = wanted.value->>'view' AND p.key = wanted.value->>'key'
        LEFT JOIN shapes ON shapes.view = p.view
      WHERE p.recheck_at IS NULL AND p.claimed_until < ${now - cachedMs}`),
    db.all(sql`
      SELECT ${eventColumns} FROM
        (SELECT position FROM deliveries WHERE subscription = 'projections' AND status = 'pending'
          ORDER BY available_at LIMIT ${limits.pendingEventsPerReconcilerRun}) ${joinEvents}`),
  ]);
  // The statements return these columns.
  const [quiet, pending] = results as [QuietRow[], EventRow[]];
  const quietRows = new Map(quiet.map((row) => [documentKey(row), row]));
  const touched = findTouched(views, catalogue, pending);
  const differing: ViewKey[] = [];
  const absent: ViewKey[] = [];
  for (const item of loaded) {
    const { view, key, definition } = item;
    const kvKey = documentKey(item);
    const row = quietRows.get(kvKey);
    if (!row || touched.has(kvKey)) continue;
    // Another version that runs may own a shape that is registered, and keeps the rows of its documents up to date.
    if (!definition && row.missed !== null) continue;
    const result = definition ? compare(stored.get(kvKey), item, row) : 'different';
    if (result === 'different') differing.push({ view, key });
    if (result === 'absent') absent.push({ view, key });
  }
  // The write model has none of these documents, but KV can have values that are broken or of another epoch.
  differing.push(...(await presentAmong(absent, documents)));
  return { checked: quiet.length, differing };
}

/** Keeps the keys that have any value in KV. */
export async function presentAmong(keys: readonly ViewKey[], documents: ListableDocuments): Promise<ViewKey[]> {
  if (keys.length === 0) return [];
  const present = await documents.findPresent(keys.map(documentKey));
  return keys.filter((key) => present.has(documentKey(key)));
}
