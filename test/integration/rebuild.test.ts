import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { views } from '../../src/domains';
import type { AuditEvent, Projection } from '../../src/operations/schemas';
import { orderView } from '../../src/orders/views';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { ticketView } from '../../src/tickets/views';
import { excuseDocuments } from '../support/document-watch';
import { address } from '../support/factories';
import {
  type Given,
  given,
  openTicket,
  post,
  read,
  readRebuild,
  runRebuilds,
  startRebuild,
} from '../support/operations';
import { createRequestPreparer } from '../support/prepared-requests';
import { operationsOf } from '../support/routes';

/** The data of the documents whose keys start with `prefix`. */
async function readDocuments(prefix: string): Promise<Map<string, unknown>> {
  const { keys } = await env.VIEWS.list({ prefix });
  const documents = new Map<string, unknown>();
  for (const { name } of keys) documents.set(name, (await env.VIEWS.get<{ data: unknown }>(name, 'json'))?.data);
  return documents;
}

describe('a rebuild', () => {
  test('a rebuild restores every document while clients read the view, and the log records who started it (product 7.5, 8.2)', async () => {
    const system = await given();
    const ids = [await openTicket(system), await openTicket(system), await openTicket(system)];
    system.clock.advance(2000);
    await system.deliverQueues();
    for (const id of ids) await env.VIEWS.put(ticketView.kvKey(id), 'garbage');
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    expect((await readRebuild(system, id)).status).toBe('running');
    await runRebuilds(system, async () => {
      const response = await system.request(`/v1/tickets/${ids[0]}`, { headers: system.customer.bearer });
      expect(response.status).toBe(200);
    });
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', progress: 1 });
    for (const ticket of ids) {
      expect(await env.VIEWS.get(ticketView.kvKey(ticket), 'json')).toMatchObject({ data: { id: ticket } });
    }
    const { data } = await read<{ data: AuditEvent[] }>(system, `events?stream=rebuild/${id}`);
    expect(data).toMatchObject([{ type: 'RebuildStarted', actorId: system.admin.id, data: { view: 'ticket' } }]);
  });

  test('a rebuild of any view restores the documents that KV lost (product 7.5)', async () => {
    const system = await given();
    const prepare = createRequestPreparer(system, system.admin);
    // Each request gets a resource of its own, so together they make documents of every view.
    for (const { method, path } of await operationsOf(system)) {
      if (method !== 'POST' || /^\/v1\/(?:auth|operations)\//.test(path)) continue;
      const { sendWith } = await prepare(method, path);
      expect([path, (await sendWith(system.admin.bearer)).status < 300]).toEqual([path, true]);
    }
    system.clock.advance(2000);
    await system.deliverQueues();
    const { data: projections } = await read<{ data: Projection[] }>(system, 'projections');
    expect(projections.map(({ view }) => view).sort()).toEqual(views.map(({ name }) => name).sort());
    for (const view of views) {
      system.clock.advance(2000);
      const prefix = `${view.id}:`;
      const before = await readDocuments(prefix);
      expect([view.name, before.size > 0]).toEqual([view.name, true]);
      for (const key of before.keys()) await env.VIEWS.delete(key);
      const id = await startRebuild(system, view.name);
      await runRebuilds(system);
      expect(await readRebuild(system, id)).toMatchObject({ status: 'done', progress: 1 });
      expect([view.name, await readDocuments(prefix)]).toEqual([view.name, before]);
    }
  });

  test('a rebuild projects each key once, and no key that was projected since its start (product 7.5)', async () => {
    const puts: string[] = [];
    const counting = new Proxy(env.VIEWS, {
      get: (kv, name) => {
        if (name !== 'put') return Reflect.get(kv, name).bind(kv);
        return (key: string, value: string) => {
          puts.push(key);
          return kv.put(key, value);
        };
      },
    });
    const system = await given({ VIEWS: counting });
    const ids = [await openTicket(system), await openTicket(system)];
    await system.send('POST', `/v1/tickets/${ids[0]}/status`, { status: 'closed' }, system.admin.bearer);
    system.clock.advance(2000);
    await system.deliverQueues();
    system.clock.advance(2000);
    await startRebuild(system, 'ticket');
    await system.send('POST', `/v1/tickets/${ids[1]}/status`, { status: 'closed' }, system.admin.bearer);
    await system.deliverQueues();
    puts.length = 0;
    await runRebuilds(system);
    const countPuts = (id: string) => puts.filter((key) => key === ticketView.kvKey(id)).length;
    expect(ids.map(countPuts)).toEqual([1, 0]);
  });

  test('after a change of shape a rebuild fills the new documents and removes the old ones (product 7.5)', async () => {
    const system = await given();
    const id = await openTicket(system);
    system.clock.advance(2000);
    await system.deliverQueues();
    // The state after a release with a new shape version of this view.
    await env.VIEWS.put('ticket@0:old', '{}');
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until) VALUES ('ticket@0', 'old', 1, 0)",
    ).run();
    await env.DB.prepare("DELETE FROM projections WHERE view = 'ticket@2'").run();
    await env.VIEWS.delete(ticketView.kvKey(id));
    await startRebuild(system, 'ticket');
    await runRebuilds(system);
    expect(await env.VIEWS.get(ticketView.kvKey(id), 'json')).toMatchObject({ data: { id } });
    expect(await env.VIEWS.get('ticket@0:old')).toBeNull();
    const old = await env.DB.prepare("SELECT * FROM projections WHERE view = 'ticket@0'").all();
    expect(old.results).toEqual([]);
  });

  test('a rebuild replays a long log page by page and leaves no key out (product 7.5)', async () => {
    const system = await given();
    const early = await openTicket(system);
    // Events of other views fill several pages between the two tickets.
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
       INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       SELECT ?1 || i, 'user', ?1, i, 'UserSignedIn', 1, '{}', '{"commandId":"c","requestId":"r"}', '' FROM n`,
    )
      .bind(newId())
      .run();
    const late = await openTicket(system);
    system.clock.advance(2000);
    await system.deliverQueues();
    for (const id of [early, late]) await env.VIEWS.delete(ticketView.kvKey(id));
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    let isFirst = true;
    await runRebuilds(system, async () => {
      if (isFirst) expect((await readRebuild(system, id)).progress).toBeLessThan(0.7);
      isFirst = false;
    });
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', progress: 1 });
    for (const ticket of [early, late]) expect(await env.VIEWS.get(ticketView.kvKey(ticket))).not.toBeNull();
  });

  test('a rebuild replays a recorded event of an older version (product 6.4, 7.5)', async () => {
    const system = await given();
    const ticket = await openTicket(system);
    system.clock.advance(2000);
    await system.deliverQueues();
    await env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES (?, 'ticket', ?, 2, 'TicketStatusChanged', 1, ?, '{"commandId":"c","requestId":"r"}', '')`,
    )
      .bind(newId(), ticket, JSON.stringify({ customerId: system.customer.id, status: 'triaged' }))
      .run();
    await env.VIEWS.delete(`ticket-lists@2:${system.customer.id}`);
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket-lists');
    await runRebuilds(system);
    expect((await readRebuild(system, id)).status).toBe('done');
    // Version 1 does not say which status the ticket had before.
    expect(await env.VIEWS.get(`ticket-lists@2:${system.customer.id}`)).not.toBeNull();
  });

  test('a rebuild removes a document that no event of the log touches (product 7.5)', async () => {
    const system = await given();
    const key = newId();
    await env.VIEWS.put(ticketView.kvKey(key), '{}');
    await env.DB.prepare("INSERT INTO projections (view, key, position, claimed_until) VALUES ('ticket@2', ?, 1, 0)")
      .bind(key)
      .run();
    await startRebuild(system, 'ticket');
    await runRebuilds(system);
    expect(await env.VIEWS.get(ticketView.kvKey(key))).toBeNull();
  });

  test('a rebuild whose message was lost continues from its checkpoint (product 7.5)', async () => {
    const system = await given();
    await openTicket(system);
    await system.deliverQueues();
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    await system.deliver('rebuilds', system.rebuildMessages.splice(0, 1));
    const { results } = await env.DB.prepare('SELECT checkpoint FROM rebuilds WHERE id = ?').bind(id).all();
    system.rebuildMessages.length = 0;
    await runSchedule(system.services(), '* * * * *');
    expect(system.rebuildMessages).toEqual([]);
    system.clock.advance(61_000);
    await runSchedule(system.services(), '* * * * *');
    expect(system.rebuildMessages).toEqual([{ rebuildId: id, step: 1 }]);
    expect(results[0]?.checkpoint).toBeGreaterThan(0);
    await runRebuilds(system);
    expect((await readRebuild(system, id)).status).toBe('done');
  });

  test('a message that is delivered twice moves a rebuild forward once (product 7.5)', async () => {
    const before = limits.eventsPerRebuildStep;
    onTestFinished(() => {
      limits.eventsPerRebuildStep = before;
    });
    // Pages of one event, so that the first steps do not end the rebuild.
    limits.eventsPerRebuildStep = 1;
    const system = await given();
    const id = await startRebuild(system, 'ticket');
    const [message] = system.rebuildMessages.splice(0, 1);
    await Promise.all([system.deliver('rebuilds', [message]), system.deliver('rebuilds', [message])]);
    expect(system.rebuildMessages).toEqual([{ rebuildId: id, step: 1 }]);
    await system.deliver('rebuilds', [message]);
    expect(system.rebuildMessages).toHaveLength(1);
    expect((await readRebuild(system, id)).checkpoint).toBe(1);
    limits.eventsPerRebuildStep = before;
    await runRebuilds(system);
    expect((await readRebuild(system, id)).status).toBe('done');
  });

  test('a view has one running rebuild (409), a rebuild can be cancelled, and an unknown view gets 404 (product 8.2)', async () => {
    const system = await given();
    const id = await startRebuild(system, 'ticket');
    const second = await post(system, 'projections/ticket/rebuild');
    expect([second.status, (await second.json<{ code: string }>()).code]).toEqual([409, 'rebuilds.running']);
    expect((await post(system, 'projections/nothing/rebuild')).status).toBe(404);
    expect((await post(system, `rebuilds/${id}/cancel`)).status).toBe(200);
    expect((await post(system, `rebuilds/${id}/cancel`)).status).toBe(409);
    expect((await post(system, `rebuilds/${newId()}/cancel`)).status).toBe(404);
    await runRebuilds(system);
    expect((await readRebuild(system, id)).status).toBe('cancelled');
    expect((await post(system, 'projections/ticket/rebuild')).status).toBe(202);
  });

  test('a step that succeeds ends the count of failures, so that only failures in a row end a rebuild (product 8.2)', async () => {
    const system = await given();
    const id = await startRebuild(system, 'ticket');
    await env.DB.prepare("UPDATE rebuilds SET attempts = 9, last_error = 'Error' WHERE id = ?").bind(id).run();
    await system.deliver('rebuilds', system.rebuildMessages.splice(0, 1));
    const row = await env.DB.prepare('SELECT attempts, last_error FROM rebuilds WHERE id = ?').bind(id).first();
    expect(row).toEqual({ attempts: 0, last_error: null });
  });

  test('a rebuild fails with its last error after ten failures of one step (product 8.2)', async () => {
    const system = await given();
    await openTicket(system);
    await system.deliverQueues();
    await env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES ('broken', 'ticket', 'broken', 1, 'TicketOpened', 1, '{}', '{}', '')`,
    ).run();
    const id = await startRebuild(system, 'ticket');
    // The checkpoint moves to the page with the broken event, so that the length of the log does not matter.
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = target - 5 WHERE id = ?').bind(id).run();
    const [message] = system.rebuildMessages.splice(0, 1);
    const fail = () => system.deliver('rebuilds', [message]);
    for (let attempt = 0; attempt < 9; attempt++) expect((await fail()).retried).toHaveLength(1);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'running', lastError: 'ZodError' });
    expect((await fail()).acked).toHaveLength(1);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'failed' });
    await env.DB.prepare("DELETE FROM events WHERE id = 'broken'").run();
  });
});

test('a rebuild replays each event of each page, the first and the last one too (product 7.5)', async () => {
  const before = limits.eventsPerRebuildStep;
  onTestFinished(() => {
    limits.eventsPerRebuildStep = before;
  });
  limits.eventsPerRebuildStep = 7;
  const system = await given();
  const tickets: string[] = [];
  for (let count = 0; count < 15; count++) tickets.push(await openTicket(system));
  system.clock.advance(2000);
  await system.deliverQueues();
  for (const id of tickets) await env.VIEWS.delete(ticketView.kvKey(id));
  system.clock.advance(2000);
  await startRebuild(system, 'ticket');
  await runRebuilds(system);
  const missing: string[] = [];
  for (const id of tickets) if ((await env.VIEWS.get(ticketView.kvKey(id))) === null) missing.push(id);
  expect(missing).toEqual([]);
});

describe('the limit of a step', () => {
  const original = { ...limits };
  afterEach(() => void Object.assign(limits, original));

  /** An order of several new items; the rebuild of the items has one event with all of them. */
  async function givenOrder(system: Given, count: number) {
    const { bearer } = system.customer;
    const ids: string[] = [];
    for (let index = 0; index < count; index++) {
      const item = { title: 'Rope', price: { amount: 100, currency: 'EUR' } };
      const created = await system.send('POST', '/v1/items', item, bearer);
      ids.push((await created.json<{ id: string }>()).id);
    }
    const order = { items: ids.map((itemId) => ({ itemId, quantity: 1 })), shippingAddress: address };
    expect((await system.send('POST', '/v1/orders', order, bearer)).status).toBe(201);
    return ids;
  }

  /** Removes the documents of items, and starts a rebuild whose next event is the one after `checkpoint`. */
  async function startFrom(system: Given, ids: readonly string[], type: string) {
    system.clock.advance(2000);
    await system.deliverQueues();
    system.clock.advance(2000);
    for (const id of ids) await env.VIEWS.delete(`item@2:${id}`);
    await env.DB.prepare("DELETE FROM projections WHERE view = 'item@2'").run();
    const id = await startRebuild(system, 'item');
    const { position = 0 } =
      (await env.DB.prepare('SELECT max(position) AS position FROM events WHERE type = ?')
        .bind(type)
        .first<{ position: number }>()) ?? {};
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = ? WHERE id = ?')
      .bind(position - 1, id)
      .run();
    return { id, position };
  }

  const step = async (system: Given) => {
    system.clock.advance(2000);
    await system.deliver('rebuilds', system.rebuildMessages.splice(0, 1));
  };
  const countDocuments = async (ids: readonly string[]) => {
    const found = await Promise.all(ids.map((id) => env.VIEWS.get(`item@2:${id}`)));
    return found.filter((value) => value !== null).length;
  };

  test('a step projects no more keys than the limit, and an event with more keys takes several steps (product 7.5)', async () => {
    const system = await given();
    const ids = await givenOrder(system, 5);
    const { id, position } = await startFrom(system, ids, 'OrderPlaced');
    limits.keysPerRebuildStep = 2;
    for (const [documents, checkpoint] of [
      [2, position - 1],
      [4, position - 1],
    ]) {
      await step(system);
      expect(await countDocuments(ids)).toBe(documents);
      expect(await readRebuild(system, id)).toMatchObject({ keys: documents, checkpoint, status: 'running' });
    }
    await step(system);
    expect(await readRebuild(system, id)).toMatchObject({ keys: 5, checkpoint: position });
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', keys: 5, failedKeys: 0 });
    expect(await countDocuments(ids)).toBe(5);
  });

  test('the checkpoint moves to the middle of the events when the keys of all of them are too many (product 7.5)', async () => {
    const system = await given();
    const ids = await givenOrder(system, 3);
    const { id, position } = await startFrom(system, ids, 'OrderPlaced');
    const first = position - 3;
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = ? WHERE id = ?')
      .bind(first - 1, id)
      .run();
    limits.keysPerRebuildStep = 2;
    await step(system);
    // Two items were created; the third one would be one key too many.
    expect(await readRebuild(system, id)).toMatchObject({ keys: 2, checkpoint: first + 1 });
    await step(system);
    // Keys that are up to date do not count, so the rest of the log fits into the step.
    const { checkpoint, keys, target } = await readRebuild(system, id);
    expect([keys, checkpoint]).toEqual([3, target - 1]);
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', keys: 3 });
    expect(await countDocuments(ids)).toBe(3);
  });

  test('failing keys of an event with more keys than the limit do not stop the rebuild (product 7.5)', async () => {
    const system = await given();
    excuseDocuments('The rows of orders are broken, and then replaced without an event.');
    await givenOrders(system, 3);
    limits.keysPerRebuildStep = 1;
    await env.DB.prepare("UPDATE orders SET lines = '['").run();
    const id = await startRebuild(system, 'order');
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', keys: 0, failedKeys: 3 });
    await env.DB.prepare("UPDATE orders SET lines = '[]'").run();
  });
});

/** Places orders of one item, and returns their ids. */
async function givenOrders(system: Given, count: number): Promise<string[]> {
  const { bearer } = system.customer;
  await env.DB.prepare("DELETE FROM projections WHERE view = 'order@3'").run();
  await env.DB.prepare("UPDATE events SET type = 'SettingsUpdated' WHERE type LIKE 'Order%'").run();
  const item = { title: 'Rope', price: { amount: 100, currency: 'EUR' } };
  const created = await system.send('POST', '/v1/items', item, bearer);
  const { id: itemId } = await created.json<{ id: string }>();
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
    const placed = await system.send('POST', '/v1/orders', order, bearer);
    ids.push((await placed.json<{ id: string }>()).id);
  }
  system.clock.advance(2000);
  await system.deliverQueues();
  system.clock.advance(2000);
  return ids;
}

describe('a key that fails in a rebuild', () => {
  const orders = async (system: Given) =>
    (await read<{ data: Projection[] }>(system, 'projections')).data.find(({ view }) => view === 'order');

  test('fails alone, is counted, and is listed with the class of its error until it succeeds (product 7.5, 8.2)', async () => {
    const system = await given();
    const ids = await givenOrders(system, 3);
    const [first, broken = '', last] = ids;
    const old = await env.VIEWS.get(orderView.kvKey(broken));
    const { results } = await env.DB.prepare('SELECT lines FROM orders WHERE id = ?').bind(broken).all();
    await env.DB.prepare("UPDATE orders SET lines = '[' WHERE id = ?").bind(broken).run();
    // A failing key of another view is not counted.
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until, error) VALUES ('item@2', 'other', 0, 0, 'ZodError')",
    ).run();
    for (const id of [first, last]) await env.VIEWS.delete(orderView.kvKey(id ?? ''));
    const id = await startRebuild(system, 'order');
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', progress: 1, keys: 2, failedKeys: 1 });
    for (const key of [first, last]) expect(await env.VIEWS.get(orderView.kvKey(key ?? ''))).not.toBeNull();
    // The failing key has events, so it is no orphan and keeps its document.
    expect(await env.VIEWS.get(orderView.kvKey(broken))).toBe(old);
    expect(await orders(system)).toMatchObject({ failedKeys: 1, failures: [{ key: broken, error: 'SyntaxError' }] });

    await env.DB.prepare('UPDATE orders SET lines = ? WHERE id = ?').bind(results[0]?.lines, broken).run();
    system.clock.advance(2000);
    const again = await startRebuild(system, 'order');
    await runRebuilds(system);
    expect(await readRebuild(system, again)).toMatchObject({ status: 'done', keys: 3, failedKeys: 0 });
    expect(await orders(system)).toMatchObject({ failedKeys: 0, failures: [] });
  });

  test('the list of failing keys has the first twenty of each view (product 8.2)', async () => {
    const system = await given();
    await env.DB.prepare('DELETE FROM projections WHERE error IS NOT NULL').run();
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 31)
       INSERT INTO projections (view, key, position, claimed_until, error)
       SELECT view.value, 'key' || i, 0, 0, 'ZodError' FROM n, json_each('["order@3", "item@2", "gone@1"]') AS view`,
    ).run();
    const { data } = await read<{ data: Projection[] }>(system, 'projections');
    for (const name of ['order', 'item']) {
      const { failedKeys, failures = [] } = data.find(({ view }) => view === name) ?? {};
      expect([failedKeys, failures.length]).toEqual([22, 20]);
      expect(failures[0]).toEqual({ key: 'key10', error: 'ZodError' });
      expect(failures[19]).toEqual({ key: 'key29', error: 'ZodError' });
    }
    expect(data.find(({ view }) => view === 'ticket')).toMatchObject({ failedKeys: 0, failures: [] });
    await env.DB.prepare('DELETE FROM projections WHERE error IS NOT NULL').run();
  });

  test('a key that another consumer holds is waited for, even if it failed before (product 7.5)', async () => {
    const system = await given();
    const [key = ''] = await givenOrders(system, 1);
    await env.VIEWS.delete(orderView.kvKey(key));
    const id = await startRebuild(system, 'order');
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = target - 2 WHERE id = ?').bind(id).run();
    await env.DB.prepare(
      "UPDATE projections SET claimed_by = 'other', claimed_until = ?, error = 'ZodError' WHERE view = 'order@3' AND key = ?",
    )
      .bind(system.clock.now() + 30_000, key)
      .run();
    const { checkpoint } = await readRebuild(system, id);
    await system.deliver('rebuilds', system.rebuildMessages.splice(0, 1));
    expect(await readRebuild(system, id)).toMatchObject({ status: 'running', keys: 0, checkpoint });
    expect(await env.VIEWS.get(orderView.kvKey(key))).toBeNull();
    system.clock.advance(31_000);
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', keys: 1, failedKeys: 0 });
    expect(await env.VIEWS.get(orderView.kvKey(key))).not.toBeNull();
  });

  test('an orphan with an old error is removed (product 7.5)', async () => {
    const system = await given();
    const key = newId();
    await env.VIEWS.put(ticketView.kvKey(key), '{}');
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until, error) VALUES ('ticket@2', ?, 1, 0, 'ZodError')",
    )
      .bind(key)
      .run();
    const id = await startRebuild(system, 'ticket');
    await runRebuilds(system);
    expect(await env.VIEWS.get(ticketView.kvKey(key))).toBeNull();
    expect(await readRebuild(system, id)).toMatchObject({ failedKeys: 0 });
  });
});

describe('a rebuild while the platform is away', () => {
  test.each([
    ['KV refuses puts', 'KV PUT failed: 429 Too Many Requests'],
    ['KV is away', 'KV PUT failed: 500 Internal Server Error'],
  ])('a rebuild waits while %s, for as long as it takes, and then ends (product 7.5, 8.2)', async (_, text) => {
    let isAway = false;
    const away = new Proxy(env.VIEWS, {
      get: (kv, name) =>
        name === 'put' && isAway ? () => Promise.reject(new Error(text)) : Reflect.get(kv, name).bind(kv),
    });
    const system = await given({ VIEWS: away });
    const ticket = await openTicket(system);
    system.clock.advance(2000);
    await system.deliverQueues();
    await env.VIEWS.delete(ticketView.kvKey(ticket));
    // An old error of the key is no reason to leave it out.
    await env.DB.prepare("UPDATE projections SET error = 'ZodError' WHERE view = 'ticket@2' AND key = ?")
      .bind(ticket)
      .run();
    const id = await startRebuild(system, 'ticket');
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = target - 5 WHERE id = ?').bind(id).run();
    const [message] = system.rebuildMessages;
    isAway = true;
    for (let attempt = 0; attempt < 12; attempt++) {
      system.clock.advance(31_000);
      const [next] = system.rebuildMessages.splice(0, 1);
      expect(next).toEqual(message);
      expect(await system.deliver('rebuilds', [next])).toMatchObject({ acked: ['m0'] });
      // The schedule does not send the step again, because the rebuild is not stalled.
      expect(await system.services().rebuilds.findStalled()).toEqual([]);
    }
    expect(await readRebuild(system, id)).toMatchObject({ status: 'running', lastError: 'Error', failedKeys: 0 });
    isAway = false;
    system.clock.advance(31_000);
    await runRebuilds(system);
    expect(await readRebuild(system, id)).toMatchObject({ status: 'done', lastError: null, failedKeys: 0 });
    expect(await env.VIEWS.get(ticketView.kvKey(ticket))).not.toBeNull();
  });

  test('a step waits while D1 is away, and a cancelled rebuild waits no longer (product 7.5)', async () => {
    let isAway = false;
    const away = {
      withSession(from: string) {
        if (isAway) throw new Error('D1_ERROR: Network connection lost.');
        return env.DB.withSession(from);
      },
      // The system opens sessions only.
    } as unknown as D1Database;
    const cancelAndFail = async () => {
      await env.DB.prepare("UPDATE rebuilds SET status = 'cancelled' WHERE status = 'running'").run();
      throw new Error('KV is down.');
    };
    const kvAway = new Proxy(env.VIEWS, {
      get: (kv, name) => (name === 'put' ? cancelAndFail : Reflect.get(kv, name).bind(kv)),
    });
    const system = await given({ DB: away, VIEWS: kvAway });
    await openTicket(system);
    const id = await startRebuild(system, 'ticket');
    // The checkpoint moves to the events of this ticket, so that the length of the log does not matter.
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = target - 2 WHERE id = ?').bind(id).run();
    const [message] = system.rebuildMessages.splice(0, 1);
    isAway = true;
    expect(await system.deliver('rebuilds', [message])).toMatchObject({ acked: ['m0'] });
    expect(system.rebuildMessages.splice(0)).toEqual([message]);
    isAway = false;
    expect(await system.deliver('rebuilds', [message])).toMatchObject({ acked: ['m0'] });
    expect(system.logs.filter((line) => line.includes('rebuild.failed'))).toHaveLength(2);
    expect(system.rebuildMessages).toEqual([]);
    expect((await readRebuild(system, id)).status).toBe('cancelled');
  });
});
