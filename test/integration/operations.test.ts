import { env } from 'cloudflare:workers';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { searchEvents } from '../../src/cqrs/log/event-log';
import { EmailError } from '../../src/email/email-sender';
import { remedies } from '../../src/operations/remedies';
import type {
  AuditEvent,
  DeadLetter,
  IssueCode,
  Projection,
  Readiness,
  WaitingDelivery,
} from '../../src/operations/schemas';
import { isoTime } from '../../src/platform/clock';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { deleteDeliveries, excuseDocuments } from '../support/document-watch';
import { password } from '../support/factories';
import { type Given, given, openTicket, post, read } from '../support/operations';
import { countRows, createSystem } from '../support/system';

test('every route of the operations API refuses agents and customers with 403 (product 8.2)', async () => {
  const system = await given();
  const agent = await system.register({ role: 'agent' });
  const before = await countRows();
  for (const [method, path] of [
    ['GET', 'projections'],
    ['POST', 'projections/ticket/rebuild'],
    ['GET', 'rebuilds'],
    ['GET', `rebuilds/${newId()}`],
    ['POST', `rebuilds/${newId()}/cancel`],
    ['GET', 'dead-letters'],
    ['GET', 'metrics'],
    ['POST', 'dead-letters/1-emails/replay'],
    ['DELETE', 'dead-letters/1-emails'],
    ['GET', 'events'],
  ] as const) {
    for (const { bearer } of [agent, system.customer]) {
      const response = await system.request(`/v1/operations/${path}`, { method, headers: bearer });
      expect([method, path, response.status]).toEqual([method, path, 403]);
    }
  }
  const all = await system.send('POST', '/v1/operations/dead-letters/replay', {}, agent.bearer);
  expect(all.status).toBe(403);
  expect(await countRows()).toEqual(before);
});

describe('projections', () => {
  test('the lag of a view in events and seconds grows with waiting events, and is 0 after a projection (product 8.2)', async () => {
    const system = await given();
    const statusOf = async (view: string) =>
      (await read<{ data: Projection[] }>(system, 'projections')).data.find((row) => row.view === view);
    expect(await statusOf('ticket')).toMatchObject({ lagEvents: 0, lagSeconds: 0, lastError: null });
    const before = await read<{ position: number }>(system, 'projections');
    await openTicket(system);
    system.clock.advance(30_000);
    const late = await statusOf('ticket');
    expect(late).toMatchObject({ lagEvents: 1, position: before.position });
    expect(late?.lagSeconds).toBeGreaterThanOrEqual(30);
    expect(await statusOf('settings')).toMatchObject({ lagEvents: 0 });
    await system.deliverQueues();
    const { position } = await read<{ position: number }>(system, 'projections');
    expect(await statusOf('ticket')).toMatchObject({ lagEvents: 0, position });
  });

  test('a view whose puts fail shows its last error and the keys to be rechecked (product 8.2)', async () => {
    const failing = {
      get: env.VIEWS.get.bind(env.VIEWS),
      put: () => Promise.reject(new Error('KV is down.')),
      // The document store calls no other method.
    } as unknown as KVNamespace;
    const system = await given({ VIEWS: failing });
    system.clock.advance(300_000);
    // Another try takes over the claims that ran out.
    await system.services().relay();
    await system.deliverQueues();
    const { data } = await read<{ data: Projection[] }>(system, 'projections');
    const user = data.find(({ view }) => view === 'user');
    expect(user?.lagEvents).toBeGreaterThan(0);
    expect(user?.keysToRecheck).toBeGreaterThan(0);
    expect(user?.lastError).toBe('Error');
  });
});

test('an admin sees what waits: since when, with which error, and until when (product 8.2)', async () => {
  const system = await given();
  const page = (query = '') =>
    read<{ data: WaitingDelivery[]; nextCursor: string | null }>(system, `deliveries${query}`);
  await deleteDeliveries();
  expect((await page()).data).toEqual([]);
  const registered = await system.send('POST', '/v1/users', {
    name: 'Ada',
    email: `${crypto.randomUUID()}@example.com`,
    password,
  });
  const requestId = registered.headers.get('X-Request-Id');
  const { id } = await registered.json<{ id: string }>();
  const [email, projection] = (await page()).data;
  const rest = { type: 'UserRegistered', streamType: 'user', streamId: id, requestId, attempts: 0, lastError: null };
  expect([email, projection]).toMatchObject(
    ['emails', 'projections'].map((subscription) => ({ ...rest, subscription, firstFailedAt: null })),
  );
  // One after the other, in the same order.
  const first = await page('?limit=1');
  const second = await page(`?limit=1&cursor=${first.nextCursor}`);
  expect([...first.data, ...second.data]).toEqual([email, projection]);
  expect(second.nextCursor).toBeNull();
  expect((await page('?subscription=emails')).data).toEqual([email]);

  system.sender.failWith(new EmailError('SMTP_451', 'for-now'));
  const before = isoTime(system.clock.now());
  await system.deliverQueues();
  const [waiting] = (await page('?subscription=emails')).data;
  expect(waiting).toMatchObject({ ...rest, attempts: 1, subscription: 'emails', lastError: 'EmailError: SMTP_451' });
  const { firstFailedAt = null } = waiting ?? {};
  expect([before, firstFailedAt, waiting?.lastFailedAt].toSorted()).toEqual([before, firstFailedAt, firstFailedAt]);
  expect(Date.parse(waiting?.nextSendAt ?? '')).toBeGreaterThan(system.clock.now());

  // The last failure moves on, and the first one stays.
  system.clock.advance(600_000);
  system.sender.failWith(new EmailError('SMTP_550', 'for-good'));
  await system.services().relay();
  await system.deliverQueues();
  const { data } = await read<{ data: DeadLetter[] }>(system, 'dead-letters?subscription=emails');
  expect(data).toMatchObject([
    { ...rest, attempts: 2, lastError: 'EmailError: SMTP_550', firstFailedAt, subscription: 'emails' },
  ]);
  const betweenMs = Date.parse(data[0]?.lastFailedAt ?? '') - Date.parse(firstFailedAt ?? '');
  expect(betweenMs).toBeGreaterThanOrEqual(600_000);
  expect((await page('?subscription=emails')).data).toEqual([]);
  await post(system, `dead-letters/${data[0]?.id}/replay`);
  // The relay may have sent it already.
  const [replayed] = (await page('?subscription=emails')).data;
  expect(replayed).toMatchObject({ streamId: id, lastError: null, firstFailedAt: null, lastFailedAt: null });
});

test('what waits is listed in the order of the log, with how often it was tried and how often the relay sent it (product 8.2)', async () => {
  const system = await given();
  await deleteDeliveries();
  await system.register();
  await system.register();
  const list = async (path: string) =>
    (await read<{ data: WaitingDelivery[]; nextCursor: string | null }>(system, path)) satisfies object;
  const { data: all } = await list('deliveries?limit=100');
  const places = all.map(({ position, subscription }) => `${String(position).padStart(9, '0')} ${subscription}`);
  expect([new Set(all.map(({ position }) => position)).size > 1, places]).toEqual([true, places.toSorted()]);
  const paged: WaitingDelivery[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const page = await list(`deliveries?limit=2${next === '' ? '' : `&cursor=${next}`}`);
    paged.push(...page.data);
    next = page.nextCursor;
  }
  expect(paged).toEqual(all);

  // Metadata that cannot be read may be why a delivery waits. SQLite reads this text, and `JSON.parse` does not.
  await env.DB.prepare('UPDATE deliveries SET attempts = 1, failures = 2, unclear_sends = 4, tries = 5').run();
  const [first] = all;
  const setMetadata = (text: unknown) =>
    env.DB.prepare('UPDATE events SET metadata = ? WHERE position = ?').bind(text, first?.position).run();
  const { metadata } =
    (await env.DB.prepare('SELECT metadata FROM events WHERE position = ?').bind(first?.position).first()) ?? {};
  await setMetadata('{unquoted: 1}');
  const [unreadable, ...others] = (await list('deliveries?limit=100')).data;
  await setMetadata(metadata);
  expect(unreadable).toEqual({ ...first, requestId: null, attempts: 5, sends: 1 });
  expect(others).toHaveLength(all.length - 1);
});

/** The status of the readiness check, and what it says. */
const readReadiness = async ({ request }: Given) => {
  const response = await request('/v1/health/ready');
  return [response.status, await response.json<Readiness>()] as const;
};

/** An issue of the readiness check, with what to do about it. */
const issue = (code: IssueCode, detail: unknown, details: unknown) => ({
  code,
  detail,
  remedy: remedies[code],
  details,
});

describe('dead letters', () => {
  /** A system with the dead letter of one welcome e-mail. */
  async function givenDeadLetter(error = new EmailError('E_SENDER_NOT_VERIFIED', 'for-good')) {
    const system = await given();
    system.sender.failWith(error);
    const email = `${crypto.randomUUID()}@example.com`;
    await system.send('POST', '/v1/users', { name: 'Ada', email, password });
    await system.deliverQueues();
    const list = async () => (await read<{ data: DeadLetter[] }>(system, 'dead-letters')).data;
    return { ...system, email, list };
  }

  test('a replayed dead letter begins anew, without the tries, failures and unclear sends of before (product 7.3)', async () => {
    const system = await given();
    await system.register();
    const row = () => env.DB.prepare("SELECT * FROM deliveries WHERE subscription = 'emails'").first();
    await env.DB.prepare(
      `UPDATE deliveries SET status = 'dead', attempts = 9, failures = 2, unclear_sends = 3, tries = 14, fault = 'recipient',
         last_error = 'x'
       WHERE subscription = 'emails'`,
    ).run();
    expect((await post(system, 'dead-letters/replay', { fault: 'recipient' })).status).toBe(200);
    // The relay, which the replay starts, has sent it once.
    expect(await row()).toMatchObject({
      status: 'pending',
      attempts: 1,
      failures: 0,
      unclear_sends: 0,
      tries: 0,
      fault: null,
      last_error: null,
    });
  });

  test('an admin lists a dead letter with its error, and a replay of it sends one e-mail (product 7.3, 8.2)', async () => {
    const system = await givenDeadLetter();
    const [letter] = await system.list();
    expect(letter).toMatchObject({ subscription: 'emails', type: 'UserRegistered', fault: 'system', attempts: 1 });
    expect(letter?.lastError).toBe('EmailError: E_SENDER_NOT_VERIFIED');
    const replayed = await post(system, `dead-letters/${letter?.id}/replay`);
    expect([replayed.status, await replayed.json()]).toMatchObject([200, { count: 1, remaining: 0 }]);
    await system.deliverQueues();
    expect(await system.list()).toEqual([]);
    expect(system.sender.sent.filter(({ to }) => to.email === system.email)).toHaveLength(1);
    const { data } = await read<{ data: AuditEvent[] }>(system, 'events?stream=dead-letters/all&limit=1');
    expect(data).toMatchObject([
      {
        type: 'DeadLettersReplayed',
        actorId: system.admin.id,
        data: { letters: [{ position: letter?.position, subscription: 'emails' }] },
      },
    ]);
    expect((await post(system, `dead-letters/${letter?.id}/replay`)).status).toBe(404);
  });

  test('an admin replays all dead letters, or those of one subscription (product 7.3, 8.2)', async () => {
    const system = await givenDeadLetter();
    const none = await post(system, 'dead-letters/replay', { subscription: 'projections' });
    expect(await none.json()).toEqual({ count: 0, remaining: 0, decision: null });
    expect(await system.list()).toHaveLength(1);
    expect(await (await post(system, 'dead-letters/replay', {})).json()).toMatchObject({ count: 1, remaining: 0 });
    await system.deliverQueues();
    expect(await system.list()).toEqual([]);
  });

  test('an admin discards a dead letter, and the log records who did it (product 7.3, 8.2)', async () => {
    const system = await givenDeadLetter();
    const [letter] = await system.list();
    const discard = () =>
      system.request(`/v1/operations/dead-letters/${letter?.id}`, { method: 'DELETE', headers: system.admin.bearer });
    expect((await discard()).status).toBe(204);
    expect((await discard()).status).toBe(404);
    expect(await system.list()).toEqual([]);
    await system.services().relay();
    await system.deliverQueues();
    expect(system.sender.sent.filter(({ to }) => to.email === system.email)).toEqual([]);
    const { data } = await read<{ data: AuditEvent[] }>(system, `events?actor=${system.admin.id}`);
    expect(data[0]).toMatchObject({ type: 'DeadLettersDiscarded' });
  });
});

describe('an e-mail that its address does not take (product 7.7)', () => {
  const refusal = new EmailError('SMTP_RCPT_550_5.1.1', 'recipient');
  const day = 86_400_000;

  /** A system in which a welcome e-mail was refused because of its address. */
  async function givenRefusal() {
    await env.DB.prepare('DELETE FROM deliveries').run();
    const system = await given();
    await system.deliverQueues();
    await env.DB.prepare('DELETE FROM deliveries').run();
    system.sender.failWith(refusal);
    const email = `${crypto.randomUUID()}@example.com`;
    await system.send('POST', '/v1/users', { name: 'Ada', email, password });
    await system.deliverQueues();
    const list = async (query = '') => (await read<{ data: DeadLetter[] }>(system, `dead-letters${query}`)).data;
    return { ...system, email, list };
  }

  test('is listed with its fault, and neither degrades the system nor is logged as a failure', async () => {
    const system = await givenRefusal();
    const [letter, ...others] = await system.list();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ fault: 'recipient', attempts: 1, lastError: `EmailError: ${refusal.code}` });
    expect(await system.list('?fault=recipient')).toEqual([letter]);
    expect(await system.list('?fault=system')).toEqual([]);
    expect(await readReadiness(system)).toEqual([200, { status: 'ready', issues: [] }]);
    const lines = system.logs.map((line) => JSON.parse(line));
    expect(lines.filter(({ event }) => event === 'message.refused')).toMatchObject([
      { level: 'warn', subscription: 'emails', position: letter?.position, error: `EmailError: ${refusal.code}` },
    ]);
    expect(lines.find(({ event }) => event === 'message.refused').requestId).toBe(letter?.requestId);
    expect(lines.filter(({ event }) => event === 'message.failed')).toEqual([]);
    expect(lines.filter(({ refused }) => refused)).toMatchObject([{ event: 'batch.handled', failed: 0, refused: 1 }]);
    expect(system.logs.join()).not.toContain(system.email);
  });

  test('is not replayed with the dead letters of the system, but alone, and then to the corrected address', async () => {
    const system = await givenRefusal();
    expect(await (await post(system, 'dead-letters/replay', {})).json()).toEqual({
      count: 0,
      remaining: 0,
      decision: null,
    });
    const [letter] = await system.list();
    await env.DB.prepare('UPDATE users SET email = ? WHERE email = ?').bind('right@example.com', system.email).run();
    expect(await (await post(system, `dead-letters/${letter?.id}/replay`)).json()).toMatchObject({
      count: 1,
      remaining: 0,
    });
    await system.deliverQueues();
    expect(system.sender.sent.map(({ to }) => to.email)).toContain('right@example.com');
    expect(await system.list()).toEqual([]);
  });

  test('that fails for another reason after its replay is a fault of the system', async () => {
    const system = await givenRefusal();
    system.sender.failWith(new EmailError('SMTP_AUTH_535', 'for-good'));
    await post(system, 'dead-letters/replay', { subscription: 'emails', fault: 'recipient' });
    await system.deliverQueues();
    expect(await system.list()).toMatchObject([
      { fault: 'system', attempts: 1, lastError: 'EmailError: SMTP_AUTH_535' },
    ]);
    expect((await readReadiness(system))[1]).toMatchObject({ status: 'degraded' });
  });

  test('is removed by the schedule after 30 days, also in slices, and nothing else is', async () => {
    const system = await givenRefusal();
    await env.DB.prepare(
      `INSERT INTO deliveries (position, subscription, available_at, status, first_failed_at, last_failed_at)
       SELECT position, 'events', 0, 'dead', 0, 0 FROM deliveries WHERE fault = 'recipient'
       ON CONFLICT DO UPDATE SET status = 'dead', last_failed_at = 0`,
    ).run();
    const run = () => runSchedule(system.services(), '* * * * *');
    const subscriptionsLeft = async () => {
      const left = env.DB.prepare("SELECT subscription FROM deliveries WHERE status = 'dead' ORDER BY subscription");
      return (await left.all<{ subscription: string }>()).results.map(({ subscription }) => subscription);
    };
    system.clock.advance(30 * day - 600_000);
    await run();
    expect(await subscriptionsLeft()).toEqual(['emails', 'events']);
    system.clock.advance(700_000);
    await env.DB.prepare(
      `INSERT INTO deliveries (position, subscription, available_at, status, fault, first_failed_at, last_failed_at)
       SELECT position, 'emails', 0, 'dead', 'recipient', 0, 0 FROM events WHERE true ON CONFLICT DO NOTHING`,
    ).run();
    const { expiredRowsPerSlice, slicesPerCleanUp } = limits;
    onTestFinished(() => {
      Object.assign(limits, { expiredRowsPerSlice, slicesPerCleanUp });
    });
    Object.assign(limits, { expiredRowsPerSlice: 1, slicesPerCleanUp: 1_000 });
    await run();
    expect(await subscriptionsLeft()).toEqual(['events']);
  });
});

describe('the event log as audit trail', () => {
  test('an admin searches the event log by stream, actor, command and request, in pages (product 8.2)', async () => {
    const system = await given();
    const body = { subject: 'a', message: 'b' };
    const opened = await system.send('POST', '/v1/tickets', body, {
      ...system.customer.bearer,
      'X-Request-Id': 'audit-42',
    });
    const { id } = await opened.json<{ id: string }>();
    const [event] = (await read<{ data: AuditEvent[] }>(system, `events?stream=ticket/${id}`)).data;
    expect(event).toMatchObject({ type: 'TicketOpened', actorId: system.customer.id, requestId: 'audit-42' });
    for (const query of ['request=audit-42', `command=${event?.commandId}`]) {
      expect((await read<{ data: AuditEvent[] }>(system, `events?${query}`)).data).toEqual([event]);
    }
    const own = await read<{ data: AuditEvent[]; nextCursor: string }>(
      system,
      `events?actor=${system.customer.id}&limit=1`,
    );
    expect(own.data).toEqual([event]);
    await openTicket(system);
    const first = await read<{ nextCursor: string }>(system, `events?actor=${system.customer.id}&limit=1`);
    const next = `events?actor=${system.customer.id}&limit=1&cursor=${first.nextCursor}`;
    expect((await read<{ data: AuditEvent[] }>(system, next)).data).toEqual([event]);
    const bad = await system.request('/v1/operations/events?stream=x', { headers: system.admin.bearer });
    expect(bad.status).toBe(400);
  });

  test('the first event has the id of its request, but never one that a client chose (product 8.2)', async () => {
    const system = await given();
    const open = async (headers = {}) => {
      const body = { subject: 'a', message: 'b' };
      const opened = await system.send('POST', '/v1/tickets', body, { ...system.customer.bearer, ...headers });
      return opened.headers.get('X-Request-Id') ?? '';
    };
    const find = async (query: string) => (await read<{ data: AuditEvent[] }>(system, `events?${query}`)).data;
    const made = await open();
    expect(await find(`request=${made}`)).toMatchObject([{ id: made, commandId: made, requestId: made }]);
    // The client sends the id of an event that exists, and then its own id twice.
    for (const chosen of [made, 'mine', 'mine']) expect(await open({ 'X-Request-Id': chosen })).toBe(chosen);
    const [first] = await find(`command=${made}`);
    const others = [...(await find(`request=${made}`)).slice(0, 1), ...(await find('request=mine'))];
    expect([first?.id, others.length]).toEqual([made, 3]);
    const ids = others.flatMap(({ id, commandId }) => [id, commandId]);
    expect(ids.filter((id) => id === made || id === 'mine')).toEqual([]);
    expect(new Set(ids).size).toBe(3);
  });

  test('an event whose row cannot be read hides no other event of the log (product 8.2)', async () => {
    const system = await given();
    const id = await openTicket(system);
    const list = async () => (await read<{ data: AuditEvent[] }>(system, 'events')).data;
    const before = await list();
    const opened = before.find(({ streamId }) => streamId === id);
    const setRow = (data: unknown, metadata: unknown) =>
      env.DB.prepare('UPDATE events SET data = ?, metadata = ? WHERE id = ?').bind(data, metadata, opened?.id).run();
    // The indexes of the log refuse metadata that are not JSON.
    await setRow('{', 'null');
    const unknown = { data: null, actorId: null, commandId: null, requestId: null, traceparent: null };
    const { actorId, commandId, requestId, traceparent } = opened ?? {};
    expect(await list()).toEqual(before.map((event) => (event.id === opened?.id ? { ...event, ...unknown } : event)));
    await setRow(JSON.stringify(opened?.data), JSON.stringify({ actorId, commandId, requestId, traceparent }));
    expect(await list()).toEqual(before);
  });

  test.each([
    [{}],
    [{ stream: { type: 'ticket', id: 'x' } }],
    [{ actor: 'x' }],
    [{ command: 'x' }],
    [{ request: 'x' }],
    [{ type: 'x' }],
    [{ type: 'x', actor: 'x' }],
  ])('a search of the event log with the filter %j uses an index', async (filter) => {
    for (const before of [undefined, 5]) {
      const { sql, params } = new SQLiteSyncDialect().sqlToQuery(searchEvents({ ...filter, before }, 20));
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>();
      const plan = results.map(({ detail }) => detail).join('; ');
      // The first page without a filter reads the log from its end until the page is full.
      const isFiltered = before !== undefined || Object.keys(filter).some((name) => name !== 'type');
      const reads = plan.split('; ').filter((step) => step.endsWith('events') || step.includes(' events USING'));
      for (const step of reads) expect(step).toMatch(isFiltered ? /^SEARCH events USING/ : /^SCAN events$/);
      expect(reads.length).toBeGreaterThan(0);
      if (!('stream' in filter)) expect(plan).not.toContain('TEMP B-TREE');
    }
  });
});

describe('health', () => {
  test('/v1/health says that the Worker runs, without D1 and KV (product 8.1)', async () => {
    const fail = () => {
      throw new Error('The store is down.');
    };
    const { request } = createSystem({
      DB: { withSession: fail } as unknown as D1Database,
      VIEWS: { get: async () => fail() } as unknown as KVNamespace,
    });
    const response = await request('/v1/health');
    expect([response.status, await response.json()]).toMatchObject([200, { status: 'ok' }]);
  });

  test('the system is ready when no delivery is late (product 8.1)', async () => {
    expect(await readReadiness(await given())).toEqual([200, { status: 'ready', issues: [] }]);
  });

  /** Leaves the deliveries of one subscription, which an open ticket has just made. */
  async function givenOnly(subscription: string) {
    const system = await given();
    excuseDocuments('The deliveries to the projections become those of another subscription.');
    await openTicket(system);
    await env.DB.prepare("DELETE FROM deliveries WHERE subscription <> 'projections'").run();
    // An e-mail follows no event of a ticket, so the projection takes its place.
    await env.DB.prepare('UPDATE deliveries SET subscription = ?').bind(subscription).run();
    return system;
  }

  test('readiness is 503 while projections are late (product 8.1)', async () => {
    const system = await givenOnly('projections');
    system.clock.advance(290_000);
    const [seconds, detail] = [expect.any(Number), expect.stringMatching(/waited 29\d seconds.*target is 30\.$/)];
    const slow = [issue('projections-slow', detail, { seconds, targetSeconds: 30 })];
    expect(await readReadiness(system)).toEqual([200, { status: 'degraded', issues: slow }]);
    system.clock.advance(12_000);
    const late = expect.stringMatching(/projections has waited 30\d seconds/);
    const issues = [issue('deliveries-late', late, { subscription: 'projections', seconds })];
    expect(await readReadiness(system)).toEqual([503, { status: 'unavailable', issues }]);
  });

  test.each(['emails', 'events'])(
    'late deliveries to %s degrade the system after an hour and never make it unavailable (product 8.1)',
    async (subscription) => {
      const system = await givenOnly(subscription);
      system.clock.advance(3_590_000);
      expect(await readReadiness(system)).toEqual([200, { status: 'ready', issues: [] }]);
      system.clock.advance(12_000);
      const detail = expect.stringContaining(`to ${subscription} `);
      const issues = [issue('deliveries-late', detail, { subscription, seconds: expect.any(Number) })];
      expect(await readReadiness(system)).toEqual([200, { status: 'degraded', issues }]);
      system.clock.advance(4 * 86_400_000);
      expect((await readReadiness(system))[0]).toBe(200);
    },
  );

  test('dead letters degrade the system, and do not hide that projections are late (product 8.1)', async () => {
    const system = await givenOnly('projections');
    await env.DB.prepare("UPDATE deliveries SET status = 'dead'").run();
    // A dead letter waits for an operator, and is not late, however old it is.
    system.clock.advance(301_000);
    const dead = issue('dead-letters', '1 dead letter waits to be replayed or discarded.', { count: 1 });
    expect(await readReadiness(system)).toEqual([200, { status: 'degraded', issues: [dead] }]);
    await openTicket(system);
    system.clock.advance(301_000);
    const late = issue('deliveries-late', expect.any(String), expect.any(Object));
    expect(await readReadiness(system)).toEqual([503, { status: 'unavailable', issues: [late, dead] }]);
  });

  test('readiness is 503 when D1 or KV is unreachable (product 8.1)', async () => {
    const fail = () => {
      throw new Error('The store is down.');
    };
    const withoutD1 = createSystem({ DB: { withSession: fail } as unknown as D1Database });
    const first = await withoutD1.request('/v1/health/ready');
    expect([first.status, (await first.json<Readiness>()).issues[0]?.code]).toEqual([503, 'd1-unreachable']);
    const withoutKv = createSystem({ VIEWS: { get: async () => fail() } as unknown as KVNamespace });
    const second = await withoutKv.request('/v1/health/ready');
    expect([second.status, (await second.json<Readiness>()).issues[0]?.code]).toEqual([503, 'kv-unreachable']);
  });
});

test.each([
  ['is missing', ''],
  ['is short', 'short'],
  ['is weak', 'a'.repeat(40)],
])('a Worker whose secret %s refuses to start and names the variable (product 8.4)', (_, secret) => {
  const { services } = createSystem({ TOKEN_SECRET: secret });
  expect(services).toThrow(/^The configuration is not usable: TOKEN_SECRET /);
});

test('the clean-up deletes stored responses, tokens, password resets and limits of e-mails after they expire, and not before', async () => {
  const system = await given();
  const email = system.customer.email;
  await system.send('POST', '/v1/auth/password-reset', { email });
  await system.send(
    'POST',
    '/v1/tickets',
    { subject: 'a', message: 'b' },
    {
      ...system.customer.bearer,
      'Idempotency-Key': newId(),
    },
  );
  const counted = async () => {
    const { idempotency_keys, refresh_tokens, password_resets, sessions, limited_emails } = await countRows();
    return { idempotency_keys, refresh_tokens, password_resets, sessions, limited_emails };
  };
  await system.deliverQueues();
  const before = await counted();
  expect(before.limited_emails).toBeGreaterThan(1);
  await runSchedule(system.services(), '* * * * *');
  expect(await counted()).toEqual(before);
  system.clock.advance(25 * 3_600_000);
  await runSchedule(system.services(), '* * * * *');
  expect(await counted()).toEqual({ ...before, idempotency_keys: 0, password_resets: 0, limited_emails: 0 });
  system.clock.advance(31 * 86_400_000);
  await runSchedule(system.services(), '* * * * *');
  expect([...new Set(Object.values(await counted()))]).toEqual([0]);
  for (const event of ['responses.removed', 'credentials.removed', 'email-limits.removed']) {
    expect(system.logs.some((line) => line.includes(event))).toBe(true);
  }
});

test('one run of the clean-up deletes several slices, and leaves the rest for the next run', async () => {
  const { services } = await given();
  const { expiredRowsPerSlice: slice, slicesPerCleanUp } = limits;
  onTestFinished(() => {
    Object.assign(limits, { expiredRowsPerSlice: slice, slicesPerCleanUp });
  });
  Object.assign(limits, { expiredRowsPerSlice: 10, slicesPerCleanUp: 3 });
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45)
     INSERT INTO idempotency_keys (key, request_hash, result, position, expires_at) SELECT 'key ' || i, '', '{}', 0, i FROM n`,
  ).run();
  const left = async () => (await countRows()).idempotency_keys;
  await runSchedule(services(), '* * * * *');
  expect(await left()).toBe(15);
  await runSchedule(services(), '* * * * *');
  expect(await left()).toBe(0);
});

test('sessions end together with their last tokens, also when the clean-up deletes in slices', async () => {
  const { services } = await given();
  const { expiredRowsPerSlice, slicesPerCleanUp } = limits;
  onTestFinished(() => {
    Object.assign(limits, { expiredRowsPerSlice, slicesPerCleanUp });
  });
  Object.assign(limits, { expiredRowsPerSlice: 2, slicesPerCleanUp: 100 });
  const three = '(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n)';
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO sessions (id, user_id, version, created_at) SELECT 'ended ' || i, 'somebody', 1, '' FROM ${three}`,
    ),
    env.DB.prepare(
      `INSERT INTO refresh_tokens (hash, session_id, expires_at)
       SELECT 'hash ' || n.i || m.i, 'ended ' || n.i, m.i FROM ${three} AS n CROSS JOIN ${three} AS m`,
    ),
  ]);
  await runSchedule(services(), '* * * * *');
  const { results } = await env.DB.prepare(
    `SELECT id FROM sessions WHERE user_id = 'somebody' UNION ALL SELECT hash FROM refresh_tokens WHERE expires_at < 9`,
  ).all();
  expect(results).toEqual([]);
});

test('a session that can still be refreshed outlives its expired tokens (product 2.3)', async () => {
  const { clock, customer, request, services } = await given();
  const refresh = async (refresh_token: string) => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token });
    const response = await request('/v1/auth/token', { method: 'POST', body });
    expect(response.status).toBe(200);
    return (await response.json<{ refresh_token: string }>()).refresh_token;
  };
  clock.advance(20 * 86_400_000);
  const second = await refresh(customer.refreshToken);
  // The first token of the session expires, and the second one is ten days old.
  clock.advance(11 * 86_400_000);
  const tokensBefore = Number((await countRows()).refresh_tokens);
  await runSchedule(services(), '* * * * *');
  expect(Number((await countRows()).refresh_tokens)).toBeLessThan(tokensBefore);
  const { count } = (await env.DB.prepare('SELECT count(*) AS count FROM sessions WHERE user_id = ?')
    .bind(customer.id)
    .first<{ count: number }>()) ?? { count: 0 };
  expect(count).toBe(1);
  await refresh(second);
});
