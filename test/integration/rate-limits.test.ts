import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { Hashing } from '../../src/access/passwords';
import { lifetimes } from '../../src/auth/session';
import { rateLimits } from '../../src/http/quotas';
import { newId } from '../../src/platform/ids';
import { createTurns } from '../../src/platform/turns';
import { cheapParameters, password } from '../support/factories';

import { createRequestPreparer } from '../support/prepared-requests';
import { isSignIn, operationsOf } from '../support/routes';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;

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

/** All limits, each with its quota. */
function createLimits(quotas: Partial<Record<keyof typeof rateLimits, number>> = {}) {
  const limits = Object.entries(rateLimits).map(([name, { quota }]) => {
    const limit = createLimit(quotas[name as keyof typeof rateLimits] ?? quota);
    return [`${name.toUpperCase().replaceAll('-', '_')}_LIMIT`, limit] as const;
  });
  const bindings = Object.fromEntries(limits.map(([name, { binding }]) => [name, binding])) as Partial<Env>;
  /** The limits that were asked since the last call, each with the key. */
  const asked = () => limits.flatMap(([name, { keys }]) => keys.splice(0).map((key) => `${name} ${key}`));
  return { asked, bindings };
}

/** Turns that count. */
function countHashes(): { hashing: Hashing; counter: { count: number } } {
  const counter = { count: 0 };
  const turns = createTurns(() => 8);
  const hashing: Hashing = {
    parameters: cheapParameters,
    turns: {
      run(time, work) {
        counter.count++;
        return turns.run(time, work);
      },
      waiting: turns.waiting,
    },
  };
  return { counter, hashing };
}

const from = (address: string) => ({ 'CF-Connecting-IP': address, 'X-Forwarded-For': '198.51.100.1' });

function signIn({ request }: System, username: string, address = '192.0.2.7', secret = password) {
  const body = new URLSearchParams({ grant_type: 'password', username, password: secret });
  return request('/v1/auth/token', { method: 'POST', headers: from(address), body });
}

const policy =
  '"network";q=100;w=60, "registration";q=20;w=60, "sign-in";q=10;w=60, "reset";q=5;w=60, ' +
  '"password-check";q=10;w=60, "account";q=100;w=60, "api-key";q=600;w=60, "wrong-key";q=20;w=60';

describe('the limits of sign-ins (product 2.7)', () => {
  test('sign-in is limited for each network in CF-Connecting-IP, before a password is hashed', async () => {
    const { binding, keys } = createLimit(1);
    const { counter, hashing } = countHashes();
    const system = createSystem({ NETWORK_LIMIT: binding }, { hashing });
    const first = await signIn(system, 'nobody@example.com');
    expect(first.headers.get('RateLimit-Policy')).toBe(policy);
    expect(first.headers.get('RateLimit')).toBe('"account";r=1;t=60');
    const before = await countRows();
    const second = await signIn(system, 'somebody@example.com');
    expect(second.status).toBe(429);
    expect(await second.json()).toMatchObject({ error: 'temporarily_unavailable' });
    expect([second.headers.get('Retry-After'), second.headers.get('RateLimit')]).toEqual(['60', '"network";r=0;t=60']);
    expect(keys).toEqual(['192.0.2.7', '192.0.2.7']);
    expect([await countRows(), counter.count]).toEqual([before, 1]);
  });

  test('the addresses of one /64 are one network, and an IPv4 address in the form of IPv6 is that address', async () => {
    const { binding, keys } = createLimit(100);
    const system = createSystem({ NETWORK_LIMIT: binding });
    for (const address of ['2001:db8:0:7::1', '2001:DB8:0:7:ffff::', '::ffff:192.0.2.7', '192.0.2.7']) {
      await signIn(system, 'nobody@example.com', address);
    }
    expect(keys).toEqual(['2001:db8:0:7::/64', '2001:db8:0:7::/64', '192.0.2.7', '192.0.2.7']);
  });

  test('wrong sign-ins from one network lock nobody out in another network, nor out of a password reset', async () => {
    const { bindings } = createLimits();
    const system = createSystem(bindings);
    const { email } = await system.register();
    const attack = async () => (await signIn(system, email.toUpperCase(), '192.0.2.66', 'a guess')).status;
    const statuses: number[] = [];
    for (let count = 0; count < 90; count++) statuses.push(await attack());
    expect(statuses).toEqual([...Array(10).fill(400), ...Array(80).fill(429)]);
    expect((await signIn(system, email, '192.0.2.7')).status).toBe(200);
    for (const address of ['192.0.2.7', '192.0.2.66']) {
      const reset = await system.send('POST', '/v1/auth/password-reset', { email }, from(address));
      expect(reset.status).toBe(202);
    }
  });

  test('an attempt that the limit of its network refuses does not count against the account', async () => {
    const { asked, bindings } = createLimits({ 'sign-in': 0 });
    const system = createSystem(bindings);
    expect((await signIn(system, 'ada@example.com')).status).toBe(429);
    expect(asked()).toEqual(['NETWORK_LIMIT 192.0.2.7', 'SIGN_IN_LIMIT 192.0.2.7 ada@example.com']);
  });

  test('guesses from many networks are limited, and a network that has signed in to the account passes', async () => {
    const { bindings } = createLimits({ account: 3 });
    const { counter, hashing } = countHashes();
    const system = createSystem(bindings, { hashing });
    const { email } = await system.register();
    expect((await signIn(system, email, '2001:db8:0:7::1')).status).toBe(200);
    const guesses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
    const statuses: number[] = [];
    for (const address of guesses) statuses.push((await signIn(system, email, address, 'a guess')).status);
    // The registration of the test has signed in, too.
    expect(statuses).toEqual([400, 429, 429, 429]);
    const hashes = counter.count;
    const stranger = await signIn(system, email, '192.0.2.5');
    expect([stranger.status, stranger.headers.get('RateLimit')]).toEqual([429, '"account";r=0;t=60']);
    expect(counter.count).toBe(hashes);
    const known = await signIn(system, email, '2001:db8:0:7:ffff::2');
    expect([known.status, known.headers.get('RateLimit')]).toEqual([200, '"account";r=1;t=60']);
    system.clock.advance(lifetimes.knownNetworkMs + 1000);
    expect((await signIn(system, email, '2001:db8:0:7::3')).status).toBe(429);
  });

  test('a network that has signed in to one account is a stranger to another one', async () => {
    const { bindings } = createLimits({ account: 0 });
    const [open, limited] = [createSystem(), createSystem(bindings)];
    const [one, two] = [await open.register(), await open.register()];
    expect((await signIn(open, one.email)).status).toBe(200);
    expect((await signIn(limited, one.email)).status).toBe(200);
    expect((await signIn(limited, two.email)).status).toBe(429);
  });

  test('a client whose network is not known is known to no account', async () => {
    const { bindings } = createLimits({ account: 0 });
    const [open, limited] = [createSystem(), createSystem(bindings)];
    const { email } = await open.register();
    expect((await signIn(open, email, 'nonsense')).status).toBe(200);
    expect((await signIn(limited, email, 'nonsense')).status).toBe(429);
  });

  test('a used-up account gets the same response whether it exists or not, also from a known network', async () => {
    const { bindings } = createLimits({ account: 0 });
    const [open, limited] = [createSystem(), createSystem(bindings)];
    const { email } = await open.register();
    expect((await signIn(open, email, '192.0.2.9')).status).toBe(200);
    const attempt = async (username: string, address: string) => {
      const response = await signIn(limited, username, address);
      const { 'x-request-id': _, ...headers } = Object.fromEntries(response.headers);
      const { requestId: __, ...body } = await response.json<Record<string, unknown>>();
      return { status: response.status, headers, body };
    };
    const refused = await attempt(email, '192.0.2.7');
    expect(refused.status).toBe(429);
    expect(await attempt(`${newId()}@example.com`, '192.0.2.7')).toEqual(refused);
    expect(await attempt(`${newId()}@example.com`, '192.0.2.9')).toEqual(refused);
  });

  test('the network of a session is stored as a keyed hash only', async () => {
    const system = createSystem();
    const { email, id } = await system.register();
    await signIn(system, email, '192.0.2.7');
    const { results } = await env.DB.prepare('SELECT network FROM sessions WHERE user_id = ? ORDER BY id')
      .bind(id)
      .all();
    expect(results).toEqual([{ network: null }, { network: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    const previous = system.env.TOKEN_SECRET;
    const rotated = { TOKEN_SECRET: 'another-secret-0123456789-abcdefghijklmnop', TOKEN_SECRET_PREVIOUS: previous };
    const limited = createSystem({ ...createLimits({ account: 0 }).bindings, ...rotated });
    expect((await signIn(limited, email, '192.0.2.7')).status).toBe(200);
  });
});

describe('the limits of the routes that hash a password (product 2.7)', () => {
  const reset = { token: 'x', password };

  /** Each route that hashes, with the limits that it asks, in this order. */
  const routes: [string, (system: System) => Promise<Response>, RegExp[]][] = [
    [
      'registration',
      ({ send }) => {
        const account = { name: 'Ada', email: `${newId()}@example.com`, password };
        return send('POST', '/v1/users', account, from('192.0.2.7'));
      },
      [/^NETWORK_LIMIT 192\.0\.2\.7$/, /^REGISTRATION_LIMIT 192\.0\.2\.7$/],
    ],
    [
      'sign-in',
      (system) => signIn(system, 'ada@example.com'),
      [
        /^NETWORK_LIMIT 192\.0\.2\.7$/,
        /^SIGN_IN_LIMIT 192\.0\.2\.7 ada@example\.com$/,
        /^ACCOUNT_LIMIT sign-in ada@example\.com$/,
      ],
    ],
    [
      'confirmation of a reset',
      ({ send }) => send('POST', '/v1/auth/password-reset/confirm', reset, from('192.0.2.7')),
      [/^NETWORK_LIMIT 192\.0\.2\.7$/, /^RESET_LIMIT 192\.0\.2\.7 [0-9a-f]{64}$/],
    ],
    [
      'change of a password',
      async (system) => {
        const { bearer, id } = await createSystem().register();
        const change = { password: 'another long password', currentPassword: password };
        return system.send('PATCH', `/v1/users/${id}`, change, { ...bearer, ...from('192.0.2.7') });
      },
      [
        /^NETWORK_LIMIT 192\.0\.2\.7$/,
        /^PASSWORD_CHECK_LIMIT 192\.0\.2\.7 [0-9a-f-]{36}$/,
        /^ACCOUNT_LIMIT password-check [0-9a-f-]{36}$/,
      ],
    ],
  ];

  test.each(routes)(
    '%s asks its limits, and each of them can refuse it before anything is hashed',
    async (_, send, expected) => {
      const { asked, bindings } = createLimits();
      await send(createSystem(bindings));
      const names = asked();
      expect(names).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
      for (const [index, name] of names.entries()) {
        const { counter, hashing } = countHashes();
        const binding = name.split(' ')[0] ?? '';
        const refused = await send(createSystem({ ...bindings, [binding]: createLimit(0).binding }, { hashing }));
        expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '60']);
        expect(refused.headers.get('RateLimit')).toMatch(/^"[a-z-]+";r=0;t=60$/);
        expect(refused.headers.get('RateLimit-Policy')).toBe(policy);
        expect(counter.count).toBe(0);
        expect(asked()).toHaveLength(index);
      }
    },
  );

  test('of all operations, only these hash a password', async () => {
    const { counter, hashing: counted } = countHashes();
    const system = createSystem({}, { hashing: counted });
    const admin = await system.register({ role: 'admin' });
    const tokens = await system.signIn(admin.email);
    const prepare = createRequestPreparer(system, { ...admin, ...tokens });
    const hashing: string[] = [];
    for (const { method, path } of await operationsOf(system)) {
      // The routes of sign-ins take a form. They and the change of a password are tested above.
      if (isSignIn(path)) continue;
      const { sendWith } = await prepare(method, path);
      const before = counter.count;
      expect((await sendWith(tokens.bearer)).status).toBeLessThan(400);
      if (counter.count > before) hashing.push(`${method} ${path}`);
    }
    expect(hashing.sort()).toEqual(['POST /v1/auth/password-reset/confirm', 'POST /v1/users']);
  });

  test('40 guesses of the current password get 429 after the tenth, and the name can still be changed', async () => {
    const { bindings } = createLimits();
    const system = createSystem(bindings);
    const { bearer, id } = await createSystem().register();
    const patch = async (body: object) =>
      (await system.send('PATCH', `/v1/users/${id}`, body, { ...bearer, ...from('192.0.2.7') })).status;
    const statuses: number[] = [];
    for (let count = 0; count < 40; count++) {
      statuses.push(await patch({ email: `${newId()}@example.com`, currentPassword: `guess ${count}` }));
    }
    expect(statuses).toEqual([...Array(10).fill(422), ...Array(30).fill(429)]);
    expect(await patch({ name: 'Countess' })).toBe(200);
  });

  test('guesses of the current password from many networks are limited, and a known network passes', async () => {
    const { bindings } = createLimits({ account: 0 });
    const [open, limited] = [createSystem(), createSystem(bindings)];
    const { email, id } = await open.register();
    expect((await signIn(open, email, '192.0.2.9')).status).toBe(200);
    const { bearer } = await open.signIn(email);
    const change = { email: `${newId()}@example.com`, currentPassword: password };
    const patch = (address: string) =>
      limited.send('PATCH', `/v1/users/${id}`, change, { ...bearer, ...from(address) });
    expect((await patch('192.0.2.7')).status).toBe(429);
    expect((await patch('192.0.2.9')).status).toBe(200);
  });
});

test('twenty accounts a minute can be registered from one network, and more from others', async () => {
  const system = createSystem(createLimits().bindings);
  const register = async (address: string) =>
    (await system.send('POST', '/v1/users', { name: 'Ada', email: `${newId()}@example.com`, password }, from(address)))
      .status;
  for (let count = 0; count < 20; count++) expect(await register('192.0.2.7')).toBe(201);
  expect([await register('192.0.2.7'), await register('192.0.2.8')]).toEqual([429, 201]);
});

test('requests for a reset are limited by account and network, apart from sign-ins, and reads are not limited', async () => {
  const { asked, bindings } = createLimits();
  const system = createSystem(bindings);
  const ask = async (address: string) =>
    (await system.send('POST', '/v1/auth/password-reset', { email: 'Ada@example.com' }, from(address))).status;
  for (let count = 0; count < 5; count++) expect(await ask('192.0.2.7')).toBe(202);
  expect([await ask('192.0.2.7'), await ask('192.0.2.8')]).toEqual([429, 202]);
  expect(asked()).toContain('RESET_LIMIT 192.0.2.8 ada@example.com');
  expect((await signIn(system, 'ada@example.com')).status).toBe(400);
  asked();
  const items = await system.request('/v1/items');
  expect([items.status, items.headers.get('RateLimit'), asked()]).toEqual([200, null, []]);
});

test.each(['SIGN_IN_LIMIT', 'RESET_LIMIT', 'PASSWORD_CHECK_LIMIT', 'REGISTRATION_LIMIT'] as const)(
  'the binding %s of the runtime lets exactly its quota pass',
  async (name) => {
    const limit = Object.entries(rateLimits).find(
      ([key]) => `${key.toUpperCase().replaceAll('-', '_')}_LIMIT` === name,
    );
    const quota = limit?.[1].quota ?? 0;
    // The runtime counts by the minute of the clock: outcomes of two minutes say nothing, so they are asked for again.
    const minute = () => Math.floor(Date.now() / 60_000);
    const ask = async () => {
      const [started, key, outcomes] = [minute(), crypto.randomUUID(), [] as boolean[]];
      for (let count = 0; count <= quota; count++) outcomes.push((await env[name].limit({ key })).success);
      return minute() === started ? outcomes : undefined;
    };
    const outcomes = (await ask()) ?? (await ask()) ?? (await ask());
    expect(outcomes).toEqual([...Array(quota).fill(true), false]);
  },
);
