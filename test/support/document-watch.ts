import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import type { RowsOf } from '../../src/cqrs/reading/keyed-query';
import { documentKey, targetsOf, type View, type ViewKey } from '../../src/cqrs/reading/view';
import { eventCatalogue, views } from '../../src/domains';
import { type Database, runBatch, type Statement } from '../../src/platform/d1';
import { forEachFile } from './each-file';

// Two checks that no test has to ask for, and that know no domain. After each request with a command: an event that
// changes what the loader of a document gives must be one of the view's triggers. After each test: a document in KV is
// what its loader gives, unless a delivery that would project the document still waits.

/** A document that an event has touched, and what its loader gave then. */
interface Known extends ViewKey {
  content: string;
  /** The ids in its key. */
  ids: readonly string[];
}

const byId = new Map(views.map((view) => [view.id, view]));
const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/** The tests of a file share one database, and so they share what is known about it. */
const known = new Map<string, Known>();
let position: number;
let idsOfTest: Set<string>;
let excuse: string | undefined;
let isWatching: boolean;
let last: Promise<void>;

forEachFile(() => {
  known.clear();
  position = 0;
  idsOfTest = new Set();
  excuse = undefined;
  isWatching = true;
  last = Promise.resolve();
});

/**
 * Switches both checks off for the rest of the test.
 * @param reason why the documents of this test are not what the events say
 */
export function excuseDocuments(reason: string): void {
  excuse = reason;
}

/** Switches both checks off for good: a benchmark writes more events than they can look at. */
export function stopWatching(): void {
  isWatching = false;
}

/** Forgets the documents of an account or an aggregate whose row a test has changed without an event. */
export function forgetDocumentsOf(id: string): void {
  for (const [name, { key }] of known) if (key.includes(id)) known.delete(name);
}

/** Deletes every delivery, or all but dead letters, as a test needs that begins without work; nothing projects their documents any more. */
export async function deleteDeliveries(which: 'all' | 'pending' = 'all'): Promise<void> {
  await env.DB.prepare(`DELETE FROM deliveries${which === 'all' ? '' : " WHERE status = 'pending'"}`).run();
  known.clear();
}

const idsIn = (value: unknown): string[] => JSON.stringify(value).match(uuids) ?? [];

/** A trigger computes keys from its event alone, so an event can touch only keys whose ids it has. */
const isWithin = (touched: ReadonlySet<string>, { ids }: Known): boolean => ids.every((id) => touched.has(id));

function findTargets(rows: readonly EventRow[]): Map<string, ViewKey> {
  const read = rows.flatMap((row): RecordedEvent[] => {
    try {
      return [upcast(eventCatalogue, toRecordedEvent(row))];
    } catch {
      // A test wrote an event that no version can read.
      return [];
    }
  });
  const targets = read.flatMap((event) => targetsOf(views, event));
  return new Map(targets.map(({ view, key }) => [documentKey({ view, key }), { view, key }]));
}

const viewOf = ({ view }: ViewKey): View => {
  const found = byId.get(view);
  if (!found) throw new Error(`No view has the id ${view}.`);
  return found;
};

/** Reads the rows of a statement and what the loaders of these documents give, in one transaction. */
async function load(db: Database, sql: string, documents: readonly ViewKey[]) {
  const queries = documents.map((document) => viewOf(document).query(db, [document.key]));
  const [rows, ...loaded] = await runBatch(db, [db.all(sql) as Statement, ...queries]);
  const contents = documents.map(({ view, key }, index): Known => {
    const ids = idsIn(key);
    try {
      const content = viewOf({ view, key }).toDocument(loaded[index] as unknown as RowsOf, key);
      return { view, key, ids, content: JSON.stringify(content?.data) ?? 'no document' };
    } catch (error) {
      return { view, key, ids, content: `no document that can be loaded (${error})` };
    }
  });
  return { rows, contents };
}

/** Reads the events after a position and what the loaders of these documents give. */
async function loadAfter(db: Database, after: number, documents: readonly ViewKey[]) {
  const { rows, contents } = await load(
    db,
    `SELECT * FROM events WHERE position > ${after} ORDER BY position`,
    documents,
  );
  return { rows: rows as unknown as EventRow[], contents };
}

const open = (): Database => drizzle(env.DB);

async function checkNewEvents(): Promise<void> {
  if (!isWatching) return;
  const db = open();
  const rows: EventRow[] = [];
  const after = () => rows.at(-1)?.position ?? position;
  let targets = new Map<string, ViewKey>();
  let contents: Known[] = [];
  // Other requests commit at the same time. What is loaded must be the state after exactly these events.
  for (let round = await loadAfter(db, position, []); round.rows.length > 0; ) {
    rows.push(...round.rows);
    const ids = new Set(idsIn(rows.map(({ stream_id, data, metadata }) => [stream_id, data, metadata])));
    targets = findTargets(rows);
    const possible = [...known.entries()].filter(([, document]) => isWithin(ids, document));
    round = await loadAfter(db, after(), [...new Map<string, ViewKey>([...possible, ...targets]).values()]);
    contents = round.contents;
    for (const id of ids) idsOfTest.add(id);
  }
  position = after();
  const changed = contents.filter(({ view, key, content }) => {
    const before = known.get(documentKey({ view, key }));
    return before && before.content !== content && !targets.has(documentKey({ view, key }));
  });
  for (const document of contents) known.set(documentKey(document), document);
  if (excuse !== undefined) return;
  const types = [...new Set(rows.map(({ type }) => type))].join(', ');
  for (const document of changed) {
    throw new Error(
      `A command with the events ${types} changed the document ${documentKey(document)}, and none of the events touches it. ` +
        `The document would stay old in KV: add a trigger for the event to the view "${viewOf(document).name}" in its views.ts. ` +
        'If the test changes rows without an event, call forgetDocumentsOf or excuseDocuments.',
    );
  }
}

/**
 * Checks that every document that the latest commits have changed is touched by one of their events.
 * @throws Error that names the events and the document
 */
export function checkTriggers(): Promise<void> {
  last = last.catch(() => {}).then(checkNewEvents);
  return last;
}

/** The events of deliveries that will project documents, and the documents whose key is claimed or has a recheck. */
const waitingSql = `
  SELECT events.*, NULL AS view, NULL AS key FROM deliveries JOIN events USING (position) WHERE subscription = 'projections'
  UNION ALL
  SELECT events.*, projections.view, projections.key FROM projections LEFT JOIN events ON FALSE
  WHERE claimed_by IS NOT NULL OR recheck_at IS NOT NULL`;

/** What these documents are in KV; those that KV does not have are left out. */
async function readStored(documents: readonly Known[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let start = 0; start < documents.length; start += 100) {
    const names = documents.slice(start, start + 100).map(documentKey);
    for (const [name, value] of await env.VIEWS.get<{ data: unknown }>(names, 'json')) {
      if (value) found.set(name, JSON.stringify(value.data));
    }
  }
  return found;
}

async function compareDocuments(): Promise<void> {
  if (!isWatching) return;
  // Most tests deliver nothing, so KV says first whether there is something to compare.
  const possible = [...known.values()].filter((document) => isWithin(idsOfTest, document));
  const stored = await readStored(possible);
  const documents = possible.filter((document) => stored.has(documentKey(document)));
  if (documents.length === 0) return;
  const { rows, contents } = await load(open(), waitingSql, documents);
  const all = rows as unknown as (EventRow & ViewKey)[];
  const events = all.filter(({ view }) => view === null);
  const claimed = all.filter(({ view }) => view !== null);
  const waiting = new Set([...findTargets(events).keys(), ...claimed.map(documentKey)]);
  const late = contents.filter((document) => {
    const name = documentKey(document);
    return !waiting.has(name) && stored.get(name) !== document.content;
  });
  // Something that was projected since KV was read is right by now.
  const now = await readStored(late);
  for (const document of late) {
    const name = documentKey(document);
    const value = now.get(name);
    if (value === undefined || value === document.content) continue;
    throw new Error(
      `KV has an old document ${name} after this test, and no delivery waits that would project it. Its loader gives ` +
        `${document.content}, and KV has ${value}. Either a trigger of the view "${viewOf(document).name}" ` +
        'is missing, or the test breaks documents on purpose: then call excuseDocuments with the reason.',
    );
  }
}

/**
 * Checks that every document in KV which an event of this test could touch is what its loader gives.
 * @throws Error that names the document
 */
export async function checkDocuments(): Promise<void> {
  const isExcused = excuse !== undefined;
  try {
    if (!isExcused && idsOfTest.size > 0) await compareDocuments();
  } finally {
    // A later test does not answer for what this one left behind.
    if (isExcused) known.clear();
    idsOfTest = new Set();
    excuse = undefined;
  }
}
