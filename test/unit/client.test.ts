import { describe, expect, test } from 'vitest';
import { createClient, ProblemError } from '../../src/client';
import { encodeConsistencyToken } from '../../src/cqrs/log/consistency-token';

const url = 'https://api.example';

type Handler = (request: Request, count: number) => Response | Promise<Response>;

/** A server that is a function, and notes what it was sent. */
function serve(handler: Handler, options: { refreshToken?: string } = {}) {
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
const token = (position: number) => encodeConsistencyToken({ position, bookmark: null, epoch: '1' });
const granted = (access: string) => json({ access_token: access, refresh_token: `r-${access}`, token_type: 'Bearer' });
const unauthorized = () =>
  json({ code: 'auth.invalid-token', detail: 'expired', status: 401 }, { status: 401, headers: problemType });
const problemType = { 'Content-Type': 'application/problem+json' };

test('what it wrote it reads: the newest Consistency-Token goes with every request', async () => {
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

describe('signing in', () => {
  test('parallel calls with an expired token refresh once', async () => {
    const { client, requests } = serve(async (request) => {
      if (request.url.endsWith('/token')) {
        const form = new URLSearchParams(await request.text());
        return granted(form.get('grant_type') === 'password' ? 'old' : 'new');
      }
      return request.headers.get('Authorization') === 'Bearer new' ? json({ id: 'me' }) : unauthorized();
    });
    await client.signIn('ada@example.com', 'secret');
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.api.users.me.$get()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const refreshes = requests.filter(({ url: to }) => to.endsWith('/token')).slice(1);
    expect(refreshes).toHaveLength(1);
    expect(await refreshes[0]?.text()).toBe('grant_type=refresh_token&refresh_token=r-old');
    expect(client.refreshToken()).toBe('r-new');
  });

  test('a session is taken up with its refresh token', async () => {
    const { client, requests } = serve(
      (request) => (request.url.endsWith('/token') ? granted('new') : json({ id: 'me' })),
      { refreshToken: 'kept' },
    );
    await client.api.users.me.$get();
    expect(await requests[0]?.text()).toBe('grant_type=refresh_token&refresh_token=kept');
    expect(requests[1]?.headers.get('Authorization')).toBe('Bearer new');
  });

  test('a refusal that a refresh does not heal is told', async () => {
    const { client, requests } = serve((request) => (request.url.endsWith('/token') ? granted('a') : unauthorized()));
    await client.signIn('ada@example.com', 'secret');
    await expect(client.api.users.me.$get()).rejects.toMatchObject({ status: 401, code: 'auth.invalid-token' });
    expect(requests).toHaveLength(4);
  });

  test('a wrong password is an error of RFC 6749', async () => {
    const { client } = serve(() => json({ error: 'invalid_grant', error_description: 'No.' }, { status: 400 }));
    await expect(client.signIn('ada@example.com', 'x')).rejects.toMatchObject({
      code: 'invalid_grant',
      message: 'No.',
    });
  });

  test('signing out forgets the tokens and says so to the API', async () => {
    const { client, requests } = serve((request) =>
      request.url.endsWith('/token') ? granted('a') : new Response(null, { status: 204 }),
    );
    await client.signIn('ada@example.com', 'secret');
    await client.signOut();
    expect(await requests[1]?.json()).toEqual({ refreshToken: 'r-a' });
    expect(client.refreshToken()).toBeUndefined();
  });
});

describe('repeating', () => {
  test('a command is repeated under one Idempotency-Key, also when the answer was lost', async () => {
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
    expect(waits[2]).toBe(7000);
  });

  test('two commands have two keys', async () => {
    const { client, requests } = serve(() => json({ id: 'a', version: 1 }, { status: 201 }));
    for (let count = 0; count < 2; count++) await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    expect(new Set(requests.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(2);
  });

  test('a change and a sign-in are sent once: nothing tells whether they arrived', async () => {
    const { client, requests } = serve(() => json({}, { status: 503 }));
    const changing = client.api.users[':id'].$patch({ param: { id: 'a' }, json: { name: 'b' } });
    await expect(changing).rejects.toBeInstanceOf(ProblemError);
    await expect(client.signIn('a', 'b')).rejects.toBeInstanceOf(ProblemError);
    expect(requests).toHaveLength(2);
  });

  test('an answer that breaks off half way is asked for again', async () => {
    const { client, requests } = serve((_, count) => {
      if (count > 1) return json({ id: 'a', version: 1 }, { status: 201 });
      const body = new ReadableStream({
        pull(controller) {
          controller.error(new TypeError('terminated'));
        },
      });
      return new Response(body, { status: 201, headers: { 'Content-Type': 'application/json' } });
    });
    const answer = await client.api.tickets.$post({ json: { subject: 'a', message: 'b' } });
    expect(await answer.json()).toEqual({ id: 'a', version: 1 });
    expect(new Set(requests.map(({ headers }) => headers.get('Idempotency-Key'))).size).toBe(1);
    expect(requests).toHaveLength(2);
  });

  test('what a rate limit turned away is sent again, a sign-in too', async () => {
    const { client, waits } = serve((_, count) =>
      count < 3 ? json({}, { status: 429, headers: { 'Retry-After': '60' } }) : granted('a'),
    );
    await client.signIn('ada@example.com', 'secret');
    expect(waits).toEqual([60_000, 60_000]);
  });

  test('a read gives up after its tries, with the reason', async () => {
    const { client, requests } = serve(() => {
      throw new TypeError('connection lost');
    });
    await expect(client.api.items.$get({ query: {} })).rejects.toThrow('connection lost');
    expect(requests).toHaveLength(4);
  });
});

test('a refusal is a typed error with its problem details', async () => {
  const problem = { status: 422, code: 'http.validation-failed', detail: 'The input is not valid.', errors: [] };
  const { client, requests } = serve(() => json(problem, { status: 422, headers: problemType }));
  const error = await client.api.tickets.$post({ json: { subject: '', message: 'b' } }).catch((caught) => caught);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ status: 422, code: problem.code, problem });
  expect(requests).toHaveLength(1);
});

test('304 is an answer, not an error', async () => {
  const { client } = serve(() => new Response(null, { status: 304 }));
  expect((await client.api.users.me.$get()).status).toBe(304);
});

/** It compiles only while what is wrong does not. */
test('wrong fields, values and routes do not compile', () => expect(typesHold).toBeTypeOf('function'));

async function typesHold() {
  const { api } = createClient(url);
  await api.tickets.$post({ json: { subject: 'a', message: 'b' } });
  // @ts-expect-error a wrong field
  await api.tickets.$post({ json: { subject: 'a', body: 'b' } });
  // @ts-expect-error a wrong type
  await api.items.$post({ json: { title: 'a', price: { amount: '1', currency: 'EUR' } } });
  // @ts-expect-error a wrong value
  await api.tickets[':id'].status.$post({ param: { id: 'a' }, json: { status: 'lost' } });
  // @ts-expect-error a route that is not there
  await api.nothing.$get();
  const user = await (await api.users.me.$get()).json();
  const count: number = user.openTicketCount;
  // @ts-expect-error a field that no answer has
  const missing = user.passwordHash;
  return [count, missing];
}
