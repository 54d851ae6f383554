import { describe, expect, test } from 'vitest';
import { createClient, ProblemError } from '../../src/client';
import { createConsistencyTokens } from '../../src/http/consistency-tokens';

const url = 'https://api.example';

type Handler = (request: Request, count: number) => Response | Promise<Response>;

/** A client of a server that is a function, with every request that the server received. */
function serve(handler: Handler, options: { refreshToken?: string; accessToken?: string; apiKey?: string } = {}) {
  const requests: Request[] = [];
  const waits: number[] = [];
  const client = createClient(url, {
    ...options,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      requests.push(request.clone());
      return handler(request, requests.length);
    },
    wait: async (ms) => waits.push(ms),
  });
  return { client, requests, waits };
}

const json = (body: unknown, init: ResponseInit = {}) => Response.json(body, init);
const tokens = createConsistencyTokens(['a-secret-that-the-client-does-not-know']);
const token = (position: number, epoch = '1') => tokens.encode({ position, bookmark: null, epoch });
const granted = (access: string) => json({ access_token: access, refresh_token: `r-${access}`, token_type: 'Bearer' });
const unauthorized = () =>
  json({ code: 'auth.invalid-token', detail: 'expired', status: 401 }, { status: 401, headers: problemType });
const problemType = { 'Content-Type': 'application/problem+json' };

test('a client sends the newest Consistency-Token with every request, so that it reads its own writes (product 7.4)', async () => {
  const positions = [7, 5];
  const { client, requests } = serve((request) =>
    request.method === 'POST'
      ? json({ id: 'a', version: 1 }, { status: 201, headers: { 'Consistency-Token': token(positions.shift() ?? 0) } })
      : json({ data: [], nextCursor: null }),
  );
  const ticket = { subject: 'a', message: 'b' };
  await client.api.tickets.$post({ json: ticket });
  await client.api.tickets.$post({ json: ticket });
  await client.api.tickets.$get({ query: {} });
  expect(requests.map(({ headers }) => headers.get('Consistency-Token'))).toEqual([null, token(7), token(7)]);
  expect(client.consistencyToken()).toBe(token(7));
});

test('a client forgets the token of another epoch, whose positions count the events of another history (product 7.4)', async () => {
  const sent = [token(7), token(3, '2')];
  const { client, requests } = serve(() =>
    json({ id: 'a', version: 1 }, { status: 201, headers: { 'Consistency-Token': sent.shift() ?? '' } }),
  );
  const ticket = { subject: 'a', message: 'b' };
  const [old, restored] = sent;
  await client.api.tickets.$post({ json: ticket });
  await client.api.tickets.$post({ json: ticket });
  expect(requests.map(({ headers }) => headers.get('Consistency-Token'))).toEqual([null, old]);
  expect(client.consistencyToken()).toBe(restored);
});

describe('a client that is signed in', () => {
  test('a client sends a command with the same Idempotency-Key after it refreshed its token (product 6.2)', async () => {
    let isExpired = true;
    const { client, requests } = serve((request) => {
      if (request.url.endsWith('/token')) return granted(isExpired ? 'old' : 'new');
      if (request.headers.get('Authorization') === 'Bearer new') return json({ id: 'a', version: 1 }, { status: 201 });
      isExpired = false;
      return unauthorized();
    });
    await client.signIn('ada@example.com', 'secret');
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    const commands = requests.filter(({ url: to }) => to.endsWith('/tickets'));
    expect(commands.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer old', 'Bearer new']);
    const [first, second] = commands.map(({ headers }) => headers.get('Idempotency-Key'));
    expect(first).toBeTruthy();
    expect(second).toBe(first);
  });

  test('a client keeps the Idempotency-Key that the program has chosen', async () => {
    const { client, requests } = serve(() => json({ id: 'a', version: 1 }, { status: 201 }));
    const headers = { 'Idempotency-Key': 'chosen' };
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } }, { headers });
    expect(requests[0]?.headers.get('Idempotency-Key')).toBe('chosen');
  });

  test('a client refreshes once when parallel calls find the access token expired', async () => {
    const { client, requests } = serve(async (request) => {
      if (request.url.endsWith('/token')) {
        const form = new URLSearchParams(await request.text());
        return granted(form.get('grant_type') === 'password' ? 'old' : 'new');
      }
      return request.headers.get('Authorization') === 'Bearer new' ? json({ id: 'me' }) : unauthorized();
    });
    await client.signIn('ada@example.com', 'secret');
    const responses = await Promise.all(Array.from({ length: 5 }, () => client.api.users.me.$get()));
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const refreshes = requests.filter(({ url: to }) => to.endsWith('/token')).slice(1);
    expect(refreshes).toHaveLength(1);
    expect(await refreshes[0]?.text()).toBe('grant_type=refresh_token&refresh_token=r-old');
    expect(client.refreshToken()).toBe('r-new');
  });

  test('a client continues the session of an earlier client with the refresh token of that session', async () => {
    const { client, requests } = serve(
      (request) => (request.url.endsWith('/token') ? granted('new') : json({ id: 'me' })),
      { refreshToken: 'kept' },
    );
    await client.api.users.me.$get();
    expect(await requests[0]?.text()).toBe('grant_type=refresh_token&refresh_token=kept');
    expect(requests[1]?.headers.get('Authorization')).toBe('Bearer new');
  });

  test('a client with the access token of an earlier one refreshes only when the API refuses that token', async () => {
    let accepted = 'Bearer kept';
    const { client, requests } = serve(
      (request) => {
        if (request.url.endsWith('/token')) return granted('new');
        return request.headers.get('Authorization') === accepted ? json({ id: 'me' }) : unauthorized();
      },
      { refreshToken: 'r-kept', accessToken: 'kept' },
    );
    await client.api.users.me.$get();
    expect([requests.length, client.accessToken(), client.refreshToken()]).toEqual([1, 'kept', 'r-kept']);
    accepted = 'Bearer new';
    await client.api.users.me.$get();
    expect(requests.slice(1).map(({ url: to }) => new URL(to).pathname)).toEqual([
      '/v1/users/me',
      '/v1/auth/token',
      '/v1/users/me',
    ]);
    expect([client.accessToken(), client.refreshToken()]).toEqual(['new', 'r-new']);
  });

  test('a client reports 401 when a refreshed access token is refused too', async () => {
    const { client, requests } = serve((request) => (request.url.endsWith('/token') ? granted('a') : unauthorized()));
    await client.signIn('ada@example.com', 'secret');
    await expect(client.api.users.me.$get()).rejects.toMatchObject({ status: 401, code: 'auth.invalid-token' });
    expect(requests).toHaveLength(4);
  });

  test('a client keeps the Idempotency-Key of a command when its access token is refreshed meanwhile (product 6.2)', async () => {
    const { client, requests } = serve(async (request) => {
      if (request.url.endsWith('/token')) {
        return granted((await request.text()).includes('refresh_token') ? 'new' : 'old');
      }
      const isNew = request.headers.get('Authorization') === 'Bearer new';
      return isNew ? json({ id: 'a', version: 1 }, { status: 201 }) : unauthorized();
    });
    await client.signIn('ada@example.com', 'secret');
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    const sent = requests.filter(({ url: to }) => to.endsWith('/tickets'));
    expect(sent.map(({ headers }) => headers.get('Authorization'))).toEqual(['Bearer old', 'Bearer new']);
    expect(new Set(sent.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(1);
  });

  test('a client that has registered reads what it did with the token of its first sign-in, and another one without (product 6.7)', async () => {
    for (const hasRegistered of [true, false]) {
      const { client, requests } = serve((request) => {
        if (request.method === 'GET') return json({ id: 'me' });
        if (!request.url.endsWith('/token')) return json({ id: 'a', version: 1 }, { status: 201 });
        const response = granted('a');
        response.headers.set('Consistency-Token', token(7));
        return response;
      });
      const account = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' };
      if (hasRegistered) await client.api.users.$post({ json: account });
      await client.signIn('ada@example.com', 'secret');
      await client.api.users.me.$get();
      expect(requests.at(-1)?.headers.get('Consistency-Token')).toBe(hasRegistered ? token(7) : null);
    }
  });

  test('a client reports a wrong password with the error code of RFC 6749', async () => {
    const { client } = serve(() => json({ error: 'invalid_grant', error_description: 'No.' }, { status: 400 }));
    await expect(client.signIn('ada@example.com', 'x')).rejects.toMatchObject({
      code: 'invalid_grant',
      message: 'No.',
    });
  });

  test('a client drops its tokens when it signs out, and revokes them at the API', async () => {
    const { client, requests } = serve((request) =>
      request.url.endsWith('/token') ? granted('a') : new Response(null, { status: 204 }),
    );
    await client.signIn('ada@example.com', 'secret');
    await client.signOut();
    expect(await requests[1]?.json()).toEqual({ refreshToken: 'r-a' });
    expect(client.refreshToken()).toBeUndefined();
  });
});

describe('a client whose Consistency-Token the API refuses, because its secret has changed (product 6.7)', () => {
  const problem = { status: 400, code: 'http.invalid-consistency-token', detail: 'It is not one of this API.' };

  /** A client with a token of position 7, and a server that refuses this token. */
  async function givenRefused(answer: () => Response = () => json({ data: [], nextCursor: null })) {
    const served = serve((request, count) => {
      if (count === 1) {
        return json({ id: 'a', version: 1 }, { status: 201, headers: { 'Consistency-Token': token(7) } });
      }
      const isRefused = request.headers.get('Consistency-Token') === token(7);
      return isRefused ? json(problem, { status: 400, headers: problemType }) : answer();
    });
    await served.client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    return served;
  }

  test('a client drops a refused token and repeats a read once without it', async () => {
    const { client, requests, waits } = await givenRefused();
    await client.api.tickets.$get({ query: {} });
    await client.api.tickets.$get({ query: {} });
    expect(requests.map(({ headers }) => headers.get('Consistency-Token'))).toEqual([null, token(7), null, null]);
    expect(waits).toEqual([]);
  });

  test('a client repeats a command under the same Idempotency-Key, and keeps the new token', async () => {
    const headers = { 'Consistency-Token': token(3, '2') };
    const { client, requests } = await givenRefused(() => json({ id: 'b', version: 1 }, { status: 201, headers }));
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    const keys = requests.map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys[1]).toBe(keys[2]);
    expect(keys[1]).not.toBe(keys[0]);
    expect(client.consistencyToken()).toBe(token(3, '2'));
  });

  test('a client reports another 400, and keeps its token', async () => {
    const other = { status: 400, code: 'http.invalid-query', detail: 'No.' };
    const { client, requests } = serve((_, count) =>
      count === 1
        ? json({ id: 'a', version: 1 }, { status: 201, headers: { 'Consistency-Token': token(7) } })
        : json(other, { status: 400, headers: problemType }),
    );
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    await expect(client.api.tickets.$get({ query: {} })).rejects.toMatchObject({ code: 'http.invalid-query' });
    expect([requests.length, client.consistencyToken()]).toEqual([2, token(7)]);
  });
});

test('a client waits as long as a 503 says, and gives up when that is too long for it (product 6.6)', async () => {
  for (const [seconds, sent] of [
    ['5', 4],
    ['600', 1],
  ] as const) {
    const { client, requests, waits } = serve(() => json({}, { status: 503, headers: { 'Retry-After': seconds } }));
    await expect(client.api.items.$get({ query: {} })).rejects.toMatchObject({ status: 503 });
    expect(requests).toHaveLength(sent);
    for (const ms of waits) expect(ms).toBeGreaterThanOrEqual(5_000);
    expect(new Set(waits).size).toBe(waits.length);
  }
});

describe('a client that repeats a request', () => {
  test('a client repeats a POST command with the same Idempotency-Key, also when its response was lost (product 6.2)', async () => {
    const { client, requests, waits } = serve((_, count) => {
      if (count === 1) throw new TypeError('connection lost');
      if (count === 2) return json({}, { status: 503 });
      if (count === 3) return json({}, { status: 429, headers: { 'Retry-After': '7' } });
      return json({ id: 'a', version: 1 }, { status: 201 });
    });
    await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    const keys = requests.map(({ headers }) => headers.get('Idempotency-Key'));
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
    expect(waits[2]).toBeGreaterThanOrEqual(7000);
    expect(waits[2]).toBeLessThan(9000);
  });

  test('a client uses another Idempotency-Key for another command', async () => {
    const { client, requests } = serve(() => json({ id: 'a', version: 1 }, { status: 201 }));
    for (let count = 0; count < 2; count++) await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    expect(new Set(requests.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(2);
  });

  test('a client sends a PATCH or a sign-in only once, because the first request may have had its effect', async () => {
    const { client, requests } = serve(() => json({}, { status: 503 }));
    const changing = client.api.users[':id'].$patch({ param: { id: 'a' }, json: { name: 'b' } });
    await expect(changing).rejects.toBeInstanceOf(ProblemError);
    await expect(client.signIn('a', 'b')).rejects.toBeInstanceOf(ProblemError);
    expect(requests).toHaveLength(2);
  });

  test('a client repeats a command whose response broke off', async () => {
    const { client, requests } = serve((_, count) => {
      if (count > 1) return json({ id: 'a', version: 1 }, { status: 201 });
      const body = new ReadableStream({
        pull(controller) {
          controller.error(new TypeError('terminated'));
        },
      });
      return new Response(body, { status: 201, headers: { 'Content-Type': 'application/json' } });
    });
    const response = await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    expect(await response.json()).toEqual({ id: 'a', version: 1 });
    expect(new Set(requests.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(1);
    expect(requests).toHaveLength(2);
  });

  test('a client repeats every request that a rate limit refused, a sign-in too', async () => {
    const { client, waits } = serve((_, count) =>
      count < 3 ? json({}, { status: 429, headers: { 'Retry-After': '60' } }) : granted('a'),
    );
    await client.signIn('ada@example.com', 'secret');
    expect(waits.map((ms) => Math.floor(ms / 1000))).toEqual([60, 60]);
  });

  test('a client gives up after four tries, and reports the error of the last try', async () => {
    const { client, requests } = serve(() => {
      throw new TypeError('connection lost');
    });
    await expect(client.api.items.$get({ query: {} })).rejects.toThrow('connection lost');
    expect(requests).toHaveLength(4);
  });
});

test('a refusal is a ProblemError with the problem details of the response', async () => {
  const problem = { status: 422, code: 'http.validation-failed', detail: 'The input is not valid.', errors: [] };
  const { client, requests } = serve(() => json(problem, { status: 422, headers: problemType }));
  const error = await client.api.tickets.$post({ json: { subject: '', message: 'b' } }).catch((caught) => caught);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ status: 422, code: problem.code, problem });
  expect(requests).toHaveLength(1);
});

test('a client returns a 304 as a response and not as an error', async () => {
  const { client } = serve(() => new Response(null, { status: 304 }));
  expect((await client.api.users.me.$get()).status).toBe(304);
});

/** This function compiles only as long as each marked line does not. */
test('a call with a wrong field, value or route does not compile', () => expect(typesHold).toBeTypeOf('function'));

async function typesHold() {
  const { api } = createClient(url);
  await api.tickets.$post({ json: { subject: 'a', message: 'b' } });
  // @ts-expect-error a wrong field
  await api.tickets.$post({ json: { subject: 'a', body: 'b' } });
  // @ts-expect-error a wrong type
  await api.items.$post({ json: { title: 'a', price: { amount: '1', currency: 'EUR' } } });
  // @ts-expect-error a wrong value
  await api.tickets[':id'].status.$post({ param: { id: 'a' }, json: { status: 'lost' } });
  // @ts-expect-error an unknown route
  await api.nothing.$get();
  const user = await (await api.users.me.$get()).json();
  const count: number = user.openTicketCount;
  // @ts-expect-error a field that no response has
  const missing = user.passwordHash;
  return [count, missing];
}

test('a client with an API key sends it with every request, and asks for no token when it is refused (product 9.3)', async () => {
  const { client, requests } = serve(unauthorized, { apiKey: 'fd_key' });
  await expect(client.api.tickets.$get({ query: {} })).rejects.toMatchObject({ status: 401 });
  expect(requests.map(({ url, headers }) => [new URL(url).pathname, headers.get('Authorization')])).toEqual([
    ['/v1/tickets', 'Bearer fd_key'],
  ]);
});
