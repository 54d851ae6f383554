import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { keyPrefix } from '../../src/access/key-text';
import { excuseDocuments } from '../support/document-watch';
import { password } from '../support/factories';
import { createFaultyD1 } from '../support/faulty-d1';
import { createSystem } from '../support/system';

const system = createSystem();
const { clock, deliverQueues, mailedToken, register, request, send, sender, sent, signIn } = system;

type Account = Awaited<ReturnType<typeof register>>;
type Shop = Pick<typeof system, 'request' | 'send'>;

interface CreatedKey {
  id: string;
  prefix: string;
  key: string;
}

const bearerOf = (key: string) => ({ Authorization: `Bearer ${key}` });
const codeOf = async (response: Response) => [response.status, (await response.json<{ code: string }>()).code];

async function createKey(by: Pick<Account, 'bearer'>, scopes: string[], others: object = {}): Promise<CreatedKey> {
  const response = await send('POST', '/v1/api-keys', { name: 'Scanner', scopes, ...others }, by.bearer);
  expect(response.status).toBe(201);
  return response.json<CreatedKey>();
}

const openTicket = (key: string, shop: Shop = system) =>
  shop.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearerOf(key));
const readTickets = (key: string, shop: Shop = system) => shop.request('/v1/tickets', { headers: bearerOf(key) });
const listKeys = async (by: Pick<Account, 'bearer'>, query = '') => {
  const response = await request(`/v1/api-keys${query}`, { headers: by.bearer });
  return (await response.json<{ data: Record<string, unknown>[] }>()).data;
};

/** Lets the claims of D1 and KV's limit of one write per second and key pass. */
async function settle() {
  await deliverQueues();
  clock.advance(2000);
}

let admin: Account;
let customer: Account;

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  customer = await register();
  await settle();
});

describe('an API key', () => {
  test('does what its scopes allow, and nothing else (product 9.2)', async () => {
    const { key } = await createKey(customer, ['tickets:read', 'tickets:write']);
    expect((await openTicket(key)).status).toBe(201);
    expect((await readTickets(key)).status).toBe(200);
    const orders = await request('/v1/orders', { headers: bearerOf(key) });
    expect(orders.headers.get('WWW-Authenticate')).toBe(
      'Bearer realm="frontdesk", error="insufficient_scope", scope="orders:read"',
    );
    expect(await codeOf(orders)).toEqual([403, 'auth.insufficient-scope']);
  });

  test('manages no keys, no accounts and no passwords, whatever its scopes are (product 9.2)', async () => {
    const { id, key } = await createKey(admin, ['users:read', 'users:write', 'operations:read', 'operations:write']);
    const body = { name: 'a', scopes: ['users:read'] };
    for (const [method, path, sent] of [
      ['POST', '/v1/api-keys', body],
      ['GET', '/v1/api-keys', undefined],
      ['DELETE', `/v1/api-keys/${id}`, undefined],
      ['POST', '/v1/service-accounts', { name: 'a', role: 'agent' }],
      ['PATCH', `/v1/users/${customer.id}`, { name: 'a' }],
      ['POST', `/v1/users/${customer.id}/role`, { role: 'agent' }],
      ['DELETE', `/v1/users/${customer.id}`, undefined],
    ] as const) {
      const headers = bearerOf(key);
      const response = await (sent ? send(method, path, sent, headers) : request(path, { method, headers }));
      expect([method, path, ...(await codeOf(response))]).toEqual([method, path, 403, 'auth.key-not-allowed']);
    }
  });

  test('never has more rights than the role of its account, which decides at each use (product 9.2)', async () => {
    const agent = await register({ role: 'agent' });
    const { key } = await createKey(agent, ['users:read', 'orders:write']);
    const listUsers = () => request('/v1/users', { headers: bearerOf(key) });
    expect((await listUsers()).status).toBe(200);
    await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
    expect(await codeOf(await listUsers())).toEqual([403, 'auth.insufficient-role']);
    const ship = () => request(`/v1/orders/${crypto.randomUUID()}/ship`, { method: 'POST', headers: bearerOf(key) });
    expect((await ship()).status).toBe(404);
  });

  test('needs a scope, and takes each scope once (product 9.2)', async () => {
    for (const scopes of [undefined, [], ['orders:read', 'orders:read'], ['everything']]) {
      const response = await send('POST', '/v1/api-keys', { name: 'a', scopes }, customer.bearer);
      expect([scopes, response.status]).toEqual([scopes, 422]);
    }
  });

  test('is shown again to a repeated request, and stands nowhere in the database, in KV or in a message (product 9.1)', async () => {
    const headers = { ...customer.bearer, 'Idempotency-Key': crypto.randomUUID() };
    const create = () => send('POST', '/v1/api-keys', { name: 'Marker', scopes: ['orders:read'] }, headers);
    const first = await (await create()).json<CreatedKey>();
    const again = await create();
    expect(again.headers.get('Idempotency-Replayed')).toBe('true');
    expect(await again.json()).toEqual(first);
    await settle();
    const rows: unknown[] = [];
    for (const table of ['api_keys', 'events', 'idempotency_keys']) {
      rows.push((await env.DB.prepare(`SELECT * FROM ${table}`).all()).results);
    }
    const document = await env.VIEWS.get(`api-keys@1:${customer.id}`);
    expect(document).toContain(first.id);
    expect(JSON.stringify([rows, document, sent])).not.toContain(first.key.slice(-49));
    expect(document).not.toContain('Marker');
  });

  test('of other signs, a wrong secret or none is refused (product 9.3)', async () => {
    const { key } = await createKey(customer, ['tickets:read']);
    const other = await createKey(customer, ['tickets:read']);
    await request(`/v1/api-keys/${other.id}`, { method: 'DELETE', headers: customer.bearer });
    for (const text of [`${key.slice(0, -1)}-`, key.slice(0, -1), `${key}0`, 'fd_', other.key]) {
      expect([text, ...(await codeOf(await readTickets(text)))]).toEqual([text, 401, 'auth.invalid-key']);
    }
  });

  test('is revoked at once for commands and, where the document is replaced, for reads (product 9.3)', async () => {
    const { id, key } = await createKey(customer, ['tickets:read', 'tickets:write']);
    await settle();
    expect((await readTickets(key)).status).toBe(200);
    const { access_token: token } = await (await exchange({ client_id: id, client_secret: key })).json<Granted>();
    const revoked = await request(`/v1/api-keys/${id}`, { method: 'DELETE', headers: customer.bearer });
    expect(revoked.status).toBe(204);
    for (const text of [key, token]) {
      expect(await codeOf(await openTicket(text))).toEqual([401, 'auth.invalid-key']);
      expect(await codeOf(await readTickets(text))).toEqual([401, 'auth.invalid-key']);
    }
    const again = await request(`/v1/api-keys/${id}`, { method: 'DELETE', headers: customer.bearer });
    expect(await codeOf(again)).toEqual([404, 'api-keys.not-found']);
  });

  test('ends at its time, and so does its access token (product 9.3)', async () => {
    const expiresAt = new Date(clock.now() + 60_000).toISOString();
    const { id, key } = await createKey(customer, ['tickets:read', 'tickets:write'], { expiresAt });
    const granted = await (await exchange({ client_id: id, client_secret: key })).json<Granted>();
    expect(granted.expires_in).toBeLessThanOrEqual(60);
    for (const text of [key, granted.access_token]) expect((await readTickets(text)).status).toBe(200);
    clock.advance(61_000);
    expect(await codeOf(await readTickets(key))).toEqual([401, 'auth.invalid-key']);
    expect(await codeOf(await openTicket(key))).toEqual([401, 'auth.invalid-key']);
    expect((await readTickets(granted.access_token)).status).toBe(401);
  });

  test('ends with its account, pauses while it is deactivated, and survives a new password (product 9.5)', async () => {
    const owner = await register();
    const { id, key } = await createKey(owner, ['tickets:read', 'tickets:write']);
    const byAdmin = (path: string, method = 'POST') =>
      request(`/v1/users/${owner.id}${path}`, { method, headers: admin.bearer });
    await byAdmin('/deactivate');
    expect([(await openTicket(key)).status, (await readTickets(key)).status]).toEqual([401, 401]);
    await byAdmin('/reactivate');
    expect((await openTicket(key)).status).toBe(201);
    const granted = await (await exchange({ client_id: id, client_secret: key })).json<Granted>();
    const { bearer } = await signIn(owner.email);
    const changes = { password: 'another long password', currentPassword: password };
    expect((await send('PATCH', `/v1/users/${owner.id}`, changes, bearer)).status).toBe(200);
    expect((await openTicket(granted.access_token)).status).toBe(401);
    expect((await openTicket(key)).status).toBe(201);
    await settle();
    await byAdmin('', 'DELETE');
    expect([(await openTicket(key)).status, (await readTickets(key)).status]).toEqual([401, 401]);
    await settle();
    expect(await env.VIEWS.get(`api-keys@1:${owner.id}`)).toBeNull();
    const left = await env.DB.prepare('SELECT 1 FROM api_keys WHERE user_id = ?').bind(owner.id).all();
    expect(left.results).toEqual([]);
  });
});

test('whoever registers with the address of somebody else keeps no key when the owner sets a password (product 9.5)', async () => {
  const owner = await register();
  const { key } = await createKey(owner, ['tickets:read', 'tickets:write']);
  await settle();
  expect((await readTickets(key)).status).toBe(200);
  await send('POST', '/v1/auth/password-reset', { email: owner.email });
  await settle();
  const confirm = { token: mailedToken(owner.email, 'reset-password'), password: 'another long password' };
  expect((await send('POST', '/v1/auth/password-reset/confirm', confirm)).status).toBe(204);
  expect(await codeOf(await openTicket(key))).toEqual([401, 'auth.invalid-key']);
  clock.advance(61_000);
  expect(await codeOf(await readTickets(key))).toEqual([401, 'auth.invalid-key']);
});

test('a key that is made while a reset link is used ends with the others (product 9.5)', async () => {
  const owner = await register();
  let makeKey: (() => Promise<CreatedKey>) | undefined = () => createKey(owner, ['tickets:read']);
  let late: CreatedKey | undefined;
  const DB = createFaultyD1(env.DB, async (call) => {
    const make = call.isCommit ? makeKey : undefined;
    if (make) makeKey = undefined;
    late = (await make?.()) ?? late;
    return call.send();
  });
  await send('POST', '/v1/auth/password-reset', { email: owner.email });
  await settle();
  const confirm = { token: mailedToken(owner.email, 'reset-password'), password: 'another long password' };
  expect((await createSystem({ DB }).send('POST', '/v1/auth/password-reset/confirm', confirm)).status).toBe(204);
  const left = await env.DB.prepare('SELECT id FROM api_keys WHERE user_id = ?').bind(owner.id).all();
  expect([late?.id, left.results]).toEqual([expect.any(String), []]);
});

describe('the list of keys', () => {
  test('lists the own keys without the key, and those of others for admins alone (product 9.1)', async () => {
    const owner = await register();
    const { id, key, prefix } = await createKey(owner, ['orders:read'], { name: 'Till 3' });
    expect(await listKeys(owner)).toEqual([
      {
        ...{ id, prefix, accountId: owner.id, name: 'Till 3', scopes: ['orders:read'] },
        ...{ createdAt: expect.any(String), expiresAt: null, lastUsedAt: null },
      },
    ]);
    expect(key.startsWith(prefix)).toBe(true);
    expect(await listKeys(admin, `?account=${owner.id}`)).toHaveLength(1);
    const refused = await request(`/v1/api-keys?account=${owner.id}`, { headers: customer.bearer });
    expect(await codeOf(refused)).toEqual([403, 'auth.insufficient-role']);
  });

  test('shows the last use to the hour, and no second use in the hour writes (product 9.7)', async () => {
    const shop = createSystem();
    const owner = await register();
    const { id, key } = await createKey(owner, ['tickets:read']);
    await readTickets(key, shop);
    const [shown] = await listKeys(owner);
    expect(String(shown?.lastUsedAt)).toMatch(/:00:00\.000Z$/);
    const before = '2020-01-01T00:00:00.000Z';
    const used = Date.parse(String(shown?.lastUsedAt));
    expect(shop.clock.now() - used).toBeLessThan(3_600_000);
    await env.DB.prepare('UPDATE api_keys SET last_used_at = ? WHERE id = ?').bind(before, id).run();
    await readTickets(key, shop);
    expect((await listKeys(owner))[0]?.lastUsedAt).toBe(before);
    shop.clock.advance(3_600_000);
    await readTickets(key, shop);
    expect(Date.parse(String((await listKeys(owner))[0]?.lastUsedAt))).toBe(used + 3_600_000);
  });
});

test('a key works on with another secret, and is hashed with it when it is used (product 9.1)', async () => {
  const owner = await register();
  const { key } = await createKey(owner, ['tickets:read']);
  const next = 'another-secret-0123456789-abcdefghijklm';
  // The secret that is replaced is no binding of the tests' configuration.
  const secrets = { TOKEN_SECRET: next, TOKEN_SECRET_PREVIOUS: env.TOKEN_SECRET };
  const during = createSystem(secrets);
  const after = createSystem({ TOKEN_SECRET: next });
  expect((await readTickets(key, after)).status).toBe(401);
  expect((await readTickets(key, during)).status).toBe(200);
  expect((await readTickets(key, after)).status).toBe(200);
});

describe('a service account (product 9.4)', () => {
  test('gets keys from an admin, and works with them as an account of its role', async () => {
    const created = await send('POST', '/v1/service-accounts', { name: 'Warehouse', role: 'agent' }, admin.bearer);
    const { id } = await created.json<{ id: string }>();
    expect([created.status, created.headers.get('Location')]).toEqual([201, `/v1/users/${id}`]);
    const { key } = await createKey(admin, ['users:read'], { accountId: id });
    const own = await request('/v1/users/me', { headers: bearerOf(key) });
    expect(await own.json()).toMatchObject({ id, name: 'Warehouse', role: 'agent' });
    expect((await request('/v1/users', { headers: bearerOf(key) })).status).toBe(200);
    const refused = await send('POST', '/v1/service-accounts', { name: 'a', role: 'admin' }, customer.bearer);
    expect(refused.status).toBe(403);
  });

  test('a service account gets no e-mail', async () => {
    await deliverQueues();
    const before = sender.sent.length;
    await send('POST', '/v1/service-accounts', { name: 'Warehouse', role: 'agent' }, admin.bearer);
    await deliverQueues();
    expect(sender.sent.length).toBe(before);
  });
});

interface Granted {
  access_token: string;
  expires_in: number;
  scope: string;
}

function exchange(fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...fields });
  return request('/v1/auth/token', { method: 'POST', body, headers });
}

const basic = (id: string, secret: string) => ({
  Authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
});

describe('grant_type=client_credentials (product 9.6)', () => {
  const all = 'tickets:read tickets:write';
  let made: CreatedKey;
  beforeAll(async () => {
    made = await createKey(customer, ['tickets:read', 'tickets:write']);
  });

  test('gives an access token with the scopes of the key, in the form or by HTTP Basic, and no refresh token', async () => {
    const { id, key, prefix } = made;
    for (const response of [
      await exchange({ client_id: id, client_secret: key }),
      await exchange({ client_id: prefix, client_secret: key }),
      await exchange({}, basic(id.toUpperCase(), key)),
    ]) {
      expect([response.status, response.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
      const granted = await response.json<Granted>();
      expect(granted).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 900, scope: all });
      expect((await openTicket(granted.access_token)).status).toBe(201);
      const refused = await request('/v1/orders', { headers: bearerOf(granted.access_token) });
      expect(await codeOf(refused)).toEqual([403, 'auth.insufficient-scope']);
    }
  });

  test('gives fewer scopes when asked, and refuses others by client_credentials of that key', async () => {
    const credentials = { client_id: made.id, client_secret: made.key };
    const granted = await (await exchange({ ...credentials, scope: 'tickets:read' })).json<Granted>();
    expect(granted.scope).toBe('tickets:read');
    expect((await readTickets(granted.access_token)).status).toBe(200);
    expect((await openTicket(granted.access_token)).status).toBe(403);
    for (const scope of ['orders:read', 'tickets:read orders:read', 'everything', '']) {
      const refused = await exchange({ ...credentials, scope });
      expect([scope, refused.status, await refused.json()]).toMatchObject([scope, 400, { error: 'invalid_scope' }]);
    }
  });

  test('refuses wrong client_credentials with 401 and a challenge', async () => {
    const { id, key } = made;
    const other = await createKey(customer, ['tickets:read']);
    for (const response of [
      await exchange({}),
      await exchange({ client_id: id }),
      await exchange({ client_secret: key }),
      await exchange({ client_id: other.id, client_secret: key }),
      await exchange({ client_id: id, client_secret: `${key}0` }),
      await exchange({}, basic(id, 'wrong')),
      await exchange({}, { Authorization: 'Basic ====' }),
      await exchange({}, { Authorization: `Basic ${btoa('%:%')}` }),
    ]) {
      expect(response.headers.get('WWW-Authenticate')).toBe('Basic realm="frontdesk"');
      expect([response.status, await response.json()]).toMatchObject([401, { error: 'invalid_client' }]);
    }
    const twice = await exchange({ client_id: id, client_secret: key }, basic(id, key));
    expect([twice.status, await twice.json()]).toMatchObject([400, { error: 'invalid_request' }]);
  });
});

test('the audit trail, its filter and the messages say which key acted (product 9.7)', async () => {
  const { id, key } = await createKey(customer, ['tickets:write']);
  await deliverQueues();
  const { id: ticket } = await (await openTicket(key)).json<{ id: string }>();
  expect(sent.projections.filter(({ subject }) => subject === `ticket/${ticket}`)).toMatchObject([{ keyid: id }]);
  const found = await request(`/v1/operations/events?key=${id}`, { headers: admin.bearer });
  const { data } = await found.json<{ data: object[] }>();
  expect(data).toMatchObject([{ type: 'TicketOpened', streamId: ticket, actorId: customer.id, keyId: id }]);
  const created = await request(`/v1/operations/events?stream=api-key/${id}`, { headers: admin.bearer });
  expect((await created.json<{ data: object[] }>()).data).toMatchObject([{ type: 'ApiKeyCreated', keyId: null }]);
});

describe('a GET that is recorded, with a key (product 9.2, 9.3)', () => {
  const recorded = async ({ id }: Account) => {
    const sql = "SELECT type FROM events WHERE metadata ->> 'actorId' = ? AND metadata ->> 'keyId' IS NOT NULL";
    const { results } = await env.DB.prepare(sql).bind(id).all<{ type: string }>();
    return results.map(({ type }) => type);
  };
  const get = (key: string, path: string) => request(path, { headers: bearerOf(key) });

  test.each([
    ['users:read', '/v1/users?search=ada', 'UsersSearched'],
    ['exports:read', '/v1/exports/orders', 'DataExported'],
  ])('needs the scope %s alone, and causes the record of the read and nothing else', async (scope, path, type) => {
    const owner = await register({ role: 'admin' });
    const others = ['items:write', 'orders:read', 'tickets:write', 'users:write', 'events:read', 'operations:write'];
    const { key: other } = await createKey(owner, others);
    expect(await codeOf(await get(other, path))).toEqual([403, 'auth.insufficient-scope']);
    expect(await recorded(owner)).toEqual([]);
    const { key } = await createKey(owner, [scope]);
    expect((await get(key, path)).status).toBe(200);
    expect(await recorded(owner)).toEqual([type]);
  });

  test.each([
    ['users:read', '/v1/users?search=ada'],
    ['exports:read', '/v1/exports/orders'],
  ])('with the scope %s decides on the role of this moment, which KV may not have yet', async (scope, path) => {
    const owner = await register({ role: 'admin' });
    const { key } = await createKey(owner, [scope]);
    await settle();
    expect((await get(key, path)).status).toBe(200);
    const before = (await recorded(owner)).length;
    const setRole = (role: string) =>
      env.DB.prepare('UPDATE users SET role = ?, token_generation = token_generation + 1 WHERE id = ?')
        .bind(role, owner.id)
        .run();
    excuseDocuments('the test changes a role without its event, as if KV did not have it yet');
    await setRole('customer');
    expect(await codeOf(await get(key, path))).toEqual([403, 'auth.insufficient-role']);
    expect((await recorded(owner)).length).toBe(before);
    // Without a fresh look, the command would refuse the older role that KV has as a key that is not valid.
    await setRole('admin');
    expect((await get(key, path)).status).toBe(200);
    expect((await recorded(owner)).length).toBe(before + 1);
  });
});

test('the owner is told of a new key at once, in an e-mail without its name (product 9.8)', async () => {
  const owner = await register();
  const { id, key } = await createKey(owner, ['tickets:read']);
  await deliverQueues();
  const [email] = sender.sent.filter(({ text }) => text.includes(id));
  expect(email).toMatchObject({ to: { email: owner.email }, unsubscribeUrl: undefined });
  expect(email?.text).toContain(`begins with ${keyPrefix(id)}.`);
  for (const hidden of [key, 'Scanner']) expect(`${email?.text}${email?.html}`).not.toContain(hidden);
});

test('a limit counts each valid key, and another one the networks that send wrong keys (product 9.3)', async () => {
  const asked: string[] = [];
  const limit = (name: string): RateLimit => ({
    async limit({ key }) {
      asked.push(`${name} ${key}`);
      return { success: false };
    },
  });
  const shop = createSystem({ API_KEY_LIMIT: limit('key'), WRONG_KEY_LIMIT: limit('wrong') });
  shop.clock.advance(clock.now() - shop.clock.now());
  const { id, key } = await createKey(customer, ['tickets:read']);
  const { access_token: token } = await (await exchange({ client_id: id, client_secret: key })).json<Granted>();
  for (const text of [key, token]) {
    const refused = await readTickets(text, shop);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '60']);
    expect(refused.headers.get('RateLimit')).toBe('"api-key";r=0;t=60');
  }
  await request(`/v1/api-keys/${id}`, { method: 'DELETE', headers: customer.bearer });
  const headers = { ...bearerOf(key), 'CF-Connecting-IP': '192.0.2.7' };
  expect((await shop.request('/v1/tickets', { headers })).status).toBe(429);
  // A typing error costs nothing, and is not counted.
  expect((await readTickets(`${key}0`, shop)).status).toBe(401);
  expect(asked).toEqual([`key ${id}`, `key ${id}`, 'wrong 192.0.2.7']);
});
