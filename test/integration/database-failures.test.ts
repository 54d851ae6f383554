import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { runSchedule } from '../../src/schedule';
import { password } from '../support/factories';
import { createFaultyD1, type D1Call, documentedErrors } from '../support/faulty-d1';
import { createSystem } from '../support/system';
import { createDeadlines } from '../support/wait';

/** What happens to the next calls of D1; calls after the last one are sent as they are. */
type Fault = (call: D1Call) => Promise<unknown>;

const failBefore =
  (message: string): Fault =>
  () =>
    Promise.reject(new Error(message));
const failAfter =
  (message: string): Fault =>
  (call) =>
    call.send().then(() => Promise.reject(new Error(message)));

/** A system whose D1 meets `faults` on its next calls that `meets` selects. */
function given(meets: (call: D1Call) => boolean = ({ isCommit }) => isCommit) {
  const faults: Fault[] = [];
  const calls: string[] = [];
  const database = createFaultyD1(env.DB, (call) => {
    calls.push(call.sql);
    return (meets(call) ? faults.shift() : undefined)?.(call) ?? call.send();
  });
  const system = createSystem({ DB: database });
  return { ...system, calls, faults };
}

const healthy = createSystem();
const item = (title: string) => ({ title, price: { amount: 100, currency: 'EUR' } });
let bearer: { Authorization: string };

beforeAll(async () => {
  ({ bearer } = await healthy.register());
});

async function countItems(title: string): Promise<{ items: number; events: number }> {
  const sql = `SELECT count(*) AS items, (SELECT count(*) FROM events WHERE stream_type = 'item'
    AND stream_id IN (SELECT id FROM items WHERE title = ?)) AS events FROM items WHERE title = ?`;
  return (await env.DB.prepare(sql).bind(title, title).first<{ items: number; events: number }>()) ?? never();
}

function never(): never {
  throw new Error('A query that counts has one row.');
}

const moments = { before: failBefore, after: failAfter };

describe.each(documentedErrors)('a commit that meets “%s”', (message) => {
  describe.each(['before', 'after'] as const)('%s the write', (moment) => {
    test.each([
      ['on the first try', []],
      ['on the second try', [failBefore('D1_ERROR: Network connection lost.')]],
      ['on the second try, after the first one was applied', [failAfter('D1_ERROR: Network connection lost.')]],
      ['on every try', Array.from({ length: 50 }, () => moments[moment](message))],
    ])('%s is applied once, and answered with 201 or an honest 503 (product 6.5)', async (_, earlier) => {
      const { faults, send } = given();
      const title = crypto.randomUUID();
      const key = { 'Idempotency-Key': crypto.randomUUID() };
      faults.push(...earlier, moments[moment](message));
      const response = await send('POST', '/v1/items', item(title), { ...bearer, ...key });
      const counted = await countItems(title);
      if (response.status === 201) expect(counted).toEqual({ items: 1, events: 1 });
      else {
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({ code: 'concurrency.outcome-unknown' });
        expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
        expect(counted.items).toBeLessThanOrEqual(1);
      }
      // What the answer advises: the same key again.
      faults.length = 0;
      const repeated = await send('POST', '/v1/items', item(title), { ...bearer, ...key });
      expect(repeated.status).toBe(201);
      expect(await countItems(title)).toEqual({ items: 1, events: 1 });
    });
  });
});

describe('a failure of D1 that is a sure refusal', () => {
  test.each([
    // What a replica's state led to is decided once more on the primary.
    ['a constraint', 'D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT', 409, 2],
    ['a wrong statement', 'D1_ERROR: no such table: nothing: SQLITE_ERROR', 500, 1],
    ['a wrong type', "D1_TYPE_ERROR: Type 'object' not supported", 500, 1],
  ])('%s is answered at once, and the batch is not sent again (product 6.5)', async (_, message, status, sent) => {
    const { faults, send } = given();
    faults.push(...Array.from({ length: 3 }, () => failBefore(message)));
    const account = { name: 'Ada Byron', email: 'refused@example.com', password };
    expect((await send('POST', '/v1/users', account)).status).toBe(status);
    expect(3 - faults.length).toBe(sent);
  });

  test('words of a person that look like one do not make it one', async () => {
    const { faults, send } = given();
    faults.push(failAfter('D1_ERROR: Network connection lost.'));
    const title = `SQLITE_CONSTRAINT, UNIQUE constraint failed: users.email ${crypto.randomUUID()}`;
    expect((await send('POST', '/v1/items', item(title), bearer)).status).toBe(201);
    expect(await countItems(title)).toEqual({ items: 1, events: 1 });
  });
});

describe('a refusal after a try whose answer was lost', () => {
  const lost = failBefore('D1_ERROR: Network connection lost.');

  test('is no answer while its reason can pass, because the first try can still arrive (product 6.5)', async () => {
    const { faults, send } = given();
    const title = crypto.randomUUID();
    let arrive = async (): Promise<unknown> => undefined;
    // The first try is still on its way when the second one is refused.
    faults.push((call) => {
      arrive = call.send;
      return Promise.reject(new Error('D1_ERROR: Network connection lost.'));
    }, failBefore('D1_ERROR: CHECK constraint failed: items_stock: SQLITE_CONSTRAINT'));
    const response = await send('POST', '/v1/items', item(title), bearer);
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      503,
      'concurrency.outcome-unknown',
    ]);
    await arrive();
    expect(await countItems(title)).toEqual({ items: 1, events: 1 });
  });

  test('is an answer when its reason cannot pass: another commit took the version', async () => {
    const { faults, register, request, send } = given();
    const { bearer: own, id } = await register();
    const path = `/v1/users/${id}`;
    const etag = (await request(path, { headers: own })).headers.get('ETag') ?? '';
    faults.push(lost, async (call) => {
      await healthy.send('PATCH', path, { name: 'By another request' }, own);
      return call.send();
    });
    const response = await send('PATCH', path, { name: 'Lost the race' }, { ...own, 'If-Match': etag });
    expect(response.status).toBe(412);
  });
});

test('an overloaded D1 is asked once whether the commit is there, and then left alone (product 6.5)', async () => {
  const { calls, faults, send } = given(() => true);
  const title = crypto.randomUUID();
  const overloaded = failBefore('D1_ERROR: D1 DB is overloaded. Requests queued for too long.');
  faults.push(...Array.from({ length: 50 }, () => overloaded));
  const response = await send('POST', '/v1/items', item(title), bearer);
  expect(response.status).toBe(503);
  expect(calls.length).toBeLessThanOrEqual(2);
});

test('the events of a commit without an answer are looked for on the primary, because a replica may not have them yet (product 6.5)', async () => {
  const looks: string[] = [];
  const { faults, send } = given(({ from, sql }) => {
    if (looks.length === 0 && !/insert into "?events/i.test(sql)) return false;
    looks.push(from);
    return true;
  });
  faults.push(failAfter('D1_ERROR: Network connection lost.'));
  expect((await send('POST', '/v1/items', item(crypto.randomUUID()), bearer)).status).toBe(201);
  expect(looks[1]).toBe('first-primary');
});

test('a repeated command whose response could not be stored is answered like the first time (product 6.5)', async () => {
  // The account has the name already, so nothing but the response is to be stored.
  const [passing, overloaded] = [
    'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
    'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
  ];
  // An overloaded D1 is asked once more and no longer, so the one look has to find the response.
  for (const fault of [failBefore(passing), failAfter(passing), failAfter(overloaded)]) {
    const { faults, send } = given();
    const ticket = await healthy.send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearer);
    const { id } = await ticket.json<{ id: string }>();
    const admin = await healthy.register({ role: 'admin' });
    const key = { ...admin.bearer, 'Idempotency-Key': crypto.randomUUID() };
    const keepOpen = () => send('POST', `/v1/tickets/${id}/status`, { status: 'open' }, key);
    faults.push(fault);
    const [first, second] = [await keepOpen(), await keepOpen()];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await second.json()).toEqual(await first.json());
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
  }
});

describe('a D1 that never answers', () => {
  /** A system whose deadlines end as soon as D1 does not answer one of the calls that `meets` selects. */
  function givenStalled(meets: (call: D1Call) => boolean) {
    const stalled: D1Call[] = [];
    let isStalling = true;
    let effect: (call: D1Call) => unknown = () => {};
    const time = createDeadlines((ms) => system.clock.advance(ms));
    const database = createFaultyD1(env.DB, async (call) => {
      if (!isStalling || !meets(call)) return call.send();
      const deadline = time.newest();
      stalled.push(call);
      await effect(call);
      time.expire(deadline);
      return new Promise(() => {});
    });
    const system = createSystem({ DB: database }, { wait: time.wait });
    return {
      ...system,
      stalled,
      time,
      recover: () => {
        isStalling = false;
      },
      onStall: (run: (call: D1Call) => unknown) => {
        effect = run;
      },
    };
  }

  const everything = () => true;
  const commits = ({ isCommit }: D1Call) => isCommit;
  const code = async (response: Response) => (await response.json<{ code: string }>()).code;

  test('fails a read with 503 after five seconds, and leaves no timer (product 6.6)', async () => {
    const { request, time } = givenStalled(everything);
    const response = await request(`/v1/items?owner=${crypto.randomUUID()}`);
    expect([response.status, await code(response)]).toEqual([503, 'http.database-unavailable']);
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
    expect([time.passed(), time.left()]).toEqual([5_000, 0]);
  });

  test('fails a deeper page, a caller who must be checked, and a query of operators with 503 (product 6.6)', async () => {
    const { request } = givenStalled(everything);
    const admin = await healthy.register({ role: 'admin' });
    const cursor = btoa(JSON.stringify([crypto.randomUUID()])).replaceAll('=', '');
    for (const path of [
      `/v1/items?cursor=${cursor}`,
      '/v1/users/me',
      '/v1/operations/rebuilds',
      '/v1/operations/dead-letters',
    ]) {
      const response = await request(path, { headers: admin.bearer });
      expect([path, response.status]).toEqual([path, 503]);
    }
  });

  test('fails a command that has only read with 503, and nothing was changed (product 6.6)', async () => {
    const { send, stalled, time } = givenStalled((call) => !call.isCommit);
    const title = crypto.randomUUID();
    const key = { 'Idempotency-Key': crypto.randomUUID() };
    const response = await send('POST', '/v1/items', item(title), { ...bearer, ...key });
    expect([response.status, await code(response)]).toEqual([503, 'http.database-unavailable']);
    expect([stalled.length, time.passed(), time.left()]).toEqual([1, 5_000, 0]);
    expect(await countItems(title)).toEqual({ items: 0, events: 0 });
  });

  test('ends a commit with an unknown outcome after ten seconds, and leaves no timer (product 6.5, 6.6)', async () => {
    const { send, time } = givenStalled(everything);
    const response = await send('POST', '/v1/items', item('stalled'), bearer);
    expect([response.status, await code(response)]).toEqual([503, 'concurrency.outcome-unknown']);
    expect(time.passed()).toBe(10_000);
    expect(time.left()).toBe(0);
  });

  test('does not keep a commit that was applied from being found (product 6.5)', async () => {
    const { onStall, send } = givenStalled(commits);
    onStall((call) => call.send());
    const title = crypto.randomUUID();
    const response = await send('POST', '/v1/items', item(title), bearer);
    expect(response.status).toBe(201);
    expect(await countItems(title)).toEqual({ items: 1, events: 1 });
  });

  test('and carries the batches out a minute later, carries them out once, and so does a repetition (product 6.5)', async () => {
    const { recover, send, stalled } = givenStalled(commits);
    const title = crypto.randomUUID();
    const headers = { ...bearer, 'Idempotency-Key': crypto.randomUUID() };
    expect((await send('POST', '/v1/items', item(title), headers)).status).toBe(503);
    expect(await countItems(title)).toEqual({ items: 0, events: 0 });
    recover();
    expect(stalled.length).toBeGreaterThan(1);
    for (const call of stalled) await call.send().catch(() => {});
    expect(await countItems(title)).toEqual({ items: 1, events: 1 });
    const repeated = await send('POST', '/v1/items', item(title), headers);
    expect([repeated.status, repeated.headers.get('Idempotency-Replayed')]).toEqual([201, 'true']);
    expect(await countItems(title)).toEqual({ items: 1, events: 1 });
  });

  test('does not keep a command that was carried out from its answer, when its documents cannot be made (product 6.6)', async () => {
    const admin = await healthy.register({ role: 'admin' });
    const { id } = await healthy.register();
    const { send, stalled } = givenStalled(({ sql }) => /into projections/i.test(sql));
    const response = await send('POST', `/v1/users/${id}/role`, { role: 'agent' }, admin.bearer);
    expect(response.status).toBe(200);
    expect(stalled.length).toBeGreaterThan(0);
  });

  test('makes the readiness check say so after two seconds (product 6.6, 8.1)', async () => {
    const { request, time } = givenStalled(everything);
    const response = await request('/v1/health/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      status: 'unavailable',
      issues: expect.arrayContaining([expect.objectContaining({ code: 'd1-unreachable' })]),
    });
    expect(time.passed()).toBe(2_000);
  });

  test('and a KV that never answers make the readiness check say so too (product 6.6, 8.1)', async () => {
    const time = createDeadlines(() => {});
    const get = () => {
      time.expire(time.newest());
      return new Promise(() => {});
    };
    const { request } = createSystem({ VIEWS: { get } as unknown as KVNamespace }, { wait: time.wait });
    const response = await request('/v1/health/ready');
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { issues: expect.arrayContaining([expect.objectContaining({ code: 'kv-unreachable' })]) },
    ]);
    expect(time.passed()).toBe(2_000);
  });

  test('stops neither the schedule nor a consumer: the tasks fail, and messages are tried again (product 6.6)', async () => {
    const { send, sent } = createSystem();
    await send('POST', '/v1/items', item('for the consumers'), bearer);
    const waiting = givenStalled(everything);
    for (const queue of ['projections', 'emails'] as const) {
      const { acked, retried } = await waiting.deliver(queue, sent[queue]);
      expect([queue, acked, retried.length]).toEqual([queue, [], sent[queue].length]);
    }
    for (const cron of ['* * * * *', '0 * * * *']) await runSchedule(waiting.services(), cron);
    expect(waiting.logs.join()).toContain('schedule.failed');
    expect(waiting.time.left()).toBe(0);
  });

  test('gives the limit of e-mails the time of the background, as a consumer asks for it (product 6.6)', async () => {
    const { register, sent } = createSystem();
    await register();
    const waiting = givenStalled(({ sql }) => sql.includes('limited_emails'));
    const { retried } = await waiting.deliver('emails', sent.emails.slice(-1));
    expect([retried.length, waiting.time.passed()]).toEqual([1, 30_000]);
  });
});
