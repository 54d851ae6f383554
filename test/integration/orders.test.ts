import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { describe, expect, test } from 'vitest';
import type { ItemDetail } from '../../src/items/schemas';
import type { OrderDetail, OrderSummary } from '../../src/orders/schemas';
import { orderListQuery } from '../../src/orders/views';
import { newId } from '../../src/platform/ids';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Caller = Awaited<ReturnType<System['register']>>;

const address = { name: 'Grace Hopper', line1: '1 Navy Yard', postalCode: '20374', city: 'Washington', country: 'US' };
const price = { amount: 500, currency: 'USD' };

async function createItem({ send }: System, owner: Caller, item: object = {}): Promise<string> {
  const response = await send('POST', '/v1/items', { title: 'Nanosecond', price, ...item }, owner.bearer);
  return (await response.json<{ id: string }>()).id;
}

function place({ send }: System, caller: Caller, items: object[], headers = {}) {
  return send('POST', '/v1/orders', { items, shippingAddress: address }, { ...caller.bearer, ...headers });
}

async function placed(system: System, caller: Caller, items: object[]): Promise<string> {
  const response = await place(system, caller, items);
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

async function read<Answer>({ request }: System, path: string, caller: Caller): Promise<Answer> {
  return (await request(path, { headers: caller.bearer })).json<Answer>();
}

function act({ request }: System, caller: Caller, id: string, action: string) {
  return request(`/v1/orders/${id}/${action}`, { method: 'POST', headers: caller.bearer });
}

async function stockOf({ request }: System, id: string) {
  return (await (await request(`/v1/items/${id}`)).json<ItemDetail>()).stock;
}

describe('placing (product 4.1, 4.2)', () => {
  test('computes totals from the prices of that moment, and keeps them', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const [rope, wire] = [
      await createItem(system, shop, { stock: 5 }),
      await createItem(system, shop, { title: 'Wire' }),
    ];
    const id = await placed(system, customer, [
      { itemId: rope, quantity: 2 },
      { itemId: wire, quantity: 3 },
    ]);
    await system.send(
      'PATCH',
      `/v1/items/${rope}`,
      { title: 'Other', price: { amount: 1, currency: 'USD' } },
      shop.bearer,
    );
    const order = await read<OrderDetail>(system, `/v1/orders/${id}`, customer);
    expect(order).toMatchObject({ customerId: customer.id, status: 'placed', shippingAddress: address });
    expect(order.total).toEqual({ amount: 2500, currency: 'USD' });
    expect(order.lines[0]).toEqual({ itemId: rope, title: 'Nanosecond', quantity: 2, price });
    expect([await stockOf(system, rope), await stockOf(system, wire)]).toEqual([3, null]);
    const { results } = await env.DB.prepare('SELECT data FROM events WHERE stream_id = ?').bind(id).all();
    expect(JSON.stringify(results)).not.toMatch(/Hopper|Navy|Nanosecond/);
  });

  test('twelve clients and three last pieces: three orders, nine conflicts, no stock below zero', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const item = await createItem(system, shop, { stock: 3 });
    const responses = await Promise.all(
      Array.from({ length: 12 }, () => place(system, customer, [{ itemId: item, quantity: 1 }])),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201).length).toBe(3);
    expect(statuses.filter((status) => status === 409).length).toBe(9);
    expect(await stockOf(system, item)).toBe(0);
    const refused = responses.find(({ status }) => status === 409);
    expect(await refused?.json()).toMatchObject({ code: 'orders.out-of-stock' });
  });

  test('one line too many takes nothing of the others', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const [full, empty] = [await createItem(system, shop, { stock: 5 }), await createItem(system, shop, { stock: 0 })];
    const before = await countRows();
    const both = [full, empty].map((itemId) => ({ itemId, quantity: 1 }));
    expect((await place(system, customer, both)).status).toBe(409);
    expect(await stockOf(system, full)).toBe(5);
    expect(await countRows()).toEqual(before);
  });

  test('an unknown, inactive or differently priced item, and bad lines, are 422 and leave nothing', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const item = await createItem(system, shop);
    const inactive = await createItem(system, shop);
    await system.send('PATCH', `/v1/items/${inactive}`, { isActive: false }, shop.bearer);
    const euros = await createItem(system, shop, { price: { amount: 1, currency: 'EUR' } });
    const before = await countRows();
    const line = (itemId: string, quantity: unknown = 1) => ({ itemId, quantity });
    for (const items of [
      [line(newId())],
      [line(item), line(inactive)],
      [line(item), line(euros)],
      [line(item), line(item)],
      [line(item, 0)],
      [line(item, 1001)],
      [line(item, 1.5)],
      [],
      Array.from({ length: 51 }, () => line(newId())),
    ]) {
      expect((await place(system, customer, items)).status).toBe(422);
    }
    const response = await system.send(
      'POST',
      '/v1/orders',
      { items: [line(item)], shippingAddress: { ...address, country: 'Narnia' } },
      customer.bearer,
    );
    expect(response.status).toBe(422);
    expect(await countRows()).toEqual(before);
  });

  test('an order sent twice under one Idempotency-Key takes stock once', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const item = await createItem(system, shop, { stock: 4 });
    const headers = { 'Idempotency-Key': newId() };
    const send = () => place(system, customer, [{ itemId: item, quantity: 1 }], headers);
    const answers = await Promise.all((await Promise.all([send(), send(), send()])).map((response) => response.text()));
    expect(new Set(answers).size).toBe(1);
    expect(await stockOf(system, item)).toBe(3);
  });

  test('a deactivated customer orders nothing', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register({ role: 'admin' })];
    const item = await createItem(system, shop, { stock: 1 });
    await system.request(`/v1/users/${shop.id}/deactivate`, { method: 'POST', headers: customer.bearer });
    const before = await countRows();
    expect((await place(system, shop, [{ itemId: item, quantity: 1 }])).status).toBe(401);
    expect(await countRows()).toEqual(before);
  });
});

describe('moving on (product 4.3)', () => {
  async function given() {
    const system = createSystem();
    const [shop, customer, agent] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
    ];
    const item = await createItem(system, shop, { stock: 5 });
    return { system, customer, agent, item, id: await placed(system, customer, [{ itemId: item, quantity: 2 }]) };
  }

  test('a customer cancels while placed, and the stock comes back once', async () => {
    const { system, customer, item, id } = await given();
    const responses = await Promise.all([1, 2, 3].map(() => act(system, customer, id, 'cancel')));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await stockOf(system, item)).toBe(5);
    expect(await read(system, `/v1/orders/${id}`, customer)).toMatchObject({ status: 'cancelled' });
  });

  test('agents ship and deliver; what is illegal is 409', async () => {
    const { system, customer, agent, item, id } = await given();
    const statusOf = async (caller: Caller, action: string) => (await act(system, caller, id, action)).status;
    expect(await statusOf(customer, 'ship')).toBe(403);
    expect(await statusOf(agent, 'deliver')).toBe(409);
    expect(await statusOf(agent, 'ship')).toBe(200);
    expect(await statusOf(agent, 'ship')).toBe(409);
    expect(await statusOf(customer, 'cancel')).toBe(409);
    expect(await statusOf(agent, 'deliver')).toBe(200);
    expect(await statusOf(agent, 'cancel')).toBe(409);
    expect(await stockOf(system, item)).toBe(3);
  });

  test('an agent cancels what is shipped', async () => {
    const { system, agent, item, id } = await given();
    await act(system, agent, id, 'ship');
    expect((await act(system, agent, id, 'cancel')).status).toBe(200);
    expect(await stockOf(system, item)).toBe(5);
  });
});

describe('reading (product 4.4)', () => {
  test('a customer sees their own, agents see all and filter; another’s is the same 404 as none', async () => {
    const system = createSystem();
    const [alice, bob, agent] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
    ];
    const item = await createItem(system, agent);
    const first = await placed(system, alice, [{ itemId: item, quantity: 1 }]);
    const second = await placed(system, alice, [{ itemId: item, quantity: 1 }]);
    await placed(system, bob, [{ itemId: item, quantity: 1 }]);
    await act(system, agent, first, 'ship');
    system.clock.advance(2000);
    await system.settle();
    const list = async (caller: Caller, query: string) =>
      (await read<{ data: OrderSummary[] }>(system, `/v1/orders?${query}`, caller)).data.map(({ id }) => id);
    expect(await list(alice, '')).toEqual([second, first]);
    expect(await list(alice, 'status=shipped')).toEqual([first]);
    expect(await list(alice, `customer=${bob.id}`)).toEqual([second, first]);
    expect(await list(agent, `customer=${alice.id}&status=placed`)).toEqual([second]);
    expect((await list(agent, 'limit=100')).length).toBeGreaterThanOrEqual(3);
    for (const [caller, id] of [
      [bob, first],
      [bob, newId()],
    ] as const) {
      const answer = await system.request(`/v1/orders/${id}`, { headers: caller.bearer });
      expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([404, 'orders.not-found']);
      expect((await act(system, caller, id, 'cancel')).status).toBe(404);
    }
    const page = await system.request('/v1/orders?limit=1', { headers: alice.bearer });
    const next = /<(.+)>; rel="next"/.exec(page.headers.get('Link') ?? '')?.[1] ?? '';
    expect((await read<{ data: OrderSummary[] }>(system, next, alice)).data.map(({ id }) => id)).toEqual([first]);
  });

  test('when the account is deleted its orders stay, and say no more whose they were (product 1.5)', async () => {
    const system = createSystem();
    const [customer, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const item = await createItem(system, agent);
    const id = await placed(system, customer, [{ itemId: item, quantity: 1 }]);
    await system.settle();
    expect(await env.VIEWS.get(`order@1:${id}`)).toContain('Navy Yard');
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    expect(deleted.status).toBe(204);
    await system.settle();
    const order = await read<OrderDetail>(system, `/v1/orders/${id}`, agent);
    expect(order).toMatchObject({ customerId: null, shippingAddress: null, total: { amount: 500 } });
    expect(await env.VIEWS.get(`order@1:${id}`)).not.toMatch(/Navy Yard|Hopper/);
    const { results } = await env.DB.prepare('SELECT * FROM shipping_addresses WHERE order_id = ?').bind(id).all();
    expect(results).toEqual([]);
    expect((await act(system, agent, id, 'ship')).status).toBe(200);
  });
});

test.each([
  [{}],
  [{ customer: newId() }],
  [{ status: 'placed' as const }],
  [{ customer: newId(), status: 'placed' as const }],
])('no list of orders scans or sorts: %j', async (filter) => {
  const db = drizzle(env.DB);
  for (const after of [undefined, newId()]) {
    const { sql, params } = orderListQuery(db, filter, 20, after).toSQL();
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail).join('; ');
    expect(plan).not.toContain('TEMP B-TREE');
    // The unfiltered list from its newest entry walks the primary key in order until the page is full.
    expect(plan).toMatch(after || Object.keys(filter).length > 0 ? /^SEARCH orders USING/ : /^SCAN orders USING INDEX/);
  }
});
