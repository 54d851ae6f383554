import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { ConcurrencyError } from '../../src/cqrs/writing/errors';
import { toTokenError } from '../../src/http/token-endpoint';
import type { Wait } from '../../src/platform/clock';
import { DomainError } from '../../src/platform/errors';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { createTurns, type Turns } from '../../src/platform/turns';
import type { UserDetail } from '../../src/users/schemas';
import { follow } from '../support/conformance';
import { cheapParameters, password } from '../support/factories';
import { readAllRows } from '../support/stores';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;

interface TokenResponse {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
}

const day = 24 * 3_600_000;

function grant({ request }: System, form: Record<string, string>, path = '/v1/auth/token') {
  return request(path, { method: 'POST', body: new URLSearchParams(form) });
}

const signIn = (system: System, username: string, secret = password) =>
  grant(system, { grant_type: 'password', username, password: secret });

const refresh = (system: System, token: string) => grant(system, { grant_type: 'refresh_token', refresh_token: token });

async function refreshTokenOf(response: Response): Promise<string> {
  expect(response.status).toBe(200);
  return (await response.json<TokenResponse>()).refresh_token;
}

/** Opens a second session of an account, and returns its refresh token. */
const openSession = async (system: System, email: string) => refreshTokenOf(await signIn(system, email));

/** The events of sign-ins of an account. */
async function countSignIns(userId: string): Promise<number> {
  const statement = env.DB.prepare(
    "SELECT count(*) AS count FROM events WHERE type = 'SessionStarted' AND data ->> 'userId' = ?",
  );
  return Number((await statement.bind(userId).first())?.count);
}

/** The parameters of production. */
const realHashing = () => ({ turns: createTurns(() => limits.waitingHashes) });

describe('the token endpoint', () => {
  test('a sign-in returns an access token for 15 minutes (product 2.1)', async () => {
    const system = createSystem();
    const { email, id } = await system.register();
    const tokens = await (await signIn(system, email.toUpperCase())).json<TokenResponse>();
    expect(Object.keys(tokens).sort()).toEqual(['access_token', 'expires_in', 'refresh_token', 'token_type']);
    expect([tokens.token_type, tokens.expires_in]).toEqual(['Bearer', 900]);
    const { exp = 0, iat = 0, sub } = decodeJwt(tokens.access_token);
    expect([sub, exp - iat]).toEqual([id, 900]);
    const headers = { Authorization: `Bearer ${tokens.access_token}` };
    system.clock.advance(899_000 - 5_000);
    expect((await system.request('/v1/users/me', { headers })).status).toBe(200);
    system.clock.advance(7_000);
    expect((await system.request('/v1/users/me', { headers })).status).toBe(401);
  });

  test('a refresh token is opaque, is valid for 30 days, and is stored only as a hash (product 2.1)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const [first, second] = [await openSession(system, email), await openSession(system, email)];
    expect(first).toMatch(/^[\w-]{43}$/);
    for (const rows of Object.values(await readAllRows())) {
      expect(rows).not.toContain(first);
      expect(rows).not.toContain(second);
    }
    system.clock.advance(30 * day - 60_000);
    expect((await refresh(system, first)).status).toBe(200);
    system.clock.advance(60_000);
    expect((await refresh(system, second)).status).toBe(400);
  });

  test('/v1/auth/login responds to the same forms in the same way (product 2.1)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const login = (form: Record<string, string>) => grant(system, form, '/v1/auth/login');
    const tokens = await (await login({ grant_type: 'password', username: email, password })).json<TokenResponse>();
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
    const refreshed = await login({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    expect(refreshed.status).toBe(200);
    const wrong = { grant_type: 'password', username: email, password: 'not the password' };
    const [token, other] = [await grant(system, wrong), await login(wrong)];
    expect([other.status, await other.text()]).toEqual([token.status, await token.text()]);
  });

  test('what tools for OAuth add to a form is ignored: a client needs no id and no secret (RFC 6749, 2.1 and 3.2)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const common = { grant_type: 'password', username: email };
    const others = { scope: '', client_id: '', client_secret: '', resource: 'https://api.example' };
    // An empty id and an empty secret.
    const headers = { Authorization: 'Basic Og==', 'X-Requested-With': 'XMLHttpRequest' };
    const post = (secret: string) => {
      const body = new URLSearchParams({ ...common, password: secret, ...others });
      return system.request('/v1/auth/token', { method: 'POST', headers, body });
    };
    expect((await post(password)).status).toBe(200);
    const refused = await post('not the password');
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_grant' }]);
  });

  test('errors have the form and the codes of RFC 6749', async () => {
    const system = createSystem();
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      system.request('/v1/auth/token', { method: 'POST', headers: { 'Content-Type': type }, body });
    for (const [body, error] of [
      ['grant_type=client_credentials', 'unsupported_grant_type'],
      ['grant_type=Password&username=a&password=b', 'unsupported_grant_type'],
      ['username=a&password=b', 'invalid_request'],
      ['', 'invalid_request'],
      ['grant_type=&username=a&password=b', 'invalid_request'],
      ['grant_type=password&grant_type=password&username=a&password=b', 'invalid_request'],
      ['grant_type=client_credentials&grant_type=client_credentials', 'invalid_request'],
      ['grant_type=password&username=a', 'invalid_request'],
      ['grant_type=password&username=a&username=b&password=c', 'invalid_request'],
      ['grant_type=refresh_token', 'invalid_request'],
      ['grant_type=refresh_token&refresh_token=a&refresh_token=b', 'invalid_request'],
      ['grant_type=password&username=nobody@example.com&password=wrong', 'invalid_grant'],
      ['grant_type=refresh_token&refresh_token=nonsense', 'invalid_grant'],
    ] as const) {
      const response = await post(body);
      expect([response.status, await response.json()]).toMatchObject([400, { error }]);
    }
  });

  interface TokenError {
    error: string;
    error_description: string;
  }

  const form = 'application/x-www-form-urlencoded';
  const nobody = `grant_type=password&username=nobody@example.com&password=${password}`;
  const limited = { limit: async () => ({ success: false }) };
  const stalled = {
    withSession: () => ({ batch: broken, prepare: () => ({ bind: () => ({ all: broken, raw: broken }) }) }),
  };
  async function broken() {
    throw new Error('D1 is away.');
  }
  /** Every failure that can happen before a route, in a route, and behind it. */
  const failures: [string, number, string, Partial<Env>, RequestInit, string | null][] = [
    ['another method', 405, 'invalid_request', {}, { method: 'GET' }, null],
    ['a method with a body', 405, 'invalid_request', {}, { method: 'PUT', body: nobody }, null],
    ['a body that is too long', 413, 'invalid_request', {}, { body: `${nobody}&x=${'a'.repeat(70_000)}` }, null],
    [
      'another media type',
      415,
      'invalid_request',
      {},
      { headers: { 'Content-Type': 'application/json' }, body: '{}' },
      null,
    ],
    [
      'a multipart form',
      415,
      'invalid_request',
      {},
      { headers: { 'Content-Type': 'multipart/form-data; boundary=a' }, body: '--a--' },
      null,
    ],
    [
      'a multipart form',
      415,
      'invalid_request',
      {},
      { headers: { 'Content-Type': 'multipart/form-data' }, body: '?' },
      null,
    ],
    ['no body', 415, 'invalid_request', {}, {}, null],
    ['a wrong password', 400, 'invalid_grant', {}, { headers: { 'Content-Type': form }, body: nobody }, null],
    [
      'a malformed Consistency-Token',
      400,
      'invalid_request',
      {},
      { headers: { 'Content-Type': form, 'Consistency-Token': '?' }, body: nobody },
      null,
    ],
    [
      'too many requests',
      429,
      'temporarily_unavailable',
      { NETWORK_LIMIT: limited },
      { headers: { 'Content-Type': form }, body: nobody },
      '60',
    ],
    [
      'too many requests for the account from the network',
      429,
      'temporarily_unavailable',
      { SIGN_IN_LIMIT: limited },
      { headers: { 'Content-Type': form }, body: nobody },
      '60',
    ],
    [
      'too many requests for the account',
      429,
      'temporarily_unavailable',
      { ACCOUNT_LIMIT: limited },
      { headers: { 'Content-Type': form }, body: nobody },
      '60',
    ],
    [
      'a database that fails',
      503,
      'temporarily_unavailable',
      { DB: stalled as unknown as D1Database },
      { headers: { 'Content-Type': form }, body: nobody },
      // A part of the seconds is random.
      expect.stringMatching(/^\d$/),
    ],
    [
      'a defect',
      500,
      'server_error',
      { NETWORK_LIMIT: {} as RateLimit },
      { headers: { 'Content-Type': form }, body: nobody },
      null,
    ],
  ];

  test.each(failures)(
    'the token endpoint answers %s with %i and “%s” in the form of RFC 6749 (product 2.1)',
    async (_, status, error, bindings, init, retryAfter) => {
      for (const path of ['/v1/auth/token', '/v1/auth/login']) {
        const response = await createSystem(bindings).request(path, { method: 'POST', ...init });
        expect(response.headers.get('Content-Type')).toMatch(/^application\/json/);
        const body = await response.json<TokenError>();
        expect([response.status, body]).toEqual([status, { error, error_description: expect.any(String) }]);
        // RFC 6749, 5.2: the characters that a description may have.
        expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
        const names = ['Cache-Control', 'Pragma', 'Retry-After', 'Allow'];
        expect(names.map((name) => response.headers.get(name))).toEqual([
          ...['no-store', 'no-cache', retryAfter],
          status === 405 ? expect.stringContaining('POST') : null,
        ]);
      }
    },
  );

  test('an answer with tokens is not stored by any cache (product 2.1)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const { headers } = await signIn(system, email);
    expect([headers.get('Cache-Control'), headers.get('Pragma')]).toEqual(['no-store', 'no-cache']);
    expect((await system.request('/v1/items')).headers.has('Pragma')).toBe(false);
  });

  test.each([
    [{ 'If-Match': '"7"' }],
    [{ 'If-Match': 'nonsense' }],
    [{ 'If-Match': 'W/"1", "2"' }],
    [{ 'Idempotency-Key': '' }],
    [{ 'Idempotency-Key': 'a'.repeat(300) }],
    [{ 'Idempotency-Key': 'key' }],
  ])('the token endpoint ignores the condition %j (product 6.2)', async (headers) => {
    const system = createSystem();
    const { email } = await system.register();
    const body = new URLSearchParams({ grant_type: 'password', username: email, password });
    const send = () => system.request('/v1/auth/token', { method: 'POST', headers, body });
    const [one, two] = [await send(), await send()];
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(await refreshTokenOf(one)).not.toBe(await refreshTokenOf(two));
  });

  test('a conflict that does not end is told as a reason to try again, which RFC 6749 knows', () => {
    const { body, retryAfterSeconds, status } = toTokenError(new ConcurrencyError(5));
    expect([status, body.error, retryAfterSeconds]).toEqual([503, 'temporarily_unavailable', 1]);
    const busy = new DomainError('unavailable', 'test.busy', 'Busy: “wait” \\ …', { retryAfterSeconds: 9 });
    expect(toTokenError(busy)).toEqual({
      status: 503,
      body: { error: 'temporarily_unavailable', error_description: "Busy: 'wait' ? ?" },
      retryAfterSeconds: 9,
    });
  });

  test('OpenAPI documents the refusals of the token endpoint in its own form alone (product 2.1)', async () => {
    const system = createSystem();
    interface Described {
      content?: Record<string, { schema: unknown }>;
      headers?: object;
    }
    const document = await (await system.request('/openapi.json')).json<{
      paths: Record<string, { post: { responses: Record<string, Described> } }>;
    }>();
    for (const path of ['/v1/auth/token', '/v1/auth/login']) {
      const responses = Object.entries(document.paths[path]?.post.responses ?? {});
      const refusals = responses.filter(([status]) => status !== '200');
      expect(refusals.map(([status]) => status).toSorted()).toEqual([
        '400',
        '413',
        '415',
        '429',
        '500',
        '503',
        'default',
      ]);
      const schema = { $ref: '#/components/schemas/TokenError' };
      for (const [status, response] of refusals) {
        const { content, headers } = follow(document, response);
        expect(content).toEqual({ 'application/json': { schema } });
        if (['429', '503'].includes(status)) expect(headers).toHaveProperty('Retry-After');
      }
    }
  });

  test('an unknown address and a wrong password get the same response (product 2.2)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const attempt = async (username: string, secret: string) => {
      const response = await signIn(system, username, secret);
      const { 'x-request-id': _, ...headers } = Object.fromEntries(response.headers);
      return { status: response.status, body: await response.text(), headers };
    };
    const wrongPassword = await attempt(email, 'not the password');
    expect(wrongPassword.status).toBe(400);
    expect(await attempt(`${newId()}@example.com`, password)).toEqual(wrongPassword);
  });

  test('an unknown address and a wrong password take one hash each, and so equally long (product 2.2)', async () => {
    let hashes = 0;
    const turns: Turns = {
      run: async (_, work) => ({ result: await work().finally(() => hashes++) }),
      waiting: () => 0,
    };
    const system = createSystem({}, { hashing: { turns, parameters: cheapParameters } });
    const { email } = await system.register();
    const countHashes = async (username: string, secret: string) => {
      const before = hashes;
      expect((await signIn(system, username, secret)).status).toBe(400);
      return hashes - before;
    };
    expect(await countHashes(email, 'not the password')).toBe(1);
    expect(await countHashes(`${newId()}@example.com`, password)).toBe(1);
  });
});

describe('refreshing', () => {
  test('a refresh token is exchanged for a new pair, and so is the refresh token of that pair (product 2.3)', async () => {
    const system = createSystem();
    const { refreshToken } = await system.register();
    const first = await (await refresh(system, refreshToken)).json<TokenResponse>();
    expect(first.refresh_token).not.toBe(refreshToken);
    const headers = { Authorization: `Bearer ${first.access_token}` };
    expect((await system.request('/v1/users/me', { headers })).status).toBe(200);
    expect((await refresh(system, first.refresh_token)).status).toBe(200);
  });

  test('a second use within 10 seconds gets an error with Retry-After, and changes nothing (product 2.3)', async () => {
    const system = createSystem();
    const { refreshToken } = await system.register();
    const newest = await refreshTokenOf(await refresh(system, refreshToken));
    const before = await countRows();
    system.clock.advance(9_000);
    const raced = await refresh(system, refreshToken);
    expect([raced.status, raced.headers.get('Retry-After')]).toEqual([400, '1']);
    const body = await raced.json();
    expect(body).toMatchObject({ error: 'invalid_grant' });
    expect(body).not.toHaveProperty('access_token');
    expect(await countRows()).toEqual(before);
    expect((await refresh(system, newest)).status).toBe(200);
  });

  test('a second use after 10 seconds revokes all tokens of the family, and no other session (product 2.3)', async () => {
    const system = createSystem();
    const { email, refreshToken } = await system.register();
    const other = await openSession(system, email);
    const newest = await refreshTokenOf(await refresh(system, refreshToken));
    system.clock.advance(12_000);
    const reused = await refresh(system, refreshToken);
    expect([reused.status, reused.headers.get('Retry-After')]).toEqual([400, null]);
    expect((await refresh(system, newest)).status).toBe(400);
    expect((await refresh(system, other)).status).toBe(200);
  });

  test('of two refreshes with one token at the same time, only one gets tokens (product 2.3)', async () => {
    const system = createSystem();
    const { refreshToken } = await system.register();
    const responses = await Promise.all([refresh(system, refreshToken), refresh(system, refreshToken)]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 400]);
    const newest = responses.find(({ status }) => status === 200) ?? new Response('{}');
    expect((await refresh(system, await refreshTokenOf(newest))).status).toBe(200);
  });
});

describe('ends of sessions', () => {
  test('a logout revokes the family of its refresh token, and no other session (product 2.4)', async () => {
    const system = createSystem();
    const { email, refreshToken } = await system.register();
    const other = await openSession(system, email);
    const newest = await refreshTokenOf(await refresh(system, refreshToken));
    const logout = (token: string) => system.send('POST', '/v1/auth/logout', { refreshToken: token });
    expect((await logout(newest)).status).toBe(204);
    expect((await refresh(system, newest)).status).toBe(400);
    expect((await refresh(system, other)).status).toBe(200);
    expect((await logout('an unknown token')).status).toBe(204);
  });

  test('a changed password revokes every family of the account (product 2.4)', async () => {
    const system = createSystem();
    const { bearer, email, id, refreshToken } = await system.register();
    const other = await openSession(system, email);
    const change = { password: 'another long password', currentPassword: password };
    expect((await system.send('PATCH', `/v1/users/${id}`, change, bearer)).status).toBe(200);
    for (const token of [refreshToken, other]) expect((await refresh(system, token)).status).toBe(400);
  });

  test('a reset password revokes every family of the account (product 2.4)', async () => {
    const system = createSystem();
    const { email, refreshToken } = await system.register();
    const other = await openSession(system, email);
    const token = await requestReset(system, email);
    const confirm = { token, password: 'another long password' };
    expect((await system.send('POST', '/v1/auth/password-reset/confirm', confirm)).status).toBe(204);
    for (const refreshed of [refreshToken, other]) expect((await refresh(system, refreshed)).status).toBe(400);
  });
});

test('a sign-in records an event and sets lastLoginAt, and a refresh does neither (product 2.5)', async () => {
  const system = createSystem();
  const { bearer, email, id } = await system.register();
  const lastLoginAt = async () => {
    // The response comes from D1, because no queue has delivered yet.
    const own = await (await system.request('/v1/users/me', { headers: bearer })).json<UserDetail>();
    return Date.parse(own.lastLoginAt ?? '');
  };
  const [first, events] = [await lastLoginAt(), await countSignIns(id)];
  expect(events).toBe(1);
  system.clock.advance(60_000);
  const token = await openSession(system, email);
  const second = await lastLoginAt();
  expect(second - first).toBeGreaterThanOrEqual(60_000);
  expect(await countSignIns(id)).toBe(2);
  system.clock.advance(60_000);
  expect((await refresh(system, token)).status).toBe(200);
  expect([await lastLoginAt(), await countSignIns(id)]).toEqual([second, 2]);
});

describe('sign-ins at the same time (product 2.7)', () => {
  test('nine right sign-ins at once all succeed, and a tenth that finds eight waiting is told to come back', async () => {
    const system = createSystem({}, { wait: waitForTimers });
    const { email, id } = await system.register();
    const before = await countSignIns(id);
    const responses = await Promise.all(Array.from({ length: 9 }, () => signIn(system, email)));
    expect(responses.map(({ status }) => status)).toEqual(Array(9).fill(200));
    expect(await countSignIns(id)).toBe(before + 9);
    const more = await Promise.all(Array.from({ length: 12 }, () => signIn(system, email)));
    const refused = more.filter(({ status }) => status === 503);
    expect(more.filter(({ status }) => status === 200)).toHaveLength(12 - refused.length);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(headers.get('Retry-After')).toBe('2');
  });

  test('a read is answered while sign-ins wait for each other', async () => {
    const system = createSystem({}, { hashing: realHashing(), wait: waitForTimers });
    const { email } = await system.register();
    const done: string[] = [];
    const note = (name: string) => (response: Response) => {
      expect(response.status).toBe(200);
      done.push(name);
    };
    const signIns = Array.from({ length: 8 }, () => signIn(system, email).then(note('sign-in')));
    const reads = Array.from({ length: 3 }, () => system.request('/v1/items').then(note('read')));
    await Promise.all([...signIns, ...reads]);
    expect(done.lastIndexOf('read')).toBeLessThan(done.length - 4);
  });

  test('a sign-in elsewhere leaves If-Match valid, and shows in the ETag (product 2.5)', async () => {
    const system = createSystem();
    const { bearer, email, id } = await system.register();
    const read = async () => (await system.request(`/v1/users/${id}`, { headers: bearer })).headers.get('ETag') ?? '';
    const before = await read();
    system.clock.advance(1000);
    expect((await signIn(system, email)).status).toBe(200);
    const after = await read();
    expect(after).not.toBe(before);
    const init = { headers: { ...bearer, 'If-None-Match': before } };
    expect((await system.request(`/v1/users/${id}`, init)).status).toBe(200);
    const renamed = await system.send('PATCH', `/v1/users/${id}`, { name: 'A' }, { ...bearer, 'If-Match': before });
    expect([renamed.status, renamed.headers.get('ETag')]).toEqual([200, '"2"']);
  });
});

/** Waits as the Worker does. A deadline of a test never passes. */
const waitForTimers: Wait = (ms, options) => (options?.signal ? new Promise(() => {}) : scheduler.wait(ms));

describe('revocations that race with refreshes (product 1.7)', () => {
  /** Two isolates on one database. In the second one, hashing a password lets the test do something meanwhile. */
  function givenTwo() {
    const meanwhile: (() => Promise<unknown>)[] = [];
    const turns: Turns = {
      async run(_, work) {
        const result = await work();
        await meanwhile.shift()?.();
        return { result };
      },
      waiting: () => 0,
    };
    const [one, two] = [createSystem(), createSystem({}, { hashing: { turns, parameters: cheapParameters } })];
    return { meanwhile, one, two };
  }

  const asBearer = async (response: Response) => {
    expect(response.status).toBe(200);
    const { access_token, refresh_token } = await response.json<TokenResponse>();
    return { bearer: { Authorization: `Bearer ${access_token}` }, refreshToken: refresh_token };
  };

  test('tokens that are refreshed while a new password is hashed end with the change', async () => {
    const { meanwhile, one, two } = givenTwo();
    const { bearer, email, id } = await one.register();
    const refreshed: Awaited<ReturnType<typeof asBearer>>[] = [];
    const refreshAnother = async () =>
      void refreshed.push(await asBearer(await refresh(one, await openSession(one, email))));
    // The current password is hashed, and then the new one.
    meanwhile.push(refreshAnother, refreshAnother);
    const change = { password: 'another long password', currentPassword: password };
    expect((await two.send('PATCH', `/v1/users/${id}`, change, bearer)).status).toBe(200);
    expect(refreshed).toHaveLength(2);
    for (const tokens of refreshed) {
      expect((await one.send('PATCH', `/v1/users/${id}`, { name: 'A' }, tokens.bearer)).status).toBe(401);
      expect((await one.request(`/v1/users/${id}`, { method: 'DELETE', headers: tokens.bearer })).status).toBe(401);
      expect((await one.request('/v1/users/me', { headers: tokens.bearer })).status).toBe(401);
      expect((await refresh(one, tokens.refreshToken)).status).toBe(400);
    }
  });

  test('tokens that are refreshed while the password of a reset is hashed end with the reset', async () => {
    const { meanwhile, one, two } = givenTwo();
    const { email, id } = await one.register();
    const token = await requestReset(one, email);
    const session = await openSession(one, email);
    const refreshed: Awaited<ReturnType<typeof asBearer>>[] = [];
    meanwhile.push(async () => void refreshed.push(await asBearer(await refresh(one, session))));
    const confirm = { token, password: 'another long password' };
    expect((await two.send('POST', '/v1/auth/password-reset/confirm', confirm)).status).toBe(204);
    for (const tokens of refreshed) {
      expect((await one.send('PATCH', `/v1/users/${id}`, { name: 'A' }, tokens.bearer)).status).toBe(401);
      expect((await one.request('/v1/users/me', { headers: tokens.bearer })).status).toBe(401);
      expect((await refresh(one, tokens.refreshToken)).status).toBe(400);
    }
    expect(refreshed).toHaveLength(1);
  });

  test('a sign-in whose account gets another password while its own is hashed is refused', async () => {
    const { meanwhile, one, two } = givenTwo();
    const { bearer, email, id } = await one.register();
    const change = { password: 'another long password', currentPassword: password };
    meanwhile.push(() => one.send('PATCH', `/v1/users/${id}`, change, bearer));
    expect((await signIn(two, email)).status).toBe(400);
    expect(await countSignIns(id)).toBe(1);
  });

  test('an agent whose refresh races the end of the role lists no orders of other customers', async () => {
    const [system, admin] = [createSystem(), await createSystem().register({ role: 'admin' })];
    const agent = await system.register({ role: 'agent' });
    const asAdmin = (await system.signIn(admin.email)).bearer;
    const demote = () => system.send('POST', `/v1/users/${agent.id}/role`, { role: 'customer' }, asAdmin);
    // The refresh has read the account, and is about to commit, when the role changes.
    const racing = createSystem({
      DB: beforeFirstWrite(env.DB, async () => expect((await demote()).status).toBe(200)),
    });
    const { bearer } = await asBearer(await refresh(racing, (await system.signIn(agent.email)).refreshToken));
    for (const token of [agent.bearer, (await system.signIn(agent.email)).bearer, bearer]) {
      const response = await system.request('/v1/orders', { headers: token });
      const body = token === agent.bearer ? undefined : await response.json<{ data: unknown[] }>();
      expect([response.status, body?.data]).toEqual(token === agent.bearer ? [401, undefined] : [200, []]);
    }
    expect(decodeJwt(bearer.Authorization.slice(7))).toMatchObject({ role: 'customer' });
  });
});

/** D1, with something that happens after the reads of a command and before its first commit. */
function beforeFirstWrite(database: D1Database, happen: () => Promise<unknown>): D1Database {
  let hasHappened = false;
  const withSession = (from: string) => {
    const session = database.withSession(from);
    const isWrite = new WeakSet<D1PreparedStatement>();
    return {
      prepare(sql: string) {
        const statement = session.prepare(sql);
        const bind = statement.bind.bind(statement);
        statement.bind = (...values) => {
          const bound = bind(...values);
          if (/^\s*(insert|update|delete)/i.test(sql)) isWrite.add(bound);
          return bound;
        };
        return statement;
      },
      async batch(statements: D1PreparedStatement[]) {
        if (!hasHappened && statements.some((statement) => isWrite.has(statement))) {
          hasHappened = true;
          await happen();
        }
        return session.batch(statements);
      },
      getBookmark: () => session.getBookmark(),
    };
  };
  // The system uses D1 only through sessions, so the wrapper needs no other method.
  return { withSession } as unknown as D1Database;
}

/** Asks for a password reset, and returns the token of the link in the e-mail. */
async function requestReset({ deliverQueues, mailedToken, send }: System, email: string): Promise<string> {
  expect((await send('POST', '/v1/auth/password-reset', { email })).status).toBe(202);
  await deliverQueues();
  return mailedToken(email, 'reset-password');
}

describe('password resets', () => {
  test('the answer to a request waits for no part of its work, and D1 may be away (product 2.6)', async () => {
    const { promise: never } = Promise.withResolvers<never>();
    const pending = () => never;
    const statement = { bind: () => ({ all: pending, raw: pending }) };
    const stalled = { withSession: () => ({ batch: pending, prepare: () => statement, getBookmark: () => null }) };
    const system = createSystem({ DB: stalled as unknown as D1Database });
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.com' }),
    };
    // Nobody waits for the invocation's work here, because it never ends.
    const response = await system.app.request('/v1/auth/password-reset', init, system.env, createExecutionContext());
    expect([response.status, await response.text()]).toEqual([202, '']);
  });

  test('a request whose work fails at first is carried out, and one that fails for good is logged without the address (product 2.6)', async () => {
    const { email } = await createSystem().register();
    const failing = (failures: number) => {
      let left = failures;
      const withSession = (from?: string) => {
        if (left-- > 0) throw new Error(`D1 is away for ${email}.`);
        return env.DB.withSession(from);
      };
      return createSystem({ DB: { withSession } as unknown as D1Database });
    };
    const flaky = failing(2);
    expect((await flaky.send('POST', '/v1/auth/password-reset', { email })).status).toBe(202);
    expect(flaky.sent.emails).toMatchObject([{ type: expect.stringContaining('PasswordResetRequested') }]);
    expect(flaky.logs.join()).not.toContain('password-reset.failed');
    const broken = failing(Number.POSITIVE_INFINITY);
    expect((await broken.send('POST', '/v1/auth/password-reset', { email })).status).toBe(202);
    const logged = broken.logs.filter((line) => line.includes('password-reset.failed'));
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: 'error', event: 'password-reset.failed' }]);
    expect(broken.logs.join()).not.toContain(email);
  });

  test.each([
    [{ 'If-Match': '"7"' }, 202],
    [{ 'Idempotency-Key': 'key' }, 202],
    [{ 'If-Match': 'nonsense' }, 412],
    [{ 'Idempotency-Key': 'two words' }, 400],
    [{ 'Consistency-Token': '?' }, 400],
  ])(
    'a request with the header %j gets %i, and no failure in the background (product 2.6)',
    async (headers, status) => {
      const system = createSystem();
      const { email } = await system.register();
      const response = await system.send(
        'POST',
        '/v1/auth/password-reset',
        { email },
        headers as Record<string, string>,
      );
      expect(response.status).toBe(status);
      expect(system.logs.join()).not.toContain('password-reset.failed');
      const asked = system.sent.emails.filter(({ type }) => type.includes('PasswordResetRequested'));
      expect(asked).toHaveLength(status === 202 ? 1 : 0);
    },
  );

  test('an account gets one reset e-mail in five minutes, and its first link stays valid (product 2.6)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const token = await requestReset(system, email);
    const mails = () => system.sender.sent.filter(({ text }) => text.includes('/reset-password#token=')).length;
    system.clock.advance(4 * 60_000);
    expect(await requestReset(system, email.toUpperCase())).toBe('');
    expect(mails()).toBe(1);
    const body = { token, password: 'a brand new password' };
    expect((await system.send('POST', '/v1/auth/password-reset/confirm', body)).status).toBe(204);
    system.clock.advance(61_000);
    expect(await requestReset(system, email)).not.toBe('');
    expect(mails()).toBe(2);
  });

  test('an address gets one reset e-mail in a few minutes, also when its account is deleted and made again (product 1.9)', async () => {
    const system = createSystem();
    const { bearer, email, id } = await system.register();
    await requestReset(system, email);
    expect((await system.request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
    await system.send('POST', '/v1/users', { name: 'Grace Hopper', email, password });
    const mails = () => system.sender.sent.filter(({ text }) => text.includes('/reset-password#token=')).length;
    await requestReset(system, email);
    expect(mails()).toBe(1);
    system.clock.advance(5 * 60_000);
    await requestReset(system, email);
    expect(mails()).toBe(2);
  });

  test('known and unknown addresses get the same 202, and only the known one gets an e-mail (product 2.6)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    await system.deliverQueues();
    const mails = system.sender.sent.length;
    const ask = async (address: string) => {
      const response = await system.send('POST', '/v1/auth/password-reset', { email: address });
      const { 'x-request-id': _, ...headers } = Object.fromEntries(response.headers);
      return [response.status, await response.text(), headers];
    };
    const known = await ask(email);
    expect(known.slice(0, 2)).toEqual([202, '']);
    expect(await ask(`${newId()}@example.com`)).toEqual(known);
    await system.deliverQueues();
    expect(system.sender.sent.slice(mails).map(({ to }) => to.email)).toEqual([email]);
  });

  test('a reset link sets the new password, and works only once (product 2.6)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const token = await requestReset(system, email);
    const confirm = (secret: string) =>
      system.send('POST', '/v1/auth/password-reset/confirm', { token, password: secret });
    expect((await confirm('a brand new password')).status).toBe(204);
    expect((await signIn(system, email)).status).toBe(400);
    expect((await signIn(system, email, 'a brand new password')).status).toBe(200);
    const again = await confirm('yet another password');
    expect([again.status, (await again.json<{ code: string }>()).code]).toEqual([422, 'auth.invalid-reset-token']);
    expect((await signIn(system, email, 'a brand new password')).status).toBe(200);
  });

  test('a reset link works for an hour and not longer (product 2.6)', async () => {
    const system = createSystem();
    const [one, two] = [await system.register(), await system.register()];
    const [first, second] = [await requestReset(system, one.email), await requestReset(system, two.email)];
    const confirm = async (token: string) =>
      (await system.send('POST', '/v1/auth/password-reset/confirm', { token, password: 'a brand new password' }))
        .status;
    system.clock.advance(3_600_000 - 60_000);
    expect(await confirm(first)).toBe(204);
    system.clock.advance(60_000);
    expect(await confirm(second)).toBe(422);
  });

  test('a reset link works until a newer one is sent (product 2.6)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const first = await requestReset(system, email);
    system.clock.advance(5 * 60_000);
    const second = await requestReset(system, email);
    const confirm = async (token: string) =>
      (await system.send('POST', '/v1/auth/password-reset/confirm', { token, password: 'a brand new password' }))
        .status;
    expect([await confirm(first), await confirm(second), await confirm(second)]).toEqual([422, 204, 422]);
  });

  test('the token of a reset link is stored only as a hash, and a forged token changes nothing (product 2.6)', async () => {
    const system = createSystem();
    const { email } = await system.register();
    const token = await requestReset(system, email);
    for (const rows of Object.values(await readAllRows())) expect(rows).not.toContain(token);
    const before = await countRows();
    const forged = `${token.slice(0, -4)}AAAA`;
    const body = { token: forged, password: 'a brand new password' };
    expect((await system.send('POST', '/v1/auth/password-reset/confirm', body)).status).toBe(422);
    expect(await countRows()).toEqual(before);
    expect((await signIn(system, email)).status).toBe(200);
  });
});
