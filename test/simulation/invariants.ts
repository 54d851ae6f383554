import { upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { type Loaded, targetsOf, type View } from '../../src/cqrs/reading/view';
import { watermarkKey } from '../../src/cqrs/reading/watermark';
import { eventCatalogue, views } from '../../src/domains';
import type { D1Model } from './d1';
import type { KvModel } from './kv';
import { type ClientCommand, initialStock, type Shop } from './shop';
import { type Finding, InvariantViolation } from './violation';
import type { Process } from './world';

export interface Acknowledged {
  commandId: string;
  command: ClientCommand;
  id: string;
  version: number;
  commit: { position: number; bookmark: string | null };
}

/** An e-mail that the provider has accepted: the process that sent it, and when the process began to. */
export interface SentEmail {
  process: Process;
  begun: number;
}

/** What the invariants are checked against. */
export interface History {
  seed: number;
  d1: D1Model;
  kv: KvModel;
  shop: Shop;
  acknowledged: Acknowledged[];
  /** By the id of the event that caused them. */
  emails: Map<string, SentEmail[]>;
}

/** @throws InvariantViolation unless the invariant holds */
export function assertInvariant({ seed }: History, holds: boolean, describe: () => Finding): void {
  if (!holds) throw new InvariantViolation(seed, describe());
}

/** Checks the log, the projections and the e-mails after all work has ended. Returns the documents that events touch. */
export function checkEvents(history: History): Set<string> {
  const touched = new Set<string>();
  const events = history.d1.query<Record<string, unknown> & EventRow>('SELECT * FROM events ORDER BY position');
  const reached = new Map(
    history.d1
      .query<{ id: string; position: number }>("SELECT view || ':' || key AS id, position FROM projections")
      .map(({ id, position }) => [id, position]),
  );
  for (const row of events) {
    const event = upcast(eventCatalogue, toRecordedEvent(row));
    for (const { view, key, position } of targetsOf(views, event)) {
      const document = `${view}:${key}`;
      const at = reached.get(document);
      touched.add(document);
      assertInvariant(history, at !== undefined && at >= position, () => ({
        expected: `the document ${document} is projected up to position ${position}, because ${event.type} touches it`,
        found: at === undefined ? 'the document was never projected' : `the document is projected up to position ${at}`,
      }));
    }
  }
  const decreased = history.d1.query('SELECT * FROM decreased_positions');
  assertInvariant(history, decreased.length === 0, () => ({
    expected: 'the position of a key never decreases',
    found: JSON.stringify(decreased),
  }));
  for (const { id, stream_id } of events.filter(({ type }) => type === 'UserRegistered')) {
    // An account that was deleted before its welcome e-mail gets none.
    const isExcused = history.shop.deleted.has(stream_id);
    assertInvariant(history, isExcused || history.emails.has(id), () => ({
      expected: `account ${stream_id} gets its welcome e-mail (event ${id})`,
      found: 'the e-mail was never sent',
    }));
  }
  return touched;
}

/** Commands that record no event where nothing is to be changed. */
const mayChangeNothing = ['UpdateSettings', 'ChangeTicketStatus'];

/**
 * Checks that every acknowledged command has taken effect exactly once, and that the stock of each item is right.
 * Returns how many commands were found.
 */
export function checkCommands(history: History): number {
  let found = 0;
  for (const { commandId, command, id, version } of history.acknowledged) {
    const { name } = command;
    const rows = history.d1.query<{ type: string; n: number }>(
      "SELECT type, stream_id, count(*) AS n FROM events WHERE metadata ->> 'commandId' = ? GROUP BY type, stream_id",
      commandId,
    );
    assertInvariant(history, rows.length > 0 || mayChangeNothing.includes(name), () => ({
      expected: `the event log has the event of ${name} ${id}, which was acknowledged with version ${version}`,
      found: `no event of command ${commandId}`,
    }));
    assertInvariant(
      history,
      rows.every(({ n }) => n === 1),
      () => ({
        expected: `${name} ${id} (command ${commandId}) takes effect once`,
        found: `events ${JSON.stringify(rows)}`,
      }),
    );
    found++;
  }
  const items = history.d1.query<{ id: string; stock: number; ordered: number }>(`
      SELECT items.id, stock, (SELECT coalesce(sum(line.value ->> 'quantity'), 0)
        FROM orders, json_each(orders.lines) AS line
        WHERE status <> 'cancelled' AND line.value ->> 'itemId' = items.id) AS ordered
      FROM items`);
  for (const { id, stock, ordered } of items) {
    assertInvariant(history, stock + ordered === initialStock, () => ({
      expected: `the stock of item ${id} and its ordered pieces add up to ${initialStock}`,
      found: `a stock of ${stock}, and ${ordered} ordered pieces`,
    }));
  }
  return found;
}

/** Checks that every document in KV equals what its loader returns. Returns the documents in KV. */
export async function checkDocuments(
  history: History,
  touched: ReadonlySet<string>,
  load: (view: View, key: string) => Promise<Loaded<unknown> | undefined>,
): Promise<Map<string, string>> {
  const documents = new Map<string, string>();
  const rows = history.d1.query<{ view: string; key: string; position: number }>('SELECT * FROM projections');
  for (const { view: id, key, position } of rows) {
    const view = views.find((candidate) => candidate.id === id);
    assertInvariant(history, view !== undefined, () => ({
      expected: 'every row of projections belongs to a registered view',
      found: `a row of ${id}`,
    }));
    if (!view) continue;
    const kvKey = view.kvKey(key);
    const loaded = await load(view, key);
    const stored = JSON.parse(history.kv.stored.get(kvKey) ?? 'null');
    // A rebuild may have removed a document that no event touches; reads of the document go to D1.
    if (!stored && !touched.has(kvKey)) continue;
    const [inKv, inD1] = [JSON.stringify(stored?.data), JSON.stringify(loaded?.data)];
    assertInvariant(history, inKv === inD1, () => ({
      expected: `the document ${kvKey} in KV equals what D1 holds: ${inD1 ?? 'no document'}`,
      found: inKv ?? 'no document',
    }));
    assertInvariant(history, !stored || stored.asOf === position, () => ({
      expected: `the document ${kvKey} in KV has the position of its row in projections, ${position}`,
      found: `position ${stored.asOf}`,
    }));
    documents.set(kvKey, inKv);
  }
  const unknown = [...history.kv.stored.keys()].filter((key) => key !== watermarkKey && !documents.has(key));
  assertInvariant(history, unknown.length === 0, () => ({
    expected: 'every document in KV has a row in projections',
    found: `no row for ${unknown.join(', ')}`,
  }));
  return documents;
}
