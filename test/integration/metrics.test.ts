import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import operationsPage from '../../docs/operations.md?raw';
import { subscriptions } from '../../src/cqrs/log/event';
import { EmailError } from '../../src/email/email-sender';
import { createIsolateFigures, occurrences } from '../../src/platform/isolate-figures';
import { createTurns } from '../../src/platform/turns';
import { runSchedule } from '../../src/schedule';
import { type ParsedMetric, parseExposition } from '../support/exposition';
import { cheapParameters, password } from '../support/factories';
import { createFaultyD1 } from '../support/faulty-d1';
import { type Given, given, openTicket } from '../support/operations';
import { createSystem } from '../support/system';

const secret = 'metrics-0123456789-ABCDEFGHIJ.~+/==';
const path = '/v1/operations/metrics';
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
/** The type of the bindings does not know this optional secret. */
const withSecret = (METRICS_TOKEN = secret) => ({ METRICS_TOKEN }) as unknown as Partial<Env>;

async function readMetrics({ request }: Pick<Given, 'request'>, headers: Record<string, string>) {
  const response = await request(path, { headers });
  expect(response.status).toBe(200);
  return parseExposition(await response.text());
}

/** The values of a metric by their labels, without the isolate: `route=/v1/users,status=201`. */
function valuesOf(metrics: readonly ParsedMetric[], name: string): Record<string, number> {
  const samples = metrics.flatMap((metric) => metric.samples).filter((sample) => sample.name === name);
  return Object.fromEntries(
    samples.map(({ labels: { isolate: _, ...labels }, value }) => [
      Object.entries(labels)
        .map((pair) => pair.join('='))
        .join(','),
      value,
    ]),
  );
}

describe('who may read the metrics (product 8.5)', () => {
  test('an admin and the secret of the configuration may, and nobody else', async () => {
    const system = await given(withSecret());
    const agent = await system.register({ role: 'agent' });
    const deactivated = await system.register({ role: 'admin' });
    await system.request(`/v1/users/${deactivated.id}/deactivate`, { method: 'POST', headers: system.admin.bearer });
    const cases: [string, Record<string, string>, number][] = [
      ['nothing', {}, 401],
      ['an admin', system.admin.bearer, 200],
      ['an agent', agent.bearer, 403],
      ['a customer', system.customer.bearer, 403],
      ['a deactivated admin', deactivated.bearer, 401],
      ['the secret', bearer(secret), 200],
      ['the secret in another case', bearer(secret.toLowerCase()), 401],
      ['the start of the secret', bearer(secret.slice(0, -1)), 401],
      ['the secret and more', bearer(`${secret}=`), 401],
      ['another text', bearer('x'.repeat(secret.length)), 401],
      ['the secret as a password', { Authorization: `Basic ${btoa(`metrics:${secret}`)}` }, 401],
    ];
    for (const [who, headers, status] of cases) {
      expect([who, (await system.request(path, { headers })).status]).toEqual([who, status]);
    }
  });

  test('without the secret in the configuration only admins may', async () => {
    const system = await given();
    for (const token of [secret, 'undefined', 'null']) {
      expect((await system.request(path, { headers: bearer(token) })).status).toBe(401);
    }
    expect((await system.request(path, { headers: system.admin.bearer })).status).toBe(200);
  });

  test('the secret opens no other route', async () => {
    const { app, request } = createSystem(withSecret());
    const routes = app.routes.filter(({ method, path: route }) => method === 'GET' && route.startsWith('/v1/'));
    const others = [...new Set(routes.map((route) => route.path))].filter((route) => route !== path);
    expect(others.length).toBeGreaterThan(15);
    const known = { headers: bearer(secret) };
    for (const route of others) {
      const without = await request(route.replace(/:\w+/g, crypto.randomUUID()));
      const response = await request(route.replace(/:\w+/g, crypto.randomUUID()), known);
      // 401, and what everybody gets from a public route.
      expect([route, response.status]).toEqual([route, without.status]);
    }
    expect((await request('/v1/users/me', known)).status).toBe(401);
  });

  test.each([
    ['is short', 'short-0123456789'],
    ['is weak', 'ab'.repeat(20)],
    ['cannot be sent as a Bearer credential', 'with a space 0123456789 abcdefghijkl'],
  ])('a secret that %s is refused by its name (product 8.4)', (_, wrong) => {
    expect(createSystem(withSecret(wrong)).services).toThrow(/^The configuration is not usable: METRICS_TOKEN /);
  });
});

describe('the figures of the system (product 8.5)', () => {
  test('show what the log has, what waits and for how long, what is dead and what fails', async () => {
    const system = await given();
    await openTicket(system);
    await env.DB.batch([
      env.DB.prepare("DELETE FROM deliveries WHERE subscription <> 'projections'"),
      env.DB.prepare(
        `INSERT INTO deliveries (position, subscription, available_at, status)
         SELECT position, 'emails', 0, 'dead' FROM events ORDER BY position DESC LIMIT 2`,
      ),
      env.DB.prepare(
        `INSERT INTO projections (view, key, position, claimed_until, recheck_at, error, claimed_by) VALUES
         ('user@1', 'a', 0, 0, 1, NULL, NULL), ('user@1', 'b', 0, 0, 1, NULL, 'x'), ('user@1', 'c', 0, 0, NULL, 'Error', NULL),
         ('user@1', 'd', 0, 0, NULL, NULL, 'y')`,
      ),
    ]);
    system.clock.advance(90_000);
    const metrics = await readMetrics(system, system.admin.bearer);
    const last = await env.DB.prepare('SELECT max(position) AS position FROM events').first<number>('position');
    expect(valuesOf(metrics, 'frontdesk_events_total')).toEqual({ '': last });
    expect(valuesOf(metrics, 'frontdesk_database_reachable')).toEqual({ '': 1 });
    const none = { 'subscription=emails': 0, 'subscription=events': 0 };
    const pending = { ...none, 'subscription=projections': 1 };
    expect(valuesOf(metrics, 'frontdesk_deliveries_pending')).toEqual(pending);
    const dead = { ...none, 'subscription=projections': 0, 'subscription=emails': 2 };
    expect(valuesOf(metrics, 'frontdesk_dead_letters')).toEqual(dead);
    const { 'subscription=projections': age = 0, ...others } = valuesOf(
      metrics,
      'frontdesk_oldest_delivery_age_seconds',
    );
    expect(others).toEqual(none);
    expect(age).toBeGreaterThanOrEqual(90);
    expect(valuesOf(metrics, 'frontdesk_keys_to_recheck')).toEqual({ '': 2 });
    expect(valuesOf(metrics, 'frontdesk_failing_keys')).toEqual({ '': 1 });
    expect(valuesOf(metrics, 'frontdesk_running_rebuilds')).toEqual({ '': 0 });
    await system.request('/v1/operations/projections/item/rebuild', { method: 'POST', headers: system.admin.bearer });
    const later = await readMetrics(system, system.admin.bearer);
    expect(valuesOf(later, 'frontdesk_running_rebuilds')).toEqual({ '': 1 });
    await env.DB.prepare("DELETE FROM projections WHERE key IN ('a', 'b', 'c', 'd')").run();
  });

  test('an e-mail that its address refused is counted alone, and raises no figure of dead letters (product 7.7)', async () => {
    const system = await given();
    const before = await readMetrics(system, system.admin.bearer);
    system.sender.failWith(new EmailError('SMTP_RCPT_550_5.1.1', 'recipient'));
    await system.send('POST', '/v1/users', { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password });
    await system.deliverQueues();
    const after = await readMetrics(system, system.admin.bearer);
    expect(valuesOf(after, 'frontdesk_refused_emails')).toEqual({ '': 1 });
    expect(valuesOf(before, 'frontdesk_refused_emails')).toEqual({ '': 0 });
    const none = Object.fromEntries(subscriptions.map((name) => [`subscription=${name}`, 0]));
    expect(valuesOf(after, 'frontdesk_dead_letters')).toEqual(none);
    await runSchedule(system.services(), '* * * * *');
    const line = system.logs.map((entry) => JSON.parse(entry)).find(({ event }) => event === 'figures');
    expect(line).toMatchObject({ refusedEmails: 1 });
    expect(Object.keys(line).filter((name) => name.startsWith('dead.'))).toEqual([]);
  });

  test('the content has the media type of the format, and may not be stored', async () => {
    const { admin, request } = await given();
    const { headers } = await request(path, { headers: admin.bearer });
    expect(headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('Cache-Control')).toBe('private, no-store');
  });

  test('while D1 does not answer, a monitor still gets the figures of the isolate', async () => {
    const DB = createFaultyD1(env.DB, () => Promise.reject(new Error('D1_ERROR: Network connection lost.')));
    const system = createSystem({ DB, ...withSecret() });
    await system.request('/v1/items');
    const metrics = await readMetrics(system, bearer(secret));
    expect(valuesOf(metrics, 'frontdesk_database_reachable')).toEqual({ '': 0 });
    expect(metrics.map(({ name }) => name)).not.toContain('frontdesk_events_total');
    expect(valuesOf(metrics, 'frontdesk_requests_total')).toMatchObject({ 'route=/v1/items,method=GET,status=503': 1 });
  });

  test('a statement that D1 refuses is a defect, and is not shown as a database that is away', async () => {
    const DB = createFaultyD1(env.DB, () => Promise.reject(new Error('D1_ERROR: no such table: x: SQLITE_ERROR')));
    const { request } = createSystem({ DB, ...withSecret() });
    expect((await request(path, { headers: bearer(secret) })).status).toBe(500);
  });

  test('the schedule writes the same figures into the log each minute', async () => {
    const system = await given();
    await openTicket(system);
    await runSchedule(system.services(), '* * * * *');
    const lines = system.logs.map((line) => JSON.parse(line)).filter(({ event }) => event === 'figures');
    expect(lines).toHaveLength(1);
    const metrics = await readMetrics(system, system.admin.bearer);
    expect(lines[0]).toMatchObject({
      level: 'info',
      events: valuesOf(metrics, 'frontdesk_events_total')[''],
      'pending.projections': valuesOf(metrics, 'frontdesk_deliveries_pending')['subscription=projections'],
      'lagP99Seconds.user': valuesOf(metrics, 'frontdesk_projection_lag_seconds')['view=user,quantile=0.99'],
    });
    expect(lines[0]['pending.projections']).toBeGreaterThan(0);
    expect(lines[0]).not.toHaveProperty('dead.projections');
  });
});

describe('the figures of the isolate that answers (product 8.5)', () => {
  test('count requests by the pattern of their route, and never by their path', async () => {
    const system = await given(withSecret());
    const before = await readMetrics(system, bearer(secret));
    for (const id of [1, 2, 3]) await system.request(`/v1/items/${crypto.randomUUID()}${id}`);
    for (const wrong of ['/v1/nothing', '/wp-login.php', `/${crypto.randomUUID()}`]) await system.request(wrong);
    await system.request('/v1/items', { method: 'PUT' });
    const after = await readMetrics(system, bearer(secret));
    const known = valuesOf(before, 'frontdesk_requests_total');
    const counted = Object.entries(valuesOf(after, 'frontdesk_requests_total'))
      .map(([labels, value]) => [labels, value - (known[labels] ?? 0)] as const)
      .filter(([, value]) => value > 0);
    expect(Object.fromEntries(counted)).toEqual({
      'route=/v1/items/:id,method=GET,status=404': 3,
      'route=unmatched,method=GET,status=404': 3,
      'route=unmatched,method=PUT,status=405': 1,
      'route=/v1/operations/metrics,method=GET,status=200': 1,
    });
    expect(valuesOf(after, 'frontdesk_request_duration_seconds_count')).toMatchObject({
      'route=/v1/items/:id,method=GET': 3,
      'route=unmatched,method=GET': 3,
    });
  });

  test('count commits by outcome, repeated batches and commands that ran again', async () => {
    const lost = 'D1_ERROR: Network connection lost.';
    const faults: string[] = [];
    const DB = createFaultyD1(env.DB, ({ isCommit, send }) => {
      const fault = isCommit ? faults.shift() : undefined;
      return fault === undefined ? send() : Promise.reject(new Error(fault));
    });
    const system = await given({ DB, ...withSecret() });
    const read = async () => {
      const metrics = await readMetrics(system, bearer(secret));
      return {
        ...valuesOf(metrics, 'frontdesk_commits_total'),
        batches: valuesOf(metrics, 'frontdesk_repeated_batches_total')[''] ?? 0,
        commands: valuesOf(metrics, 'frontdesk_command_retries_total')[''] ?? 0,
      };
    };
    async function countedBy(...next: string[]) {
      const before: Record<string, number> = await read();
      faults.push(...next);
      await openTicket(system);
      faults.length = 0;
      const after = Object.entries(await read());
      return Object.fromEntries(
        after.map(([key, value]) => [key, value - (before[key] ?? 0)]).filter(([, value]) => value),
      );
    }
    const conflict = 'D1_ERROR: UNIQUE constraint failed: events.stream_type, events.stream_id: SQLITE_CONSTRAINT';
    expect(await countedBy()).toEqual({ 'outcome=applied': 1 });
    expect(await countedBy(lost)).toEqual({ 'outcome=applied': 1, batches: 1 });
    expect(await countedBy(conflict)).toEqual({ 'outcome=conflict': 1, 'outcome=applied': 1, commands: 1 });
    expect(await countedBy('D1_ERROR: no such table: x: SQLITE_ERROR')).toEqual({ 'outcome=failed': 1 });
    const unclear = await countedBy(...Array.from({ length: 30 }, () => lost));
    expect(unclear).toMatchObject({ 'outcome=unclear': 1 });
    expect(unclear.batches).toBeGreaterThan(1);
    expect(await countedBy('D1_ERROR: CHECK constraint failed: x: SQLITE_CONSTRAINT')).toEqual({ 'outcome=failed': 1 });
  });

  test('count hashes that were refused, and show how many wait', async () => {
    const turns = { ...createTurns(() => 8), run: async () => undefined, waiting: () => 5 };
    const system = createSystem(withSecret(), { hashing: { turns, parameters: cheapParameters } });
    const email = `${crypto.randomUUID()}@example.com`;
    expect((await system.send('POST', '/v1/users', { name: 'Ada', email, password })).status).toBe(503);
    const metrics = await readMetrics(system, bearer(secret));
    expect(valuesOf(metrics, 'frontdesk_hashes_refused_total')).toEqual({ '': 1 });
    expect(valuesOf(metrics, 'frontdesk_hashes_waiting')).toEqual({ '': 5 });
  });
});

describe('the data points of requests (product 8.5)', () => {
  test('each request is one point with route, method, status and times, and nothing that a person typed', async () => {
    const system = await given();
    system.requestPoints.length = 0;
    const response = await system.send(
      'POST',
      '/v1/tickets?marker=query',
      { subject: 'marker', message: 'marker' },
      { ...system.customer.bearer, 'User-Agent': 'marker', 'CF-Connecting-IP': '192.0.2.7' },
    );
    await openTicket(system);
    await system.request(`/v1/marker/${system.customer.id}`);
    expect(response.status).toBeGreaterThanOrEqual(200);
    const [, second, third] = system.requestPoints;
    expect(system.requestPoints).toHaveLength(3);
    expect(second).toMatchObject({
      indexes: ['/v1/tickets'],
      blobs: ['/v1/tickets', 'POST', '2xx', '201', '', ''],
    });
    // The duration, and then one number for each occurrence.
    expect(second?.doubles).toHaveLength(1 + occurrences.length);
    expect(second?.doubles?.slice(1)).toEqual(occurrences.map((name) => Number(name === 'commit-applied')));
    expect(third).toMatchObject({ indexes: ['unmatched'], blobs: ['unmatched', 'GET', '4xx', '404', '', ''] });
    const text = JSON.stringify(system.requestPoints);
    for (const personal of ['marker', '192.0.2.7', system.customer.id]) expect(text).not.toContain(personal);
  });

  test('methods that the API does not know share one name in the points and in the figures', async () => {
    const figures = createIsolateFigures();
    const system = createSystem({}, { figures });
    for (const method of ['PROPFIND', 'PURGE', 'REPORT', 'PATCH']) await system.request('/v1/items', { method });
    // The responses are compared with the OpenAPI document, which the first request reads.
    const points = system.requestPoints.filter(({ indexes }) => indexes?.[0] === 'unmatched');
    expect(points.map(({ blobs }) => blobs?.[1])).toEqual(['other', 'other', 'other', 'PATCH']);
    const [requests] = figures.read({ hashesWaiting: 0 });
    const samples = requests?.samples.filter(({ labels }) => labels?.route === 'unmatched') ?? [];
    expect(samples.map(({ labels, value }) => [labels?.method, value])).toEqual([
      ['other', 3],
      ['PATCH', 1],
    ]);
  });

  test('a point that cannot be written changes no response', async () => {
    const REQUESTS = {
      writeDataPoint() {
        throw new TypeError('The dataset is not there.');
      },
    };
    const system = createSystem({ REQUESTS });
    expect((await system.request('/v1/health')).status).toBe(200);
    const lines = system.logs.map((line) => JSON.parse(line));
    expect(lines).toContainEqual(expect.objectContaining({ event: 'request-point.failed', error: 'TypeError' }));
  });

  test('the columns are those of the documentation, and its SQL asks for no others', async () => {
    const system = createSystem();
    await system.request('/v1/health');
    const [point] = system.requestPoints;
    const written = [
      ...(point?.indexes ?? []).map((_, index) => `index${index + 1}`),
      ...(point?.blobs ?? []).map((_, index) => `blob${index + 1}`),
      ...(point?.doubles ?? []).map((_, index) => `double${index + 1}`),
    ];
    const [, section = ''] = operationsPage.split('### Every request, in Analytics Engine');
    const [page = ''] = section.split(/^## /m);
    const explained = [...page.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, column = '']) => column),
    );
    expect(explained.sort()).toEqual(written.sort());
    const queries = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, query = '']) => query);
    expect(queries.length).toBeGreaterThan(2);
    for (const query of queries) {
      const columns = [...query.matchAll(/\b(?:blob|double|index)\d+\b/g)].map(([column]) => column);
      expect([query, columns.filter((column) => !written.includes(column))]).toEqual([query, []]);
      expect(query).toContain('FROM frontdesk_requests\n');
    }
  });

  test('the dataset of the runtime takes a point', async () => {
    const system = createSystem({ REQUESTS: env.REQUESTS });
    expect((await system.request('/v1/health')).status).toBe(200);
    expect(system.logs.filter((line) => line.includes('request-point.failed'))).toEqual([]);
  });
});
