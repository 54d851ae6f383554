import { type SQL, sql } from 'drizzle-orm';
import { type EventCatalogue, upcast } from '../cqrs/log/event';
import { type EventRow, eventColumns, joinEvents, lastPosition, toRecordedEvent } from '../cqrs/log/event-log';
import type { InspectableDocuments, StoredValue } from '../cqrs/reading/document-store';
import { loadDocument, loadTogether } from '../cqrs/reading/load';
import { documentKey, type Loaded, targetsOf, type View } from '../cqrs/reading/view';
import { isoTime, isoTimeOrNull } from '../platform/clock';
import type { Database } from '../platform/d1';
import { describeError } from '../platform/failure';
import { isSameJson } from '../platform/json';
import { limits } from '../platform/limits';
import { type DeliveryProgress, presentDelivery, progressColumns } from './deliveries';
import type { ProjectedKey } from './key-schemas';
import { judgeKey } from './key-verdict';

/** What the inspection of a document reads, besides the database. */
export interface InspectionSources {
  documents: InspectableDocuments;
  catalogue: EventCatalogue;
  epoch: string;
}

/** Deliveries that the answer shows. */
const shown = 20;

interface State {
  position: number | null;
  claimedBy: string | null;
  claimedUntil: number | null;
  recheckAt: number | null;
  error: string | null;
  floor: number;
  logPosition: number;
  searched: number;
}

type DeliveryRow = EventRow & DeliveryProgress & { status: 'pending' | 'dead' };

/** The deliveries for projections that are due first, and the newest dead ones, without those of types that the view ignores. */
function touchingQuery({ types }: View): SQL {
  const part = (rest: SQL) =>
    sql`SELECT * FROM (SELECT ${progressColumns}, status FROM deliveries ${rest} LIMIT ${limits.deliveriesPerInspection})`;
  return sql`
    SELECT ${eventColumns}, waiting.* FROM (
      ${part(sql`INDEXED BY deliveries_due WHERE subscription = 'projections' AND status = 'pending' ORDER BY available_at`)}
      UNION ALL
      ${part(sql`INDEXED BY deliveries_dead WHERE subscription = 'projections' AND status = 'dead' ORDER BY position DESC`)}
    ) AS waiting ${joinEvents} WHERE type IN (SELECT value FROM json_each(${JSON.stringify(types)}))`;
}

const counted = (rest: SQL) =>
  sql`(SELECT count(*) FROM (SELECT 1 FROM deliveries ${rest} LIMIT ${limits.deliveriesPerInspection + 1}))`;

/** The queries about one document; each reads a bounded number of rows, whatever waits. */
export const inspectionQueries = (view: View, key: string) => ({
  state: sql`
    SELECT p.position, p.claimed_by AS claimedBy, p.claimed_until AS claimedUntil, p.recheck_at AS recheckAt, p.error,
      coalesce((SELECT missed FROM shapes WHERE view = ${view.id}), 0) AS floor, ${lastPosition} AS logPosition,
      max(${counted(sql`INDEXED BY deliveries_due WHERE subscription = 'projections' AND status = 'pending'`)},
        ${counted(sql`INDEXED BY deliveries_dead WHERE subscription = 'projections' AND status = 'dead'`)}) AS searched
    FROM (SELECT 1) LEFT JOIN projections AS p ON p.view = ${view.id} AND p.key = ${key}`,
  touching: touchingQuery(view),
  others: sql`
    SELECT p.view AS shape, p.position FROM shapes CROSS JOIN projections AS p ON p.view = shapes.view AND p.key = ${key}
    WHERE shapes.name = ${view.name} AND shapes.view <> ${view.id} ORDER BY p.view`,
});

/** Content without what credentials are checked by, which nobody needs to see. */
function withoutSecrets(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data ?? null, (name, value) => (name === 'hash' ? undefined : value)));
}

function presentContent({ version, revision, data }: Loaded<unknown>) {
  return { version, revision: revision ?? null, data: withoutSecrets(data) };
}

function presentStored({ state, document }: StoredValue): ProjectedKey['kv'] {
  if (!document) return { state, document: null };
  const { asOf, epoch, projectedAt } = document;
  return { state, document: { ...presentContent(document), asOf, projectedAt: isoTime(projectedAt), epoch } };
}

function isSameDocument({ document }: StoredValue, loaded: Loaded<unknown> | undefined): boolean {
  if (!document || !loaded) return !document && !loaded;
  const { version, revision, data } = document;
  return isSameJson({ version, revision, data }, loaded);
}

/** Whether an event touches the document. The consumer reports an event that cannot be read. */
function touches(view: View, key: string, catalogue: EventCatalogue, row: EventRow): boolean {
  try {
    return targetsOf([view], upcast(catalogue, toRecordedEvent(row))).some((target) => target.key === key);
  } catch {
    return false;
  }
}

function presentRow({ position, claimedBy, claimedUntil, recheckAt, error }: State, now: number): ProjectedKey['row'] {
  if (position === null) return null;
  const isHeld = claimedBy !== null && claimedUntil !== null && claimedUntil > now;
  return {
    position,
    claimedUntil: isHeld ? isoTimeOrNull(claimedUntil) : null,
    lastTouchedAt: claimedUntil ? isoTimeOrNull(claimedUntil) : null,
    recheckAt: isoTimeOrNull(recheckAt),
    error,
  };
}

/** Finds everything that is known about one document, and says why it is, or is not, up to date. */
export async function inspectKey(
  db: Database,
  { documents, catalogue, epoch }: InspectionSources,
  view: View,
  key: string,
  now: number,
): Promise<ProjectedKey> {
  // KV first: a change between the two shows in the database as an event that waits.
  const stored = await documents.look(documentKey({ view: view.id, key }));
  const queries = inspectionQueries(view, key);
  const { results, loaded } = await loadTogether(
    db,
    new Map([[view.id, view]]),
    [{ view: view.id, key }],
    [db.all(queries.state), db.all(queries.touching), db.all(queries.others)],
  );
  // The statements return these columns.
  const [[state], rows, otherShapes] = results as [State[], DeliveryRow[], ProjectedKey['otherShapes']];
  const [item] = loaded;
  if (!state || !item) throw new Error('D1 returned no row for the state of a document.');
  let document: Loaded<unknown> | undefined;
  let error: string | null = null;
  try {
    document = loadDocument(item);
  } catch (failure) {
    error = describeError(failure);
  }
  const touching = rows.filter((row) => touches(view, key, catalogue, row)).sort((a, b) => a.position - b.position);
  const facts = {
    view: view.name,
    shape: view.id,
    key,
    kv: presentStored(stored),
    database: { document: document ? presentContent(document) : null, error },
    isSame: error === null && isSameDocument(stored, document),
    row: presentRow(state, now),
    epoch,
    floor: state.floor,
    logPosition: state.logPosition,
    otherShapes,
    deliveries: touching
      .slice(0, shown)
      .map((row) => ({ ...presentDelivery(row), status: row.status, nextSendAt: isoTime(row.available_at) })),
    isSearchComplete: state.searched <= limits.deliveriesPerInspection,
  };
  return { ...facts, verdict: judgeKey(facts, now) };
}
