import { type Schema, Validator } from '@cfworker/json-schema';
import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { createConformance, follow } from '../support/conformance';
import { createRequestPreparer } from '../support/prepared-requests';
import { isSignIn, operationsOf } from '../support/routes';
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
    components: {
      securitySchemes: Record<string, { flows?: { password: { tokenUrl: string; refreshUrl: string } } }>;
      schemas: Record<string, { properties: Record<string, { format?: string }> }>;
      responses: Record<string, { description: string; content: object }>;
    };
  }
  const { request } = createSystem();
  const load = async () => (await request('/openapi.json')).json<Described>();

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
      expect(described).toContain('"Consistency-Token"');
      expect(described).not.toContain('Idempotency-Replayed');
    }
  });

  test('whoever has a token, or an e-mail address and a password, can use every operation that needs an account', async () => {
    const { paths, components } = await load();
    const choice = JSON.stringify([{ bearer: [] }, { password: [] }]);
    const listed = Object.values(paths).flatMap((item) =>
      Object.values(item).flatMap(({ security = [] }) => (security.length > 0 ? [JSON.stringify(security)] : [])),
    );
    expect(listed.length).toBeGreaterThan(30);
    // What programs may use comes after these; test/integration/access.test.ts compares it with what they can do.
    expect(listed.filter((security) => !security.startsWith(choice.slice(0, -1)))).toEqual([]);
    expect(Object.keys(components.securitySchemes)).toEqual(['bearer', 'password', 'apiKey', 'client']);
    const { tokenUrl = '', refreshUrl } = components.securitySchemes.password?.flows?.password ?? {};
    expect([tokenUrl, refreshUrl]).toEqual(['/v1/auth/token', '/v1/auth/token']);
    expect(paths[tokenUrl]?.post?.security).toEqual([]);
  });

  test('every field with an e-mail address has the format email', async () => {
    const { schemas } = (await load()).components;
    const formats = ['RegisterUser', 'UpdateUser', 'UserDetail', 'RequestPasswordReset'].map(
      (name) => schemas[name]?.properties.email?.format,
    );
    expect(formats).toEqual(['email', 'email', 'email', 'email']);
  });

  test('every command describes 409, 412 and 503, every read of data 503, and every limited operation 429', async () => {
    const document = await load();
    const { paths } = document;
    const isLimited = ['/v1/users', '/v1/auth/password-reset', '/v1/auth/password-reset/confirm'];
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { responses, security = [] }] of Object.entries(item)) {
        const described = (status: number) => [method, path, status, String(status) in responses];
        if (isSignIn(path)) continue;
        const isCommand = method !== 'get' && path !== '/v1/auth/password-reset';
        const statuses = isCommand ? [409, 412, 503] : security.length > 0 || path.startsWith('/v1/items') ? [503] : [];
        for (const status of statuses) expect(described(status)).toEqual([method, path, status, true]);
        if (method === 'post' && isLimited.includes(path)) expect(described(429)).toEqual([method, path, 429, true]);
        const unavailable = follow(document, responses['503'] ?? {});
        if (statuses.includes(503)) expect(JSON.stringify(unavailable)).toContain('Retry-After');
      }
    }
  });
});

describe('what readers and generated clients see (product 6.1)', () => {
  interface Branch {
    $ref?: string;
    type?: string;
  }
  interface Described {
    info: { description: string };
    tags: { name: string }[];
    paths: Record<string, Record<string, { tags: string[]; responses: Record<string, { $ref?: string }> }>>;
    components: {
      schemas: Record<string, Schema>;
      responses: Record<string, { description: string; content: object }>;
    };
  }
  const { request } = createSystem();
  const load = async () => (await request('/openapi.json')).json<Described>();

  test('no two operations have the same name, and each is one word in camel case', async () => {
    const names = (await operationsOf(createSystem())).map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(?:[A-Z][a-z]+)*$/);
    expect(names).toEqual(expect.arrayContaining(['placeOrder', 'listTickets', 'getUser', 'registerUser']));
  });

  test('an operation has the name of the command or query that its route calls', async () => {
    const system = createSystem();
    const prepare = createRequestPreparer(system, await system.register({ role: 'admin' }));
    const { bearer } = await system.register({ role: 'admin' });
    /** One letter is replayed and discarded with the commands for many; the first check of health calls nothing. */
    const own: Record<string, string[]> = {
      replayDeadLetter: ['ReplayDeadLetters'],
      discardDeadLetter: ['DiscardDeadLetters'],
      getHealth: [],
      // What is exported is recorded, too.
      exportOrders: ['ExportOrders', 'RecordExport'],
      exportTickets: ['ExportTickets', 'RecordExport'],
      exportEvents: ['ExportEvents', 'RecordExport'],
      exportAccount: ['ExportAccount', 'RecordAccountExport'],
    };
    for (const { path, method, operation } of await operationsOf(system)) {
      if (isSignIn(path)) continue;
      const { operationId } = operation;
      const { sendWith } = await prepare(method, path);
      system.called.length = 0;
      await sendWith(bearer);
      const expected = own[operationId] ?? [operationId.charAt(0).toUpperCase() + operationId.slice(1)];
      expect([operationId, ...system.called]).toEqual([operationId, ...expected]);
    }
  });

  test('the operations follow the order of their tags, of which registering and signing in are the first', async () => {
    const { tags, paths } = await load();
    const names = tags.map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['Users', 'Signing in']);
    expect(names.at(-1)).toBe('Operations');
    const ranks = Object.values(paths).map((item) => names.indexOf(Object.values(item)[0]?.tags[0] ?? ''));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(Object.keys(paths)[0]).toBe('/v1/users');
  });

  test('every refusal is a response that the operations share; only readiness has a body of its own', async () => {
    const { paths, components } = await load();
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, { responses }] of Object.entries(item)) {
        const refusals = Object.entries(responses).filter(([status]) => status === 'default' || Number(status) >= 400);
        expect(refusals.length).toBeGreaterThan(1);
        for (const [status, { $ref }] of refusals) {
          const isOwn = path === '/v1/health/ready' && status === '503';
          const name = $ref?.split('/').at(-1) ?? '';
          expect([method, path, status, name in components.responses]).toEqual([method, path, status, !isOwn]);
        }
      }
    }
    const schema = { $ref: '#/components/schemas/Problem' };
    const { Conflict, NotFound } = components.responses;
    for (const shared of [Conflict, NotFound])
      expect(shared?.content).toEqual({ 'application/problem+json': { schema } });
  });

  test('every error code that an operation can have stands with its status', async () => {
    const { responses } = (await load()).components;
    const texts = Object.values(responses).map(({ description }) => description);
    // The token endpoint has these in the words of RFC 6749, and 405 belongs to no operation.
    const left = ['unsupported-grant-type', 'invalid-token-request', 'invalid-client', 'invalid-scope'];
    const elsewhere = ['http.method-not-allowed', ...left.map((name) => `auth.${name}`)];
    for (const { code } of errorCatalogue) {
      const count = texts.filter((text) => text.includes(`[\`${code}\`](/problems/${code})`)).length;
      expect([code, count > 0]).toEqual([code, !elsewhere.includes(code)]);
    }
  });

  test('an operation lists the codes of its own domain and those of every operation, and no others', async () => {
    const { paths, components } = await load();
    const codesOf = (path: string, status: string) => {
      const response = follow({ components }, paths[path]?.post?.responses[status] as { description: string });
      return [...response.description.matchAll(/\(\/problems\/([^)]+)\)/g)].map(([, code]) => code);
    };
    const ownConflicts = ['orders.out-of-stock', 'orders.no-address', 'orders.illegal-transition'];
    expect(codesOf('/v1/orders', '409')).toEqual([...ownConflicts, 'concurrency.conflict']);
    expect(codesOf('/v1/users', '409')).toEqual([
      'users.email-taken',
      'users.email-confirmed',
      'users.service-account',
      'users.last-admin',
      'concurrency.conflict',
    ]);
    expect(codesOf('/v1/orders', '413')).toEqual(['http.body-too-large']);
    // A domain whose group has no errors in app.ts would list its codes for every operation.
    const general = ['Conflict', 'NotFound', 'Forbidden', 'UnprocessableContent', 'ServiceUnavailable'];
    for (const name of general)
      expect(components.responses[name]?.description).not.toMatch(/\/problems\/(?!http\.|concurrency\.|auth\.)/);
  });

  test('what depends on the role is a choice of named schemas, each with a title and a text that says whose it is', async () => {
    const { paths, components } = await load();
    const named = new Set<string>();
    JSON.stringify({ paths, schemas: components.schemas }, (_, value: { anyOf?: Branch[]; oneOf?: Branch[] }) => {
      // Readers and generators show what a schema is not as nothing at all.
      expect(Object.keys(value ?? {})).not.toContain('not');
      // A value that can be null is no choice for readers.
      const choices = value?.anyOf?.filter(({ type }) => type !== 'null') ?? [];
      for (const { $ref } of [...(choices.length > 1 ? choices : []), ...(value?.oneOf ?? [])])
        named.add($ref?.split('/').at(-1) ?? 'a schema without a name');
      return value;
    });
    expect([...named]).toEqual(expect.arrayContaining(['TicketDetail', 'StaffTicket', 'TicketSummary']));
    const titles = [...named].map((name) => components.schemas[name]?.title);
    for (const title of titles) expect(title).toMatch(/^[A-Z]/);
    expect(new Set(titles).size).toBe(titles.length);
    for (const name of ['TicketDetail', 'StaffTicket', 'TicketSummary', 'StaffTicketSummary', 'Ticket', 'TicketRow'])
      expect(components.schemas[name]?.description).toMatch(/customers?|agents and admins/);
  });

  test('the ticket of a customer does not fit the form for agents, which stands first in the choice', async () => {
    const system = createSystem();
    const { components } = await load();
    const [customer, agent] = [await system.register(), await system.register({ role: 'agent' })];
    await system.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, customer.bearer);
    await system.deliverQueues();
    for (const { bearer } of [customer, agent]) {
      const page = await (await system.request('/v1/tickets', { headers: bearer })).json<{ data: { id: string }[] }>();
      const ticket = await (await system.request(`/v1/tickets/${page.data[0]?.id}`, { headers: bearer })).json();
      for (const [name, value] of [
        ['Ticket', ticket],
        ['TicketPage', page],
      ] as const) {
        const schema = { $ref: `#/components/schemas/${name}`, components };
        expect(new Validator(schema, '2020-12').validate(value).errors).toEqual([]);
      }
      for (const [name, value] of [
        ['Ticket', ticket],
        ['TicketRow', page.data[0]],
      ] as const) {
        const forms = (components.schemas[name] as { anyOf?: Branch[] }).anyOf ?? [];
        const fitting = forms.find(
          (form) => new Validator({ ...form, components } as Schema, '2020-12').validate(value).valid,
        );
        const isStaff = bearer === agent.bearer;
        expect(fitting?.$ref?.includes('/Staff')).toBe(isStaff);
      }
    }
  });

  test('whole numbers have the minimum that they really have, and not the bounds of a double', async () => {
    const wrong: unknown[] = [];
    const { components, paths } = await load();
    JSON.stringify({ components, paths }, (key, value: { type?: string; minimum?: number; maximum?: number }) => {
      const { type, minimum, maximum } = value ?? {};
      const isReal = minimum !== undefined && minimum >= 0 && (maximum ?? 0) < Number.MAX_SAFE_INTEGER;
      if (type === 'integer' && !isReal) wrong.push([key, value]);
      return key === 'examples' ? undefined : value;
    });
    expect(wrong).toEqual([]);
  });

  test('no example that a tool makes of a schema says "string"', async () => {
    const { components } = await load();
    const without: string[] = [];
    /** Tools take the example of the outermost schema that has one. */
    const search = (schema: unknown, place: string) => {
      if (typeof schema !== 'object' || schema === null || 'examples' in schema || place.endsWith('/propertyNames'))
        return;
      const { type, format, enum: values, const: value } = schema as Record<string, unknown>;
      if (type === 'string' && format === undefined && values === undefined && value === undefined) without.push(place);
      for (const [name, part] of Object.entries(schema)) search(part, `${place}/${name}`);
    };
    search(components.schemas, '');
    // Their only uses are in a choice that has an example.
    const grants = /^\/(?:PasswordGrant|RefreshGrant|ClientCredentialsGrant)\//;
    expect(without.filter((place) => !grants.test(place))).toEqual([]);
  });

  test('a summary ends with the role that the operation needs, and with no other', async () => {
    const suffixes: Record<string, string> = { staff: 'agent', seller: 'agent', admin: 'admin' };
    for (const { operation } of await operationsOf(createSystem())) {
      const { summary, 'x-access': access = '' } = operation;
      const [, said] = /\(([^)]*)\)$/.exec(summary) ?? [];
      expect([summary, access, said]).toEqual([summary, expect.any(String), suffixes[access]]);
    }
  });

  test('the document names no licence and leads sign-ins to one of the two addresses', async () => {
    const { info, paths } = await load();
    expect(info).not.toHaveProperty('license');
    expect(JSON.stringify(paths['/v1/auth/login'])).toContain('Use `POST /v1/auth/token`.');
  });

  test('no schema repeats its format as a pattern, from which examples would be invented', async () => {
    const twice: unknown[] = [];
    JSON.stringify(await load(), (_, value: { format?: string; pattern?: string }) => {
      if (typeof value?.format === 'string' && typeof value.pattern === 'string') twice.push(value);
      return value;
    });
    expect(twice).toEqual([]);
  });

  test('the introduction has the address of the API, and names the headers that it explains', async () => {
    const system = createSystem({ PUBLIC_URL: 'https://api.shop.example' } as Partial<Env>);
    const { info } = await (await system.request('/openapi.json')).json<Described>();
    expect(info.description).toContain('url=https://api.shop.example\n');
    const headers = ['Consistency-Token', 'Age', 'Cache-Status', 'Idempotency-Key', 'If-Match', 'Retry-After'];
    for (const header of headers) expect(info.description).toContain(`\`${header}\``);
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
