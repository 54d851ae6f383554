import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import type { ItemDetail } from '../../src/items/schemas';
import { newId } from '../../src/platform/ids';
import { operationsOf, pathWith } from '../support/routes';
import { createSystem } from '../support/system';

test('fifty requests at once under one Idempotency-Key: one effect, and one answer byte for byte', async () => {
  const { register, send } = createSystem();
  const { id, bearer } = await register();
  const body = { subject: 'a', message: 'b' };
  const key = newId();
  const open = (ticket: object) => send('POST', '/v1/tickets', ticket, { ...bearer, 'Idempotency-Key': `"${key}"` });
  const answers = await Promise.all(Array.from({ length: 50 }, () => open(body)));
  const bodies = new Set(await Promise.all(answers.map(async (answer) => `${answer.status} ${await answer.text()}`)));
  expect([...bodies]).toEqual([expect.stringMatching(/^201 \{"id":"[0-9a-f-]{36}","version":1\}$/)]);
  expect(new Set(answers.map(({ headers }) => headers.get('Location'))).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get('Idempotency-Replayed') === 'true')).toHaveLength(49);
  const { results } = await env.DB.prepare('SELECT id FROM tickets WHERE customer_id = ?').bind(id).all();
  expect(results).toHaveLength(1);
  const other = await open({ ...body, message: 'other' });
  expect([other.status, (await other.json<{ code: string }>()).code]).toEqual([422, 'http.idempotency-key-reused']);
});

test('every POST command takes an Idempotency-Key, and refuses one that is none', async () => {
  const system = createSystem();
  const { bearer } = await system.register({ role: 'admin' });
  const commands = (await operationsOf(system)).filter(
    ({ method, path }) => method === 'POST' && !/token|login/.test(path),
  );
  expect(commands.length).toBeGreaterThan(15);
  for (const { path, operation } of commands) {
    expect(operation.parameters).toContainEqual({ $ref: '#/components/parameters/IdempotencyKey' });
    const bad = await system.send(
      'POST',
      pathWith(path, newId()),
      {},
      { ...bearer, 'Idempotency-Key': 'a'.repeat(256) },
    );
    // What the body already refuses is 422; no answer is a success.
    expect([path, [400, 422].includes(bad.status)]).toEqual([path, true]);
  }
});

test('every read has an ETag, and answers it with 304', async () => {
  const system = createSystem();
  const { id, bearer } = await system.register({ role: 'admin' });
  const price = { amount: 1, currency: 'EUR' };
  const item = await (await system.send('POST', '/v1/items', { title: 'a', price }, bearer)).json<{ id: string }>();
  const ticket = await system.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearer);
  const shippingAddress = { name: 'a', line1: 'b', postalCode: 'c', city: 'd', country: 'DE' };
  const order = { items: [{ itemId: item.id, quantity: 1 }], shippingAddress };
  const placed = await system.send('POST', '/v1/orders', order, bearer);
  const rebuild = await system.request('/v1/operations/projections/user/rebuild', { method: 'POST', headers: bearer });
  const ids: Record<string, string> = {
    users: id,
    items: item.id,
    tickets: (await ticket.json<{ id: string }>()).id,
    orders: (await placed.json<{ id: string }>()).id,
    rebuilds: (await rebuild.json<{ id: string }>()).id,
  };
  const reads = (await operationsOf(system)).filter(({ method }) => method === 'GET');
  expect(reads.length).toBeGreaterThan(15);
  for (const { path } of reads) {
    const [, collection = ''] = /\/(\w+)\/\{id\}/.exec(path) ?? [];
    const target = path.replace('{id}', ids[collection] ?? '');
    const first = await system.request(target, { headers: bearer });
    const etag = first.headers.get('ETag') ?? '';
    expect([path, first.status, etag]).toEqual([path, 200, expect.stringMatching(/^"[\w.-]+"$/)]);
    // The dashboard grows older with every second, and the readiness may change.
    if (path.includes('dashboard')) continue;
    const again = await system.request(target, { headers: { ...bearer, 'If-None-Match': etag } });
    expect([path, again.status, await again.text()]).toEqual([path, 304, '']);
    expect(again.headers.get('ETag')).toBe(etag);
  }
});

test('no update is lost: ten clients add to one description, each from what it has read', async () => {
  const system = createSystem();
  const { bearer } = await system.register();
  const item = { title: 'a', description: '0', price: { amount: 1, currency: 'EUR' } };
  const { id } = await (await system.send('POST', '/v1/items', item, bearer)).json<{ id: string }>();
  let refused = 0;
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let token = '', isDone = false; !isDone; ) {
        const headers = token === '' ? {} : { 'Consistency-Token': token };
        const read = await system.request(`/v1/items/${id}`, { headers });
        const { description } = await read.json<ItemDetail>();
        const change = { description: String(Number(description) + 1) };
        const condition = { ...bearer, 'If-Match': read.headers.get('ETag') ?? '' };
        const answer = await system.send('PATCH', `/v1/items/${id}`, change, condition);
        isDone = answer.status === 200;
        if (!isDone) {
          expect(answer.status).toBe(412);
          refused++;
        }
        token = answer.headers.get('Consistency-Token') ?? token;
      }
    }),
  );
  const { description } = (await env.DB.prepare('SELECT description FROM items WHERE id = ?').bind(id).first()) ?? {};
  expect(description).toBe('10');
  expect(refused).toBeGreaterThan(0);
});

test('a stale If-Match is 412 on every command that documents it', async () => {
  const system = createSystem();
  const { bearer } = await system.register({ role: 'admin' });
  const conditional = (await operationsOf(system)).filter(({ operation }) =>
    operation.parameters?.some(({ $ref }) => $ref === '#/components/parameters/IfMatch'),
  );
  expect(conditional.length).toBeGreaterThan(10);
  for (const { method, path } of conditional) {
    const answer = await system.send(method, pathWith(path, newId()), {}, { ...bearer, 'If-Match': 'W/"1"' });
    expect([path, [404, 412, 422].includes(answer.status)]).toEqual([path, true]);
  }
});
