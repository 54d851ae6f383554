import { beforeAll, describe, expect, test } from 'vitest';
import api from '../../docs/api.md?raw';
import type { Role } from '../../src/access/caller';
import { type Scope, scopes } from '../../src/access/scopes';
import type { Access } from '../../src/http/access';
import { deleteDeliveries } from '../support/document-watch';
import { address, password } from '../support/factories';
import { createRequestPreparer } from '../support/prepared-requests';
import { isSignIn, operationsOf } from '../support/routes';
import { countRows, createSystem } from '../support/system';

// Every operation that asks for credentials is called by accounts that may not act any more, each with a request that
// succeeds for an admin. So the test fails when a single command or query does not check its caller.

const system = createSystem();
const { clock, deliverQueues, register, request, send } = system;

type Account = Awaited<ReturnType<typeof register>>;

let admin: Account;
/** Accounts whose tokens are revoked. All but the customer were admins when their tokens were issued. */
let revoked: Record<string, { bearer: Account['bearer'] }>;
let stranger: Account;
let agent: Account;
let prepare: ReturnType<typeof createRequestPreparer>;

/** The API key of the admin. */
let keyId: string;

/** An access token of the admin's key with these scopes. */
async function keyWith(scopes: readonly string[]): Promise<Pick<Account, 'bearer'>> {
  const key = { id: keyId, scopes: scopes as readonly Scope[] };
  const caller = { userId: admin.id, role: 'admin', tokenGeneration: 1, key } as const;
  const { token } = await system.services().http.accessTokens.issue(caller);
  return { bearer: { Authorization: `Bearer ${token}` } };
}

type Outcome = 'served' | 'refused';

/** Which callers each rule of access serves, when the resource is that of `owner`. */
const served: Readonly<
  Record<Exclude<Access, 'everybody'>, Record<'stranger' | 'owner' | 'agent' | 'admin', Outcome>>
> = {
  account: { stranger: 'served', owner: 'served', agent: 'served', admin: 'served' },
  'owner or staff': { stranger: 'refused', owner: 'served', agent: 'served', admin: 'served' },
  'owner or admin': { stranger: 'refused', owner: 'served', agent: 'refused', admin: 'served' },
  // The tests run with SELLERS=everyone; the test below runs with the other value.
  seller: { stranger: 'served', owner: 'served', agent: 'served', admin: 'served' },
  staff: { stranger: 'refused', owner: 'refused', agent: 'served', admin: 'served' },
  admin: { stranger: 'refused', owner: 'refused', agent: 'refused', admin: 'served' },
};

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  stranger = await register();
  agent = await register({ role: 'agent' });
  prepare = createRequestPreparer(system, admin);
  const created = await send('POST', '/v1/api-keys', { name: 'a', scopes }, admin.bearer);
  keyId = (await created.json<{ id: string }>()).id;
  const accounts = {
    deactivated: await register({ role: 'admin' }),
    deleted: await register({ role: 'admin' }),
    demoted: await register({ role: 'admin' }),
    // Some queries have a path of their own for customers.
    'deactivated customer’s': await register(),
    'demoted agent’s': await register({ role: 'agent' }),
    raced: await register({ role: 'admin' }),
  };
  await deliverQueues();
  clock.advance(2000);
  const by = { headers: admin.bearer };
  await request(`/v1/users/${accounts.deactivated.id}/deactivate`, { method: 'POST', ...by });
  await request(`/v1/users/${accounts['deactivated customer’s'].id}/deactivate`, { method: 'POST', ...by });
  await request(`/v1/users/${accounts.deleted.id}`, { method: 'DELETE', ...by });
  for (const { id } of [accounts.demoted, accounts['demoted agent’s'], accounts.raced]) {
    await send('POST', `/v1/users/${id}/role`, { role: 'customer' }, admin.bearer);
  }
  const { accessTokens } = system.services().http;
  const tokenOf = async (role: Role) => {
    const { token } = await accessTokens.issue({ userId: accounts.raced.id, role, tokenGeneration: 2 });
    return { bearer: { Authorization: `Bearer ${token}` } };
  };
  revoked = {
    ...accounts,
    // A refresh that raced the demotion could have made these tokens: the old role, and the new generation.
    'former admin’s with the new generation': await tokenOf('admin'),
    'former agent’s with the new generation': await tokenOf('agent'),
  };
  // So the refusals of these two are due to the role.
  const { status } = await request('/v1/users/me', { headers: (await tokenOf('customer')).bearer });
  expect(status).toBe(200);
});

const secured = await operationsOf(system).then((operations) =>
  operations.filter(({ operation }) => operation.security?.some((scheme) => 'bearer' in scheme)),
);

test('the document names more than thirty operations that ask for credentials', () => {
  expect(secured.length).toBeGreaterThan(30);
});

describe.each(secured.map(({ method, path, operation }) => [`${method} ${path}`, method, path, operation] as const))(
  '%s',
  (_, method, path, operation) => {
    let sendAs: (caller: Pick<Account, 'bearer'> | undefined) => Promise<Response>;
    /** The rows when the request is prepared, which stay the same until a caller is served. */
    let before: Awaited<ReturnType<typeof countRows>>;

    beforeAll(async () => {
      const { sendWith } = await prepare(method, path);
      sendAs = (caller) => sendWith(caller?.bearer);
      clock.advance(2000);
      before = await countRows();
    });

    const kinds = [
      'deactivated',
      'deleted',
      'demoted',
      'deactivated customer’s',
      'demoted agent’s',
      'former admin’s with the new generation',
      'former agent’s with the new generation',
    ];
    test.each(kinds)('the token of a %s account gets 401 (product 1.7)', async (kind) => {
      const hint = 'A status of 415 or 422 means that bodies in prepared-requests.ts has no valid body.';
      expect((await sendAs(revoked[kind])).status, hint).toBe(401);
      expect(await countRows()).toEqual(before);
    });

    test('a request without a token gets 401', async () => {
      expect((await sendAs(undefined)).status).toBe(401);
      expect(await countRows()).toEqual(before);
    });

    test('an API key needs the scope that the document names, and without one no key is served (product 9.2)', async () => {
      const declared = operation['x-scopes'] ?? [];
      const schemes = operation.security?.flatMap((scheme) => Object.entries(scheme)) ?? [];
      const programs = declared.flatMap((scope) => ['apiKey', 'client'].map((name) => [name, [scope]]));
      expect(schemes.filter(([name]) => name === 'apiKey' || name === 'client')).toEqual(programs);
      const refused = await sendAs(await keyWith(scopes.filter((scope) => !declared.includes(scope))));
      const hint = 'Commands and queries are bound to the scopes of src/operation-scopes.ts in app.ts.';
      expect(refused.status, hint).toBe(403);
      const expected = declared.length > 0 ? 'auth.insufficient-scope' : 'auth.key-not-allowed';
      expect((await refused.json<{ code: string }>()).code).toBe(expected);
      expect(await countRows()).toEqual(before);
      if (declared.length > 0) expect((await sendAs(await keyWith(declared))).status, hint).toBeLessThan(300);
    });

    const access = operation['x-access'] as keyof typeof served;
    const outcomes = Object.entries(served[access] ?? {});

    test('a rule of access in routes.ts says whom the operation serves', () => {
      expect(outcomes.length, `${access} is no rule for an operation that asks for credentials`).toBe(4);
    });

    test.each(outcomes)(`“${access}”: the %s is %s`, async (name, expected) => {
      const isOwn = name === 'owner';
      const caller = isOwn ? await register() : { stranger, agent, admin }[name as 'admin'];
      // Customers cannot make what admins work with.
      const preparing = isOwn && access !== 'admin' ? createRequestPreparer(system, caller) : prepare;
      const isAccount = path.startsWith('/v1/users/{id}');
      const { sendWith } = await preparing(method, path, (id) => (isOwn && isAccount ? caller.id : id));
      const rows = await countRows();
      const { status } = await sendWith(caller.bearer);
      const hint =
        'The rule in routes.ts must be what the command or query does. If a caller is served who must not be, the check of ' +
        'the role or the owner is missing: in queries.ts for a GET, in commands.ts (onlyIf, or a rule in handle) otherwise.';
      if (expected === 'served') return expect(status, hint).toBeLessThan(300);
      // Somebody whose own account is not active has no valid token.
      expect(isOwn ? [401, 403, 404] : [403, 404], hint).toContain(status);
      expect(await countRows()).toEqual(rows);
    });
  },
);

test('docs/api.md explains each word of x-access', async () => {
  const words = (await operationsOf(system)).map(({ operation }) => operation['x-access']);
  const [, table = ''] = api.split('| `x-access` | who |');
  const explained = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, word]) => word);
  expect(explained.toSorted()).toEqual([...new Set(words)].toSorted());
});

test('an operation for sellers serves the staff alone where only the staff sells (product 3.5)', async () => {
  const shop = createSystem({ SELLERS: 'staff' });
  const sellers = secured.filter(({ operation }) => operation['x-access'] === 'seller');
  expect(sellers.length).toBeGreaterThan(0);
  for (const { method, path } of sellers) {
    for (const [caller, isServed] of [
      [stranger, false],
      [agent, true],
      [admin, true],
    ] as const) {
      const { sendWith } = await createRequestPreparer(shop, agent)(method, path);
      expect([method, path, (await sendWith(caller.bearer)).status < 300]).toEqual([method, path, isServed]);
    }
  }
});

test('the operations that ask for no credentials are those that are declared to serve everybody', async () => {
  const operations = await operationsOf(system);
  for (const { method, path, operation } of operations) {
    const isOpen = !operation.security?.length;
    const hint = isOpen
      ? 'It asks for no credentials. Add `authenticate` to the route in routes.ts, or declare it for everybody.'
      : 'It is declared for everybody. Remove `authenticate` from the route in routes.ts, or declare another rule.';
    expect(operation['x-access'] === 'everybody', `${method} ${path}: ${hint}`).toBe(isOpen);
  }
});

describe('a stored response (product 1.7, 6.2)', () => {
  const repeatable = secured.filter(({ method }) => method === 'POST').map(({ path }) => path);

  test('the table has fifteen commands or more', () => expect(repeatable.length).toBeGreaterThan(14));

  describe.each(repeatable)('of POST %s', (path) => {
    const ends: Record<string, (id: string) => Promise<Response>> = {
      deactivated: (id) => request(`/v1/users/${id}/deactivate`, { method: 'POST', headers: admin.bearer }),
      demoted: (id) => send('POST', `/v1/users/${id}/role`, { role: 'agent' }, admin.bearer),
      deleted: (id) => request(`/v1/users/${id}`, { method: 'DELETE', headers: admin.bearer }),
    };

    test.each(Object.keys(ends))('is not given to a caller who was %s since', async (end) => {
      const caller = await register({ role: 'admin' });
      const { sendWith } = await prepare('POST', path);
      const headers = { ...caller.bearer, 'Idempotency-Key': crypto.randomUUID() };
      expect((await sendWith(headers)).status).toBeLessThan(300);
      expect((await sendWith(headers)).headers.get('Idempotency-Replayed')).toBe('true');
      expect((await ends[end]?.(caller.id))?.status).toBeLessThan(300);
      const before = await countRows();
      const repeated = await sendWith(headers);
      expect([repeated.status, repeated.headers.get('Idempotency-Replayed')]).toEqual([401, null]);
      expect(await countRows()).toEqual(before);
    });
  });
});

test('a stranger gets no position of the log, whatever the request (product 6.7)', async () => {
  // The tests before have left deliveries, which are late by now, and readiness would say so.
  await deleteDeliveries();
  const open = (await operationsOf(system)).filter(({ operation }) => !operation.security?.length);
  expect(open.length).toBeGreaterThan(8);
  for (const { method, path } of open.filter(({ path }) => !isSignIn(path))) {
    const { sendWith } = await prepare(method, path);
    const response = await sendWith();
    expect([method, path, response.status < 400, response.headers.get('Consistency-Token')]).toEqual([
      method,
      path,
      true,
      null,
    ]);
  }
  const { email } = await register();
  const form = (fields: Record<string, string>) => ({ method: 'POST', body: new URLSearchParams(fields) });
  const refused = form({ grant_type: 'password', username: email, password: 'a wrong one' });
  expect((await request('/v1/auth/token', refused)).headers.get('Consistency-Token')).toBeNull();
  const granted = form({ grant_type: 'password', username: email, password });
  expect((await request('/v1/auth/token', granted)).headers.get('Consistency-Token')).not.toBeNull();
});

test('a stored response is not replayed to a caller whose token was revoked in the meantime (product 1.7)', async () => {
  const agent = await register({ role: 'agent' });
  const key = { 'Idempotency-Key': crypto.randomUUID() };
  const open = () => send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, { ...agent.bearer, ...key });
  expect((await open()).status).toBe(201);
  expect((await open()).headers.get('Idempotency-Replayed')).toBe('true');
  await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
  const before = await countRows();
  expect((await open()).status).toBe(401);
  expect(await countRows()).toEqual(before);
});

test('a command without anything to change refuses a revoked token too (product 1.7)', async () => {
  const agent = await register({ role: 'agent' });
  const opened = await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, admin.bearer);
  const { id: ticket } = await opened.json<{ id: string }>();
  const keepOpen = () => send('POST', `/v1/tickets/${ticket}/status`, { status: 'open' }, agent.bearer);
  expect((await keepOpen()).status).toBe(200);
  await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
  expect((await keepOpen()).status).toBe(401);
});

test('a refresh after a demotion returns a token of the new role (product 1.7)', async () => {
  const agent = await register({ role: 'agent' });
  await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: agent.refreshToken });
  const refreshed = await request('/v1/auth/token', { method: 'POST', body });
  const { access_token: token } = await refreshed.json<{ access_token: string }>();
  const headers = { Authorization: `Bearer ${token}` };
  expect((await request('/v1/users', { headers })).status).toBe(403);
  expect((await request('/v1/users/me', { headers })).status).toBe(200);
});

test('a refresh that races a demotion gives no token that reads like an agent (product 1.7)', async () => {
  const customer = await register();
  const price = { amount: 1, currency: 'EUR' };
  const item = await send('POST', '/v1/items', { title: 'a', price }, customer.bearer);
  const { id: itemId } = await item.json<{ id: string }>();
  const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
  await send('POST', '/v1/orders', order, customer.bearer);
  for (let round = 0; round < 4; round++) {
    const agent = await register({ role: 'agent' });
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: agent.refreshToken });
    const [refreshed, demoted] = await Promise.all([
      request('/v1/auth/token', { method: 'POST', body }),
      send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer),
    ]);
    expect(demoted.status).toBe(200);
    const { access_token: token } = await refreshed.json<{ access_token?: string }>();
    for (const bearer of [agent.bearer, { Authorization: `Bearer ${token}` }]) {
      for (const path of [`/v1/orders?customer=${customer.id}`, '/v1/orders', '/v1/tickets', '/v1/users']) {
        const response = await request(path, { headers: bearer });
        const { data = [] } = await response.json<{ data?: unknown[] }>();
        expect([path, [200, 401, 403].includes(response.status), data]).toEqual([path, true, []]);
      }
    }
  }
});

test('a customer gets 403 for a list of agents before the cursor of the page is read', async () => {
  for (const path of ['/v1/users?cursor=x', '/v1/tickets?hasNote=true&cursor=x']) {
    const response = await request(path, { headers: stranger.bearer });
    expect([path, response.status]).toEqual([path, 403]);
  }
});
