import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { address, password } from '../support/factories';
import { createRequestPreparer } from '../support/prepared-requests';
import { operationsOf, pathWith } from '../support/routes';
import { countRows, createSystem } from '../support/system';

const system = createSystem();
const { register, request, send } = system;
type Account = Awaited<ReturnType<typeof register>>;
let admin: Account;
let prepare: ReturnType<typeof createRequestPreparer>;

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  prepare = createRequestPreparer(system, admin);
});

const form = 'application/x-www-form-urlencoded';
const operations = await operationsOf(system);
const withBody = operations
  .filter(({ operation }) => operation.requestBody)
  .map(({ method, path, operation }) => {
    const [media = ''] = Object.keys(operation.requestBody?.content ?? {});
    return { name: `${method} ${path}`, method, path, media };
  });

/** A body that is right as far as it can be read: with it, a request to this route gets no 400 and no 415. */
const readable = (media: string) => (media === form ? 'grant_type=password' : '{}');

describe.each(withBody)('$name', ({ method, path, media }) => {
  const sendBody = (body: string | Uint8Array, fields: Record<string, string> = {}) =>
    request(pathWith(path, newId()), { method, headers: { ...admin.bearer, 'Content-Type': media, ...fields }, body });

  test.each(['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip'])(
    'a body with the Content-Encoding %s gets 415 with Accept-Encoding',
    async (coding) => {
      const response = await sendBody(readable(media), { 'Content-Encoding': coding });
      expect([response.status, response.headers.get('Accept-Encoding')]).toEqual([415, 'identity']);
      const isToken = media === form;
      expect(await response.json()).toMatchObject(
        isToken ? { error: 'invalid_request' } : { code: 'http.unsupported-content-encoding' },
      );
    },
  );

  test.each(['iso-8859-1', 'utf-16', '"latin1"', '', 'utf-8; charset=latin1', '"utf-8', 'utf-8; charset = utf-16'])(
    'a body in the charset %s gets 415',
    async (charset) => {
      const response = await sendBody(readable(media), { 'Content-Type': `${media}; charset=${charset}` });
      expect(response.status).toBe(415);
    },
  );

  test.each(['; charset=utf-8', ';charset="UTF-8"', '; charset=UTF8', ';'])(
    'a body whose Content-Type ends with %s is read, and so is one with the content coding identity',
    async (parameters) => {
      const fields = { 'Content-Type': `${media.toUpperCase()}${parameters}`, 'Content-Encoding': 'identity' };
      const response = await sendBody(readable(media), fields);
      expect([400, 413, 415].includes(response.status) && media !== form).toBe(false);
      expect(response.status).not.toBe(415);
    },
  );

  test('bytes that are not UTF-8 get 400, and texts that cannot be stored get 422', async () => {
    const before = await countRows();
    const broken = [
      new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]),
    ];
    const signIn = 'grant_type=password&username=a&password=b';
    const percents = ['x=%FF', 'x=%ED%A0%80', '%C3=1', 'x=a%E2%82'].map((text) => `${signIn}&${text}`);
    for (const body of media === form ? percents.map((text) => new TextEncoder().encode(text)) : broken) {
      const response = await sendBody(body);
      const { error } = await response.json<{ error?: string }>();
      expect([body, response.status, error]).toEqual([body, 400, media === form ? 'invalid_request' : undefined]);
    }
    const texts = ['{"a":"\\ud800"}', '{"a":"x\\u0000y"}', '{"\\udfff":1}', '{"a":{"b":["\\u0000"]}}', '"\\ud83d"'];
    const forms = ['grant_type=password&username=a%00b&password=x', 'grant_type=password&username=a&password=%00'];
    for (const body of media === form ? forms : texts) {
      const response = await sendBody(body);
      const { errors } = await response.json<{ errors?: { pointer: string; detail: string }[] }>();
      expect([body, response.status]).toEqual([body, media === form ? 400 : 422]);
      if (media !== form) expect(errors?.[0]?.detail).toContain('cannot be stored');
    }
    expect(await countRows()).toEqual(before);
  });
});

test('a text keeps every character that can be stored, and nothing is replaced', async () => {
  const title = 'Teapot 🫖 ￿ \u0001 \u200d é';
  const price = { amount: 1, currency: 'XCG' };
  const created = await send('POST', '/v1/items', { title, price }, admin.bearer);
  const { id } = await created.json<{ id: string }>();
  const { title: stored } = (await env.DB.prepare('SELECT title FROM items WHERE id = ?').bind(id).first()) ?? {};
  expect([created.status, stored]).toEqual([201, title]);
});

test('the pointer of a text that cannot be stored names its field, also far inside a body', async () => {
  const order = { items: [{ itemId: newId(), quantity: 1 }], shippingAddress: { ...address, city: 'Gh\0ent' } };
  const response = await send('POST', '/v1/orders', order, admin.bearer);
  const { errors } = await response.json<{ errors: { pointer: string }[] }>();
  expect([response.status, errors.map(({ pointer }) => pointer)]).toEqual([422, ['/shippingAddress/city']]);
});

const withQuery = operations
  .map(({ method, path, operation }) => {
    const parameters = (operation.parameters ?? []) as { in?: string; name?: string; schema?: { maximum?: number } }[];
    return { name: `${method} ${path}`, path, parameters: parameters.filter((parameter) => parameter.in === 'query') };
  })
  .filter(({ parameters }) => parameters.length > 0);

describe.each(withQuery)('the query of $name', ({ path, parameters }) => {
  const read = (query: string) => request(`${pathWith(path, newId())}?${query}`, { headers: admin.bearer });
  const limit = parameters.find(({ name }) => name === 'limit');
  const most = limit?.schema?.maximum ?? 0;

  test('no parameter accepts NUL, bytes that are not UTF-8, or a second value', async () => {
    for (const { name } of parameters) {
      for (const value of ['%00', '%FF', 'a%ED%A0%80']) {
        expect([name, value, (await read(`${name}=${value}`)).status]).toEqual([name, value, 400]);
      }
      expect((await read(`${name}=1&${name}=1`)).status).toBe(400);
    }
    expect((await read('unknown=%FF')).status).toBe(400);
  });

  test.runIf(limit)('the limit is decimal digits and nothing else', async () => {
    for (const limit of [
      '1e1',
      '%205',
      '5%20',
      '0x5',
      '%2B5',
      '+5',
      '-5',
      '5.0',
      '٥',
      '',
      '0',
      `${most + 1}`,
      '00000000005',
    ]) {
      const response = await read(`limit=${limit}`);
      expect([limit, response.status]).toEqual([limit, 400]);
      expect(await response.json()).toMatchObject({ code: 'http.invalid-query', errors: [{ pointer: '/limit' }] });
    }
    // The thing may not exist, but the limit is right.
    for (const limit of ['5', '05']) expect([200, 404]).toContain((await read(`limit=${limit}`)).status);
  });
});

test.each(operations.map(({ method, path }) => [method, path] as const))(
  '%s %s refuses an unknown parameter of the query string, and names it (product 6.1)',
  async (method, path) => {
    const target = `${pathWith(path, newId())}?no-such=1`;
    const response = await request(target, { method, headers: admin.bearer });
    expect(response.status).toBe(400);
    const body = await response.json<object>();
    if ('error' in body) expect(body).toMatchObject({ error: 'invalid_request' });
    else expect(body).toMatchObject({ code: 'http.invalid-query', errors: [{ pointer: '/no-such' }] });
  },
);

test('an unknown address with a query string is not found', async () => {
  expect((await request('/v1/nothing?no-such=1')).status).toBe(404);
});

test('the link to the next page has the parameters of the request', async () => {
  const price = { amount: 1, currency: 'EUR' };
  for (const title of ['a', 'b']) await send('POST', '/v1/items', { title, price }, admin.bearer);
  const query = `limit=1&active=true&owner=${admin.id.toUpperCase()}`;
  const first = await request(`/v1/items?${query}`);
  const [, target = ''] = /^<([^>]*)>; rel="next"$/.exec(first.headers.get('Link') ?? '') ?? [];
  const link = new URL(target, 'http://localhost');
  expect([link.pathname, [...link.searchParams.keys()]]).toEqual(['/v1/items', ['limit', 'active', 'owner', 'cursor']]);
  const second = await request(target);
  const { data } = await second.json<{ data: { title: string }[] }>();
  expect([second.status, data.map(({ title }) => title)]).toEqual([200, ['a']]);
  expect(second.headers.get('Link')?.match(/cursor=/g) ?? ['cursor=']).toEqual(['cursor=']);
});

describe('ids in upper case', () => {
  const withId = operations.filter(({ path }) => path.includes('{id}') && !path.includes('dead-letters'));

  test.each(withId.map(({ method, path }) => [method, path] as const))(
    '%s %s takes the id in upper case for the same id',
    async (method, path) => {
      const { path: target, sendWith } = await prepare(method, path, (id) => id.toUpperCase());
      expect(target).toMatch(/[A-F]/);
      const { status } = await sendWith(admin.bearer);
      expect(status).toBeLessThan(300);
    },
  );

  test('ids in bodies and queries compare in lower case', async () => {
    const upper = admin.id.toUpperCase();
    const item = await send('POST', '/v1/items', { title: 'a', price: { amount: 1, currency: 'EUR' } }, admin.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const line = { itemId: itemId.toUpperCase(), quantity: 1 };
    const twice = { items: [line, { itemId, quantity: 1 }], shippingAddress: address };
    expect((await send('POST', '/v1/orders', twice, admin.bearer)).status).toBe(422);
    const placed = await send('POST', '/v1/orders', { items: [line], shippingAddress: address }, admin.bearer);
    const { id: orderId } = await placed.json<{ id: string }>();
    const ticket = { subject: 'a', message: 'b', orderId: orderId.toUpperCase() };
    const opened = await send('POST', '/v1/tickets', ticket, admin.bearer);
    expect([placed.status, opened.status]).toEqual([201, 201]);
    const count = async (path: string) => {
      const { data } = await (await request(path, { headers: admin.bearer })).json<{ data: unknown[] }>();
      return data.length;
    };
    for (const query of ['/v1/items?owner=', '/v1/orders?customer=', '/v1/operations/events?actor=']) {
      expect([query, await count(query + upper)]).toEqual([query, await count(query + admin.id)]);
      expect(await count(query + upper)).toBeGreaterThan(0);
    }
    expect(await count(`/v1/operations/events?stream=order/${orderId.toUpperCase()}`)).toBe(1);
  });

  test('the same key and the same command replay whatever the case of the ids', async () => {
    const item = await send('POST', '/v1/items', { title: 'a', price: { amount: 1, currency: 'EUR' } }, admin.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const order = (id: string) => ({ items: [{ itemId: id, quantity: 1 }], shippingAddress: address });
    const key = { ...admin.bearer, 'Idempotency-Key': newId() };
    const placed = await send('POST', '/v1/orders', order(itemId), key);
    const again = await send('POST', '/v1/orders', order(itemId.toUpperCase()), key);
    expect([again.headers.get('Idempotency-Replayed'), await again.text()]).toEqual([
      'true',
      await placed.clone().text(),
    ]);
    const { id } = await placed.json<{ id: string }>();
    const cancel = (target: string) => request(`/v1/orders/${target}/cancel`, { method: 'POST', headers: key });
    expect((await cancel(id)).headers.get('Idempotency-Replayed')).toBeNull();
    expect((await cancel(id.toUpperCase())).headers.get('Idempotency-Replayed')).toBe('true');
  });
});

test.each([
  ['/v1/items', { title: 'a', price: { amount: 1, currency: 'HRK' } }, '/price/currency'],
  ['/v1/items', { title: 'a', price: { amount: 1, currency: 'BGN' } }, '/price/currency'],
  ['/v1/orders', { items: [], shippingAddress: { ...address, country: 'ZZ' } }, '/shippingAddress/country'],
])('POST %s refuses the code in %j', async (path, body, pointer) => {
  const response = await send('POST', path, body, admin.bearer);
  const { errors } = await response.json<{ errors: { pointer: string }[] }>();
  expect([response.status, errors.map((error) => error.pointer)]).toEqual([422, expect.arrayContaining([pointer])]);
});

test.each(['+01:00', 'europe/berlin', 'Europe/Nowhere', 'Factory'])(
  'the settings refuse the time zone %s',
  async (timezone) => {
    const response = await send('PATCH', `/v1/users/${admin.id}/settings`, { timezone }, admin.bearer);
    expect(response.status).toBe(422);
  },
);

test('the address of a problem is a URI reference', async () => {
  const instanceOf = async (path: string) => (await (await request(path)).json<{ instance?: string }>()).instance;
  expect(await instanceOf('/v1/a b')).toBe('/v1/a%20b');
  expect(await instanceOf('/v1/%zz|é')).toBe('/v1/%25zz%7C%C3%A9');
  expect(await instanceOf('/v1/x?token=secret#here')).toBe('/v1/x');
  expect(await instanceOf(`/v1/${'x'.repeat(3000)}`)).toBeUndefined();
});

test('a registration still needs a password of the right length after all these checks', async () => {
  const account = { name: 'Ada', email: `${newId()}@example.com`, password: `${password}\0` };
  const response = await send('POST', '/v1/users', account);
  const { errors } = await response.json<{ errors: { pointer: string }[] }>();
  expect([response.status, errors[0]?.pointer]).toEqual([422, '/password']);
});
