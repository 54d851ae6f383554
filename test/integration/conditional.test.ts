import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ItemDetail } from '../../src/items/schemas';
import { newId } from '../../src/platform/ids';
import type { UserDetail } from '../../src/users/schemas';
import { deleteDeliveries } from '../support/document-watch';
import { password } from '../support/factories';
import { createRequestPreparer } from '../support/prepared-requests';
import { isExport, isSignIn, operationsOf, pathWith } from '../support/routes';
import { countRows, createSystem } from '../support/system';

/** The token endpoint is the one exception: it ignores the key. */

const operations = await operationsOf(createSystem());
const postCommands = operations
  .filter(({ method, path }) => method === 'POST' && !isSignIn(path))
  .map(({ path, operation }) => [path, operation] as const);

describe('Idempotency-Key', () => {
  test('of fifty requests with one key at the same time, one has an effect and all get its response (product 6.2)', async () => {
    const { register, send } = createSystem();
    const { id, bearer } = await register();
    const body = { subject: 'a', message: 'b' };
    const key = newId();
    const open = (ticket: object) => send('POST', '/v1/tickets', ticket, { ...bearer, 'Idempotency-Key': `"${key}"` });
    const responses = await Promise.all(Array.from({ length: 50 }, () => open(body)));
    const texts = new Set(
      await Promise.all(responses.map(async (response) => `${response.status} ${await response.text()}`)),
    );
    expect([...texts]).toEqual([expect.stringMatching(/^201 \{"id":"[0-9a-f-]{36}","version":1\}$/)]);
    expect(new Set(responses.map(({ headers }) => headers.get('Location'))).size).toBe(1);
    expect(responses.filter(({ headers }) => headers.get('Idempotency-Replayed') === 'true')).toHaveLength(49);
    const { results } = await env.DB.prepare('SELECT id FROM tickets WHERE customer_id = ?').bind(id).all();
    expect(results).toHaveLength(1);
    const other = await open({ ...body, message: 'other' });
    expect([other.status, (await other.json<{ code: string }>()).code]).toEqual([422, 'http.idempotency-key-reused']);
  });

  test('of eight registrations with one key at the same time, one has an effect, and no password is stored (product 6.2)', async () => {
    const { send } = createSystem();
    const body = { name: 'Twin', email: `${newId()}@example.com`, password };
    const key = `"${newId()}"`;
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

  test('two accounts with one key share no response, also for the same body (product 6.2)', async () => {
    const { register, send } = createSystem();
    const [ada, grace] = [await register(), await register()];
    const open = async ({ bearer }: typeof ada) => {
      const body = { subject: 'a', message: 'b' };
      const response = await send('POST', '/v1/tickets', body, { ...bearer, 'Idempotency-Key': 'the-same' });
      expect([response.status, response.headers.get('Idempotency-Replayed')]).toEqual([201, null]);
      return (await response.json<{ id: string }>()).id;
    };
    const [first, second] = [await open(ada), await open(grace)];
    const owners = env.DB.prepare('SELECT customer_id FROM tickets WHERE id IN (?, ?) ORDER BY id').bind(first, second);
    expect((await owners.all()).results.map(({ customer_id }) => customer_id)).toEqual([ada.id, grace.id]);
  });

  test('one key on two paths belongs to two commands (product 6.2)', async () => {
    const { register, request, send } = createSystem();
    const [admin, ada, grace] = [await register({ role: 'admin' }), await register(), await register()];
    const headers = { ...admin.bearer, 'Idempotency-Key': 'the-same' };
    for (const { id } of [ada, grace]) {
      const response = await request(`/v1/users/${id}/deactivate`, { method: 'POST', headers });
      expect([response.status, response.headers.get('Idempotency-Replayed')]).toEqual([200, null]);
      expect(await response.json()).toMatchObject({ id });
    }
    const item = { title: 'Teapot', price: { amount: 1, currency: 'EUR' } };
    expect((await send('POST', '/v1/items', item, headers)).status).toBe(201);
  });

  test('two keys on one path belong to two commands, and a key counts for POST alone (product 6.2)', async () => {
    const { register, send } = createSystem();
    const { id, bearer } = await register();
    const withKey = (key: string) => ({ ...bearer, 'Idempotency-Key': key });
    const open = async (key: string) => {
      const response = await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, withKey(key));
      return (await response.json<{ id: string }>()).id;
    };
    expect(await open('one')).not.toBe(await open('two'));
    for (const name of ['Ada', 'Countess', 'Ada']) {
      const response = await send('PATCH', `/v1/users/${id}`, { name }, withKey('one'));
      expect([response.status, response.headers.get('Idempotency-Replayed')]).toEqual([200, null]);
    }
    const stored = await env.DB.prepare('SELECT name FROM users WHERE id = ?').bind(id).first('name');
    expect(stored).toBe('Ada');
  });

  describe('on every POST command', () => {
    const system = createSystem();
    let admin: Awaited<ReturnType<typeof system.register>>;
    let prepare: ReturnType<typeof createRequestPreparer>;

    beforeAll(async () => {
      admin = await system.register({ role: 'admin' });
      prepare = createRequestPreparer(system, admin);
    });

    test('the document names more than fifteen POST commands', () => {
      expect(postCommands.length).toBeGreaterThan(15);
    });

    test.each(postCommands)(
      'a repeated POST %s gets the same response and has no second effect (product 6.2)',
      async (path, operation) => {
        const { sendWith } = await prepare('POST', path);
        const headers = { ...(operation.security && admin.bearer), 'Idempotency-Key': newId() };
        const first = await sendWith(headers);
        expect(first.status).toBeLessThan(300);
        const before = await countRows();
        system.clock.advance(1000);
        const second = await sendWith(headers);
        expect([second.status, await second.text()]).toEqual([first.status, await first.text()]);
        for (const name of ['ETag', 'Location'])
          expect([name, second.headers.get(name)]).toEqual([name, first.headers.get(name)]);
        // The response to a password reset request is the same for every address, and says nothing about the work.
        const isSilent = path === '/v1/auth/password-reset';
        expect(first.headers.get('Idempotency-Replayed')).toBeNull();
        expect(second.headers.get('Idempotency-Replayed')).toBe(isSilent ? null : 'true');
        expect(await countRows()).toEqual(before);
      },
    );

    test.each(postCommands)('POST %s refuses a malformed key (400)', async (path, operation) => {
      // The request of a reset e-mail has no second effect without a key either.
      const takesKey = path !== '/v1/auth/password-reset';
      const named = operation.parameters?.map(({ $ref }) => $ref);
      expect([path, named?.includes('#/components/parameters/IdempotencyKey')]).toEqual([path, takesKey]);
      const malformed = { ...admin.bearer, 'Idempotency-Key': 'a'.repeat(256) };
      const { sendWith } = await prepare('POST', path);
      const before = await countRows();
      const response = await sendWith(malformed);
      expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
        400,
        'http.invalid-idempotency-key',
      ]);
      expect(await countRows()).toEqual(before);
    });
  });

  test('the token endpoint ignores the key, so that no response with tokens is stored (product 6.2)', async () => {
    const { register, request } = createSystem();
    const { email } = await register();
    const before = await countRows();
    const headers = { 'Idempotency-Key': newId() };
    const signIn = async () => {
      const body = new URLSearchParams({ grant_type: 'password', username: email, password });
      return (await request('/v1/auth/token', { method: 'POST', body, headers })).json<{ refresh_token: string }>();
    };
    const [first, second] = [await signIn(), await signIn()];
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const after = await countRows();
    expect([after.sessions, after.idempotency_keys]).toEqual([(before.sessions ?? 0) + 2, before.idempotency_keys]);
  });

  test('a stranger whose command changes nothing stores nothing under a key, or anybody could fill the table', async () => {
    const { register, send } = createSystem();
    const { refreshToken } = await register();
    const signOut = (token: string, key: string) =>
      send('POST', '/v1/auth/logout', { refreshToken: token }, { 'Idempotency-Key': key });
    const before = await countRows();
    for (const key of [newId(), newId()]) expect((await signOut('unknown', key)).status).toBe(204);
    expect(await countRows()).toEqual(before);
    // What had an effect is stored.
    expect((await signOut(refreshToken, newId())).status).toBe(204);
    expect((await countRows()).idempotency_keys).toBe((before.idempotency_keys ?? 0) + 1);
  });

  test('a command can be repeated after a change of the token secret (product 6.2)', async () => {
    const [previous, current] = ['previous', 'current'].map((name) => `${name}-secret-0123456789-abcdefghijklmnop`);
    // The previous secret is optional, so the generated type does not have it.
    const rotated = { TOKEN_SECRET: current, TOKEN_SECRET_PREVIOUS: previous } as Partial<Env>;
    const account = { name: 'Twin', email: `${newId()}@example.com`, password };
    const headers = { 'Idempotency-Key': newId() };
    const first = await createSystem({ TOKEN_SECRET: previous } as Partial<Env>).send(
      'POST',
      '/v1/users',
      account,
      headers,
    );
    const { send } = createSystem(rotated);
    const repeated = await send('POST', '/v1/users', account, headers);
    expect([repeated.status, repeated.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
    expect(await repeated.json()).toEqual(await first.json());
  });

  test('another body under the same key gets 422, and a key can be used again after 24 hours (product 6.2)', async () => {
    const { clock, register, send, signIn } = createSystem();
    const { bearer, email } = await register();
    const ticket = () => ({ subject: newId(), message: 'b' });
    const key = { 'Idempotency-Key': newId() };
    expect((await send('POST', '/v1/tickets', ticket(), { ...bearer, ...key })).status).toBe(201);
    const other = await send('POST', '/v1/tickets', ticket(), { ...bearer, ...key });
    expect([other.status, (await other.json<{ code: string }>()).code]).toEqual([422, 'http.idempotency-key-reused']);
    clock.advance(24 * 3_600_000 + 1);
    const { bearer: later } = await signIn(email);
    expect((await send('POST', '/v1/tickets', ticket(), { ...later, ...key })).status).toBe(201);
  });

  test('strangers who use the same key share nothing, unless they send the same body (product 6.2)', async () => {
    const { send } = createSystem();
    const account = (name: string) => ({ name, email: `${newId()}@example.com`, password });
    const [one, two] = [account('One'), account('Two')];
    const key = { 'Idempotency-Key': 'the-same-key' };
    const register = async (body: object) => {
      const response = await send('POST', '/v1/users', body, key);
      return { ...(await response.json<{ id: string }>()), replayed: response.headers.get('Idempotency-Replayed') };
    };
    const [first, second] = [await register(one), await register(two)];
    expect(second).toMatchObject({ id: expect.not.stringMatching(first.id), replayed: null });
    expect(await register(one)).toEqual({ ...first, replayed: 'true' });
    expect(await register(two)).toEqual({ ...second, replayed: 'true' });
  });

  test('the Consistency-Token of a replayed response leads to the state that the first request wrote (product 6.2, 7.4)', async () => {
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
  });

  test.each([
    ['an empty key', ''],
    ['a key with one quotation mark', '"unfinished'],
    ['a key of 256 characters', 'a'.repeat(256)],
    ['a key with a space', 'two words'],
  ])('%s gets 400', async (_, key) => {
    const { send } = createSystem();
    const account = { name: 'Twin', email: `${newId()}@example.com`, password };
    expect((await send('POST', '/v1/users', account, { 'Idempotency-Key': key })).status).toBe(400);
  });
});

test('every read has an ETag, and responds with 304 to a request with this ETag', async () => {
  const system = createSystem();
  const admin = await system.register({ role: 'admin' });
  const { bearer } = admin;
  const prepare = createRequestPreparer(system, admin);
  const reads = (await operationsOf(system)).filter(({ method, path }) => method === 'GET' && !isExport(path));
  expect(reads.length).toBeGreaterThan(15);
  const targets: [string, string][] = [];
  for (const { path } of reads) targets.push([path, (await prepare('GET', path)).path]);
  // The dead letter that one of these reads is about stays.
  await deleteDeliveries('pending');
  for (const [path, target] of targets) {
    const first = await system.request(target, { headers: bearer });
    const etag = first.headers.get('ETag') ?? '';
    expect([path, first.status, etag]).toEqual([path, 200, expect.stringMatching(/^"[\w.-]+"$/)]);
    // The dashboard shows the age of the oldest ticket in seconds, so the next response may differ. The metrics count it.
    if (/dashboard|operations\/metrics/.test(path)) continue;
    const again = await system.request(target, { headers: { ...bearer, 'If-None-Match': etag } });
    expect([path, again.status, await again.text()]).toEqual([path, 304, '']);
    expect(again.headers.get('ETag')).toBe(etag);
    for (const name of ['Content-Security-Policy', 'X-Content-Type-Options', 'Cache-Control', 'X-Request-Id'])
      expect([path, name, again.headers.has(name)]).toEqual([path, name, true]);
  }
});

test('a script of another origin can read a 304 as well, with CORS', async () => {
  const Origin = 'https://shop.example';
  const { request } = createSystem({ CORS_ORIGINS: Origin } as Partial<Env>);
  const etag = (await request('/v1/items')).headers.get('ETag') ?? '';
  const { headers, status } = await request('/v1/items', { headers: { Origin, 'If-None-Match': etag } });
  const exposed = headers.get('Access-Control-Expose-Headers')?.split(',');
  expect([status, headers.get('Access-Control-Allow-Origin'), exposed?.includes('ETag')]).toEqual([304, Origin, true]);
});

test('the ETag of a list changes with its rows', async () => {
  const system = createSystem();
  const { id, bearer } = await system.register();
  const read = (etag = '') => system.request(`/v1/items?owner=${id}`, { headers: { 'If-None-Match': etag } });
  const before = (await read()).headers.get('ETag') ?? '';
  expect((await read(before)).status).toBe(304);
  const item = { title: 'A', price: { amount: 100, currency: 'EUR' }, stock: 9 };
  expect((await system.send('POST', '/v1/items', item, bearer)).status).toBe(201);
  await system.deliverQueues();
  expect((await read(before)).status).toBe(200);
});

describe('concurrent changes', () => {
  test('no update is lost when ten clients add to one description, each with the ETag that it has read (product 6.3)', async () => {
    const system = createSystem();
    const { bearer } = await system.register();
    const item = { title: 'a', description: '0', price: { amount: 1, currency: 'EUR' } };
    const { id } = await (await system.send('POST', '/v1/items', item, bearer)).json<{ id: string }>();
    let refused = 0;
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let token = '', isDone = false; !isDone; ) {
          const headers = token === '' ? {} : { 'Consistency-Token': token };
          const read = await system.request(`/v1/items/${id}`, { headers });
          const { description } = await read.json<ItemDetail>();
          const change = { description: String(Number(description) + 1) };
          const condition = { ...bearer, 'If-Match': read.headers.get('ETag') ?? '' };
          const response = await system.send('PATCH', `/v1/items/${id}`, change, condition);
          isDone = response.status === 200;
          if (!isDone) {
            expect(response.status).toBe(412);
            refused++;
          }
          token = response.headers.get('Consistency-Token') ?? token;
        }
      }),
    );
    const { description } = (await env.DB.prepare('SELECT description FROM items WHERE id = ?').bind(id).first()) ?? {};
    expect(description).toBe('10');
    expect(refused).toBeGreaterThan(0);
  });

  test('two changes at the same time without If-Match both take effect, one on the state that the other left (product 6.3)', async () => {
    const { register, request, send } = createSystem();
    const [admin, user] = [await register({ role: 'admin' }), await register()];
    for (let round = 0; round < 5; round++) {
      const role = round % 2 === 0 ? 'agent' : 'customer';
      const responses = await Promise.all([
        send('PATCH', `/v1/users/${user.id}`, { name: `Name ${round}` }, admin.bearer),
        send('POST', `/v1/users/${user.id}/role`, { role }, admin.bearer),
      ]);
      expect(responses.map(({ status }) => status)).toEqual([200, 200]);
      const read = await request(`/v1/users/${user.id}`, { headers: admin.bearer });
      expect(await read.json<UserDetail>()).toMatchObject({ name: `Name ${round}`, role });
    }
    const { results } = await env.DB.prepare('SELECT version FROM events WHERE stream_id = ? ORDER BY version')
      .bind(user.id)
      .all<{ version: number }>();
    expect(results.map(({ version }) => version)).toEqual(Array.from({ length: 11 }, (_, index) => index + 1));
  });

  test('every command with If-Match refuses an ETag that is not strong', async () => {
    const system = createSystem();
    const { bearer } = await system.register({ role: 'admin' });
    const conditional = (await operationsOf(system)).filter(({ operation }) =>
      operation.parameters?.some(({ $ref }) => $ref === '#/components/parameters/IfMatch'),
    );
    expect(conditional.length).toBeGreaterThan(10);
    for (const { method, path } of conditional) {
      const response = await system.send(method, pathWith(path, newId()), {}, { ...bearer, 'If-Match': 'W/"1"' });
      expect([path, [404, 412, 422].includes(response.status)]).toEqual([path, true]);
    }
  });
});

describe('every operation that documents If-Match', () => {
  const system = createSystem();
  let admin: Awaited<ReturnType<typeof system.register>>;
  let prepare: ReturnType<typeof createRequestPreparer>;

  beforeAll(async () => {
    admin = await system.register({ role: 'admin' });
    prepare = createRequestPreparer(system, admin);
  });

  const conditional = operations.filter(({ operation }) =>
    operation.parameters?.some(({ $ref }) => $ref?.endsWith('/IfMatch')),
  );

  test('there are more than ten such operations', () => expect(conditional.length).toBeGreaterThan(10));

  /** The version of the resource that a prepared request is about. */
  async function versionOf(path: string): Promise<number> {
    const target = path.replace(
      /\/(?:cancel|ship|deliver|status|assignee|replies|notes|email-confirmation|role|deactivate|reactivate)$/,
      '',
    );
    const read = await system.request(target, { headers: admin.bearer });
    if (target.includes('/rebuilds/')) return 1;
    return Number(/^"(\d+)/.exec(read.headers.get('ETag') ?? '')?.[1]);
  }

  const cases = conditional.map(({ method, path }) => [method, path] as const);

  test.each(cases)(
    '%s %s refuses preconditions that are false with 412, and changes no row (product 6.3)',
    async (method, path) => {
      const { path: target, sendWith } = await prepare(method, path);
      const version = await versionOf(target);
      const refused: Record<string, string>[] = [
        { 'If-Match': '"999999"' },
        { 'If-Match': '"999998", "999999"' },
        // If-Match compares strongly, so a weak tag matches nothing.
        { 'If-Match': `W/"${version}"` },
        { 'If-Match': `W/"${version}", "999999"` },
        // Suffixes that this API did not make.
        { 'If-Match': `"${version}-1.4.0"` },
        { 'If-Match': `"${version}-0.0.0-0123456789abcdef"` },
        { 'If-Match': `"${version}-"` },
        // No entity tags at all.
        { 'If-Match': `${version}` },
        { 'If-Match': `"${version}` },
        { 'If-Match': `"${version}" "999999"` },
        { 'If-Match': '' },
        { 'If-None-Match': '*' },
        { 'If-None-Match': `"999999", "${version}"` },
        { 'If-None-Match': `W/"${version}"` },
      ];
      const before = await countRows();
      for (const fields of refused) {
        const response = await sendWith({ ...admin.bearer, ...fields });
        expect([fields, response.status]).toEqual([fields, 412]);
        expect((await response.json<{ code: string }>()).code).toBe('http.precondition-failed');
      }
      expect(await countRows()).toEqual(before);
      expect(await versionOf(target)).toBe(version);
    },
  );

  test.each(cases)('%s %s takes a list of tags of which one is current (product 6.3)', async (method, path) => {
    const { path: target, sendWith } = await prepare(method, path);
    const version = await versionOf(target);
    const response = await sendWith({
      ...admin.bearer,
      'If-Match': `W/"1", "999999" ,, "${version}","a,b"`,
      'If-None-Match': '"999999", "x"',
    });
    expect(response.status).toBeLessThan(300);
  });
});

test('an ETag with a revision is accepted as it was read, and by no other version or revision (product 6.3)', async () => {
  const system = createSystem();
  const { id, bearer } = await system.register();
  const etag = (await system.request('/v1/users/me', { headers: bearer })).headers.get('ETag') ?? '';
  const [, version, revision, hash] = /^"(\d+)-(.+)-([\da-f]{16})"$/.exec(etag) ?? [];
  const change = async (tag: string) =>
    (await system.send('PATCH', `/v1/users/${id}`, { name: 'Ada' }, { ...bearer, 'If-Match': tag })).status;
  expect(await change(`"${version}-9.9.9-${hash}"`)).toBe(412);
  expect(await change(`"${version}-${revision}-${'0'.repeat(16)}"`)).toBe(412);
  expect(await change(`"${version}-${revision}"`)).toBe(412);
  expect(await change(`"${Number(version) + 1}-${revision}-${hash}"`)).toBe(412);
  expect(await change(etag)).toBe(200);
});

test('an ETag with a revision outlives a change of the token secret', async () => {
  const [previous, current] = ['previous', 'current'].map((name) => `${name}-secret-0123456789-abcdefghijklmnop`);
  const before = createSystem({ TOKEN_SECRET: previous } as Partial<Env>);
  const { id, bearer } = await before.register();
  const etag = (await before.request('/v1/users/me', { headers: bearer })).headers.get('ETag') ?? '';
  const after = createSystem({ TOKEN_SECRET: current, TOKEN_SECRET_PREVIOUS: previous } as Partial<Env>);
  const response = await after.send('PATCH', `/v1/users/${id}`, { name: 'Ada' }, { ...bearer, 'If-Match': etag });
  expect(response.status).toBe(200);
});

test('the token endpoint has no versions, so it ignores preconditions', async () => {
  const { register, request } = createSystem();
  const { email } = await register();
  const headers = { 'If-Match': '"7"', 'If-None-Match': '*' };
  const body = new URLSearchParams({ grant_type: 'password', username: email, password });
  expect((await request('/v1/auth/token', { method: 'POST', body, headers })).status).toBe(200);
});
