import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { eventCatalogue } from '../../src/domains';
import type { ItemDetail } from '../../src/items/schemas';
import type { AuditEvent } from '../../src/operations/schemas';
import { newId } from '../../src/platform/ids';
import type { TicketDetail } from '../../src/tickets/schemas';
import type { UserDetail } from '../../src/users/schemas';
import { deleteDeliveries } from '../support/document-watch';
import { createRequestPreparer } from '../support/prepared-requests';
import { isExport, isSignIn, operationsOf } from '../support/routes';
import { readAllDocuments, readAllRows } from '../support/stores';
import { createSystem } from '../support/system';

const system = createSystem();
const { clock, deliverQueues, register, request, send } = system;

let admin: Awaited<ReturnType<typeof register>>;
let prepare: ReturnType<typeof createRequestPreparer>;

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  prepare = createRequestPreparer(system, admin);
});

const operations = await operationsOf(system);
const commands = operations
  .filter(({ method, path }) => method !== 'GET' && !isSignIn(path))
  .map(({ method, path, operation }) => [`${method} ${path}`, method, path, operation] as const);
const queries = operations.filter(({ method, path }) => method === 'GET' && !isExport(path)).map(({ path }) => path);

describe('commands', () => {
  test.each(commands)(
    '%s returns an id and a version, counts, or nothing (product 6.1)',
    async (_, method, path, operation) => {
      const { sendWith } = await prepare(method, path);
      const response = await sendWith(operation.security && admin.bearer);
      expect(response.status).toBeLessThan(300);
      const text = await response.text();
      if (text === '') return expect([202, 204]).toContain(response.status);
      const hasCounts = /\/(?:replay|discard)$/.test(path);
      const created = path === '/v1/api-keys' ? ['id', 'key', 'prefix', 'version'] : ['id', 'version'];
      expect(Object.keys(JSON.parse(text)).sort()).toEqual(hasCounts ? ['count', 'decision', 'remaining'] : created);
    },
  );

  test('each command has an id and a time of issue, which its event and its state contain (product 6.1)', async () => {
    const issuedAt = clock.now();
    const open = async () => {
      const response = await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, admin.bearer);
      const { id } = await response.json<{ id: string }>();
      const path = `/v1/operations/events?stream=ticket/${id}`;
      const { data } = await (await request(path, { headers: admin.bearer })).json<{ data: AuditEvent[] }>();
      const headers = { ...admin.bearer, 'Consistency-Token': response.headers.get('Consistency-Token') ?? '' };
      const ticket = await (await request(`/v1/tickets/${id}`, { headers })).json<TicketDetail>();
      return { event: data[0], ticket };
    };
    const [first, second] = [await open(), await open()];
    expect(first.event?.commandId).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.event?.commandId).not.toBe(first.event?.commandId);
    for (const { event, ticket } of [first, second]) {
      for (const time of [ticket.createdAt, event?.occurredAt ?? '']) {
        expect(Date.parse(time)).toBeGreaterThanOrEqual(issuedAt);
        expect(Date.parse(time)).toBeLessThanOrEqual(clock.now());
      }
    }
  });
});

test('no query changes a row of D1 or a document in KV (product 6.1)', async () => {
  const prepared: [string, Awaited<ReturnType<typeof prepare>>][] = [];
  for (const path of queries) prepared.push([path, await prepare('GET', path)]);
  expect(prepared.length).toBeGreaterThan(15);
  const before = [await readAllRows(), await readAllDocuments()];
  for (const [path, { sendWith }] of prepared) {
    expect([path, (await sendWith(admin.bearer)).status]).toEqual([path, 200]);
  }
  expect([await readAllRows(), await readAllDocuments()]).toEqual(before);
});

describe('reads with the Consistency-Token of a command', () => {
  /** The commands on resources that a client can read. A registration has no token, because a stranger sends it. */
  const changes = commands
    .filter(([, , path]) => /^\/v1\/(?:users|items|orders|tickets)\b/.test(path))
    .filter(([, , , operation]) => operation.security?.length)
    // A session is read in a list alone.
    .filter(([, , path]) => !path.endsWith('/sessions/{sessionId}'));

  test('there are more than fifteen commands on resources that a client can read', () => {
    expect(changes.length).toBeGreaterThan(15);
  });

  test.each(changes)(
    'a read after %s returns the effect, although KV is older (product 7.4)',
    async (_, method, template) => {
      const { path, sendWith } = await prepare(method, template);
      // Now KV has the documents as they were before the command.
      clock.advance(2000);
      await deliverQueues();
      const response = await sendWith(admin.bearer);
      const token = response.headers.get('Consistency-Token') ?? '';
      expect(token).not.toBe('');
      const changed = response.headers.get('Location') ?? path;
      const target = /^\/v1\/\w+\/[0-9a-f-]{36}(?:\/settings)?/.exec(changed)?.[0] ?? '';
      const read = await request(target, { headers: { ...admin.bearer, 'Consistency-Token': token } });
      if (method === 'DELETE') return expect(read.status).toBe(404);
      const { version } = await response.json<{ version: number }>();
      expect([read.status, read.headers.get('Consistency')]).toEqual([200, 'strong']);
      expect(Number(/^"(\d+)/.exec(read.headers.get('ETag') ?? '')?.[1])).toBe(version);
    },
  );

  test('a list that is read with the token has the new row, and a page after it too (product 7.4)', async () => {
    const { bearer } = await register();
    const price = { amount: 100, currency: 'EUR' };
    const owner = (await (await request('/v1/users/me', { headers: bearer })).json<UserDetail>()).id;
    await send('POST', '/v1/items', { title: 'First', price }, bearer);
    clock.advance(2000);
    await deliverQueues();
    await send('POST', '/v1/items', { title: 'Second', price }, bearer);
    const last = await send('POST', '/v1/items', { title: 'Third', price }, bearer);
    const headers = { 'Consistency-Token': last.headers.get('Consistency-Token') ?? '' };
    const titles: string[] = [];
    for (let path: string | undefined = `/v1/items?owner=${owner}&limit=1`; path; ) {
      const response: Response = await request(path, { headers });
      expect(response.headers.get('Consistency')).toBe('strong');
      titles.push(...(await response.json<{ data: ItemDetail[] }>()).data.map(({ title }) => title));
      path = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
    }
    expect(titles).toEqual(['Third', 'Second', 'First']);
  });
});

test('a read without a token can return an older state, and its Age says how old (product 7.4)', async () => {
  const { id, bearer } = await register();
  clock.advance(2000);
  await deliverQueues();
  await send('PATCH', `/v1/users/${id}`, { name: 'Newer' }, bearer);
  clock.advance(45_000);
  const read = await request(`/v1/users/${id}`, { headers: bearer });
  expect([read.headers.get('Cache-Status'), read.headers.get('Consistency')]).toEqual(['KV; hit', 'eventual']);
  const age = Number(read.headers.get('Age'));
  expect(age).toBeGreaterThanOrEqual(45);
  expect(age).toBeLessThan(60);
  expect(await read.json()).toMatchObject({ name: 'Grace Hopper' });
});

test('while D1 cannot be read, a read with a token gets 503, and one without a token what KV has (product 6.6)', async () => {
  const { id, bearer } = await register();
  clock.advance(2000);
  await deliverQueues();
  const old = await request(`/v1/users/${id}`, { headers: bearer });
  const changed = await send('PATCH', `/v1/users/${id}`, { name: 'Newer' }, bearer);
  const token = changed.headers.get('Consistency-Token') ?? '';
  const withoutD1 = createSystem({
    DB: {
      withSession: () => ({
        prepare: () => {
          throw new Error('D1 is down.');
        },
        batch: async () => {
          throw new Error('D1 is down.');
        },
      }),
    } as unknown as D1Database,
  });
  withoutD1.clock.advance(clock.now() - Date.now());
  const path = `/v1/users/${id}`;
  const strong = await withoutD1.request(path, { headers: { ...bearer, 'Consistency-Token': token } });
  expect([strong.status, (await strong.json<{ code: string }>()).code]).toEqual([503, 'http.database-unavailable']);
  expect(Number(strong.headers.get('Retry-After'))).toBeGreaterThan(0);
  const eventual = await withoutD1.request(path, { headers: bearer });
  expect([eventual.status, eventual.headers.get('Consistency'), eventual.headers.get('ETag')]).toEqual([
    200,
    'eventual',
    old.headers.get('ETag'),
  ]);
});

test('a document of another epoch counts as missing, so the read comes from D1 (product 7.4)', async () => {
  // The tests before have left deliveries, which would hold back the mark that dates the state of D1.
  await deleteDeliveries();
  const { id, bearer } = await register();
  clock.advance(2000);
  await deliverQueues();
  await send('PATCH', `/v1/users/${id}`, { name: 'Newer' }, bearer);
  const restored = createSystem({ EPOCH: '2' as '1' });
  restored.clock.advance(clock.now() - Date.now());
  const read = await restored.request(`/v1/users/${id}`, { headers: bearer });
  expect([read.headers.get('Age'), (await read.json<UserDetail>()).name]).toEqual(['0', 'Newer']);
});

describe('events', () => {
  /** Events as earlier releases recorded them, by type; the first entry has version 1, the second version 2. */
  const recorded: Record<string, unknown[]> = {
    SessionRevoked: [{ reason: 'logout' }],
    OrderPlaced: [{ customerId: newId(), items: [{ itemId: newId(), quantity: 2 }] }],
    TicketStatusChanged: [{ customerId: newId(), status: 'triaged' }],
  };

  const definitions = [...eventCatalogue.values()].map((definition) => [definition.type, definition] as const);

  test.each(definitions)(
    'the name %s is in the past tense, and the event has a version (product 6.4)',
    (type, definition) => {
      expect(type).toMatch(/^(?:[A-Z][a-z]+)*(?:[A-Z][a-z]+ed|Written)(?:In)?$/);
      expect(definition.schemaVersion).toBeGreaterThanOrEqual(1);
    },
  );

  test('the tests have a recorded event of every older version (product 6.4)', () => {
    const older = definitions.filter(([, { schemaVersion }]) => schemaVersion > 1);
    expect(older.map(([type, { schemaVersion }]) => [type, schemaVersion - 1])).toEqual(
      Object.entries(recorded).map(([type, versions]) => [type, versions.length]),
    );
  });

  test.each(
    Object.entries(recorded).flatMap(([type, versions]) =>
      versions.map((data, index) => [type, index + 1, data] as const),
    ),
  )('a recorded %s of version %i becomes the newest shape (product 6.4)', (type, schemaVersion, data) => {
    const definition = eventCatalogue.get(type);
    const event: RecordedEvent = {
      id: newId(),
      type,
      streamType: definition?.streamType ?? '',
      streamId: newId(),
      version: 2,
      schemaVersion,
      position: 1,
      data,
      metadata: { commandId: 'c', requestId: 'r' },
      occurredAt: '2026-01-01T00:00:00.000Z',
    };
    const newest = upcast(eventCatalogue, event);
    expect(newest.schemaVersion).toBe(definition?.schemaVersion);
    expect(definition?.schema.safeParse(newest.data).success).toBe(true);
  });

  test('every event in the log is of a type and a version that the catalogue has (product 6.4)', async () => {
    const { results } = await env.DB.prepare('SELECT DISTINCT type, schema_version AS version FROM events').all<{
      type: string;
      version: number;
    }>();
    expect(results.length).toBeGreaterThan(10);
    for (const { type, version } of results) {
      expect([type, version]).toEqual([type, eventCatalogue.get(type)?.schemaVersion]);
    }
  });
});
