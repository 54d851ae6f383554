import { sql } from 'drizzle-orm';
import type { Database } from '../../platform/d1';
import { isSameJson } from '../../platform/json';
import { limits } from '../../platform/limits';
import { type EventCatalogue, upcast } from '../log/event';
import { type EventRow, eventColumns, joinEvents, toRecordedEvent } from '../log/event-log';
import type { ListableDocuments } from './document-store';
import { type KnownKey, knownAmong, runIsolated, toSettledDocument } from './failing-keys';
import type { ViewKey } from './projector';
import { type Document, type Loaded, targetsOf, type View } from './view';

/** KV may serve a cached value for some time after a write, so keys that were written within this time are left out. */
const cachedMs = 120_000;

/** What a slice of keys has shown. */
export interface Drift {
  checked: number;
  /** Keys whose documents in KV are not what the write model says. */
  differing: KnownKey[];
  /** Keys whose documents cannot be made, with the errors. */
  failing: Map<KnownKey, unknown>;
  /** Keys of views that this version does not know, whose documents have no row, or whose shape is not registered. */
  unknown: ViewKey[];
}

interface QuietRow extends ViewKey {
  position: number;
  error: string | null;
}

/** The key of a document in KV. */
const kvKeyOf = ({ view, key }: ViewKey) => `${view}:${key}`;

/** Keeps the keys of views that neither this version nor one of these shapes has. */
export function unknownAmong(
  keys: readonly ViewKey[],
  views: readonly View[],
  shapes: readonly { view: string }[] = [],
): ViewKey[] {
  const known = new Set([...views.map(({ id }) => id), ...shapes.map(({ view }) => view)]);
  return keys.filter(({ view }) => !known.has(view));
}

/** The documents that these events touch, by their keys in KV. */
function findTouched(views: readonly View[], catalogue: EventCatalogue, rows: readonly EventRow[]): Set<string> {
  const touched = new Set<string>();
  for (const row of rows) {
    try {
      const event = upcast(catalogue, toRecordedEvent(row));
      for (const target of targetsOf(views, event)) touched.add(kvKeyOf(target));
    } catch {
      // An event that cannot be read becomes a dead letter, which operators see.
    }
  }
  return touched;
}

function isCurrent(document: Document | undefined, loaded: Loaded<unknown>, { position, error }: QuietRow): boolean {
  if (!document || document.asOf !== position || error !== null) return false;
  const { version, revision, data } = document;
  return isSameJson({ version, revision, data }, loaded);
}

/** @throws the error of a statement that failed */
function requireRows<Row>(result: PromiseSettledResult<unknown> | undefined): Row[] {
  if (result?.status === 'rejected') throw result.reason;
  // Each caller names the columns of its own statement.
  return result?.value as Row[];
}

/**
 * Compares the documents of rows of `projections` with the write model. Left out are keys that are claimed or to be
 * rechecked and keys that pending events touch, which others project, and keys that were written recently. KV is read
 * before D1's snapshot, so a change between the two is left out for one of these reasons as well.
 */
export async function compareRows(
  db: Database,
  { documents, views, catalogue }: { documents: ListableDocuments; views: readonly View[]; catalogue: EventCatalogue },
  slice: readonly ViewKey[],
  now: number,
): Promise<Drift> {
  const known = knownAmong(slice, views);
  const stored = known.length === 0 ? new Map() : await documents.getAll(known.map(kvKeyOf));
  const [quietRows, pending, shapes, ...loads] = await runIsolated(db, [
    db.all(sql`
      SELECT p.view, p.key, p.position, p.error FROM json_each(${JSON.stringify(slice)}) AS wanted
        JOIN projections AS p ON p.view = wanted.value->>'view' AND p.key = wanted.value->>'key'
      WHERE p.claimed_by IS NULL AND p.recheck_at IS NULL AND p.claimed_until < ${now - cachedMs}`),
    db.all(sql`
      SELECT ${eventColumns} FROM
        (SELECT position FROM deliveries WHERE subscription = 'projections' AND status = 'pending'
          ORDER BY available_at LIMIT ${limits.pendingEventsPerReconcilerRun}) ${joinEvents}`),
    db.all(sql`SELECT view FROM shapes`),
    ...known.map(({ definition, key }) => definition.query(db, key)),
  ]);
  const quiet = requireRows<QuietRow>(quietRows);
  const byKey = new Map(quiet.map((row) => [kvKeyOf(row), row]));
  const touched = findTouched(views, catalogue, requireRows(pending));
  // Another version that runs may own a shape that is registered, and keeps the rows of its documents up to date.
  const unknown = unknownAmong(quiet, views, requireRows(shapes));
  const drift: Drift = { checked: quiet.length, differing: [], failing: new Map(), unknown };
  const absent: KnownKey[] = [];
  for (const [index, item] of known.entries()) {
    const kvKey = kvKeyOf(item);
    const row = byKey.get(kvKey);
    if (!row) continue;
    const document = toSettledDocument(item, loads[index]);
    if (document.status === 'rejected') drift.failing.set(item, document.reason);
    else if (touched.has(kvKey)) continue;
    else if (!document.value && row.error === null && !stored.has(kvKey)) absent.push(item);
    else if (!document.value || !isCurrent(stored.get(kvKey), document.value, row)) drift.differing.push(item);
  }
  // The write model has none of these documents, but KV can have values that are broken or of another epoch.
  const present = await presentAmong(absent, documents);
  return { ...drift, differing: [...drift.differing, ...present] };
}

/** Keeps the keys that have any value in KV. */
export async function presentAmong<Key extends ViewKey>(
  keys: readonly Key[],
  documents: ListableDocuments,
): Promise<Key[]> {
  if (keys.length === 0) return [];
  const present = await documents.findPresent(keys.map(kvKeyOf));
  return keys.filter((key) => present.has(kvKeyOf(key)));
}
