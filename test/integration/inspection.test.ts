import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import type { EventDetail } from '../../src/operations/event-schemas';
import { ProjectionRequested } from '../../src/operations/events';
import type { ProjectedKey } from '../../src/operations/key-schemas';
import { judgeKey } from '../../src/operations/key-verdict';
import { createRequestedProjection } from '../../src/operations/requested-projection';
import type { AuditEvent } from '../../src/operations/schemas';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { createLogger } from '../../src/platform/logger';
import { excuseDocuments } from '../support/document-watch';
import { address } from '../support/factories';
import { createFaultyD1 } from '../support/faulty-d1';
import { type Given, given, openTicket, post, read } from '../support/operations';
import { createDeadlines } from '../support/wait';

const look = (system: Given, view: string, key: string) =>
  read<ProjectedKey>(system, `projections/${view}/keys/${key}`);

/** Projects a document by the API, and returns what is known about it afterwards. */
async function projectNow(system: Given, view: string, key: string): Promise<ProjectedKey> {
  expect((await post(system, `projections/${view}/keys/${key}/project`)).status).toBe(200);
  return look(system, view, key);
}

/** Projects what waits, and lets the time pass in which KV may show older values. */
async function settle(system: Given): Promise<void> {
  system.clock.advance(2000);
  await system.deliverQueues();
  system.clock.advance(200_000);
}

test('an admin sees the copies of KV and the database side by side, and why they differ (product 8.13)', async () => {
  const system = await given();
  const ticket = await openTicket(system);
  const waiting = await look(system, 'ticket', ticket);
  expect(waiting).toMatchObject({
    view: 'ticket',
    key: ticket,
    kv: { state: 'absent', document: null },
    database: { document: { version: 1, data: { subject: 'a' } }, error: null },
    verdict: { code: 'event-waits', detail: expect.stringContaining('TicketOpened') },
    isSame: false,
    row: null,
    deliveries: [{ type: 'TicketOpened', status: 'pending', streamId: ticket }],
    isSearchComplete: true,
  });
  expect(waiting.verdict.since).toBe(waiting.deliveries[0]?.occurredAt);

  await settle(system);
  const current = await look(system, 'ticket', ticket);
  expect(current).toMatchObject({ isSame: true, verdict: { code: 'up-to-date' }, deliveries: [], otherShapes: [] });
  expect(current.kv.document).toMatchObject({ ...current.database.document, asOf: current.row?.position });
  // The list of the customer is another document that the same event touches.
  expect((await look(system, 'ticket-lists', system.customer.id)).verdict.code).toBe('up-to-date');

  // More deliveries wait than are searched for those of a document.
  limits.deliveriesPerInspection = 1;
  for (const isSearchComplete of [true, false]) {
    await openTicket(system);
    expect(await look(system, 'ticket', ticket)).toMatchObject({ isSearchComplete });
  }
  limits.deliveriesPerInspection = 500;

  const nothing = await look(system, 'ticket', newId());
  expect(nothing).toMatchObject({ verdict: { code: 'no-such-document' }, database: { document: null } });
});

test('a document of another epoch, a broken one and a missing one are told apart, and are projected at once (product 8.13)', async () => {
  const system = await given();
  const ticket = await openTicket(system);
  await settle(system);
  const { shape } = await look(system, 'ticket', ticket);
  const name = `${shape}:${ticket}`;
  const stored = await env.VIEWS.get(name);
  excuseDocuments(name);
  for (const [value, code] of [
    [stored?.replace('"epoch":"1"', '"epoch":"0"'), 'other-epoch'],
    ['{', 'broken'],
    [undefined, 'missing'],
    [stored?.replace('"subject":"a"', '"subject":"z"'), 'different'],
  ] as const) {
    await (value === undefined ? env.VIEWS.delete(name) : env.VIEWS.put(name, value));
    expect([code, (await look(system, 'ticket', ticket)).verdict.code]).toEqual([code, code]);
    const after = await projectNow(system, 'ticket', ticket);
    expect(after).toMatchObject({ isSame: true, row: { recheckAt: null }, verdict: { code: 'up-to-date' } });
    system.clock.advance(130_000);
  }
  const { data } = await read<{ data: AuditEvent[] }>(system, `events?actor=${system.admin.id}&limit=1`);
  expect(data).toMatchObject([{ type: 'ProjectionRequested', data: { view: shape, key: ticket } }]);
});

test('a claim, a recheck, a failing document and a dead letter are the reason in words (product 8.13)', async () => {
  const system = await given();
  const ticket = await openTicket(system);
  await settle(system);
  const { shape } = await look(system, 'ticket', ticket);
  const codeAfter = async (change: string, ...values: unknown[]) => {
    await env.DB.prepare(`UPDATE projections SET ${change} WHERE view = '${shape}' AND key = '${ticket}'`)
      .bind(...values)
      .run();
    return (await look(system, 'ticket', ticket)).verdict;
  };
  const now = system.clock.now();
  expect(await codeAfter('recheck_at = ?', now)).toMatchObject({ code: 'to-be-rechecked' });
  const until = new Date(now + 60_000).toISOString();
  expect(await codeAfter("claimed_by = 'x', claimed_until = ?", now + 60_000)).toMatchObject({
    code: 'claimed',
    until,
  });
  const abandoned = "claimed_by = 'x', claimed_until = ?, recheck_at = NULL";
  expect(await codeAfter(abandoned, now - 130_000)).toMatchObject({ code: 'up-to-date' });
  const free = 'claimed_by = NULL, claimed_until = 0, recheck_at = NULL';
  expect(await codeAfter(`${free}, error = ?`, 'SyntaxError')).toMatchObject({ code: 'failing' });
  await codeAfter(`${free}, error = ?`, null);
  const opened = await env.DB.prepare("SELECT position FROM events WHERE stream_id = ? AND type = 'TicketOpened'")
    .bind(ticket)
    .first<{ position: number }>();
  await env.DB.prepare('DELETE FROM deliveries').run();
  await env.DB.prepare(
    "INSERT INTO deliveries (position, subscription, available_at, status, last_error) VALUES (?, 'projections', 0, 'dead', 'E')",
  )
    .bind(opened?.position)
    .run();
  // The document contains the event already.
  expect((await look(system, 'ticket', ticket)).verdict.code).toBe('up-to-date');
  expect(await codeAfter('position = ?', 0)).toMatchObject({
    code: 'event-dead',
    detail: expect.stringContaining('(E)'),
  });
  await env.DB.prepare('DELETE FROM deliveries').run();
  await codeAfter('position = ?', opened?.position);
});

test('what cannot be projected at once keeps its mark, and the relay projects it (product 8.13)', async () => {
  let isBroken = false;
  const DB = createFaultyD1(env.DB, ({ isCommit, send, sql }) =>
    isBroken && !isCommit && /insert into projections/i.test(sql) ? Promise.reject(new Error('D1 is away.')) : send(),
  );
  const system = await given({ DB });
  const ticket = await openTicket(system);
  await settle(system);
  isBroken = true;
  const marked = await projectNow(system, 'ticket', ticket);
  isBroken = false;
  expect(marked).toMatchObject({ verdict: { code: 'to-be-rechecked' }, row: { recheckAt: expect.any(String) } });
  expect(system.logs.join('')).toContain('requested-projection.failed');
  await system.services().relay();
  system.clock.advance(130_000);
  expect((await look(system, 'ticket', ticket)).verdict.code).toBe('up-to-date');
});

test('a projection that is late is awaited after the response (product 8.13)', async () => {
  const { expire, newest, wait } = createDeadlines(() => {});
  const kept: Promise<unknown>[] = [];
  const projectRequested = createRequestedProjection({
    ...{ database: env.DB, logger: createLogger({}, () => {}), wait, waitUntil: (promise) => void kept.push(promise) },
    projector: { projectAgain: () => new Promise(() => {}) },
  });
  const data = { view: 'ticket@1', key: 'a', markedAt: '2026-01-01T00:00:00.000Z' };
  const requested = ProjectionRequested.create('a', 1, data);
  const responded = projectRequested([
    { ...requested, id: 'a', position: 1, metadata: { commandId: 'a', requestId: 'a' }, occurredAt: data.markedAt },
  ]);
  expire(newest());
  await responded;
  expect(kept).toHaveLength(1);
});

test('a document that cannot be made is tried, and is not tried for ever (product 8.13)', async () => {
  const system = await given();
  const { bearer } = system.customer;
  const created = await system.send('POST', '/v1/items', { title: 'a', price: { amount: 1, currency: 'EUR' } }, bearer);
  const { id } = await created.json<{ id: string }>();
  const ordered = await system.send(
    'POST',
    '/v1/orders',
    { items: [{ itemId: id, quantity: 1 }], shippingAddress: address },
    bearer,
  );
  const order = (await ordered.json<{ id: string }>()).id;
  await settle(system);
  const lines = await env.DB.prepare('SELECT lines FROM orders WHERE id = ?').bind(order).first<string>('lines');
  await env.DB.prepare("UPDATE orders SET lines = '{' WHERE id = ?").bind(order).run();
  excuseDocuments('The row of an order is broken.');
  const { database, row, verdict } = await projectNow(system, 'order', order);
  expect(verdict.code).toBe('failing');
  expect(database).toMatchObject({ document: null, error: expect.stringMatching(/\w/) });
  expect(row).toMatchObject({ error: database.error, recheckAt: null });
  await env.DB.prepare('UPDATE orders SET lines = ? WHERE id = ?').bind(lines, order).run();
  system.clock.advance(130_000);
  expect((await projectNow(system, 'order', order)).verdict.code).toBe('up-to-date');
});

test('what checks an API key is not shown, and no key may look into documents (product 8.13)', async () => {
  const system = await given();
  const { bearer, id } = system.admin;
  const created = await system.send('POST', '/v1/api-keys', { name: 'a', scopes: ['operations:read'] }, bearer);
  const { key } = await created.json<{ key: string }>();
  await system.deliverQueues();
  const { database, kv } = await look(system, 'api-keys', id);
  expect(database.document?.data).toMatchObject({ keys: [{ scopes: ['operations:read'] }] });
  expect(JSON.stringify([database, kv])).not.toContain('hash');
  const headers = { Authorization: `Bearer ${key}` };
  const refused = await system.request(`/v1/operations/projections/user/keys/${id}`, { headers });
  expect(refused.status).toBe(403);
});

test('an unknown read model is refused, and nothing is marked (product 8.13)', async () => {
  const system = await given();
  const response = await post(system, `projections/nothing/keys/all/project`);
  expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([404, 'projections.not-found']);
});

test('a document that was put a moment ago may be cached, and one below the floor has missed an event (product 8.13)', () => {
  const document = {
    version: 1,
    revision: null,
    data: {},
    asOf: 4,
    projectedAt: '2026-01-01T00:00:00.000Z',
    epoch: '1',
  };
  const now = Date.parse('2026-01-01T00:10:00.000Z');
  const row = {
    position: 5,
    claimedUntil: null,
    lastTouchedAt: '2026-01-01T00:09:00.000Z',
    recheckAt: null,
    error: null,
  };
  const facts = {
    ...{ view: 'ticket', shape: 'ticket@1', key: 'a', epoch: '1', floor: 0, logPosition: 9, otherShapes: [] },
    ...{ deliveries: [], isSearchComplete: true, isSame: false, row },
    kv: { state: 'present' as const, document },
    database: { document, error: null },
  };
  expect(judgeKey(facts, now)).toMatchObject({ code: 'cached', until: '2026-01-01T00:11:00.000Z' });
  // The value in KV may be older than the row says, also where its content is the same.
  expect(judgeKey({ ...facts, isSame: true }, now).code).toBe('cached');
  expect(judgeKey({ ...facts, isSame: true }, now + 60_000).code).toBe('up-to-date');
  expect(judgeKey(facts, now + 60_000).code).toBe('different');
  expect(judgeKey({ ...facts, floor: 5 }, now + 60_000).code).toBe('missed-an-event');
});

test('an event leads to the other events of its command, to the documents that it touches, and to its work (product 8.17)', async () => {
  const system = await given();
  const ticket = await openTicket(system);
  const headers = { ...system.admin.bearer, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ message: 'Hello' });
  await system.request(`/v1/tickets/${ticket}/status`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ status: 'closed' }),
  });
  await system.request(`/v1/tickets/${ticket}/replies`, {
    method: 'POST',
    headers: { ...headers, ...system.customer.bearer },
    body,
  });
  const { data } = await read<{ data: AuditEvent[] }>(system, 'events?limit=2');
  const [newest, before] = data;
  expect(data.map(({ type }) => type).sort()).toEqual(['TicketReopened', 'TicketReplied']);
  const detail = await read<EventDetail>(system, `events/${newest?.position}`);
  expect(detail.event).toEqual(newest);
  expect(detail.related).toEqual([before]);
  expect(detail.documents).toContainEqual({ view: 'staff-ticket', key: ticket });
  const states = ({ work }: EventDetail) =>
    Object.fromEntries(work.map(({ subscription, state }) => [subscription, state]));
  expect(states(detail).projections).toBe('waiting');
  await settle(system);
  expect(states(await read<EventDetail>(system, `events/${newest?.position}`)).projections).toBe('done');
  const missing = await system.request('/v1/operations/events/999999', { headers: system.admin.bearer });
  expect([missing.status, (await missing.json<{ code: string }>()).code]).toEqual([404, 'events.not-found']);
});
