import { upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { type Loaded, targetsOf, type View } from '../../src/cqrs/reading/view';
import { eventCatalogue, views } from '../../src/domains';
import type { D1Model } from './d1';
import type { KvModel } from './kv';
import { type ClientCommand, initialStock, type Shop } from './shop';
import type { Process, World } from './world';

/** A promise that was broken; the message says which, and how to see it again. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

export interface Acknowledged {
  commandId: string;
  command: ClientCommand;
  id: string;
  version: number;
  commit: { position: number; bookmark: string | null };
}

/** Who gave the provider an e-mail, and when. */
export interface Mailing {
  process: Process;
  begun: number;
}

/** All that the promises are held against. */
export interface History {
  seed: number;
  world: World;
  d1: D1Model;
  kv: KvModel;
  shop: Shop;
  acknowledged: Acknowledged[];
  /** By the events that called for them. */
  emails: Map<string, Mailing[]>;
}

/** @throws InvariantViolation */
export function promise({ seed }: History, isKept: boolean, describe: () => string): void {
  if (!isKept) throw new InvariantViolation(`seed ${seed}: ${describe()}`);
}

/** What must be true of the log, the queues' work and KV, once all is at rest; answers which documents events touch. */
export function checkEvents(history: History): Set<string> {
  const touched = new Set<string>();
  const events = history.d1.query<Record<string, unknown> & EventRow>('SELECT * FROM events ORDER BY position');
  promise(history, history.world.failures.length === 0, () => history.world.failures.join('\n'));
  const reached = new Map(
    history.d1
      .query<{ id: string; position: number }>("SELECT view || ':' || key AS id, position FROM projections")
      .map(({ id, position }) => [id, position]),
  );
  for (const row of events) {
    const event = upcast(eventCatalogue, toRecordedEvent(row));
    for (const { view, key, position } of targetsOf(views, event)) {
      const at = reached.get(`${view}:${key}`) ?? -1;
      touched.add(`${view}:${key}`);
      promise(history, at >= position, () => `${view}:${key} is at ${at}, and event ${position} touches it`);
    }
  }
  const backwards = history.d1.query('SELECT * FROM backwards');
  promise(history, backwards.length === 0, () => `positions went backwards: ${JSON.stringify(backwards)}`);
  promise(
    history,
    history.kv.tooFast.length === 0,
    () => `written twice within a second: ${history.kv.tooFast.join()}`,
  );
  const expected = events.filter(({ type }) => type === 'UserRegistered');
  for (const { id, stream_id } of expected) {
    const isOwed = !history.shop.deleted.has(stream_id);
    promise(history, !isOwed || history.emails.has(id), () => `event ${id} was never mailed`);
  }
  return touched;
}

/** Every acknowledged command is there once, and no piece of an item is lost or doubled; answers how many were found. */
export function checkCommands(history: History): number {
  let found = 0;
  for (const { commandId, command, id, version } of history.acknowledged) {
    const rows = history.d1.query<{ type: string; n: number }>(
      "SELECT type, stream_id, count(*) AS n FROM events WHERE metadata ->> 'commandId' = ? GROUP BY type, stream_id",
      commandId,
    );
    const isDone = rows.length > 0 || ['UpdateSettings', 'ChangeTicketStatus'].includes(command.name);
    promise(history, isDone, () => `${command.name} ${id} was acknowledged at ${version}, and is lost`);
    promise(
      history,
      rows.every(({ n }) => n === 1),
      () => `${command.name} ${id} happened more than once`,
    );
    found++;
  }
  const items = history.d1.query<{ id: string; stock: number; taken: number }>(`
      SELECT items.id, stock, (SELECT coalesce(sum(line.value ->> 'quantity'), 0)
        FROM orders, json_each(orders.lines) AS line
        WHERE status <> 'cancelled' AND line.value ->> 'itemId' = items.id) AS taken
      FROM items`);
  for (const { id, stock, taken } of items) {
    promise(history, stock + taken === initialStock, () => `item ${id}: ${stock} left and ${taken} ordered`);
  }
  return found;
}

/** Every document in KV is what the loaders give; answers what KV has. */
export async function checkDocuments(
  history: History,
  touched: ReadonlySet<string>,
  load: (view: View, key: string) => Promise<Loaded<unknown> | undefined>,
): Promise<Map<string, string>> {
  const documents = new Map<string, string>();
  const rows = history.d1.query<{ view: string; key: string; position: number }>('SELECT * FROM projections');
  for (const { view: id, key, position } of rows) {
    const view = views.find((candidate) => candidate.id === id);
    promise(history, view !== undefined, () => `nobody knows ${id}`);
    if (!view) continue;
    const loaded = await load(view, key);
    const stored = JSON.parse(history.kv.stored.get(view.kvKey(key)) ?? 'null');
    // What no event touches, a rebuild may have removed: it is answered from D1.
    if (!stored && !touched.has(view.kvKey(key))) continue;
    const [inKv, inD1] = [JSON.stringify(stored?.data), JSON.stringify(loaded?.data)];
    promise(history, inKv === inD1, () => `${view.kvKey(key)} is ${inKv} in KV, and ${inD1} in D1`);
    promise(
      history,
      !stored || stored.asOf === position,
      () => `${view.kvKey(key)} is at ${stored.asOf} in KV, and at ${position} in D1`,
    );
    documents.set(view.kvKey(key), inKv);
  }
  const strays = [...history.kv.stored.keys()].filter((key) => !documents.has(key));
  promise(history, strays.length === 0, () => `nobody knows of ${strays.join()}`);
  return documents;
}
