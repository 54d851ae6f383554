import { env } from 'cloudflare:workers';
import { Validator } from '@cfworker/json-schema';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Envelope } from '../../src/cqrs/log/envelope';
import { limits } from '../../src/platform/limits';
import { cloudEventSchema } from '../support/cloud-event';
import { deleteDeliveries, excuseDocuments } from '../support/document-watch';
import { createFaultyD1, type D1Call } from '../support/faulty-d1';
import { createSystem } from '../support/system';

interface Page {
  data: Envelope[];
  nextAfter: number;
  epoch: string;
  isUpToDate: boolean;
}

type System = ReturnType<typeof createSystem>;

const usual = { ...limits };
beforeEach(() => void Object.assign(limits, usual));

/** A system with an admin who reads the feed from behind what happened before. */
async function given(...args: Parameters<typeof createSystem>) {
  const system = createSystem(...args);
  const admin = await system.register({ role: 'admin' });
  const positions = await env.DB.prepare('SELECT max(position) AS end FROM events').first<{ end: number }>();
  const start = positions?.end ?? 0;
  const ask = (query: string) => system.request(`/v1/events?${query}`, { headers: admin.bearer });
  async function read(query: string): Promise<Page> {
    const response = await ask(query);
    expect([query, response.status]).toEqual([query, 200]);
    return response.json();
  }
  const openTicket = (subject = 'a') => system.send('POST', '/v1/tickets', { subject, message: 'b' }, admin.bearer);
  return { ...system, admin, ask, openTicket, read, start };
}

/** Adds an event to the log by hand. */
async function append(type: string, schemaVersion: number, data: string): Promise<number> {
  const id = crypto.randomUUID();
  const row = await env.DB.prepare(
    `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
     VALUES (?1, 'ticket', ?1, 1, ?2, ?3, ?4, '{"commandId":"c","requestId":"r"}', '2026-01-01T00:00:00.000Z')
     RETURNING position`,
  )
    .bind(id, type, schemaVersion, data)
    .first<{ position: number }>();
  excuseDocuments('the event belongs to no ticket');
  return row?.position ?? 0;
}

async function codeOf(response: Response) {
  const { code, details } = await response.json<{ code: string; details: object }>();
  return { status: response.status, code, details };
}

describe('the feed of events', () => {
  test('has every event once and in order, as CloudEvents, and gives the same pages again (product 10.1)', async () => {
    const { openTicket, read, start } = await given();
    for (let opened = 0; opened < 5; opened++) await openTicket();
    const seen: Envelope[] = [];
    for (let after = start; ; ) {
      const page = await read(`after=${after}&limit=2`);
      expect(await read(`after=${after}&limit=2`)).toEqual(page);
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data);
      expect(page.nextAfter).toBe(seen.at(-1)?.position);
      after = page.nextAfter;
      if (page.isUpToDate) break;
    }
    const { results } = await env.DB.prepare('SELECT id, position FROM events WHERE position > ? ORDER BY position')
      .bind(start)
      .all();
    expect(results).toHaveLength(5);
    expect(seen.map(({ id, position }) => ({ id, position }))).toEqual(results);
    for (const event of seen) expect(new Validator(cloudEventSchema, '7').validate(event).errors).toEqual([]);
  });

  test('says where the next request goes on, with the same filters and the epoch (product 10.2)', async () => {
    const { ask, openTicket, read, start } = await given();
    await openTicket();
    const query = `after=${start}&types=TicketOpened&limit=7`;
    const [, next] = /^<(.*)>; rel="next"$/.exec((await ask(query)).headers.get('Link') ?? '') ?? [];
    const url = new URL(next ?? '', 'https://host.example');
    expect(url.pathname).toBe('/v1/events');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      after: String(start + 1),
      epoch: env.EPOCH,
      types: 'TicketOpened',
      limit: '7',
    });
    expect(await read(url.search.slice(1))).toEqual({
      data: [],
      nextAfter: start + 1,
      epoch: env.EPOCH,
      isUpToDate: true,
    });
  });

  test('converts an event of an older version to the newest one (product 10.1)', async () => {
    const { read } = await given();
    const position = await append(
      'TicketStatusChanged',
      1,
      '{"status":"closed","customerId":"0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11"}',
    );
    const { data } = await read(`after=${position - 1}`);
    expect(data[0]).toMatchObject({ position, schemaversion: 2, data: { from: null } });
    expect(data[0]?.dataschema).toMatch(/TicketStatusChanged\/2$/);
  });

  test('with types passes the others, searches a bounded part of the log, and takes short names too (product 10.3)', async () => {
    const { openTicket, read, send, admin, start } = await given();
    Object.assign(limits, { positionsPerFeedPage: 3 });
    for (let opened = 0; opened < 4; opened++) await openTicket();
    await send('PATCH', `/v1/users/${admin.id}`, { name: 'Other' }, admin.bearer);
    const types = 'types=frontdesk.UserUpdated,ItemCreated';
    const first = await read(`after=${start}&${types}`);
    expect(first).toMatchObject({ data: [], nextAfter: start + 3, isUpToDate: false });
    const second = await read(`after=${first.nextAfter}&${types}`);
    expect(second).toMatchObject({ nextAfter: start + 5, isUpToDate: true });
    expect(second.data.map(({ type }) => type)).toEqual(['frontdesk.UserUpdated']);
  });

  test('with a full page of wanted types goes on after its last event (product 10.3)', async () => {
    const { openTicket, read, start } = await given();
    for (let opened = 0; opened < 3; opened++) await openTicket();
    const page = await read(`after=${start}&types=TicketOpened&limit=2`);
    expect(page).toMatchObject({ nextAfter: start + 2, isUpToDate: false });
  });

  test('refuses a type that is not in the catalogue, because a misspelt one would find nothing (product 10.3)', async () => {
    const { ask } = await given();
    expect(await codeOf(await ask('types=OrderPlaced,OrderPlacd'))).toMatchObject({
      status: 400,
      code: 'events.unknown-type',
    });
  });

  test.each([
    ['of a type that this release does not know', 'SomethingNew', 1, '{}'],
    ['of a newer version', 'TicketOpened', 99, '{}'],
    ['whose row is not JSON', 'TicketOpened', 1, '{'],
  ])('stops before an event %s, and never leaves it out (product 10.4)', async (_, type, version, data) => {
    const { ask, openTicket, read, start } = await given();
    await openTicket();
    const position = await append(type, version, data);
    await openTicket();
    const before = await read(`after=${start}`);
    expect(before).toMatchObject({ nextAfter: position - 1, isUpToDate: false });
    expect(before.data).toHaveLength(1);
    const refused = await ask(`after=${position - 1}`);
    expect(refused.headers.get('Retry-After')).toBe('60');
    expect(await codeOf(refused)).toMatchObject({ status: 503, code: 'events.unreadable', details: { position } });
    await env.DB.prepare('DELETE FROM events WHERE position = ?').bind(position).run();
  });

  test('refuses a checkpoint of another epoch, and one that the log does not reach (product 10.5)', async () => {
    const { ask, start } = await given();
    const epoch = { epoch: env.EPOCH };
    expect(await codeOf(await ask(`after=${start}&epoch=other`))).toEqual({
      status: 409,
      code: 'events.other-epoch',
      details: epoch,
    });
    expect(await codeOf(await ask(`after=${start + 1}&epoch=${env.EPOCH}`))).toEqual({
      status: 409,
      code: 'events.unknown-position',
      details: { after: start + 1, end: start },
    });
  });

  test.each(['after=-1', 'after=0x1', 'limit=501', 'wait=26', 'types=', 'epoch=', 'from=1'])(
    'refuses the query %s',
    async (query) => {
      expect((await (await given()).ask(query)).status).toBe(400);
    },
  );

  test('is for admins, and for no other account (product 10.1)', async () => {
    const { register, request } = await given();
    for (const role of ['customer', 'agent'] as const) {
      const { bearer } = await register({ role });
      expect([role, (await request('/v1/events', { headers: bearer })).status]).toEqual([role, 403]);
    }
  });

  test('counts for the limit of the account (product 10.7)', async () => {
    const asked: string[] = [];
    const limiter = { limit: async ({ key }: { key: string }) => ({ success: asked.push(key) < 2 }) };
    const { admin, ask } = await given({ ACCOUNT_LIMIT: limiter });
    // The sign-in of the admin was the first one.
    asked.length = 0;
    expect((await ask('')).status).toBe(200);
    expect((await ask('')).status).toBe(429);
    expect(asked).toEqual([`feed ${admin.id}`, `feed ${admin.id}`]);
  });
});

describe('a replica that is behind (product 10.6)', () => {
  const isSlice = ({ sql }: D1Call) => sql.includes('AS slice');

  /** A system whose nearest replica knows the log up to a position only. */
  async function givenReplica() {
    const state = { end: Number.POSITIVE_INFINITY, froms: [] as string[] };
    const database = createFaultyD1(env.DB, async (call) => {
      if (!isSlice(call)) return call.send();
      state.froms.push(call.from);
      const results = (await call.send()) as { results: Record<string, unknown>[] }[];
      if (call.from === 'first-primary') return results;
      const old = (row: Record<string, unknown>) => Number(row.position ?? 0) <= state.end;
      return results.map((result, index) => {
        if (index === 0) return result;
        const end = Math.min(state.end, Number(result.results[0]?.end));
        const rows = result.results.filter(old).map((row) => ({ ...row, end }));
        const nothing = Object.fromEntries(Object.keys(result.results[0] ?? {}).map((name) => [name, null]));
        return { ...result, results: rows.length > 0 ? rows : [{ ...nothing, end }] };
      });
    });
    return { ...(await given({ DB: database })), state };
  }

  test('ends where it is, and has no event behind one that it lacks', async () => {
    const { openTicket, read, start, state } = await givenReplica();
    for (let opened = 0; opened < 3; opened++) await openTicket();
    state.end = start + 1;
    expect(await read(`after=${start}`)).toMatchObject({ data: [{ position: start + 1 }], nextAfter: start + 1 });
    expect(state.froms).toEqual(['first-unconstrained']);
  });

  test('does not answer a consumer whose checkpoint it does not know: the primary does', async () => {
    const { openTicket, read, start, state } = await givenReplica();
    for (let opened = 0; opened < 3; opened++) await openTicket();
    state.end = start + 1;
    expect(await read(`after=${start + 2}`)).toMatchObject({ data: [{ position: start + 3 }], nextAfter: start + 3 });
    expect(state.froms).toEqual(['first-unconstrained', 'first-primary']);
  });

  test('is not asked where a Consistency-Token names a newer state', async () => {
    const { admin, openTicket, request, start, state } = await givenReplica();
    const token = (await openTicket()).headers.get('Consistency-Token') ?? '';
    const headers = { ...admin.bearer, 'Consistency-Token': token };
    const response = await request(`/v1/events?after=${start}`, { headers });
    expect(response.headers.get('Consistency')).toBe('strong');
    expect((await response.json<Page>()).data).toHaveLength(1);
    expect(state.froms).not.toContain('first-unconstrained');
  });
});

describe('a consumer that waits for news (product 10.7)', () => {
  /** A system whose waits are noted. Each of them moves the clock, and something may happen in it. */
  async function givenWaits() {
    const waits: number[] = [];
    const state: { clock?: System['clock']; happen?: () => Promise<unknown> } = {};
    const wait = async (ms: number, options?: { signal?: unknown }) => {
      if (options?.signal) return new Promise(() => {});
      waits.push(ms);
      state.clock?.advance(ms);
      await state.happen?.();
    };
    const system = await given({}, { wait });
    state.clock = system.clock;
    waits.length = 0;
    return {
      ...system,
      waits,
      /** Says what happens during one of the next waits, by its number. */
      during(number: number, work: () => Promise<unknown>) {
        waits.length = 0;
        state.happen = async () => waits.length === number && (await work());
      },
    };
  }

  test('is answered at once where there is an event', async () => {
    const { openTicket, read, start, waits } = await givenWaits();
    await openTicket();
    expect((await read(`after=${start}&wait=25`)).data).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  test('is answered when an event comes', async () => {
    const { during, openTicket, read, start, waits } = await givenWaits();
    during(3, () => openTicket());
    const page = await read(`after=${start}&wait=25`);
    expect(page).toMatchObject({ data: [{ position: start + 1 }], isUpToDate: true });
    expect(waits).toHaveLength(3);
  });

  test('is answered without an event after the time, with few looks at the database', async () => {
    const { read, start, waits } = await givenWaits();
    expect(await read(`after=${start}&wait=25`)).toMatchObject({ data: [], nextAfter: start, isUpToDate: true });
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(24_000);
    expect(waits.length).toBeLessThan(15);
  });

  test('with types is told how far the others went', async () => {
    const { during, openTicket, read, start } = await givenWaits();
    during(1, () => openTicket());
    const page = await read(`after=${start}&types=OrderPlaced&wait=5`);
    expect(page).toMatchObject({ data: [], nextAfter: start + 1, isUpToDate: true });
  });

  test('is refused when the account is deactivated meanwhile', async () => {
    const { admin, ask, during, register, request, start } = await givenWaits();
    const other = await register({ role: 'admin' });
    await deleteDeliveries();
    during(1, () => request(`/v1/users/${admin.id}/deactivate`, { method: 'POST', headers: other.bearer }));
    const response = await ask(`after=${start + 2}&types=OrderPlaced&wait=25`);
    expect(response.status).toBe(401);
  });
});
