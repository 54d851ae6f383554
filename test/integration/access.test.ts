import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationsOf } from '../support/routes';
import { countRows, createSystem } from '../support/system';

// Every operation that asks for credentials is called by accounts that may not act any more, each with a request that
// succeeds for an admin. So the test fails when a single command or query does not check its caller.

const system = createSystem();
const { clock, register, request, send, settle } = system;

type Account = Awaited<ReturnType<typeof register>>;

const price = { amount: 100, currency: 'EUR' };
const shippingAddress = { name: 'a', line1: 'b', postalCode: 'c', city: 'd', country: 'DE' };

let admin: Account;
/** Accounts whose tokens are revoked. All but the customer were admins when their tokens were issued. */
let revoked: Record<string, Account>;
let stranger: Account;

async function create(path: string, body: object): Promise<string> {
  const response = await send('POST', path, body, admin.bearer);
  return (await response.json<{ id: string }>()).id;
}

async function aCustomer(): Promise<string> {
  const account = { name: 'Grace Hopper', email: `${crypto.randomUUID()}@example.com`, password: 'a long password' };
  return create('/v1/users', account);
}

async function anOrder(): Promise<string> {
  const itemId = await create('/v1/items', { title: 'a', price, stock: 5 });
  return create('/v1/orders', { items: [{ itemId, quantity: 1 }], shippingAddress });
}

async function aDeadLetter(): Promise<string> {
  await create('/v1/items', { title: 'a', price });
  const letter = await env.DB.prepare(
    `UPDATE deliveries SET status = 'dead' WHERE subscription = 'analytics' AND position = (SELECT max(position) FROM events)
     RETURNING position`,
  ).first<{ position: number }>();
  return `${letter?.position}-analytics`;
}

async function aRebuild(): Promise<string> {
  await env.DB.prepare("UPDATE rebuilds SET status = 'cancelled' WHERE status = 'running'").run();
  return create('/v1/operations/projections/item/rebuild', {});
}

const collections: Record<string, () => Promise<string>> = {
  '/v1/users/{id}': aCustomer,
  '/v1/items/{id}': () => create('/v1/items', { title: 'a', price }),
  '/v1/orders/{id}': anOrder,
  '/v1/tickets/{id}': () => create('/v1/tickets', { subject: 'a', message: 'b' }),
  '/v1/operations/dead-letters/{id}': aDeadLetter,
  '/v1/operations/rebuilds/{id}': aRebuild,
};

/** The path with the id of a resource that was made for this operation. */
async function prepare(path: string): Promise<string> {
  const [prefix, make] = Object.entries(collections).find(([start]) => path.startsWith(start)) ?? [];
  if (prefix && make) return path.replace('{id}', await make());
  return path.replace('{view}', 'user');
}

const bodies: Record<string, () => Promise<object>> = {
  'PATCH /v1/users/{id}': async () => ({ name: 'Changed' }),
  'PATCH /v1/users/{id}/settings': async () => ({ locale: 'de' }),
  'POST /v1/users/{id}/role': async () => ({ role: 'agent' }),
  'POST /v1/items': async () => ({ title: 'a', price }),
  'PATCH /v1/items/{id}': async () => ({ title: 'Changed' }),
  'POST /v1/orders': async () => ({
    items: [{ itemId: await create('/v1/items', { title: 'a', price }), quantity: 1 }],
    shippingAddress,
  }),
  'POST /v1/tickets': async () => ({ subject: 'a', message: 'b' }),
  'POST /v1/tickets/{id}/status': async () => ({ status: 'triaged' }),
  'POST /v1/tickets/{id}/notes': async () => ({ note: 'a' }),
  'POST /v1/operations/dead-letters/replay': async () => ({}),
};

/** What must have happened before the operation can succeed for an admin. */
const preparations: Record<string, (target: string) => Promise<unknown>> = {
  'POST /v1/users/{id}/reactivate': (target) =>
    request(target.replace('reactivate', 'deactivate'), { method: 'POST', headers: admin.bearer }),
  'POST /v1/orders/{id}/deliver': (target) =>
    request(target.replace('deliver', 'ship'), { method: 'POST', headers: admin.bearer }),
  'POST /v1/operations/dead-letters/replay': aDeadLetter,
};

/** What a customer without any relation to the resource may do all the same. */
const openToEveryAccount = [
  'GET /v1/users/me',
  'POST /v1/items',
  'POST /v1/orders',
  'GET /v1/orders',
  'POST /v1/tickets',
  'GET /v1/tickets',
];

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  stranger = await register();
  revoked = {
    deactivated: await register({ role: 'admin' }),
    deleted: await register({ role: 'admin' }),
    demoted: await register({ role: 'admin' }),
    // Some queries have a path of their own for customers.
    'deactivated customer’s': await register(),
  };
  await settle();
  clock.advance(2000);
  const by = { headers: admin.bearer };
  await request(`/v1/users/${revoked.deactivated?.id}/deactivate`, { method: 'POST', ...by });
  await request(`/v1/users/${revoked['deactivated customer’s']?.id}/deactivate`, { method: 'POST', ...by });
  await request(`/v1/users/${revoked.deleted?.id}`, { method: 'DELETE', ...by });
  await send('POST', `/v1/users/${revoked.demoted?.id}/role`, { role: 'customer' }, admin.bearer);
});

const secured = await operationsOf(system).then((operations) =>
  operations.filter(({ operation }) => operation.security?.some((scheme) => 'bearer' in scheme)),
);

test('the document names more than thirty operations that ask for credentials', () => {
  expect(secured.length).toBeGreaterThan(30);
});

describe.each(secured.map(({ method, path }) => ({ name: `${method} ${path}`, method, path })))(
  '$name',
  ({ name, method, path }) => {
    let call: (caller: Account | undefined) => Promise<Response>;

    beforeAll(async () => {
      const target = await prepare(path);
      await preparations[name]?.(target);
      const body = await bodies[name]?.();
      call = (caller) =>
        request(target, {
          method,
          headers: { ...caller?.bearer, ...(body && { 'Content-Type': 'application/json' }) },
          ...(body && { body: JSON.stringify(body) }),
        });
      clock.advance(2000);
    });

    test.each(['deactivated', 'deleted', 'demoted', 'deactivated customer’s'])(
      'refuses the token of a %s account (401)',
      async (kind) => {
        const before = await countRows();
        expect((await call(revoked[kind])).status).toBe(401);
        expect(await countRows()).toEqual(before);
      },
    );

    test('refuses a request without a token (401), and a customer without a right to the resource', async () => {
      const before = await countRows();
      expect((await call(undefined)).status).toBe(401);
      if (openToEveryAccount.includes(name)) return;
      expect([403, 404]).toContain((await call(stranger)).status);
      expect(await countRows()).toEqual(before);
    });

    test('succeeds for an admin, so that the refusals above are due to the caller', async () => {
      expect((await call(admin)).status).toBeLessThan(300);
    });
  },
);

test('a stored response is not replayed to a caller whose token was revoked in the meantime', async () => {
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

test('a command without anything to change refuses a revoked token too', async () => {
  const agent = await register({ role: 'agent' });
  const ticket = await create('/v1/tickets', { subject: 'a', message: 'b' });
  const keepOpen = () => send('POST', `/v1/tickets/${ticket}/status`, { status: 'open' }, agent.bearer);
  expect((await keepOpen()).status).toBe(200);
  await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
  expect((await keepOpen()).status).toBe(401);
});

test('a refresh that races a demotion returns a token of the new role', async () => {
  const agent = await register({ role: 'agent' });
  await send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, admin.bearer);
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: agent.refreshToken });
  const refreshed = await request('/v1/auth/token', { method: 'POST', body });
  const { access_token: token } = await refreshed.json<{ access_token: string }>();
  const headers = { Authorization: `Bearer ${token}` };
  expect((await request('/v1/users', { headers })).status).toBe(403);
  expect((await request('/v1/users/me', { headers })).status).toBe(200);
});
