import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { userView } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { password } from '../support/factories';
import { countRows, createSystem } from '../support/system';

/** What a stranger may do; every other route asks for credentials. */
const publicRoutes = [
  'GET /v1/health',
  'GET /v1/health/ready',
  'GET /v1/events/catalogue',
  'POST /v1/auth/token',
  'POST /v1/auth/login',
  'POST /v1/auth/logout',
  'POST /v1/auth/password-reset',
  'POST /v1/auth/password-reset/confirm',
  'POST /v1/users',
  'GET /v1/items',
  'GET /v1/items/:id',
  'GET /openapi.json',
  'GET /docs',
  'GET /problems',
  'GET /problems/:code',
];

function routesOf({ app }: ReturnType<typeof createSystem>): string[] {
  const routes = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`);
  return [...new Set(routes)];
}

test('every route but the public ones answers 401 without credentials', async () => {
  const system = createSystem();
  const before = await countRows();
  const routes = routesOf(system);
  expect(routes).toEqual(expect.arrayContaining(publicRoutes));
  for (const route of routes.filter((candidate) => !publicRoutes.includes(candidate))) {
    const [method = '', path = ''] = route.split(' ');
    const response = await system.request(path.replace(/:\w+/g, newId()), { method });
    expect([route, response.status]).toEqual([route, 401]);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="frontdesk"');
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  }
  expect(await countRows()).toEqual(before);
});

describe('bad input is a 4xx problem that leaves nothing behind', () => {
  const good = { name: 'Ada', email: 'a@example.com', password };
  const json = { 'Content-Type': 'application/json' };
  test.each<[string, number, RequestInit]>([
    ['a wrong type', 422, { headers: json, body: JSON.stringify({ ...good, name: 1 }) }],
    ['a missing field', 422, { headers: json, body: JSON.stringify({ name: 'Ada' }) }],
    ['an unknown field', 422, { headers: json, body: JSON.stringify({ ...good, role: 'admin' }) }],
    ['a short password', 422, { headers: json, body: JSON.stringify({ ...good, password: 'short' }) }],
    ['no address', 422, { headers: json, body: JSON.stringify({ ...good, email: 'ada' }) }],
    ['a line break in a name', 422, { headers: json, body: JSON.stringify({ ...good, name: 'Ada\r\nBcc: x' }) }],
    ['a prototype', 422, { headers: json, body: `{"__proto__":{"role":"admin"},"name":"Ada"}` }],
    ['an array', 422, { headers: json, body: '[]' }],
    ['broken JSON', 400, { headers: json, body: '{"name":' }],
    ['no body', 400, { headers: json }],
    ['another media type', 415, { headers: { 'Content-Type': 'text/plain' }, body: JSON.stringify(good) }],
    ['no media type', 415, { body: new Uint8Array([123, 125]) }],
    ['more than 64 KiB', 413, { headers: json, body: JSON.stringify({ ...good, name: 'a'.repeat(70_000) }) }],
    ['an invalid If-Match', 412, { headers: { ...json, 'If-Match': 'W/"1"' }, body: JSON.stringify(good) }],
    [
      'a forged consistency token',
      400,
      { headers: { ...json, 'Consistency-Token': 'e30' }, body: JSON.stringify(good) },
    ],
  ])('%s: %i', async (_, status, init) => {
    const { request, sent, logs } = createSystem();
    const before = await countRows();
    const response = await request('/v1/users', { method: 'POST', ...init });
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    const problem = await response.json<Record<string, unknown>>();
    expect(problem).toMatchObject({ status, instance: '/v1/users', code: expect.stringMatching(/^http\./) });
    expect(problem.requestId).toBe(response.headers.get('X-Request-Id'));
    expect(await countRows()).toEqual(before);
    expect(Object.values(sent).flat()).toEqual([]);
    expect(logs.join()).not.toContain('a@example.com');
  });

  test('the token endpoint speaks RFC 6749', async () => {
    const { request } = createSystem();
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      request('/v1/auth/token', { method: 'POST', headers: { 'Content-Type': type }, body });
    for (const [body, error] of [
      ['grant_type=client_credentials', 'unsupported_grant_type'],
      ['username=a&password=b', 'unsupported_grant_type'],
      ['grant_type=password&username=a', 'invalid_request'],
      ['grant_type=password&username=nobody@example.com&password=wrong', 'invalid_grant'],
      ['grant_type=refresh_token&refresh_token=nonsense', 'invalid_grant'],
    ] as const) {
      const response = await post(body);
      expect([response.status, await response.json()]).toMatchObject([400, { error }]);
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    }
    expect((await post('{}', 'application/json')).status).toBe(415);
  });

  test('what is nowhere is 404, and a method that is not there 405 with Allow', async () => {
    const { request } = createSystem();
    expect((await request('/v1/nothing')).status).toBe(404);
    const response = await request('/v1/users', { method: 'PUT' });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST, GET, HEAD']);
    expect((await request('/v1/users', { method: 'OPTIONS' })).status).toBe(204);
    expect((await request('/v1/health', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('accounts over HTTP', () => {
  test('a registered user reads, changes and reads their own write', async () => {
    const { register, request, send, settle } = createSystem();
    const { id, email, bearer } = await register();
    await settle();
    const read = await request(`/v1/users/${id}`, { headers: bearer });
    expect(await read.json()).toMatchObject({ id, email, name: 'Grace Hopper', role: 'customer', isActive: true });
    const changed = await send('PATCH', `/v1/users/${id}`, { name: 'Amazing Grace' }, bearer);
    const token = changed.headers.get('Consistency-Token') ?? '';
    const stale = await request(`/v1/users/${id}`, { headers: bearer });
    expect([stale.headers.get('Consistency'), (await stale.json<{ name: string }>()).name]).toEqual([
      'eventual',
      'Grace Hopper',
    ]);
    const own = await request(`/v1/users/${id}`, { headers: { ...bearer, 'Consistency-Token': token } });
    expect([own.headers.get('Consistency'), (await own.json<{ name: string }>()).name]).toEqual([
      'strong',
      'Amazing Grace',
    ]);
    expect(own.headers.get('ETag')).toBe('"3-0.0.0"');
  });

  test('If-None-Match gives 304, and a stale If-Match 412', async () => {
    const { register, request, send } = createSystem();
    const { id, bearer } = await register();
    const etag = (await request(`/v1/users/${id}`, { headers: bearer })).headers.get('ETag') ?? '';
    const again = await request(`/v1/users/${id}`, { headers: { ...bearer, 'If-None-Match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const fresh = await send('PATCH', `/v1/users/${id}`, { name: 'One' }, { ...bearer, 'If-Match': etag });
    expect(fresh.status).toBe(200);
    const stale = await send('PATCH', `/v1/users/${id}`, { name: 'Two' }, { ...bearer, 'If-Match': etag });
    expect(stale.status).toBe(412);
  });

  test('what is another’s reads as what does not exist, and changing it is 403', async () => {
    const { register, request, send } = createSystem();
    const [alice, bob] = [await register(), await register()];
    for (const path of ['', '/settings']) {
      const [foreign, missing] = await Promise.all(
        [alice.id, newId()].map(async (id) => {
          const response = await request(`/v1/users/${id}${path}`, { headers: bob.bearer });
          const { code, detail, status } = await response.json<{ code: string; detail: string; status: number }>();
          return { code, status, detail: detail.replace(id, 'ID') };
        }),
      );
      expect(foreign).toEqual(missing);
      expect(foreign?.status).toBe(404);
    }
    const before = await countRows();
    expect((await send('PATCH', `/v1/users/${alice.id}`, { name: 'X' }, bob.bearer)).status).toBe(403);
    expect((await send('PATCH', `/v1/users/${alice.id}/settings`, { locale: 'de' }, bob.bearer)).status).toBe(403);
    expect((await request(`/v1/users/${alice.id}`, { method: 'DELETE', headers: bob.bearer })).status).toBe(403);
    expect((await send('POST', `/v1/users/${alice.id}/role`, { role: 'admin' }, alice.bearer)).status).toBe(403);
    expect(await countRows()).toEqual(before);
  });

  test('deactivating ends what a token can do: commands at once, reads too', async () => {
    const { clock, register, request, send, settle, signIn } = createSystem();
    const [admin, user] = [await register({ role: 'admin' }), await register()];
    await settle();
    expect((await request('/v1/users/me', { headers: user.bearer })).status).toBe(200);
    // KV refuses a second write to a key within a second.
    clock.advance(2000);
    const done = await request(`/v1/users/${user.id}/deactivate`, { method: 'POST', headers: admin.bearer });
    expect(done.status).toBe(200);
    expect((await send('PATCH', `/v1/users/${user.id}`, { name: 'X' }, user.bearer)).status).toBe(401);
    expect((await request('/v1/users/me', { headers: user.bearer })).status).toBe(401);
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: user.refreshToken });
    expect((await request('/v1/auth/token', { method: 'POST', body })).status).toBe(400);
    await request(`/v1/users/${user.id}/reactivate`, { method: 'POST', headers: admin.bearer });
    expect((await request('/v1/users/me', { headers: (await signIn(user.email)).bearer })).status).toBe(200);
  });

  test('deleting leaves nothing personal in D1 or KV (product 1.5)', async () => {
    const { clock, register, request, settle } = createSystem();
    const { id, email, bearer } = await register();
    await settle();
    expect(await env.VIEWS.get(userView.kvKey(id))).toContain(email);
    clock.advance(2000);
    expect((await request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
    await settle();
    for (const view of ['user', 'access', 'settings']) expect(await env.VIEWS.get(`${view}@1:${id}`)).toBeNull();
    const { results } = await env.DB.prepare('SELECT * FROM events WHERE stream_id = ?').bind(id).all();
    expect(results.length).toBe(3);
    expect(JSON.stringify(results)).not.toMatch(new RegExp(`${email}|Hopper`));
    expect((await request('/v1/users/me', { headers: bearer })).status).toBe(401);
  });

  test('the list goes on from KV to D1 and neither skips nor repeats while users register', async () => {
    const { clock, register, request, settle } = createSystem();
    const agent = await register({ role: 'agent' });
    for (let count = 0; count < 3; count++) await register();
    clock.advance(2000);
    await settle();
    const seen: string[] = [];
    let path: string | undefined = '/v1/users?limit=2';
    while (path) {
      const response: Response = await request(path, { headers: agent.bearer });
      const { data } = await response.json<{ data: { id: string; name: string }[] }>();
      seen.push(...data.map(({ id }) => id));
      path = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
      await register();
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(agent.id);
    expect([...seen].sort().reverse()).toEqual(seen);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense']) {
      expect([query, (await request(`/v1/users?${query}`, { headers: agent.bearer })).status]).toEqual([query, 400]);
    }
  });

  test('settings change one field at a time', async () => {
    const { register, request, send } = createSystem();
    const { id, bearer } = await register();
    const changed = await send('PATCH', `/v1/users/${id}/settings`, { timezone: 'Europe/Berlin' }, bearer);
    const headers = { ...bearer, 'Consistency-Token': changed.headers.get('Consistency-Token') ?? '' };
    const settings = await (await request(`/v1/users/${id}/settings`, { headers })).json();
    expect(settings).toMatchObject({ locale: 'en', timezone: 'Europe/Berlin', emailNotifications: true });
    expect((await send('PATCH', `/v1/users/${id}/settings`, { timezone: 'Mars/Base' }, bearer)).status).toBe(422);
  });
});

test('eight registrations of one address at once leave one account', async () => {
  const { send } = createSystem();
  const email = `${newId()}@example.com`;
  const responses = await Promise.all(
    Array.from({ length: 8 }, () => send('POST', '/v1/users', { name: 'Twin', email, password })),
  );
  expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
});

test('a document of another epoch counts as missing, and D1 down makes a read stale, not gone', async () => {
  const { register, request, send, settle, env: bindings } = createSystem();
  const { id, bearer } = await register();
  await settle();
  const old = await request(`/v1/users/${id}`, { headers: bearer });
  const token =
    (await send('PATCH', `/v1/users/${id}`, { name: 'Newer' }, bearer)).headers.get('Consistency-Token') ?? '';
  const later = createSystem({ EPOCH: '2' as '1' });
  const restored = await later.request(`/v1/users/${id}`, { headers: bearer });
  expect([restored.headers.get('Age'), (await restored.json<{ name: string }>()).name]).toEqual(['0', 'Newer']);
  const down = createSystem({
    DB: {
      withSession: () => ({
        prepare: () => {
          throw new Error('down');
        },
        batch: async () => {
          throw new Error('down');
        },
      }),
    } as unknown as D1Database,
  });
  const stale = await down.request(`/v1/users/${id}`, { headers: { ...bearer, 'Consistency-Token': token } });
  expect([stale.status, stale.headers.get('Consistency'), stale.headers.get('ETag')]).toEqual([
    200,
    'stale',
    old.headers.get('ETag'),
  ]);
  expect(bindings.EPOCH).toBe('1');
});

describe('Idempotency-Key (product 6.2)', () => {
  const account = () => ({ name: 'Twin', email: `${newId()}@example.com`, password });

  test('eight requests at once with one key have one effect and one answer, byte for byte', async () => {
    const { send } = createSystem();
    const [key, body] = [`"${newId()}"`, account()];
    const before = await countRows();
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => send('POST', '/v1/users', body, { 'Idempotency-Key': key })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
    expect(responses.filter(({ headers }) => headers.get('Idempotency-Replayed') !== 'true').length).toBe(1);
    expect(new Set(responses.map(({ headers }) => headers.get('Location'))).size).toBe(1);
    const after = await countRows();
    expect([after.users, after.events]).toEqual([(before.users ?? 0) + 1, (before.events ?? 0) + 1]);
    const stored = JSON.stringify((await env.DB.prepare('SELECT * FROM idempotency_keys').all()).results);
    expect(stored).not.toContain(password);
  });

  test('another body under the same key is 422, and the key is forgotten after a day', async () => {
    const { clock, send } = createSystem();
    const headers = { 'Idempotency-Key': newId() };
    expect((await send('POST', '/v1/users', account(), headers)).status).toBe(201);
    const other = await send('POST', '/v1/users', account(), headers);
    expect([other.status, (await other.json<{ code: string }>()).code]).toEqual([422, 'http.idempotency-key-reused']);
    clock.advance(24 * 3_600_000 + 1);
    expect((await send('POST', '/v1/users', account(), headers)).status).toBe(201);
  });

  test('a replayed answer reads what it wrote, and a malformed key is 400', async () => {
    const { register, request, send } = createSystem();
    const [admin, user] = [await register({ role: 'admin' }), await register()];
    const headers = { ...admin.bearer, 'Idempotency-Key': newId() };
    const change = () => send('POST', `/v1/users/${user.id}/role`, { role: 'agent' }, headers);
    await change();
    const replayed = await change();
    expect(replayed.headers.get('Idempotency-Replayed')).toBe('true');
    const token = replayed.headers.get('Consistency-Token') ?? '';
    const read = await request(`/v1/users/${user.id}`, { headers: { ...admin.bearer, 'Consistency-Token': token } });
    expect(await read.json()).toMatchObject({ role: 'agent' });
    for (const key of ['', '"unfinished', 'a'.repeat(256), 'two words']) {
      const answer = await send('POST', '/v1/users', account(), { 'Idempotency-Key': key });
      expect([key, answer.status]).toEqual([key, 400]);
    }
  });
});
