import { expect, test } from 'vitest';
import { isTokenEndpoint } from '../../src/http/token-endpoint';
import { newId } from '../../src/platform/ids';
import { operationsOf, pathWith } from '../support/routes';
import { countRows, createSystem } from '../support/system';

/** Whether a refusal has the media type of its operation: the token endpoint has a form of its own (RFC 6749, 5.2). */
function isRefusal(path: string, response: Response): boolean {
  const type = response.headers.get('Content-Type');
  return type === (isTokenEndpoint(path) ? 'application/json' : 'application/problem+json');
}

test('every route with a body refuses a large, broken or invalid body and another media type, and leaves no row (product 6.1)', async () => {
  const system = createSystem();
  const { bearer } = await system.register({ role: 'admin' });
  const withBody = (await operationsOf(system)).filter(({ operation }) => operation.requestBody);
  expect(withBody.length).toBeGreaterThan(14);
  const before = await countRows();
  for (const { method, path, operation } of withBody) {
    const isForm = 'application/x-www-form-urlencoded' in (operation.requestBody?.content ?? {});
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
    const send = (contentType: string, body: string) =>
      system.request(pathWith(path, newId()), { method, headers: { ...bearer, 'Content-Type': contentType }, body });
    const large = await send(type, `{"a":"${'a'.repeat(70_000)}"}`);
    expect([path, large.status, isRefusal(path, large)]).toEqual([path, 413, true]);
    const other = await send('text/plain', '{}');
    expect([path, other.status, isRefusal(path, other)]).toEqual([path, 415, true]);
    if (isForm) continue;
    const broken = await send(type, '{"a":');
    expect([path, broken.status, isRefusal(path, broken)]).toEqual([path, 400, true]);
    const wrong = await send(type, '{"nobody":"knows this"}');
    expect([path, wrong.status, isRefusal(path, wrong)]).toEqual([path, 422, true]);
  }
  expect(await countRows()).toEqual(before);
});

test('every path supports OPTIONS, refuses unknown methods with 405 and Allow, and responds to HEAD like GET without a body', async () => {
  const system = createSystem();
  const { bearer } = await system.register({ role: 'admin' });
  const operations = await operationsOf(system);
  for (const path of new Set(operations.map((operation) => operation.path))) {
    const target = pathWith(path, newId());
    expect([path, (await system.request(target, { method: 'OPTIONS' })).status]).toEqual([path, 204]);
    const put = await system.request(target, { method: 'PUT', headers: bearer });
    expect([path, put.status, isRefusal(path, put)]).toEqual([path, 405, true]);
    const allowed = put.headers.get('Allow')?.split(', ') ?? [];
    for (const { method } of operations.filter((operation) => operation.path === path))
      expect(allowed).toContain(method);
    if (!allowed.includes('GET')) continue;
    const [get, head] = [
      await system.request(target, { headers: bearer }),
      await system.request(target, { method: 'HEAD', headers: bearer }),
    ];
    expect([path, head.status, await head.text()]).toEqual([path, get.status, '']);
  }
});

test('every read refuses a forged Consistency-Token, and every list refuses a forged cursor and an invalid limit (400)', async () => {
  const system = createSystem();
  const { bearer } = await system.register({ role: 'admin' });
  const reads = (await operationsOf(system)).filter(({ method }) => method === 'GET');
  // A list that is a part of a ticket reads the ticket first.
  const ticket = await system.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearer);
  const { id } = await ticket.json<{ id: string }>();
  let lists = 0;
  for (const { path, operation } of reads) {
    const target = pathWith(path, id);
    const parameters = JSON.stringify(operation.parameters);
    if (parameters.includes('ConsistencyToken')) {
      const forged = await system.request(target, { headers: { ...bearer, 'Consistency-Token': 'e30' } });
      expect([path, forged.status, isRefusal(path, forged)]).toEqual([path, 400, true]);
    }
    if (!parameters.includes('"cursor"')) continue;
    lists++;
    for (const query of ['cursor=e30', 'limit=0', 'limit=101', 'limit=many']) {
      const refused = await system.request(`${target}?${query}`, { headers: bearer });
      expect([path, query, refused.status, isRefusal(path, refused)]).toEqual([path, query, 400, true]);
    }
  }
  expect(lists).toBeGreaterThan(5);
});

test('on every route a resource of another customer gets the same response as one that does not exist, and stays unchanged', async () => {
  const system = createSystem();
  const [alice, bob] = [await system.register(), await system.register()];
  const price = { amount: 1, currency: 'EUR' };
  const create = async (path: string, body: object) =>
    (await (await system.send('POST', path, body, alice.bearer)).json<{ id: string }>()).id;
  const items = await create('/v1/items', { title: 'a', price });
  const shippingAddress = { name: 'a', line1: 'b', postalCode: 'c', city: 'd', country: 'DE' };
  const orders = await create('/v1/orders', { items: [{ itemId: items, quantity: 1 }], shippingAddress });
  const tickets = await create('/v1/tickets', { subject: 'a', message: 'b' });
  const owned: Record<string, string> = { users: alice.id, items, orders, tickets };
  const bodies: Record<string, object> = {
    'PATCH /v1/users/{id}': { name: 'Mine' },
    'PATCH /v1/users/{id}/settings': { locale: 'de' },
    'POST /v1/users/{id}/role': { role: 'admin' },
    'PATCH /v1/items/{id}': { title: 'Mine' },
    'POST /v1/tickets/{id}/status': { status: 'closed' },
    'POST /v1/tickets/{id}/notes': { note: 'Mine' },
    'POST /v1/tickets/{id}/replies': { message: 'Mine' },
    'POST /v1/tickets/{id}/assignee': { assigneeId: null },
  };
  const before = await countRows();
  const targets = (await operationsOf(system)).filter(({ path }) =>
    /\/v1\/(?:users|items|orders|tickets)\/\{id\}/.test(path),
  );
  expect(targets.length).toBeGreaterThan(16);
  for (const { method, path } of targets) {
    // Everybody may read items.
    if (method === 'GET' && path === '/v1/items/{id}') continue;
    const responseFor = async (id: string) => {
      const body = bodies[`${method} ${path}`];
      const target = path.replace('{id}', id);
      const response = body
        ? await system.send(method, target, body, bob.bearer)
        : await system.request(target, { method, headers: bob.bearer });
      const { code, detail } = await response.json<{ code: string; detail: string }>();
      return { status: response.status, code, detail: detail.replace(id, 'ID') };
    };
    const collection = path.split('/')[2] ?? '';
    const foreign = await responseFor(owned[collection] ?? '');
    expect([method, path, [403, 404].includes(foreign.status)]).toEqual([method, path, true]);
    expect([method, path, foreign]).toEqual([method, path, await responseFor(newId())]);
  }
  expect(await countRows()).toEqual(before);
});
