import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ItemDetail, ItemSummary } from '../../src/items/schemas';
import { itemListQuery } from '../../src/items/views';
import type { OrderDetail } from '../../src/orders/schemas';
import { newId } from '../../src/platform/ids';
import { excuseDocuments } from '../support/document-watch';
import { address } from '../support/factories';
import { countRows, createSystem } from '../support/system';

const teapot = { title: 'Teapot', price: { amount: 1999, currency: 'EUR' } };

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

async function create({ send }: System, owner: Account, item: object = teapot): Promise<string> {
  const response = await send('POST', '/v1/items', item, owner.bearer);
  expect(response.status).toBe(201);
  const { id } = await response.json<{ id: string }>();
  expect(response.headers.get('Location')).toBe(`/v1/items/${id}`);
  return id;
}

/** Reads every page of a list, and calls `between` after each page. */
async function readAllPages({ request }: System, first: string, between: () => Promise<unknown> = async () => {}) {
  const seen: ItemSummary[] = [];
  let path: string | undefined = first;
  while (path) {
    const response: Response = await request(path);
    seen.push(...(await response.json<{ data: ItemSummary[] }>()).data);
    path = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
    await between();
  }
  return seen;
}

describe('creating', () => {
  test('a new item belongs to its creator, and an item without stock is unlimited (product 3.1)', async () => {
    const system = createSystem();
    const owner = await system.register();
    const id = await create(system, owner);
    const read = await system.request(`/v1/items/${id}`);
    expect(await read.json<ItemDetail>()).toMatchObject({
      id,
      ownerId: owner.id,
      ...teapot,
      stock: null,
      isActive: true,
    });
    expect(read.headers.get('ETag')).toBe('"1"');
    await system.deliverQueues();
    const fromKv = await env.VIEWS.get(`item@2:${id}`, 'json');
    expect(fromKv).toMatchObject({ version: 1, data: { title: 'Teapot' } });
  });

  const shared = createSystem();
  let creator: Account;

  beforeAll(async () => {
    creator = await shared.register();
  });

  test.each([
    ['a fraction of a cent', { price: { amount: 19.99, currency: 'EUR' } }],
    ['a negative price', { price: { amount: -1, currency: 'EUR' } }],
    ['an unknown currency', { price: { amount: 1, currency: 'XXY' } }],
    ['a negative stock', { stock: -1 }],
    ['an empty title', { title: ' ' }],
    ['a field for the owner', { ownerId: newId() }],
  ])('an item with %s is refused, and no row is written (product 3.1)', async (_, wrong) => {
    const before = await countRows();
    expect((await shared.send('POST', '/v1/items', { ...teapot, ...wrong }, creator.bearer)).status).toBe(422);
    expect(await countRows()).toEqual(before);
  });
});

describe('reading', () => {
  test('everybody reads items without signing in, and the list filters by owner and active (product 3.2)', async () => {
    const system = createSystem();
    const [alice, bob] = [await system.register(), await system.register()];
    const active = await create(system, alice);
    const inactive = await create(system, alice);
    await create(system, bob);
    await system.send('PATCH', `/v1/items/${inactive}`, { isActive: false }, alice.bearer);
    system.clock.advance(2000);
    await system.deliverQueues();
    const ids = async (query: string) =>
      (await readAllPages(system, `/v1/items?owner=${alice.id}${query}`)).map(({ id }) => id);
    expect(await ids('')).toEqual([inactive, active]);
    expect(await ids('&active=true')).toEqual([active]);
    expect(await ids('&active=false')).toEqual([inactive]);
    const all = (await readAllPages(system, '/v1/items?active=true&limit=100')).map(({ id }) => id);
    expect(all).toContain(active);
    expect(all).not.toContain(inactive);
    for (const query of ['active=maybe', 'owner=nobody', 'cursor=x']) {
      expect((await system.request(`/v1/items?${query}`)).status).toBe(400);
    }
  });

  test('the pages of a list keep its filters, and neither skip nor repeat an item while others are created (product 3.2)', async () => {
    const system = createSystem();
    const owner = await system.register();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.push(await create(system, owner));
    system.clock.advance(4000);
    await system.deliverQueues();
    const seen = await readAllPages(system, `/v1/items?owner=${owner.id}&active=true&limit=2`, () =>
      create(system, owner),
    );
    expect(seen.map(({ id }) => id)).toEqual([...ids].reverse());
    expect(seen.every(({ ownerId }) => ownerId === owner.id)).toBe(true);
  });
});

describe('changing and deleting', () => {
  test('the owner and admins change and delete an item, and other callers get 404 (product 3.3)', async () => {
    const system = createSystem();
    const [owner, other, admin] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'admin' }),
    ];
    const id = await create(system, owner, { ...teapot, stock: 3 });
    const change = (caller: Account, body: object, headers = {}) =>
      system.send('PATCH', `/v1/items/${id}`, body, { ...caller.bearer, ...headers });
    expect((await change(other, { title: 'Mine' })).status).toBe(404);
    expect((await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: other.bearer })).status).toBe(404);
    const changed = await change(owner, { stock: null, description: 'Round' });
    const seen = { 'If-Match': changed.headers.get('ETag') ?? '' };
    expect((await change(admin, { title: 'Checked' }, seen)).status).toBe(200);
    expect((await change(owner, { title: 'Late' }, seen)).status).toBe(412);
    expect((await system.send('PATCH', `/v1/items/${newId()}`, { title: 'X' }, owner.bearer)).status).toBe(404);
    const read = await (await system.request(`/v1/items/${id}`)).json();
    expect(read).toMatchObject({ title: 'Checked', description: 'Round', stock: null, price: teapot.price });
    await system.deliverQueues();
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: owner.bearer });
    expect(deleted.status).toBe(204);
    await system.deliverQueues();
    expect((await system.request(`/v1/items/${id}`)).status).toBe(404);
    expect(await env.VIEWS.get(`item@2:${id}`)).toBeNull();
  });

  test('a changed and deleted item stays in its orders with the title and price that they captured (product 3.3)', async () => {
    const system = createSystem();
    const [owner, customer] = [await system.register(), await system.register()];
    const id = await create(system, owner);
    const order = { items: [{ itemId: id, quantity: 2 }], shippingAddress: address };
    const placed = await system.send('POST', '/v1/orders', order, customer.bearer);
    const { id: orderId } = await placed.json<{ id: string }>();
    const lines = async () => {
      system.clock.advance(2000);
      await system.deliverQueues();
      const response = await system.request(`/v1/orders/${orderId}`, { headers: customer.bearer });
      return (await response.json<OrderDetail>()).lines;
    };
    const captured = [{ itemId: id, title: teapot.title, quantity: 2, price: teapot.price, tookStock: false }];
    expect(await lines()).toEqual(captured);
    const change = { title: 'Kettle', price: { amount: 1, currency: 'EUR' }, isActive: false };
    expect((await system.send('PATCH', `/v1/items/${id}`, change, owner.bearer)).status).toBe(200);
    expect(await lines()).toEqual(captured);
    const deleted = await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: owner.bearer });
    expect(deleted.status).toBe(204);
    expect(await lines()).toEqual(captured);
  });

  test('a deletion of an account deletes its items, each with an event (product 1.5)', async () => {
    const system = createSystem();
    const owner = await system.register();
    const [first, second] = [await create(system, owner), await create(system, owner)];
    await system.deliverQueues();
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/users/${owner.id}`, { method: 'DELETE', headers: owner.bearer });
    expect(deleted.status).toBe(204);
    await system.deliverQueues();
    for (const id of [first, second]) {
      expect((await system.request(`/v1/items/${id}`)).status).toBe(404);
      const event = env.DB.prepare("SELECT version FROM events WHERE type = 'ItemDeleted' AND stream_id = ?").bind(id);
      expect(await event.first()).toEqual({ version: 2 });
    }
    expect(await readAllPages(system, `/v1/items?owner=${owner.id}`)).toEqual([]);
  });

  test('a change to the values that an item already has writes no row and records no event', async () => {
    const system = createSystem();
    const owner = await system.register();
    const id = await create(system, owner);
    const before = await countRows();
    const response = await system.send(
      'PATCH',
      `/v1/items/${id}`,
      { price: teapot.price, title: 'Teapot' },
      owner.bearer,
    );
    expect(await response.json()).toEqual({ id, version: 1 });
    expect(await countRows()).toEqual(before);
  });

  test('a deactivated account cannot create or change an item with a token that has not expired (product 1.7)', async () => {
    const system = createSystem();
    const [owner, admin] = [await system.register(), await system.register({ role: 'admin' })];
    const id = await create(system, owner);
    await system.request(`/v1/users/${owner.id}/deactivate`, { method: 'POST', headers: admin.bearer });
    const before = await countRows();
    expect((await system.send('POST', '/v1/items', teapot, owner.bearer)).status).toBe(401);
    expect((await system.send('PATCH', `/v1/items/${id}`, { title: 'X' }, owner.bearer)).status).toBe(401);
    expect(await countRows()).toEqual(before);
  });
});

const slices = [undefined, newId()].flatMap((after) =>
  (['newest', 'oldest'] as const).map((order) => ({ after, order })),
);

test.each([[{}], [{ owner: newId() }], [{ isActive: true }], [{ owner: newId(), isActive: true }]])(
  'the list of items with the filter %j uses an index and does not sort',
  async (filter) => {
    const db = drizzle(env.DB);
    for (const slice of slices) {
      const { sql, params } = itemListQuery(db as Parameters<typeof itemListQuery>[0], filter, {
        limit: 20,
        ...slice,
      }).toSQL();
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>();
      const plan = results.map(({ detail }) => detail).join('; ');
      expect(plan).not.toContain('TEMP B-TREE');
      // The first page without a filter reads an index in order until the page is full.
      if (slice.after !== undefined || Object.keys(filter).length > 0) expect(plan).toMatch(/^SEARCH items USING/);
      else expect(plan).toMatch(/^SCAN items;/);
    }
  },
);

test('an owner who sets the stock gets 412 when an order has taken pieces since the owner read it (product 6.3)', async () => {
  const system = createSystem();
  const owner = await system.register();
  const id = await create(system, owner, { ...teapot, stock: 5 });
  const take = () =>
    env.DB.prepare('UPDATE items SET stock = stock - 1, stock_version = stock_version + 1 WHERE id = ?').bind(id).run();
  await take();
  const change = (body: object, headers = {}) =>
    system.send('PATCH', `/v1/items/${id}`, body, { ...owner.bearer, ...headers });
  expect((await change({ stock: 9 }, { 'If-Match': '"1"' })).status).toBe(412);
  expect((await change({ title: 'Pot' })).status).toBe(200);
  const read = async () => (await system.request(`/v1/items/${id}`)).json<ItemDetail>();
  expect(await read()).toMatchObject({ title: 'Pot', stock: 4 });
  expect((await change({ stock: 9 }, { 'If-Match': '"3"' })).status).toBe(200);
  expect(await read()).toMatchObject({ stock: 9 });
});

describe('taking an item down (product 3.4)', () => {
  test('an agent takes down another’s item, everybody reads that it is, and only the staff puts it back on sale', async () => {
    const system = createSystem();
    const [owner, customer, agent, other, admin] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
      await system.register({ role: 'agent' }),
      await system.register({ role: 'admin' }),
    ];
    const id = await create(system, owner, { ...teapot, stock: 3 });
    const change = async (caller: Account, body: object) => {
      const response = await system.send('PATCH', `/v1/items/${id}`, body, caller.bearer);
      const { code } = await response.json<{ code?: string }>();
      return [response.status, code];
    };
    const settle = async () => {
      system.clock.advance(2000);
      await system.deliverQueues();
    };
    /** The state of the item in KV, in D1, and in the lists. */
    const seen = async () => {
      const token = (await system.send('POST', '/v1/items', teapot, owner.bearer)).headers.get('Consistency-Token');
      const [fromKv, fromD1] = [
        await system.request(`/v1/items/${id}`),
        await system.request(`/v1/items/${id}`, { headers: { 'Consistency-Token': token ?? '' } }),
      ];
      expect([fromKv, fromD1].map((response) => response.headers.get('Cache-Status'))).toEqual([
        'KV; hit',
        'KV; fwd=stale',
      ]);
      const rows = await readAllPages(system, `/v1/items?owner=${owner.id}`);
      const row = rows.find((item) => item.id === id);
      const states = [await fromKv.json<ItemDetail>(), await fromD1.json<ItemDetail>(), row];
      return states.map((item) => [item?.isActive, item?.takenDown]);
    };
    const all = (isActive: boolean, takenDown: boolean) => Array.from({ length: 3 }, () => [isActive, takenDown]);
    await settle();
    expect(await seen()).toEqual(all(true, false));

    expect(await change(agent, { title: 'Mine' })).toEqual([403, 'items.not-yours']);
    expect(await change(agent, { isActive: false, stock: 1 })).toEqual([403, 'items.not-yours']);
    const removal = await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: agent.bearer });
    expect(removal.status).toBe(403);
    expect(await change(owner, { isActive: false })).toEqual([200, undefined]);
    await settle();
    expect(await seen()).toEqual(all(false, false));
    expect(await change(agent, { isActive: true })).toEqual([403, 'items.not-yours']);

    // The owner has withdrawn it, and the desk takes it down as well.
    expect(await change(agent, { isActive: false })).toEqual([200, undefined]);
    await settle();
    expect(await seen()).toEqual(all(false, true));
    const order = { items: [{ itemId: id, quantity: 1 }], shippingAddress: address };
    expect((await system.send('POST', '/v1/orders', order, customer.bearer)).status).toBe(422);
    expect(await change(owner, { isActive: true })).toEqual([409, 'items.taken-down']);
    expect(await change(owner, { title: 'Corrected' })).toEqual([200, undefined]);
    expect(await change(customer, { isActive: false })).toEqual([404, 'items.not-found']);
    const document = await env.VIEWS.get(`item@2:${id}`);
    expect(document).not.toContain(agent.id);

    expect(await change(other, { isActive: true })).toEqual([200, undefined]);
    await settle();
    expect(await seen()).toEqual(all(true, false));
    expect(await change(admin, { isActive: false })).toEqual([200, undefined]);
    expect(await change(owner, { isActive: true })).toEqual([409, 'items.taken-down']);
    expect(await change(admin, { isActive: true, title: 'Checked' })).toEqual([200, undefined]);
  });

  test('an item stays taken down when the account of the agent is deleted', async () => {
    const system = createSystem();
    const [owner, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const id = await create(system, owner);
    expect((await system.send('PATCH', `/v1/items/${id}`, { isActive: false }, agent.bearer)).status).toBe(200);
    const removal = await system.request(`/v1/users/${agent.id}`, { method: 'DELETE', headers: agent.bearer });
    expect(removal.status).toBe(204);
    expect((await system.send('PATCH', `/v1/items/${id}`, { isActive: true }, owner.bearer)).status).toBe(409);
  });

  test('what a Worker from before 0.5.0 puts back on sale is on sale, and not taken down', async () => {
    const system = createSystem();
    const [owner, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const id = await create(system, owner);
    await system.send('PATCH', `/v1/items/${id}`, { isActive: false }, agent.bearer);
    excuseDocuments('The row is changed without an event.');
    await env.DB.prepare('UPDATE items SET is_active = 1 WHERE id = ?').bind(id).run();
    const read = await (await system.request(`/v1/items/${id}`)).json<ItemDetail>();
    expect([read.isActive, read.takenDown]).toEqual([true, false]);
  });
});

describe('a shop in which only the staff sells (product 3.5)', () => {
  test('a customer is refused with a problem that says why, and writes no row; agents and admins sell', async () => {
    const system = createSystem({ SELLERS: 'staff' });
    const [customer, agent, admin] = [
      await system.register(),
      await system.register({ role: 'agent' }),
      await system.register({ role: 'admin' }),
    ];
    const before = await countRows();
    const refused = await system.send('POST', '/v1/items', teapot, customer.bearer);
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { code: 'items.only-staff-sells', details: { role: 'customer' } },
    ]);
    expect(await countRows()).toEqual(before);
    for (const seller of [agent, admin]) await create(system, seller);
  });

  test('a seller who became a customer can only withdraw and delete their own items', async () => {
    const system = createSystem({ SELLERS: 'staff' });
    const [seller, admin] = [await system.register({ role: 'agent' }), await system.register({ role: 'admin' })];
    const id = await create(system, seller);
    const demoted = await system.send('POST', `/v1/users/${seller.id}/role`, { role: 'customer' }, admin.bearer);
    expect(demoted.status).toBe(200);
    expect((await system.send('POST', '/v1/items', teapot, seller.bearer)).status).toBe(401);
    const { bearer } = await system.signIn(seller.email);
    const change = async (body: object) => (await system.send('PATCH', `/v1/items/${id}`, body, bearer)).status;
    expect(await change({ title: 'Pot' })).toBe(403);
    expect(await change({ isActive: false })).toBe(200);
    expect(await change({ isActive: true })).toBe(403);
    expect((await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
  });
});
