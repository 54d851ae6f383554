import { describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { password } from '../support/factories';
import { operationsOf } from '../support/routes';
import { countRows, createSystem } from '../support/system';

function routesOf({ app }: ReturnType<typeof createSystem>): string[] {
  const routes = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`);
  return [...new Set(routes)];
}

test('every route of a domain that does not serve everybody responds with 401 to a request without credentials', async () => {
  const system = createSystem();
  const open = (await operationsOf(system))
    .filter(({ operation }) => operation['x-access'] === 'everybody')
    .map(({ method, path }) => `${method} ${path.replace(/{(\w+)}/g, ':$1')}`);
  const before = await countRows();
  // The other routes are those of the documentation.
  const routes = routesOf(system).filter((route) => route.includes(' /v1/') && !open.includes(route));
  expect(routes.length).toBeGreaterThan(30);
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ');
    const response = await system.request(path.replace(/:\w+/g, newId()), { method });
    expect([route, response.status]).toEqual([route, 401]);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="frontdesk"');
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  }
  expect(await countRows()).toEqual(before);
});

describe('a request with bad input gets a problem and leaves no row, message or personal log line', () => {
  const good = { name: 'Ada', email: 'a@example.com', password };
  const json = { 'Content-Type': 'application/json' };
  test.each<[string, number, RequestInit]>([
    ['a field of the wrong type', 422, { headers: json, body: JSON.stringify({ ...good, name: 1 }) }],
    ['a missing field', 422, { headers: json, body: JSON.stringify({ name: 'Ada' }) }],
    ['an unknown field', 422, { headers: json, body: JSON.stringify({ ...good, role: 'admin' }) }],
    ['a short password', 422, { headers: json, body: JSON.stringify({ ...good, password: 'short' }) }],
    ['a text that is no e-mail address', 422, { headers: json, body: JSON.stringify({ ...good, email: 'ada' }) }],
    ['a line break in a name', 422, { headers: json, body: JSON.stringify({ ...good, name: 'Ada\r\nBcc: x' }) }],
    ['a field named __proto__', 422, { headers: json, body: `{"__proto__":{"role":"admin"},"name":"Ada"}` }],
    ['an array', 422, { headers: json, body: '[]' }],
    ['broken JSON', 400, { headers: json, body: '{"name":' }],
    ['an empty body', 400, { headers: json }],
    ['another media type', 415, { headers: { 'Content-Type': 'text/plain' }, body: JSON.stringify(good) }],
    ['a body without a media type', 415, { body: new Uint8Array([123, 125]) }],
    ['a body above 64 KiB', 413, { headers: json, body: JSON.stringify({ ...good, name: 'a'.repeat(70_000) }) }],
    ['an invalid If-Match', 412, { headers: { ...json, 'If-Match': 'W/"1"' }, body: JSON.stringify(good) }],
    [
      'a forged consistency token',
      400,
      { headers: { ...json, 'Consistency-Token': 'e30' }, body: JSON.stringify(good) },
    ],
  ])('%s gets %i', async (_, status, init) => {
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
});

test('an unknown path gets 404, and a known path gets 405 with Allow for a method that it does not have', async () => {
  const { request } = createSystem();
  expect((await request('/v1/nothing')).status).toBe(404);
  const response = await request('/v1/users', { method: 'PUT' });
  expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST, GET, HEAD, OPTIONS']);
  expect((await request('/v1/users', { method: 'OPTIONS' })).status).toBe(204);
  expect((await request('/v1/health', { method: 'HEAD' })).status).toBe(200);
});

describe('the methods of a resource', () => {
  const resources: [path: string, methods: string[]][] = [
    ['/v1/users/me', ['GET', 'HEAD', 'OPTIONS']],
    [`/v1/users/${newId()}`, ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS']],
    ['/v1/operations/dead-letters/replay', ['POST', 'OPTIONS']],
    ['/v1/operations/dead-letters/7-emails', ['GET', 'HEAD', 'DELETE', 'OPTIONS']],
    ['/v1/operations/dead-letters/7-emails/replay', ['POST', 'OPTIONS']],
    ['/v1/auth/password-reset/confirm', ['POST', 'OPTIONS']],
    ['/assets/docs.js', ['GET', 'HEAD', 'OPTIONS']],
    ['/openapi.json', ['GET', 'HEAD', 'OPTIONS']],
    ['/console', ['GET', 'HEAD', 'OPTIONS']],
    [`/console/orders/${newId()}`, ['GET', 'HEAD', 'OPTIONS']],
  ];

  test.each(resources)('OPTIONS and 405 name exactly the methods of %s', async (path, methods) => {
    const { request } = createSystem();
    const options = await request(path, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('Allow')]).toEqual([204, methods.join(', ')]);
    expect([options.headers.get('Content-Type'), await options.text()]).toEqual([null, '']);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const response = await request(path, { method });
      expect([method, response.status === 405]).toEqual([method, !methods.includes(method)]);
      if (response.status === 405) expect(response.headers.get('Allow')).toBe(methods.join(', '));
    }
  });

  test('every route is in the methods that its address allows, and only there', async () => {
    const system = createSystem();
    const routes = routesOf(system).map((route) => route.split(' ') as [string, string]);
    for (const path of new Set(routes.map(([, template]) => template))) {
      const own = routes.filter(([, template]) => template === path).map(([method]) => method);
      const { headers } = await system.request(path.replace(/:\w+/g, newId()), { method: 'OPTIONS' });
      const expected = ['OPTIONS', ...(own.includes('GET') ? ['HEAD'] : []), ...own];
      expect([path, headers.get('Allow')?.split(', ').sort()]).toEqual([path, expected.sort()]);
    }
  });

  test('with CORS a preflight is answered, and any other OPTIONS like without', async () => {
    const { request } = createSystem({ CORS_ORIGINS: 'https://shop.example' } as Partial<Env>);
    const fields = { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'PATCH' };
    const preflight = await request('/v1/users/me', { method: 'OPTIONS', headers: fields });
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Origin')]).toEqual([
      204,
      'https://shop.example',
    ]);
    const plain = await request('/v1/users/me', { method: 'OPTIONS' });
    expect([plain.status, plain.headers.get('Allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect((await request('/v1/nothing', { method: 'OPTIONS' })).status).toBe(404);
  });
});

describe('the assets of pages', () => {
  test('an asset has its own media type, and may be kept by caches and asked for again', async () => {
    const { request } = createSystem();
    const response = await request('/assets/docs.js');
    expect([response.status, response.headers.get('Content-Type')]).toEqual([
      200,
      expect.stringContaining('javascript'),
    ]);
    expect(await response.text()).toContain('SwaggerUIBundle');
    expect(response.headers.get('Cache-Control')).not.toContain('no-store');
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    const etag = response.headers.get('ETag') ?? '';
    const again = await request('/assets/docs.js', { headers: { 'If-None-Match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await request('/docs/assets/swagger-ui.css', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test.each([
    '/assets/nothing.js',
    '/docs/assets/',
    '/docs/assets/nothing.js',
    '/docs/assets/a/b.js',
    '/docs/assets/..%2f..%2fsecret',
  ])('the address %s gets a problem like every other address without a resource', async (path) => {
    const response = await createSystem().request(path);
    expect([response.status, response.headers.get('Content-Type')]).toEqual([404, 'application/problem+json']);
    expect(await response.json()).toMatchObject({ code: 'http.not-found', status: 404 });
  });
});
