import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { describe, expect, test } from 'vitest';
import type { ItemDetail, ItemSummary } from '../../src/items/schemas';
import { itemListQuery } from '../../src/items/views';
import { newId } from '../../src/platform/ids';
import { countRows, createSystem } from '../support/system';

const teapot = { title: 'Teapot', price: { amount: 1999, currency: 'EUR' } };

type System = ReturnType<typeof createSystem>;
type Caller = Awaited<ReturnType<System['register']>>;

async function create({ send }: System, owner: Caller, item: object = teapot): Promise<string> {
  const response = await send('POST', '/v1/items', item, owner.bearer);
  expect(response.status).toBe(201);
  const { id } = await response.json<{ id: string }>();
  expect(response.headers.get('Location')).toBe(`/v1/items/${id}`);
  return id;
}

/** Follows the pages of a list from its first one. */
async function walk({ request }: System, first: string, between: () => Promise<unknown> = async () => {}) {
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

describe('items (product 3)', () => {
  test('1: whoever creates an item owns it; no stock means unlimited', async () => {
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
    await system.settle();
    const fromKv = await env.VIEWS.get(`item@1:${id}`, 'json');
    expect(fromKv).toMatchObject({ version: 1, data: { title: 'Teapot' } });
  });

  test.each([
    ['a fraction of a cent', { price: { amount: 19.99, currency: 'EUR' } }],
    ['a negative price', { price: { amount: -1, currency: 'EUR' } }],
    ['an unknown currency', { price: { amount: 1, currency: 'XXY' } }],
    ['a negative stock', { stock: -1 }],
    ['an empty title', { title: ' ' }],
    ['an owner of its own', { ownerId: newId() }],
  ])('%s is refused and leaves nothing', async (_, wrong) => {
    const system = createSystem();
    const owner = await system.register();
    const before = await countRows();
    expect((await system.send('POST', '/v1/items', { ...teapot, ...wrong }, owner.bearer)).status).toBe(422);
    expect(await countRows()).toEqual(before);
  });

  test('2: reads are public, lists are narrowed by owner and activity', async () => {
    const system = createSystem();
    const [alice, bob] = [await system.register(), await system.register()];
    const shown = await create(system, alice);
    const hidden = await create(system, alice);
    await create(system, bob);
    await system.send('PATCH', `/v1/items/${hidden}`, { isActive: false }, alice.bearer);
    system.clock.advance(2000);
    await system.settle();
    const ids = async (query: string) =>
      (await walk(system, `/v1/items?owner=${alice.id}${query}`)).map(({ id }) => id);
    expect(await ids('')).toEqual([hidden, shown]);
    expect(await ids('&active=true')).toEqual([shown]);
    expect(await ids('&active=false')).toEqual([hidden]);
    const all = (await walk(system, '/v1/items?active=true&limit=100')).map(({ id }) => id);
    expect(all).toContain(shown);
    expect(all).not.toContain(hidden);
    for (const query of ['active=maybe', 'owner=nobody', 'cursor=x']) {
      expect((await system.request(`/v1/items?${query}`)).status).toBe(400);
    }
  });

  test('pages keep their filters, and neither skip nor repeat while items arrive', async () => {
    const system = createSystem();
    const owner = await system.register();
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.push(await create(system, owner));
    system.clock.advance(4000);
    await system.settle();
    const seen = await walk(system, `/v1/items?owner=${owner.id}&active=true&limit=2`, () => create(system, owner));
    expect(seen.map(({ id }) => id)).toEqual([...ids].reverse());
    expect(seen.every(({ ownerId }) => ownerId === owner.id)).toBe(true);
  });

  test('3: the owner and an admin change and delete; for everybody else the item is not there to change', async () => {
    const system = createSystem();
    const [owner, other, admin] = [
      await system.register(),
      await system.register(),
      await system.register({ role: 'admin' }),
    ];
    const id = await create(system, owner, { ...teapot, stock: 3 });
    const change = (caller: Caller, body: object, headers = {}) =>
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
    await system.settle();
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/items/${id}`, { method: 'DELETE', headers: owner.bearer });
    expect(deleted.status).toBe(204);
    await system.settle();
    expect((await system.request(`/v1/items/${id}`)).status).toBe(404);
    expect(await env.VIEWS.get(`item@1:${id}`)).toBeNull();
  });

  test('with the account its items leave the catalogue, each with an event', async () => {
    const system = createSystem();
    const owner = await system.register();
    const [first, second] = [await create(system, owner), await create(system, owner)];
    await system.settle();
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/users/${owner.id}`, { method: 'DELETE', headers: owner.bearer });
    expect(deleted.status).toBe(204);
    await system.settle();
    for (const id of [first, second]) {
      expect((await system.request(`/v1/items/${id}`)).status).toBe(404);
      const event = env.DB.prepare("SELECT version FROM events WHERE type = 'ItemDeleted' AND stream_id = ?").bind(id);
      expect(await event.first()).toEqual({ version: 2 });
    }
    expect(await walk(system, `/v1/items?owner=${owner.id}`)).toEqual([]);
  });

  test('what is the same already changes nothing and records nothing', async () => {
    const system = createSystem();
    const owner = await system.register();
    const id = await create(system, owner);
    const before = await countRows();
    const answer = await system.send(
      'PATCH',
      `/v1/items/${id}`,
      { price: teapot.price, title: 'Teapot' },
      owner.bearer,
    );
    expect(await answer.json()).toEqual({ id, version: 1 });
    expect(await countRows()).toEqual(before);
  });

  test('a deactivated caller creates and changes nothing, although their token has not expired', async () => {
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

test.each([[{}], [{ owner: newId() }], [{ isActive: true }], [{ owner: newId(), isActive: true }]])(
  'no list of items scans or sorts: %j',
  async (filter) => {
    const db = drizzle(env.DB);
    for (const after of [undefined, newId()]) {
      const { sql, params } = itemListQuery(db as Parameters<typeof itemListQuery>[0], filter, 20, after).toSQL();
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>();
      const plan = results.map(({ detail }) => detail).join('; ');
      expect(plan).not.toContain('TEMP B-TREE');
      // A whole list from its newest entry walks an index in order until the page is full.
      if (after !== undefined || Object.keys(filter).length > 0) expect(plan).toMatch(/^SEARCH items USING/);
      else expect(plan).toMatch(/^SCAN items USING INDEX/);
    }
  },
);

test('an owner who sets the stock never overwrites what was taken meanwhile', async () => {
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
