import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ItemDetail } from '../../src/items/schemas';
import { orderStatuses } from '../../src/orders/order-status';
import type { OrderDetail, OrderSummary } from '../../src/orders/schemas';
import { orderListQuery } from '../../src/orders/views';
import { newId } from '../../src/platform/ids';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

const address = { name: 'Grace Hopper', line1: '1 Navy Yard', postalCode: '20374', city: 'Washington', country: 'US' };
const price = { amount: 500, currency: 'USD' };

async function createItem({ send }: System, owner: Account, item: object = {}): Promise<string> {
  const response = await send('POST', '/v1/items', { title: 'Nanosecond', price, ...item }, owner.bearer);
  return (await response.json<{ id: string }>()).id;
}

function place({ send }: System, caller: Account, items: object[], headers = {}) {
  return send('POST', '/v1/orders', { items, shippingAddress: address }, { ...caller.bearer, ...headers });
}

async function placeOrder(system: System, caller: Account, items: object[]): Promise<string> {
  const response = await place(system, caller, items);
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

async function read<Body>({ request }: System, path: string, caller: Account): Promise<Body> {
  return (await request(path, { headers: caller.bearer })).json<Body>();
}

function sendAction({ request }: System, caller: Account, id: string, action: string) {
  return request(`/v1/orders/${id}/${action}`, { method: 'POST', headers: caller.bearer });
}

async function stockOf({ request }: System, id: string) {
  return (await (await request(`/v1/items/${id}`)).json<ItemDetail>()).stock;
}

describe('placing', () => {
  test('an order captures titles and prices, computes its total, and keeps them when an item changes (product 4.1)', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const [rope, wire] = [
      await createItem(system, shop, { stock: 5 }),
      await createItem(system, shop, { title: 'Wire' }),
    ];
    const id = await placeOrder(system, customer, [
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
    expect(order.lines[0]).toEqual({ itemId: rope, title: 'Nanosecond', quantity: 2, price, tookStock: true });
    expect([await stockOf(system, rope), await stockOf(system, wire)]).toEqual([3, null]);
    const { results } = await env.DB.prepare('SELECT data FROM events WHERE stream_id = ?').bind(id).all();
    expect(JSON.stringify(results)).not.toMatch(/Hopper|Navy|Nanosecond/);
  });

  test('of twelve orders at the same time for the three last pieces, three get 201 and nine get 409 (product 4.2)', async () => {
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

  test('an order with one item out of stock gets 409, and takes no stock of its other items (product 4.2)', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const [full, empty] = [await createItem(system, shop, { stock: 5 }), await createItem(system, shop, { stock: 0 })];
    const before = await countRows();
    const both = [full, empty].map((itemId) => ({ itemId, quantity: 1 }));
    expect((await place(system, customer, both)).status).toBe(409);
    expect(await stockOf(system, full)).toBe(5);
    expect(await countRows()).toEqual(before);
  });

  const newLine = (itemId: string, quantity: unknown = 1) => ({ itemId, quantity });

  type Items = Record<'rope' | 'inactive' | 'deleted', string>;
  const shared = createSystem();
  let caller: Account;
  let items: Items;

  beforeAll(async () => {
    caller = await shared.register();
    items = {
      rope: await createItem(shared, caller),
      inactive: await createItem(shared, caller),
      deleted: await createItem(shared, caller),
    };
    await shared.send('PATCH', `/v1/items/${items.inactive}`, { isActive: false }, caller.bearer);
    await shared.request(`/v1/items/${items.deleted}`, { method: 'DELETE', headers: caller.bearer });
  });

  test.each<[string, (items: Items) => object[]]>([
    ['an unknown item', () => [newLine(newId())]],
    ['a deleted item', ({ deleted }) => [newLine(deleted)]],
    ['an item that is off sale', ({ rope, inactive }) => [newLine(rope), newLine(inactive)]],
    ['one item on two lines', ({ rope }) => [newLine(rope), newLine(rope)]],
    ['a quantity of 0', ({ rope }) => [newLine(rope, 0)]],
    ['a quantity of 1,001', ({ rope }) => [newLine(rope, 1001)]],
    ['a quantity that is no whole number', ({ rope }) => [newLine(rope, 1.5)]],
    ['no lines', () => []],
    ['51 lines', () => Array.from({ length: 51 }, () => newLine(newId()))],
  ])('an order with %s gets 422 and writes no row (product 4.2)', async (_, linesOf) => {
    const before = await countRows();
    expect((await place(shared, caller, linesOf(items))).status).toBe(422);
    expect(await countRows()).toEqual(before);
  });

  test('an order with items of two currencies gets 422 and writes no row (product 4.1)', async () => {
    const system = createSystem();
    const customer = await system.register();
    const dollars = await createItem(system, customer);
    const euros = await createItem(system, customer, { price: { amount: 1, currency: 'EUR' } });
    const before = await countRows();
    const response = await place(system, customer, [newLine(dollars), newLine(euros)]);
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([422, 'orders.mixed-currencies']);
    expect(await countRows()).toEqual(before);
  });

  test('an order with 50 lines of 1,000 pieces succeeds (product 4.2)', async () => {
    const system = createSystem();
    const customer = await system.register();
    const lines: object[] = [];
    for (let count = 0; count < 50; count++) lines.push(newLine(await createItem(system, customer), 1000));
    expect((await place(system, customer, lines)).status).toBe(201);
  });

  test('an order with an address that is not valid gets 422 and writes no row (product 4.1)', async () => {
    const system = createSystem();
    const customer = await system.register();
    const items = [newLine(await createItem(system, customer))];
    const before = await countRows();
    for (const shippingAddress of [{ ...address, country: 'Narnia' }, { ...address, city: ' ' }, undefined]) {
      const response = await system.send('POST', '/v1/orders', { items, shippingAddress }, customer.bearer);
      expect(response.status).toBe(422);
    }
    expect(await countRows()).toEqual(before);
  });

  test('an order that is sent three times with one Idempotency-Key takes its stock once (product 6.2)', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register()];
    const item = await createItem(system, shop, { stock: 4 });
    const headers = { 'Idempotency-Key': newId() };
    const send = () => place(system, customer, [{ itemId: item, quantity: 1 }], headers);
    const texts = await Promise.all((await Promise.all([send(), send(), send()])).map((response) => response.text()));
    expect(new Set(texts).size).toBe(1);
    expect(await stockOf(system, item)).toBe(3);
  });

  test('a deactivated customer cannot place an order (product 1.7)', async () => {
    const system = createSystem();
    const [shop, customer] = [await system.register(), await system.register({ role: 'admin' })];
    const item = await createItem(system, shop, { stock: 1 });
    await system.request(`/v1/users/${shop.id}/deactivate`, { method: 'POST', headers: customer.bearer });
    const before = await countRows();
    expect((await place(system, shop, [{ itemId: item, quantity: 1 }])).status).toBe(401);
    expect(await countRows()).toEqual(before);
  });
});

describe('status', () => {
  async function given() {
    const system = createSystem();
    const [shop, customer, agent] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
    ];
    const item = await createItem(system, shop, { stock: 5 });
    return { system, customer, agent, item, id: await placeOrder(system, customer, [{ itemId: item, quantity: 2 }]) };
  }

  test('of three cancellations at the same time one succeeds, and the stock returns once (product 4.3)', async () => {
    const { system, customer, item, id } = await given();
    const responses = await Promise.all([1, 2, 3].map(() => sendAction(system, customer, id, 'cancel')));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(await stockOf(system, item)).toBe(5);
    expect(await read(system, `/v1/orders/${id}`, customer)).toMatchObject({ status: 'cancelled' });
  });

  test('agents ship and deliver an order, a customer who ships gets 403, and a transition that is not allowed gets 409 (product 4.3)', async () => {
    const { system, customer, agent, item, id } = await given();
    const statusOf = async (caller: Account, action: string) => (await sendAction(system, caller, id, action)).status;
    expect(await statusOf(customer, 'ship')).toBe(403);
    expect(await statusOf(agent, 'deliver')).toBe(409);
    expect(await statusOf(agent, 'ship')).toBe(200);
    expect(await statusOf(agent, 'ship')).toBe(409);
    expect(await statusOf(customer, 'cancel')).toBe(409);
    expect(await statusOf(agent, 'deliver')).toBe(200);
    expect(await statusOf(agent, 'cancel')).toBe(409);
    expect(await stockOf(system, item)).toBe(3);
  });

  test('each transition records its event (product 4.3)', async () => {
    const { system, customer, agent, item, id } = await given();
    const typesOf = async (orderId: string) => {
      const { results } = await env.DB.prepare('SELECT type FROM events WHERE stream_id = ? ORDER BY version')
        .bind(orderId)
        .all<{ type: string }>();
      return results.map(({ type }) => type);
    };
    await sendAction(system, agent, id, 'ship');
    await sendAction(system, agent, id, 'deliver');
    expect(await typesOf(id)).toEqual(['OrderPlaced', 'OrderShipped', 'OrderDelivered']);
    const other = await placeOrder(system, customer, [{ itemId: item, quantity: 1 }]);
    await sendAction(system, customer, other, 'cancel');
    expect(await typesOf(other)).toEqual(['OrderPlaced', 'OrderCancelled']);
  });

  test('a cancellation whose stock cannot be returned does not cancel the order (product 4.3)', async () => {
    const { system, customer, item, id } = await given();
    await env.DB.prepare(
      "CREATE TRIGGER no_return BEFORE UPDATE OF stock ON items BEGIN SELECT RAISE(ABORT, 'no return'); END",
    ).run();
    expect((await sendAction(system, customer, id, 'cancel')).status).toBe(500);
    await env.DB.prepare('DROP TRIGGER no_return').run();
    expect(await read(system, `/v1/orders/${id}`, customer)).toMatchObject({ status: 'placed' });
    expect(await stockOf(system, item)).toBe(3);
  });

  test('a cancellation returns no pieces that the order did not take (product 4.3)', async () => {
    const { system, customer, agent } = await given();
    const item = await createItem(system, agent);
    const ended = await placeOrder(system, customer, [{ itemId: item, quantity: 7 }]);
    await placeOrder(system, customer, [{ itemId: item, quantity: 5 }]);
    await system.send('PATCH', `/v1/items/${item}`, { stock: 3 }, agent.bearer);
    expect((await sendAction(system, customer, ended, 'cancel')).status).toBe(200);
    expect(await stockOf(system, item)).toBe(3);
    const path = `/v1/users/${customer.id}`;
    expect((await system.request(path, { method: 'DELETE', headers: customer.bearer })).status).toBe(204);
    expect(await stockOf(system, item)).toBe(3);
  });

  test('an agent cancels a shipped order, and the stock returns (product 4.3)', async () => {
    const { system, agent, item, id } = await given();
    await sendAction(system, agent, id, 'ship');
    expect((await sendAction(system, agent, id, 'cancel')).status).toBe(200);
    expect(await stockOf(system, item)).toBe(5);
  });
});

describe('reading', () => {
  test('an order has the fields of OrderDetail, and a row of the list those of OrderSummary (product 4.4)', async () => {
    const system = createSystem();
    const customer = await system.register();
    const item = await createItem(system, customer);
    const id = await placeOrder(system, customer, [{ itemId: item, quantity: 3 }]);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const total = { amount: 1500, currency: 'USD' };
    expect(await read(system, `/v1/orders/${id}`, customer)).toEqual({
      id,
      number: expect.any(Number),
      customerId: customer.id,
      status: 'placed',
      lines: [{ itemId: item, title: 'Nanosecond', quantity: 3, price, tookStock: false }],
      total,
      shippingAddress: address,
      createdAt: time,
      updatedAt: time,
    });
    const { data } = await read<{ data: OrderSummary[] }>(system, '/v1/orders', customer);
    const number = expect.any(Number);
    expect(data).toEqual([
      { id, number, customerId: customer.id, status: 'placed', total, lineCount: 1, createdAt: time },
    ]);
  });

  test('customers see their own orders, and agents see all orders and filter by status and customer (product 4.4)', async () => {
    const system = createSystem();
    const [alice, bob, agent] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
    ];
    const item = await createItem(system, agent);
    const first = await placeOrder(system, alice, [{ itemId: item, quantity: 1 }]);
    const second = await placeOrder(system, alice, [{ itemId: item, quantity: 1 }]);
    await placeOrder(system, bob, [{ itemId: item, quantity: 1 }]);
    await sendAction(system, agent, first, 'ship');
    system.clock.advance(2000);
    await system.deliverQueues();
    const list = async (caller: Account, query: string) =>
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
      const response = await system.request(`/v1/orders/${id}`, { headers: caller.bearer });
      expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([404, 'orders.not-found']);
      expect((await sendAction(system, caller, id, 'cancel')).status).toBe(404);
    }
    const page = await system.request('/v1/orders?limit=1', { headers: alice.bearer });
    const next = /<(.+)>; rel="next"/.exec(page.headers.get('Link') ?? '')?.[1] ?? '';
    expect((await read<{ data: OrderSummary[] }>(system, next, alice)).data.map(({ id }) => id)).toEqual([first]);
  });

  test('orders are numbered in the order of their commits, and a repeated command has one order with one number (product 4.5)', async () => {
    const system = createSystem();
    const [customer, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const items = [{ itemId: await createItem(system, agent), quantity: 1 }];
    const numberOf = async (id: string) => (await read<OrderDetail>(system, `/v1/orders/${id}`, agent)).number;
    const first = await placeOrder(system, customer, items);
    const key = { 'Idempotency-Key': newId() };
    const [placed, again] = [await place(system, customer, items, key), await place(system, customer, items, key)];
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    const { id: second } = await placed.json<{ id: string }>();
    expect((await again.json<{ id: string }>()).id).toBe(second);
    await sendAction(system, customer, second, 'cancel');
    const together = await Promise.all(Array.from({ length: 5 }, () => placeOrder(system, customer, items)));
    const start = await numberOf(first);
    expect(start).toBeGreaterThanOrEqual(1001);
    expect(await numberOf(second)).toBe(start + 1);
    const numbers = await Promise.all(together.map(numberOf));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6].map((step) => start + step));
  });

  test('the configuration raises the next number (product 4.5)', async () => {
    const system = createSystem({ FIRST_ORDER_NUMBER: '700000' } as Partial<Env>);
    const [customer, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const items = [{ itemId: await createItem(system, agent), quantity: 1 }];
    const ids = [await placeOrder(system, customer, items), await placeOrder(system, customer, items)];
    const { data } = await read<{ data: OrderSummary[] }>(system, '/v1/orders', customer);
    expect(data.map(({ id, number }) => [id, number])).toEqual([
      [ids[1], 700_001],
      [ids[0], 700_000],
    ]);
  });

  test('an order that a Worker from before 0.5.0 inserts gets the next number (product 4.5)', async () => {
    const system = createSystem();
    const customer = await system.register();
    const items = [{ itemId: await createItem(system, customer), quantity: 1 }];
    const before = await placeOrder(system, customer, items);
    const id = newId();
    await env.DB.prepare(
      `INSERT INTO orders (id, version, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
       VALUES (?1, 1, ?2, 'placed', '[]', 0, 0, 'EUR', ?3, ?3)`,
    )
      .bind(id, customer.id, new Date().toISOString())
      .run();
    const after = await placeOrder(system, customer, items);
    const numbers = [];
    for (const order of [before, id, after]) {
      numbers.push((await read<OrderDetail>(system, `/v1/orders/${order}`, customer)).number);
    }
    const [first = 0] = numbers;
    expect(numbers).toEqual([first, first + 1, first + 2]);
  });

  test('an order is found by its number: by a customer among their own, by agents among all (product 4.5)', async () => {
    const system = createSystem();
    const [alice, bob, agent] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'agent' }),
    ];
    const items = [{ itemId: await createItem(system, agent), quantity: 1 }];
    const placed = await place(system, alice, items);
    const { id } = await placed.json<{ id: string }>();
    await placeOrder(system, alice, items);
    const { number } = await read<OrderDetail>(system, `/v1/orders/${id}`, alice);
    const token = placed.headers.get('Consistency-Token') ?? '';
    const find = async (caller: Account, query: string, headers = {}) => {
      const response = await system.request(`/v1/orders?${query}`, { headers: { ...caller.bearer, ...headers } });
      const { data, nextCursor } = await response.json<{ data: OrderSummary[]; nextCursor: string | null }>();
      expect([response.status, nextCursor, response.headers.get('Link')]).toEqual([200, null, null]);
      const headersOf = ['Cache-Status', 'Consistency'].map((name) => response.headers.get(name));
      return { rows: data.map((order) => [order.id, order.number]), headers: headersOf };
    };
    expect(await find(alice, `number=${number}`)).toEqual({
      rows: [[id, number]],
      headers: ['KV; fwd=miss', 'eventual'],
    });
    const withToken = await find(agent, `number=${number}&limit=1`, { 'Consistency-Token': token });
    expect(withToken).toEqual({ rows: [[id, number]], headers: ['KV; fwd=miss', 'strong'] });
    const rowsOf = async (caller: Account, query: string) => (await find(caller, query)).rows.length;
    expect(await rowsOf(bob, `number=${number}`)).toBe(0);
    expect(await rowsOf(bob, `number=${number}&customer=${alice.id}`)).toBe(0);
    expect(await rowsOf(agent, `number=${number}&customer=${bob.id}`)).toBe(0);
    expect(await rowsOf(agent, `number=${number}&customer=${alice.id}&status=placed`)).toBe(1);
    expect(await rowsOf(agent, `number=${number}&status=shipped`)).toBe(0);
    expect(await rowsOf(agent, 'number=999999999999999')).toBe(0);
    const status = async (query: string, headers: Record<string, string> = agent.bearer) =>
      (await system.request(`/v1/orders?${query}`, { headers })).status;
    for (const wrong of ['0', '-1', '1.5', '1e3', 'x', '', '1234567890123456']) {
      expect([wrong, await status(`number=${wrong}`)]).toEqual([wrong, 400]);
    }
    expect(await status(`number=${number}`, {})).toBe(401);
  });

  test('orders of a deleted account stay, without a customer and an address (product 1.5)', async () => {
    const system = createSystem();
    const [customer, agent] = [await system.register(), await system.register({ role: 'agent' })];
    const item = await createItem(system, agent);
    const id = await placeOrder(system, customer, [{ itemId: item, quantity: 1 }]);
    await system.deliverQueues();
    expect(await env.VIEWS.get(`order@3:${id}`)).toContain('Navy Yard');
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    expect(deleted.status).toBe(204);
    await system.deliverQueues();
    const order = await read<OrderDetail>(system, `/v1/orders/${id}`, agent);
    expect(order).toMatchObject({ customerId: null, shippingAddress: null, total: { amount: 500 } });
    expect(await env.VIEWS.get(`order@3:${id}`)).not.toMatch(/Navy Yard|Hopper/);
    const { results } = await env.DB.prepare('SELECT * FROM shipping_addresses WHERE order_id = ?').bind(id).all();
    expect(results).toEqual([]);
    expect((await sendAction(system, agent, id, 'ship')).status).toBe(409);
  });
});

const slices = [undefined, newId()].flatMap((after) =>
  (['newest', 'oldest'] as const).map((order) => ({ after, order })),
);

test.each([
  [{}],
  [{ customer: newId() }],
  [{ status: 'placed' as const }],
  [{ customer: newId(), status: 'placed' as const }],
  [{ number: 1001 }],
  [{ number: 1001, customer: newId() }],
])('the list of orders with the filter %j uses an index and does not sort', async (filter) => {
  const db = drizzle(env.DB);
  for (const slice of slices) {
    const { sql, params } = orderListQuery(db, filter, { limit: 20, ...slice }).toSQL();
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail).join('; ');
    expect(plan).not.toContain('TEMP B-TREE');
    // The first page without a filter reads the table, whose rows are in the order of their ids, until the page is full.
    // All orders of a customer are merged from those of each status.
    const isMerged = Object.keys(filter).join() === 'customer';
    const search = isMerged
      ? /^MERGE .*SEARCH orders USING INDEX orders_by_customer_and_status/
      : /^SEARCH orders USING/;
    expect(plan).toMatch(slice.after || Object.keys(filter).length > 0 ? search : /^SCAN orders;/);
    expect(plan).not.toMatch(isMerged ? /SCAN orders/ : /MERGE/);
    if (isMerged) expect(plan.match(/SEARCH orders/g)?.length).toBe(orderStatuses.length);
  }
});

test('the next number of an order comes from the end of an index, however many orders there are (product 4.5)', async () => {
  const { results } = await env.DB.prepare(
    'EXPLAIN QUERY PLAN SELECT max(coalesce(max(number), 0) + 1, 1001) FROM orders',
  ).all<{ detail: string }>();
  expect(results.map(({ detail }) => detail)).toEqual([
    expect.stringMatching(/^SEARCH orders USING COVERING INDEX orders_by_number/),
  ]);
});
