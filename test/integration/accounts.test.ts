import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { userView } from '../../src/domains';
import type { OrderDetail } from '../../src/orders/schemas';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { createTurns } from '../../src/platform/turns';
import type { UserDetail, UserSettings } from '../../src/users/schemas';
import { accessView } from '../../src/users/views';
import { excuseDocuments } from '../support/document-watch';
import { address, password, passwordHash } from '../support/factories';
import { readAllDocuments, readAllRows } from '../support/stores';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

/** The parameters of production. */
const realHashing = () => ({ turns: createTurns(() => limits.waitingHashes) });

const currentPhc = /^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/;

async function hashOf(id: string): Promise<string> {
  const row = await env.DB.prepare('SELECT password_hash AS hash FROM users WHERE id = ?').bind(id).first();
  return String(row?.hash);
}

async function codeOf(response: Response): Promise<string> {
  return (await response.json<{ code: string }>()).code;
}

/** Advances the clock far enough for KV to accept another write to a key, then delivers the queues. */
async function deliverLater({ clock, deliverQueues }: System): Promise<void> {
  clock.advance(2000);
  await deliverQueues();
}

describe('registration', () => {
  test('a registration creates the account and its default settings (product 1.1)', async () => {
    const { register, request } = createSystem();
    const before = await countRows();
    const { id, bearer } = await register();
    const after = await countRows();
    expect([after.users, after.settings]).toEqual([(before.users ?? 0) + 1, (before.settings ?? 0) + 1]);
    const settings = await (await request(`/v1/users/${id}/settings`, { headers: bearer })).json<UserSettings>();
    expect(settings).toMatchObject({ locale: 'en', timezone: 'UTC', emailNotifications: true });
  });

  test('a registration whose settings cannot be written leaves no account behind (product 1.1)', async () => {
    const { send } = createSystem();
    const body = { name: 'Ada', email: `${newId()}@example.com`, password };
    const before = await countRows();
    await env.DB.prepare(
      "CREATE TRIGGER no_settings BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'no settings'); END",
    ).run();
    expect((await send('POST', '/v1/users', body)).status).toBe(500);
    await env.DB.prepare('DROP TRIGGER no_settings').run();
    expect(await countRows()).toEqual(before);
    expect((await send('POST', '/v1/users', body)).status).toBe(201);
  });

  test('a second registration of an address gets 409 in upper and lower case, and leaves no row (product 1.1)', async () => {
    const { register, send } = createSystem();
    const { email } = await register();
    const before = await countRows();
    for (const taken of [email, email.toUpperCase(), ` ${email} `]) {
      const response = await send('POST', '/v1/users', { name: 'Twin', email: taken, password });
      expect([response.status, await codeOf(response)]).toEqual([409, 'users.email-taken']);
    }
    expect(await countRows()).toEqual(before);
  });

  test('of eight registrations of one address at the same time, one succeeds and seven get 409 (product 1.1)', async () => {
    const { send } = createSystem();
    const email = `${newId()}@example.com`;
    const before = await countRows();
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => send('POST', '/v1/users', { name: 'Twin', email, password })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
    const after = await countRows();
    expect([after.users, after.settings]).toEqual([(before.users ?? 0) + 1, (before.settings ?? 0) + 1]);
  });
});

describe('passwords', () => {
  test('a stored password is an scrypt hash in the PHC format, with a salt of its own (product 1.3)', async () => {
    const { register } = createSystem({}, { hashing: realHashing() });
    const hashes = [await hashOf((await register()).id), await hashOf((await register()).id)];
    for (const hash of hashes) expect(hash).toMatch(currentPhc);
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  test('a sign-in replaces a hash that was made with other parameters (product 1.3)', async () => {
    const { register, signIn } = createSystem({}, { hashing: realHashing() });
    const { id, email } = await register();
    await env.DB.prepare('UPDATE users SET password_hash = ? WHERE id = ?').bind(passwordHash, id).run();
    await signIn(email);
    expect(await hashOf(id)).toMatch(currentPhc);
    const renewed = await hashOf(id);
    await signIn(email);
    expect(await hashOf(id)).toBe(renewed);
  });

  test('passwords and their hashes reach no response, log line, event, queue message or document (product 1.3)', async () => {
    const system = createSystem();
    const { clock, deliverQueues, logs, mailedToken, request, send, sender, sent, services } = system;
    const passwords = ['marker password 1', 'marker password 2', 'marker password 3', 'marker password 4'] as const;
    const [first, second, third, wrong] = passwords;
    const email = `${newId()}@example.com`;
    const seen: string[] = [];
    const record = async (response: Response) => {
      const text = await response.clone().text();
      seen.push(text, JSON.stringify([...response.headers]));
      return response;
    };
    const signIn = async (secret: string) => {
      const body = new URLSearchParams({ grant_type: 'password', username: email, password: secret });
      return record(await request('/v1/auth/token', { method: 'POST', body }));
    };
    const headers = { 'Idempotency-Key': newId() };
    const account = { name: 'Ada', email, password: first };
    const { id } = await (await record(await send('POST', '/v1/users', account, headers))).json<{ id: string }>();
    const hashes = [await hashOf(id)];
    await record(await send('POST', '/v1/users', account, headers));
    await record(await send('POST', '/v1/users', account));
    await record(await send('POST', '/v1/users', { ...account, name: 1 }));
    await signIn(wrong);
    const tokens = await (await signIn(first)).json<{ access_token: string }>();
    const bearer = { Authorization: `Bearer ${tokens.access_token}` };
    const change = async (body: object) => record(await send('PATCH', `/v1/users/${id}`, body, bearer));
    await change({ password: second, currentPassword: wrong });
    expect((await change({ password: second, currentPassword: first })).status).toBe(200);
    hashes.push(await hashOf(id));
    await send('POST', '/v1/auth/password-reset', { email });
    for (const messages of Object.values(sent)) seen.push(JSON.stringify(messages));
    await deliverQueues();
    const token = mailedToken(email, 'reset-password');
    const confirmed = await record(await send('POST', '/v1/auth/password-reset/confirm', { token, password: third }));
    expect(confirmed.status).toBe(204);
    hashes.push(await hashOf(id));
    for (const messages of Object.values(sent)) seen.push(JSON.stringify(messages));
    clock.advance(61_000);
    await services().relay();
    await deliverQueues();
    seen.push(logs.join(), JSON.stringify(sender.sent), await readAllDocuments());
    const { users, ...otherRows } = await readAllRows();
    seen.push(JSON.stringify(otherRows));
    expect(users).toContain(hashes[2]);
    for (const secret of [...passwords, ...hashes]) {
      expect(users?.replace(hashes[2] ?? '', '')).not.toContain(secret);
      for (const text of seen) expect(text).not.toContain(secret);
    }
  });
});

describe('changes of an account', () => {
  test('a change replaces only the fields that the request contains (product 1.4)', async () => {
    const { changeEmail, register, request, send } = createSystem();
    const { id, email, bearer } = await register();
    const read = async (token: string) =>
      (await request(`/v1/users/${id}`, { headers: { ...bearer, 'Consistency-Token': token } })).json<UserDetail>();
    const renamed = await send('PATCH', `/v1/users/${id}`, { name: 'Amazing Grace' }, bearer);
    expect(await read(renamed.headers.get('Consistency-Token') ?? '')).toMatchObject({ name: 'Amazing Grace', email });
    const hash = await hashOf(id);
    const moved = `${newId()}@example.com`;
    expect((await changeEmail({ id, bearer }, moved)).status).toBe(204);
    const settled = await send('PATCH', `/v1/users/${id}`, { name: 'Amazing Grace' }, bearer);
    expect(await read(settled.headers.get('Consistency-Token') ?? '')).toMatchObject({
      name: 'Amazing Grace',
      email: moved,
    });
    expect(await hashOf(id)).toBe(hash);
  });

  test.each([
    ['e-mail address', () => ({ email: `${newId()}@example.com` })],
    ['password', () => ({ password: 'another long password' })],
  ])('a new %s requires the current password of the caller (product 1.4)', async (_, change) => {
    const { register, request, send } = createSystem();
    const [user, admin] = [await register(), await register({ role: 'admin' })];
    const adminPassword = 'the password of the admin';
    const own = { password: adminPassword, currentPassword: password };
    await send('PATCH', `/v1/users/${admin.id}`, own, admin.bearer);
    const body = new URLSearchParams({ grant_type: 'password', username: admin.email, password: adminPassword });
    const granted = await request('/v1/auth/token', { method: 'POST', body });
    const { access_token: token } = await granted.json<{ access_token: string }>();
    const asAdmin = { Authorization: `Bearer ${token}` };
    const before = await countRows();
    for (const [bearer, currentPassword, code] of [
      [user.bearer, undefined, 'users.password-required'],
      [user.bearer, 'not the password', 'users.wrong-password'],
      [asAdmin, undefined, 'users.password-required'],
      [asAdmin, password, 'users.wrong-password'],
    ] as const) {
      const response = await send('PATCH', `/v1/users/${user.id}`, { ...change(), currentPassword }, bearer);
      expect([response.status, await codeOf(response)]).toEqual([422, code]);
    }
    expect(await countRows()).toEqual(before);
    const byAdmin = { ...change(), currentPassword: adminPassword };
    expect((await send('PATCH', `/v1/users/${user.id}`, byAdmin, asAdmin)).status).toBe(200);
  });

  test('the owner and admins change and delete an account, and other callers get 403 (product 1.4, 1.5)', async () => {
    const { register, request, send } = createSystem();
    const [alice, bob] = [await register(), await register()];
    const [agent, admin] = [await register({ role: 'agent' }), await register({ role: 'admin' })];
    const rename = (by: Account) => send('PATCH', `/v1/users/${alice.id}`, { name: `By ${by.id}` }, by.bearer);
    const remove = (target: Account, by: Account) =>
      request(`/v1/users/${target.id}`, { method: 'DELETE', headers: by.bearer });
    const before = await countRows();
    for (const stranger of [bob, agent]) {
      expect((await rename(stranger)).status).toBe(403);
      expect((await remove(alice, stranger)).status).toBe(403);
    }
    expect(await countRows()).toEqual(before);
    expect([(await rename(alice)).status, (await rename(admin)).status]).toEqual([200, 200]);
    expect([(await remove(alice, admin)).status, (await remove(bob, bob)).status]).toEqual([204, 204]);
  });

  test('a response to a change has the new version, and a read with its token returns the new state (product 7.4)', async () => {
    const { deliverQueues, register, request, send } = createSystem();
    const { id, email, bearer } = await register();
    await deliverQueues();
    const read = await request(`/v1/users/${id}`, { headers: bearer });
    expect(await read.json()).toMatchObject({ id, email, name: 'Grace Hopper', role: 'customer', isActive: true });
    const changed = await send('PATCH', `/v1/users/${id}`, { name: 'Amazing Grace' }, bearer);
    const token = changed.headers.get('Consistency-Token') ?? '';
    const withoutToken = await request(`/v1/users/${id}`, { headers: bearer });
    expect([withoutToken.headers.get('Consistency'), (await withoutToken.json<UserDetail>()).name]).toEqual([
      'eventual',
      'Grace Hopper',
    ]);
    const own = await request(`/v1/users/${id}`, { headers: { ...bearer, 'Consistency-Token': token } });
    expect([own.headers.get('Consistency'), (await own.json<UserDetail>()).name]).toEqual(['strong', 'Amazing Grace']);
    expect(own.headers.get('ETag')).toMatch(/^"2-0\.0\.0\.\d{13}-[\da-f]{16}"$/);
  });

  test('a read with the newest ETag in If-None-Match gets 304, and a change with an old If-Match gets 412', async () => {
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

  test('an account that the caller may not see gets the same 404 as an account that does not exist', async () => {
    const { register, request } = createSystem();
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
  });
});

describe('deletion of an account', () => {
  const markers = {
    name: 'Zaphod Marker-Name',
    street: 'Marker Street 7',
    subject: 'Marker subject',
    message: 'Marker message',
    note: 'Marker note',
    title: 'Marker item',
  };

  test('a deletion removes every personal text from D1 and KV, and orders stay without a customer (product 1.5)', async () => {
    const system = createSystem();
    const { clock, deliverQueues, register, request, send, services } = system;
    const [shop, agent] = [await register(), await register({ role: 'agent' })];
    const customer = await register();
    const { id, email, bearer } = customer;
    const create = async (path: string, body: object, by = bearer) => {
      const response = await send('POST', path, body, by);
      expect([path, response.status]).toEqual([path, 201]);
      return (await response.json<{ id: string }>()).id;
    };
    await send('PATCH', `/v1/users/${id}`, { name: markers.name }, bearer);
    await send('POST', '/v1/auth/password-reset', { email });
    const price = { amount: 500, currency: 'EUR' };
    const bought = await create('/v1/items', { title: 'Rope', price, stock: 5 }, shop.bearer);
    await create('/v1/items', { title: markers.title, description: markers.message, price });
    const shippingAddress = { ...address, name: markers.name, line1: markers.street };
    const order = await create('/v1/orders', { items: [{ itemId: bought, quantity: 2 }], shippingAddress });
    const ticket = await create('/v1/tickets', { subject: markers.subject, message: markers.message });
    expect((await send('POST', `/v1/tickets/${ticket}/notes`, { note: markers.note }, agent.bearer)).status).toBe(200);
    await deliverLater(system);
    const before = `${JSON.stringify(await readAllRows())} ${await readAllDocuments()}`;
    const personal = [email, ...Object.values(markers)];
    for (const text of personal) expect(before.split(text).length).toBeGreaterThan(2);

    clock.advance(2000);
    expect((await request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
    await deliverLater(system);
    // A key that was written within the last second is projected later; the relay sends its event again.
    clock.advance(120_000);
    await services().relay();
    await deliverQueues();

    const { events, ...rows } = await readAllRows();
    const documents = await readAllDocuments();
    for (const text of personal) {
      expect(JSON.stringify(rows)).not.toContain(text);
      expect(events).not.toContain(text);
      expect(documents).not.toContain(text);
    }
    for (const table of ['settings', 'sessions', 'password_resets', 'items', 'tickets', 'orders', 'users']) {
      expect([table, rows[table]?.includes(id) ?? false]).toEqual([table, false]);
    }
    expect(rows.ticket_notes).not.toContain(ticket);
    for (const view of [userView.id, 'access@2', 'settings@1']) {
      expect(await env.VIEWS.get(`${view}:${id}`)).toBeNull();
    }
    const left = await (await request(`/v1/orders/${order}`, { headers: agent.bearer })).json<OrderDetail>();
    expect(left).toMatchObject({ customerId: null, shippingAddress: null, status: 'cancelled' });
    expect(left.lines).toEqual([{ itemId: bought, title: 'Rope', quantity: 2, price, tookStock: true }]);
    expect(left.total).toEqual({ amount: 1000, currency: 'EUR' });
    expect((await request('/v1/users/me', { headers: bearer })).status).toBe(401);
  });

  test('a deletion cancels the placed orders and returns their pieces, and nobody ships an order without an address (product 1.5)', async () => {
    const system = createSystem();
    const { register, request, send } = system;
    const [shop, customer, agent] = [await register(), await register(), await register({ role: 'agent' })];
    const price = { amount: 500, currency: 'EUR' };
    const created = await send('POST', '/v1/items', { title: 'Rope', price, stock: 9 }, shop.bearer);
    const { id: itemId } = await created.json<{ id: string }>();
    const orders: string[] = [];
    for (const quantity of [1, 2, 4]) {
      const order = { items: [{ itemId, quantity }], shippingAddress: address };
      const response = await send('POST', '/v1/orders', order, customer.bearer);
      orders.push((await response.json<{ id: string }>()).id);
    }
    const [placed = '', shipped = ''] = orders;
    const act = (id: string, action: string) =>
      request(`/v1/orders/${id}/${action}`, { method: 'POST', headers: agent.bearer });
    expect((await act(shipped, 'ship')).status).toBe(200);
    await deliverLater(system);
    const removed = await request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    const headers = { ...agent.bearer, 'Consistency-Token': removed.headers.get('Consistency-Token') ?? '' };
    const read = async (path: string) => (await request(path, { headers })).json();
    expect(await Promise.all(orders.map((id) => read(`/v1/orders/${id}`)))).toMatchObject(
      ['cancelled', 'shipped', 'cancelled'].map((status) => ({ status, customerId: null, shippingAddress: null })),
    );
    expect(await read(`/v1/items/${itemId}`)).toMatchObject({ stock: 7 });
    const cancelled = await read('/v1/orders?status=cancelled&limit=100');
    expect(JSON.stringify(cancelled)).toContain(placed);
    expect((await act(placed, 'ship')).status).toBe(409);
    expect((await act(shipped, 'deliver')).status).toBe(200);
    excuseDocuments('The order goes back to a status without an event.');
    // An account that was deleted by an older version has left an order like this one.
    await env.DB.prepare("UPDATE orders SET status = 'placed' WHERE id = ?").bind(placed).run();
    const refused = await act(placed, 'ship');
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([409, 'orders.no-address']);
  });

  test('the events of a deleted account stay in the log, with ids and without names and addresses (product 1.5)', async () => {
    const system = createSystem();
    const { id, email, bearer } = await system.register();
    await deliverLater(system);
    expect(await env.VIEWS.get(userView.kvKey(id))).toContain(email);
    system.clock.advance(2000);
    const deleted = await system.request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer });
    expect(deleted.status).toBe(204);
    const { results } = await env.DB.prepare('SELECT type, data, metadata FROM events WHERE stream_id = ?')
      .bind(id)
      .all<{ type: string }>();
    expect(results.map(({ type }) => type)).toEqual(['UserRegistered', 'UserDeleted']);
    expect(JSON.stringify(results)).not.toMatch(new RegExp(`${email}|Hopper`));
  });
});

describe('settings', () => {
  test('a change of settings replaces only the fields that the request contains (product 1.6)', async () => {
    const { register, request, send } = createSystem();
    const { id, bearer } = await register();
    let expected: object = { locale: 'en', timezone: 'UTC', emailNotifications: true };
    for (const change of [{ timezone: 'Europe/Berlin' }, { locale: 'de-DE' }, { emailNotifications: false }]) {
      const changed = await send('PATCH', `/v1/users/${id}/settings`, change, bearer);
      const headers = { ...bearer, 'Consistency-Token': changed.headers.get('Consistency-Token') ?? '' };
      const settings = await (await request(`/v1/users/${id}/settings`, { headers })).json<UserSettings>();
      expected = { ...expected, ...change };
      expect(settings).toMatchObject(expected);
    }
    for (const wrong of [{ timezone: 'Mars/Base' }, { locale: 'not a locale' }, { emailNotifications: 'no' }, {}]) {
      expect((await send('PATCH', `/v1/users/${id}/settings`, wrong, bearer)).status).toBe(422);
    }
  });

  test('the owner, agents and admins read settings, and only the owner and admins change them (product 1.6)', async () => {
    const { register, request, send } = createSystem();
    const [owner, other] = [await register(), await register()];
    const [agent, admin] = [await register({ role: 'agent' }), await register({ role: 'admin' })];
    const path = `/v1/users/${owner.id}/settings`;
    const statuses = async ({ bearer }: Account) => [
      (await request(path, { headers: bearer })).status,
      (await send('PATCH', path, { locale: 'fr' }, bearer)).status,
    ];
    expect(await statuses(owner)).toEqual([200, 200]);
    expect(await statuses(admin)).toEqual([200, 200]);
    expect(await statuses(agent)).toEqual([200, 403]);
    expect(await statuses(other)).toEqual([404, 403]);
  });
});

describe('roles and account status', () => {
  test('a new account is a customer, and only admins change roles, deactivate and reactivate (product 1.7)', async () => {
    const { register, request, send } = createSystem();
    const [user, agent] = [await register(), await register({ role: 'agent' })];
    const admin = await register({ role: 'admin' });
    const read = async () => (await request(`/v1/users/${user.id}`, { headers: admin.bearer })).json<UserDetail>();
    expect((await read()).role).toBe('customer');
    const path = `/v1/users/${user.id}`;
    const before = await countRows();
    for (const { bearer } of [user, agent]) {
      expect((await send('POST', `${path}/role`, { role: 'admin' }, bearer)).status).toBe(403);
      expect((await request(`${path}/deactivate`, { method: 'POST', headers: bearer })).status).toBe(403);
      expect((await request(`${path}/reactivate`, { method: 'POST', headers: bearer })).status).toBe(403);
    }
    expect(await countRows()).toEqual(before);
    expect((await send('POST', `${path}/role`, { role: 'agent' }, admin.bearer)).status).toBe(200);
    expect((await send('POST', `${path}/role`, { role: 'owner' }, admin.bearer)).status).toBe(422);
    expect((await request(`${path}/deactivate`, { method: 'POST', headers: admin.bearer })).status).toBe(200);
    expect(await read()).toMatchObject({ role: 'agent', isActive: false });
    expect((await request(`${path}/reactivate`, { method: 'POST', headers: admin.bearer })).status).toBe(200);
    expect(await read()).toMatchObject({ role: 'agent', isActive: true });
  });

  /** KV as one location shows it: a value that was read there stays in its cache for `cacheTtl` seconds. */
  function createCachedKv(now: () => number): KVNamespace {
    const cache = new Map<string, { value: unknown; until: number }>();
    return {
      ...env.VIEWS,
      async get(keys: string[], options: { type: 'json'; cacheTtl: number }) {
        const missing = keys.filter((key) => (cache.get(key)?.until ?? 0) <= now());
        const until = now() + options.cacheTtl * 1000;
        const values = missing.length > 0 ? await env.VIEWS.get(missing, options) : new Map();
        for (const [key, value] of values) cache.set(key, { value, until });
        return new Map(keys.map((key) => [key, cache.get(key)?.value ?? null]));
      },
      put: (key: string, value: string) => env.VIEWS.put(key, value),
      delete: (key: string) => env.VIEWS.delete(key),
      // The document store calls no other method.
    } as unknown as KVNamespace;
  }

  type Revocation = (system: System, account: Account, admin: Account) => Promise<Response>;
  const endings: [string, Revocation][] = [
    [
      'deactivation',
      ({ request }, { id }, { bearer }) => request(`/v1/users/${id}/deactivate`, { method: 'POST', headers: bearer }),
    ],
    [
      'deletion',
      ({ request }, { id }, { bearer }) => request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer }),
    ],
  ];
  const changes: [string, Revocation][] = [
    [
      'change of role',
      ({ send }, { id }, { bearer }) => send('POST', `/v1/users/${id}/role`, { role: 'customer' }, bearer),
    ],
    [
      'change of password',
      ({ send }, { id, bearer }) => {
        const change = { password: 'another long password', currentPassword: password };
        return send('PATCH', `/v1/users/${id}`, change, bearer);
      },
    ],
  ];

  test.each([...endings, ...changes])(
    'after a %s older access tokens are refused for commands immediately, and for reads within a minute (product 1.7)',
    async (_, revoke) => {
      let now = () => Date.now();
      const system = createSystem({ VIEWS: createCachedKv(() => now()) });
      now = system.clock.now;
      const { clock, register, request, send } = system;
      const [account, admin] = [await register({ role: 'agent' }), await register({ role: 'admin' })];
      await deliverLater(system);
      const readList = async () => (await request('/v1/users', { headers: account.bearer })).status;
      const openTicket = async () =>
        (await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, account.bearer)).status;
      clock.advance(2000);
      expect([await openTicket(), await readList()]).toEqual([201, 200]);
      expect((await revoke(system, account, admin)).status).toBeLessThan(300);
      expect(await openTicket()).toBe(401);
      // The location still has the old document in its cache.
      expect(await readList()).toBe(200);
      clock.advance(60_000);
      expect(await readList()).toBe(401);
    },
  );

  const isActiveInKv = async (id: string) =>
    (await env.VIEWS.get<{ data: { isActive: boolean } }>(accessView.kvKey(id), 'json'))?.data.isActive;

  test('the response to a deactivation waits for an access document that was written within the last second (product 1.7)', async () => {
    const system = createSystem();
    const [account, admin] = [await system.register(), await system.register({ role: 'admin' })];
    await deliverLater(system);
    expect(await isActiveInKv(account.id)).toBe(true);
    const path = `/v1/users/${account.id}/deactivate`;
    expect((await system.request(path, { method: 'POST', headers: admin.bearer })).status).toBe(200);
    expect(await isActiveInKv(account.id)).toBe(false);
  });

  test('the response to a deactivation comes after the new access document is in KV (product 1.7)', async () => {
    const order: string[] = [];
    const put = async (key: string, text: string) => {
      // A slow write: a response that did not wait for it would come first.
      for (let turn = 0; turn < 50; turn++) await new Promise((done) => setTimeout(done));
      await env.VIEWS.put(key, text);
      order.push(key);
    };
    let isSlow = false;
    const views = {
      get: env.VIEWS.get.bind(env.VIEWS),
      put: (key: string, text: string) => (isSlow ? put(key, text) : env.VIEWS.put(key, text)),
    };
    const system = createSystem({ VIEWS: views as unknown as KVNamespace });
    const [account, admin] = [await system.register(), await system.register({ role: 'admin' })];
    await deliverLater(system);
    isSlow = true;
    system.clock.advance(2000);
    const context = createExecutionContext();
    const path = `/v1/users/${account.id}/deactivate`;
    const response = await system.app.request(path, { method: 'POST', headers: admin.bearer }, system.env, context);
    order.push(`${response.status}`);
    expect(order).toEqual([accessView.kvKey(account.id), '200']);
    await waitOnExecutionContext(context);
  });

  test('after a deactivation the background waits for an access document that another process has claimed (product 1.7)', async () => {
    const system = createSystem();
    const [account, admin] = [await system.register(), await system.register({ role: 'admin' })];
    await deliverLater(system);
    await env.DB.prepare("UPDATE projections SET claimed_by = 'other', claimed_until = ? WHERE view = ? AND key = ?")
      .bind(system.clock.now() + 25_000, accessView.id, account.id)
      .run();
    const path = `/v1/users/${account.id}/deactivate`;
    expect((await system.request(path, { method: 'POST', headers: admin.bearer })).status).toBe(200);
    expect(await isActiveInKv(account.id)).toBe(false);
    expect(system.logs.join()).not.toContain('inline-projection.failed');
  });

  test.each(endings)('after a %s the account can neither sign in nor refresh (product 1.7)', async (_, end) => {
    const system = createSystem();
    const [account, admin] = [await system.register(), await system.register({ role: 'admin' })];
    const grant = async (form: Record<string, string>) =>
      (await system.request('/v1/auth/token', { method: 'POST', body: new URLSearchParams(form) })).status;
    expect((await end(system, account, admin)).status).toBeLessThan(300);
    expect(await grant({ grant_type: 'password', username: account.email, password })).toBe(400);
    expect(await grant({ grant_type: 'refresh_token', refresh_token: account.refreshToken })).toBe(400);
  });

  test('an account that was reactivated can sign in again, and its new token is valid immediately (product 1.7)', async () => {
    const { clock, deliverQueues, register, request, signIn } = createSystem();
    const [admin, user] = [await register({ role: 'admin' }), await register()];
    await deliverQueues();
    // KV refuses a second write to a key within a second.
    clock.advance(2000);
    await request(`/v1/users/${user.id}/deactivate`, { method: 'POST', headers: admin.bearer });
    expect((await request('/v1/users/me', { headers: user.bearer })).status).toBe(401);
    await request(`/v1/users/${user.id}/reactivate`, { method: 'POST', headers: admin.bearer });
    expect((await request('/v1/users/me', { headers: (await signIn(user.email)).bearer })).status).toBe(200);
    expect((await request('/v1/users/me', { headers: user.bearer })).status).toBe(401);
  });
});

describe('reads of accounts', () => {
  test('an account has exactly the fields of UserDetail, and /me is the account of the caller (product 1.8)', async () => {
    const system = createSystem();
    const { id, email, bearer } = await system.register();
    await deliverLater(system);
    const own = await (await system.request('/v1/users/me', { headers: bearer })).json<UserDetail>();
    expect(own).toEqual(await (await system.request(`/v1/users/${id}`, { headers: bearer })).json());
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(own).toEqual({
      id,
      name: 'Grace Hopper',
      email,
      emailConfirmed: false,
      pendingEmail: null,
      role: 'customer',
      isActive: true,
      createdAt: time,
      updatedAt: time,
      lastLoginAt: time,
      itemCount: 0,
      orderCount: 0,
      openTicketCount: 0,
    });
  });

  test('a read of an account from KV needs no D1, so no rows are counted (product 1.8)', async () => {
    const system = createSystem();
    const { id, bearer } = await system.register();
    await system.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearer);
    await deliverLater(system);
    const withoutD1 = createSystem({
      DB: {
        withSession: () => {
          throw new Error('The read opened a session of D1.');
        },
      } as unknown as D1Database,
    });
    const response = await withoutD1.request(`/v1/users/${id}`, { headers: bearer });
    expect([response.status, response.headers.get('Cache-Status')]).toEqual([200, 'KV; hit']);
    expect(await response.json()).toMatchObject({ itemCount: 0, orderCount: 0, openTicketCount: 1 });
  });

  test('the list of users has ids and names only, for agents and admins (product 1.8)', async () => {
    const { register, request } = createSystem();
    const [customer, agent] = [await register(), await register({ role: 'agent' })];
    const admin = await register({ role: 'admin' });
    for (const { bearer } of [agent, admin]) {
      const { data } = await (await request('/v1/users', { headers: bearer })).json<{ data: object[] }>();
      expect(data.length).toBeGreaterThanOrEqual(3);
      for (const row of data) expect(Object.keys(row).sort()).toEqual(['id', 'name']);
    }
    expect((await request('/v1/users', { headers: customer.bearer })).status).toBe(403);
  });

  test('the pages of the list of users neither skip nor repeat an account while others register', async () => {
    const { clock, deliverQueues, register, request } = createSystem();
    // The tests before this one have moved their clocks, and the document of the list is the same for all of them.
    clock.advance(600_000);
    const agent = await register({ role: 'agent' });
    for (let count = 0; count < 3; count++) await register();
    clock.advance(2000);
    await deliverQueues();
    const seen: string[] = [];
    let path: string | undefined = '/v1/users?limit=2';
    for (let page = 0; path; page++) {
      const response: Response = await request(path, { headers: agent.bearer });
      const { data } = await response.json<{ data: { id: string; name: string }[] }>();
      seen.push(...data.map(({ id }) => id));
      path = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
      if (page < 4) await register();
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(agent.id);
    expect([...seen].sort().reverse()).toEqual(seen);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=nonsense']) {
      expect([query, (await request(`/v1/users?${query}`, { headers: agent.bearer })).status]).toEqual([query, 400]);
    }
  });
});
