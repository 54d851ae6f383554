import { beforeAll, describe, expect, test } from 'vitest';
import { address } from '../support/factories';
import { createSystem } from '../support/system';

type Account = Awaited<ReturnType<ReturnType<typeof createSystem>['register']>>;

const system = createSystem();
let [agent, ada, grace]: (Account | undefined)[] = [];

/** What was created, by a name of the test, newest last. */
const created: { kind: 'item' | 'order' | 'ticket'; id: string; tags: string[] }[] = [];

async function post(path: string, body: object, caller: Account): Promise<string> {
  const response = await system.send('POST', path, body, caller.bearer);
  expect([path, response.status]).toEqual([path, expect.toSatisfy((status: number) => status < 300)]);
  return (await response.json<{ id: string }>()).id;
}

/** Two accounts with four things of each kind, whose states alternate, so that a filter never selects neighbours. */
beforeAll(async () => {
  [agent, ada, grace] = [await system.register({ role: 'agent' }), await system.register(), await system.register()];
  const price = { amount: 100, currency: 'EUR' };
  const unlimited = await post('/v1/items', { title: 'Unlimited', price }, agent);
  for (const [owner, customer] of Object.entries({ ada, grace })) {
    for (const isEven of [false, true, false, true]) {
      const item = await post('/v1/items', { title: 'Teapot', price }, customer);
      const change = { isActive: !isEven };
      if (isEven) await system.send('PATCH', `/v1/items/${item}`, change, customer.bearer);
      created.push({ kind: 'item', id: item, tags: [owner, isEven ? 'inactive' : 'active'] });
      const order = { items: [{ itemId: unlimited, quantity: 1 }], shippingAddress: address };
      const orderId = await post('/v1/orders', order, customer);
      if (isEven) await post(`/v1/orders/${orderId}/ship`, {}, agent);
      created.push({ kind: 'order', id: orderId, tags: [owner, isEven ? 'shipped' : 'placed'] });
      const ticket = await post('/v1/tickets', { subject: 'Late', message: 'Where is it?' }, customer);
      if (isEven) await post(`/v1/tickets/${ticket}/status`, { status: 'triaged' }, agent);
      else await post(`/v1/tickets/${ticket}/notes`, { note: 'Asked' }, agent);
      created.push({
        kind: 'ticket',
        id: ticket,
        tags: [owner, isEven ? 'triaged' : 'open', isEven ? 'plain' : 'note'],
      });
    }
  }
});

interface Page {
  data: { id: string }[];
  nextCursor: string | null;
}

/** The ids of a list, page by page; the cursor and the link of each page must lead to the same next page. */
async function readPages(path: string, caller: Account | undefined): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const response: Response = await system.request(next, caller && { headers: caller.bearer });
    const { data, nextCursor } = await response.json<Page>();
    pages.push(data.map(({ id }) => id));
    const [, link] = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '') ?? [];
    expect(new URL(link ?? 'http://x/', 'http://x').searchParams.get('cursor')).toBe(nextCursor);
    next = link;
  }
  return pages;
}

// A deeper page is another query than the first one, so a filter can be lost between them.
describe.each([1, 2, 3])('the pages of %i rows', (limit) => {
  test.each<[string, (accounts: { ada: string }) => string, 'agent' | 'ada' | 'nobody', string, string[]]>([
    ['of an owner’s items', ({ ada }) => `/v1/items?owner=${ada}`, 'nobody', 'item', ['ada']],
    [
      'of an owner’s items for sale',
      ({ ada }) => `/v1/items?owner=${ada}&active=true`,
      'nobody',
      'item',
      ['ada', 'active'],
    ],
    ['of the items that are not for sale', () => '/v1/items?active=false', 'nobody', 'item', ['inactive']],
    ['of a customer’s orders', () => '/v1/orders?', 'ada', 'order', ['ada']],
    ['of a customer’s placed orders', () => '/v1/orders?status=placed', 'ada', 'order', ['ada', 'placed']],
    ['of all shipped orders', () => '/v1/orders?status=shipped', 'agent', 'order', ['shipped']],
    ['of one customer’s orders for agents', ({ ada }) => `/v1/orders?customer=${ada}`, 'agent', 'order', ['ada']],
    ['of a customer’s tickets', () => '/v1/tickets?', 'ada', 'ticket', ['ada']],
    ['of a customer’s open tickets', () => '/v1/tickets?status=open', 'ada', 'ticket', ['ada', 'open']],
    ['of all tickets', () => '/v1/tickets?', 'agent', 'ticket', []],
    ['of all triaged tickets', () => '/v1/tickets?status=triaged', 'agent', 'ticket', ['triaged']],
    ['of one customer’s tickets for agents', ({ ada }) => `/v1/tickets?customer=${ada}`, 'agent', 'ticket', ['ada']],
    [
      'of one customer’s open tickets for agents',
      ({ ada }) => `/v1/tickets?customer=${ada}&status=open`,
      'agent',
      'ticket',
      ['ada', 'open'],
    ],
    ['of the tickets with a note', () => '/v1/tickets?hasNote=true', 'agent', 'ticket', ['note']],
    [
      'of the open tickets without a note',
      () => '/v1/tickets?status=open&hasNote=false',
      'agent',
      'ticket',
      ['open', 'plain'],
    ],
  ])(
    '%s have each of its rows once, in either order, and the last page has no next one',
    async (_, path, as, kind, tags) => {
      const caller = { agent, ada, nobody: undefined }[as];
      const expected = created
        .filter((thing) => thing.kind === kind && tags.every((tag) => thing.tags.includes(tag)))
        .map(({ id }) => id);
      const list = `${path({ ada: ada?.id ?? '' })}&limit=${limit}`.replace('?&', '?');
      const oldestFirst = await readPages(`${list}&order=oldest`, caller);
      expect(oldestFirst.flat()).toEqual(expected);
      for (const query of [list, `${list}&order=newest`]) {
        const pages = await readPages(query, caller);
        expect(pages.flat()).toEqual(expected.toReversed());
        for (const found of [pages, oldestFirst]) {
          expect(found.map((page) => page.length)).toEqual(
            Array.from({ length: Math.max(1, Math.ceil(expected.length / limit)) }, (_, index) =>
              Math.min(limit, expected.length - index * limit),
            ),
          );
        }
      }
    },
  );
});

test('a page of the usual size is read from KV, and a longer one, the next one or the other order from D1 (product 6.10)', async () => {
  system.clock.advance(2000);
  await system.deliverQueues();
  const headers = agent?.bearer ?? {};
  const sources: Record<string, string | null> = {};
  for (const list of ['/v1/users', '/v1/items', '/v1/orders', '/v1/tickets']) {
    const first = await system.request(`${list}?limit=1`, { headers });
    const { nextCursor } = await first.json<Page>();
    for (const query of ['', '?limit=20', '?limit=21', '?order=oldest', `?cursor=${nextCursor}`]) {
      const { headers: answered } = await system.request(`${list}${query}`, { headers });
      sources[query.replace(`${nextCursor}`, '')] = answered.get('Cache-Status');
    }
    const d1 = 'KV; fwd=miss';
    const expected = { '': 'KV; hit', '?limit=20': 'KV; hit', '?limit=21': d1, '?order=oldest': d1, '?cursor=': d1 };
    expect([list, sources]).toEqual([list, expected]);
  }
});

describe('the order of a list (product 6.9)', () => {
  const lists = ['/v1/users?', '/v1/items?', '/v1/orders?', '/v1/tickets?', '/v1/tickets?status=open&'];

  test('is one of two, also for the list of users', async () => {
    const headers = agent?.bearer;
    const read = async (query: string) =>
      (await (await system.request(`/v1/users?${query}`, headers && { headers })).json<Page>()).data;
    const newest = await read('limit=100');
    expect(newest.length).toBeGreaterThan(2);
    expect(await read('limit=100&order=oldest')).toEqual(newest.toReversed());
    expect((await system.request('/v1/users?order=random', headers && { headers })).status).toBe(400);
  });

  test.each(lists)('a cursor of one order of %s gets 400 in the other one', async (list) => {
    const headers = agent?.bearer ?? {};
    for (const [order, other] of [
      ['newest', 'oldest'],
      ['oldest', 'newest'],
    ]) {
      const first = await system.request(`${list}limit=1&order=${order}`, { headers });
      const { nextCursor } = await first.json<Page>();
      expect((await system.request(`${list}order=${order}&cursor=${nextCursor}`, { headers })).status).toBe(200);
      const refused = await system.request(`${list}order=${other}&cursor=${nextCursor}`, { headers });
      expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([400, 'http.invalid-cursor']);
    }
  });

  test('a list without the parameter, and a cursor from before there was one, begin with the newest row', async () => {
    const headers = ada?.bearer ?? {};
    const own = created.filter(({ kind, tags }) => kind === 'order' && tags.includes('ada')).map(({ id }) => id);
    const cursor = btoa(JSON.stringify([own[2]])).replaceAll('=', '');
    const page = await (await system.request(`/v1/orders?cursor=${cursor}`, { headers })).json<Page>();
    expect(page.data.map(({ id }) => id)).toEqual([own[1], own[0]]);
  });

  test('the first page with the oldest row first comes from D1, and is as new as the token', async () => {
    const customer = await system.register();
    const item = created.find(({ kind, tags }) => kind === 'item' && tags.includes('active'))?.id;
    await system.deliverQueues();
    const order = { items: [{ itemId: item, quantity: 1 }], shippingAddress: address };
    const placed = await system.send('POST', '/v1/orders', order, customer.bearer);
    const token = { 'Consistency-Token': placed.headers.get('Consistency-Token') ?? '' };
    const list = await system.request('/v1/orders?order=oldest', { headers: { ...customer.bearer, ...token } });
    expect(list.headers.get('Consistency')).toBe('strong');
    expect(list.headers.get('Cache-Status')).toBe('KV; fwd=miss');
    expect((await list.json<Page>()).data).toHaveLength(1);
  });

  test('every page of one customer’s tickets comes from D1 (product 5.8)', async () => {
    const list = await system.request(`/v1/tickets?customer=${ada?.id}`, { headers: agent?.bearer ?? {} });
    expect([list.status, list.headers.get('Cache-Status')]).toEqual([200, 'KV; fwd=miss']);
  });
});
