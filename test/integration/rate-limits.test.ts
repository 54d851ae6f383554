import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { rateLimits } from '../../src/http/rate-limits';
import { password } from '../support/factories';
import { countRows, createSystem } from '../support/system';

/** A limit that lets `quota` requests pass for each key, and records the keys that it is asked for. */
function createLimit(quota: number) {
  const keys: string[] = [];
  const binding: RateLimit = {
    limit: async ({ key }) => {
      keys.push(key);
      return { success: keys.filter((asked) => asked === key).length <= quota };
    },
  };
  return { keys, binding };
}

const form = (username: string) => ({
  method: 'POST',
  headers: { 'CF-Connecting-IP': '192.0.2.7', 'X-Forwarded-For': '198.51.100.1' },
  body: new URLSearchParams({ grant_type: 'password', username, password }),
});

test('sign-in is limited for each address in CF-Connecting-IP, before a password is hashed', async () => {
  const { binding, keys } = createLimit(1);
  const { request } = createSystem({ ADDRESS_LIMIT: binding });
  const first = await request('/v1/auth/token', form('nobody@example.com'));
  expect(first.headers.get('RateLimit-Policy')).toBe('"address";q=100;w=60, "account";q=10;w=60');
  expect(first.headers.get('RateLimit')).toBe('"account";r=1;t=60');
  const before = await countRows();
  const second = await request('/v1/auth/login', form('somebody@example.com'));
  expect(second.status).toBe(429);
  expect(second.headers.get('Content-Type')).toBe('application/json');
  expect(await second.json()).toMatchObject({ error: 'temporarily_unavailable' });
  expect([second.headers.get('Retry-After'), second.headers.get('RateLimit')]).toEqual(['60', '"address";r=0;t=60']);
  expect(keys).toEqual(['192.0.2.7', '192.0.2.7']);
  expect(await countRows()).toEqual(before);
});

test('sign-in is limited for each account, from all addresses together', async () => {
  const { binding, keys } = createLimit(2);
  const { request } = createSystem({ ACCOUNT_LIMIT: binding });
  const statuses: number[] = [];
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) {
    const init = form('Ada@Example.com');
    const response = await request('/v1/auth/token', { ...init, headers: { 'CF-Connecting-IP': address } });
    statuses.push(response.status);
  }
  expect(statuses).toEqual([400, 400, 429]);
  expect(new Set(keys)).toEqual(new Set(['ada@example.com']));
  expect((await request('/v1/auth/token', form('grace@example.com'))).status).toBe(400);
});

test('registrations and password resets are limited, and reads are not', async () => {
  const { binding } = createLimit(0);
  const { request, send } = createSystem({ ADDRESS_LIMIT: binding });
  const account = { name: 'Ada', email: 'ada@example.com', password };
  expect((await send('POST', '/v1/users', account)).status).toBe(429);
  expect((await send('POST', '/v1/auth/password-reset', { email: account.email })).status).toBe(429);
  expect((await send('POST', '/v1/auth/password-reset/confirm', { token: 'x', password })).status).toBe(429);
  const items = await request('/v1/items');
  expect([items.status, items.headers.get('RateLimit')]).toEqual([200, null]);
});

test('the binding of the runtime lets exactly the quota of the account limit pass', async () => {
  const outcomes: boolean[] = [];
  const key = crypto.randomUUID();
  for (let count = 0; count <= rateLimits.account.quota; count++) {
    outcomes.push((await env.ACCOUNT_LIMIT.limit({ key })).success);
  }
  expect(outcomes).toEqual([...Array(rateLimits.account.quota).fill(true), false]);
});
