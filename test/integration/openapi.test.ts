import { type Schema, Validator } from '@cfworker/json-schema';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { createConformance } from '../support/conformance';
import { createSystem } from '../support/system';

interface Body {
  schema: Schema & { $ref?: string };
}

interface Specification {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, Body> } }>>;
  components: { schemas: Record<string, Schema & { examples?: unknown[] }> };
}

async function bodies(system: ReturnType<typeof createSystem>) {
  const specification = await (await system.request('/openapi.json')).json<Specification>();
  const found = Object.entries(specification.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).map(([media, { schema }]) => {
        const named = specification.components.schemas[schema.$ref?.split('/').at(-1) ?? ''];
        return { path, method, media, schema: { ...schema, components: specification.components }, named };
      }),
    ),
  );
  return { found, specification };
}

describe('the OpenAPI document', () => {
  test('the document contains every route of the app and no other route', async () => {
    const system = createSystem();
    const { specification } = await bodies(system);
    const documented = Object.entries(specification.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = system.app.routes
      .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(documented.toSorted()).toEqual([...new Set(routes)].toSorted());
  });

  test('every request body has an example that fits its schema', async () => {
    const { found } = await bodies(createSystem());
    expect(found.length).toBeGreaterThan(14);
    for (const { path, method, schema, named } of found) {
      const [example] = named?.examples ?? [];
      expect([method, path, typeof example]).toEqual([method, path, 'object']);
      expect(new Validator(schema, '2020-12').validate(example).errors).toEqual([]);
    }
  });

  test('an example that contains no id of another resource succeeds when it is pasted', async () => {
    const system = createSystem();
    const { found } = await bodies(system);
    const admin = await system.register({ role: 'admin' });
    const ids = { users: admin.id, items: '', tickets: '' };
    const paste = async (path: string, method: string, target = path) => {
      const example = found.find((body) => body.path === path && body.method === method)?.named?.examples?.[0];
      const response = await system.send(method.toUpperCase(), target, example, admin.bearer);
      expect([path, method, response.status < 300]).toEqual([path, method, true]);
      return response.json<{ id: string }>();
    };
    await paste('/v1/users', 'post');
    ids.items = (await paste('/v1/items', 'post')).id;
    ids.tickets = (await paste('/v1/tickets', 'post')).id;
    await paste('/v1/items/{id}', 'patch', `/v1/items/${ids.items}`);
    await paste('/v1/tickets/{id}/status', 'post', `/v1/tickets/${ids.tickets}/status`);
    await paste('/v1/tickets/{id}/notes', 'post', `/v1/tickets/${ids.tickets}/notes`);
    await paste('/v1/users/{id}', 'patch', `/v1/users/${ids.users}`);
    await paste('/v1/users/{id}/settings', 'patch', `/v1/users/${ids.users}/settings`);
    await paste('/v1/operations/dead-letters/replay', 'post');
  });
});

describe('what operations have in common', () => {
  interface Described {
    tags: { name: string; description: string }[];
    paths: Record<string, Record<string, { tags: string[]; security?: object[]; responses: Record<string, object> }>>;
    components: { schemas: Record<string, { properties: Record<string, { format?: string }> }> };
  }
  const load = async () => (await createSystem().request('/openapi.json')).json<Described>();

  test('the document declares every tag that an operation has, and no other', async () => {
    const { tags, paths } = await load();
    const used = Object.values(paths).flatMap((item) => Object.values(item).flatMap((operation) => operation.tags));
    expect(tags.map(({ name }) => name).sort()).toEqual([...new Set(used)].sort());
    for (const { description } of tags) expect(description).toMatch(/^[A-Z].+\.$/);
  });

  test('the token endpoint stores no responses, and describes no replayed ones', async () => {
    const { paths } = await load();
    for (const path of ['/v1/auth/token', '/v1/auth/login']) {
      const described = JSON.stringify(paths[path]);
      expect(described).toContain('Consistency-Token');
      expect(described).not.toContain('Idempotency-Replayed');
    }
  });

  test('every field with an e-mail address has the format email', async () => {
    const { schemas } = (await load()).components;
    const formats = ['RegisterUser', 'UpdateUser', 'UserDetail', 'RequestPasswordReset'].map(
      (name) => schemas[name]?.properties.email?.format,
    );
    expect(formats).toEqual(['email', 'email', 'email', 'email']);
  });

  test('every command describes 409, 412 and 503, every read of data 503, and every limited operation 429', async () => {
    const { paths } = await load();
    const isLimited = ['/v1/users', '/v1/auth/password-reset', '/v1/auth/password-reset/confirm'];
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { responses, security = [] }] of Object.entries(item)) {
        const described = (status: number) => [method, path, status, String(status) in responses];
        if (/\/auth\/(?:token|login)$/.test(path)) continue;
        const isCommand = method !== 'get';
        const statuses = isCommand ? [409, 412, 503] : security.length > 0 || path.startsWith('/v1/items') ? [503] : [];
        for (const status of statuses) expect(described(status)).toEqual([method, path, status, true]);
        if (method === 'post' && isLimited.includes(path)) expect(described(429)).toEqual([method, path, 429, true]);
        if (statuses.includes(503)) expect(JSON.stringify(responses['503'])).toContain('Retry-After');
      }
    }
  });
});

describe('the comparison of a response with the document', () => {
  const conform = createConformance(() => createSystem().request('/openapi.json'));
  const json = (body: unknown, init: ResponseInit = {}) =>
    Response.json(body, { ...init, headers: { 'X-Request-Id': 'a', ...init.headers } });

  test.each<[string, string, string, Response]>([
    ['an undocumented status', 'GET', '/v1/health', json({ status: 'ok' }, { status: 418 })],
    ['an undocumented field', 'GET', '/v1/health', json({ status: 'ok', more: 1 }, { headers: { ETag: '"a"' } })],
    ['a missing header', 'GET', `/v1/items/${newId()}`, json({})],
    ['another media type', 'GET', '/v1/health', new Response('ok', { headers: { 'X-Request-Id': 'a', ETag: '"a"' } })],
    ['an unknown route', 'GET', '/v1/secret', json({})],
  ])('the comparison fails for %s', async (_, method, path, response) => {
    await expect(conform(method, path, response)).rejects.toThrow(`${method} ${path}`);
  });
});
