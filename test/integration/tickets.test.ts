import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import type { StaffTicket, StaffTicketSummary, TicketDashboard, TicketDetail } from '../../src/tickets/schemas';
import { staffTicketListQuery, ticketListQuery } from '../../src/tickets/views';
import type { UserDetail } from '../../src/users/schemas';
import { userListQuery } from '../../src/users/views';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Caller = Awaited<ReturnType<System['register']>>;

let started = 0;

/** The agents' lists and the dashboard are keys that all tests share: each starts after the claims of the one before. */
async function given() {
  const system = createSystem();
  system.clock.advance(++started * 120_000);
  const [alice, bob] = [await system.register(), await system.register()];
  const agent = await system.register({ role: 'agent' });
  return { ...system, alice, bob, agent };
}

type Given = Awaited<ReturnType<typeof given>>;

async function open({ send }: Given, caller: Caller, ticket: object = {}): Promise<string> {
  const body = { subject: 'Late', message: 'Where is my parcel?', ...ticket };
  const response = await send('POST', '/v1/tickets', body, caller.bearer);
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

function setStatus({ send }: Given, caller: Caller, id: string, status: string, headers = {}) {
  return send('POST', `/v1/tickets/${id}/status`, { status }, { ...caller.bearer, ...headers });
}

function addNote({ send }: Given, caller: Caller, id: string, note: string) {
  return send('POST', `/v1/tickets/${id}/notes`, { note }, caller.bearer);
}

async function settled({ clock, settle }: Given) {
  clock.advance(2000);
  await settle();
}

async function read<Answer>({ request }: Given, path: string, caller: Caller): Promise<Answer> {
  const response = await request(path, { headers: caller.bearer });
  expect(response.status).toBe(200);
  return response.json<Answer>();
}

async function eventsOf(id: string) {
  const { results } = await env.DB.prepare('SELECT type FROM events WHERE stream_id = ? ORDER BY version')
    .bind(id)
    .all<{ type: string }>();
  return results.map(({ type }) => type);
}

describe('opening (product 5.1)', () => {
  test('a ticket is open, the caller’s, and may name one of their own orders', async () => {
    const system = await given();
    const price = { amount: 100, currency: 'EUR' };
    const item = await system.send('POST', '/v1/items', { title: 'Rope', price }, system.bob.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const order = await system.send(
      'POST',
      '/v1/orders',
      { items: [{ itemId, quantity: 1 }], shippingAddress },
      system.alice.bearer,
    );
    const { id: orderId } = await order.json<{ id: string }>();
    const id = await open(system, system.alice, { orderId });
    expect(await read(system, `/v1/tickets/${id}`, system.alice)).toMatchObject({
      id,
      customerId: system.alice.id,
      orderId,
      status: 'open',
      subject: 'Late',
      message: 'Where is my parcel?',
    });
    const before = await countRows();
    for (const foreign of [orderId, newId()]) {
      const body = { subject: 'x', message: 'y', orderId: foreign };
      const refused = await system.send('POST', '/v1/tickets', body, system.bob.bearer);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({ code: 'tickets.unknown-order', errors: [{ pointer: '/orderId' }] });
    }
    expect(await countRows()).toEqual(before);
  });

  test.each([
    ['no subject', { subject: ' ' }],
    ['no message', { message: '' }],
    ['a status', { status: 'closed' }],
    ['an order that is no id', { orderId: '1' }],
    ['too long a message', { message: 'a'.repeat(20_001) }],
  ])('%s is refused and leaves nothing', async (_, wrong) => {
    const system = await given();
    const before = await countRows();
    const body = { subject: 'a', message: 'b', ...wrong };
    expect((await system.send('POST', '/v1/tickets', body, system.alice.bearer)).status).toBe(422);
    expect(await countRows()).toEqual(before);
  });

  test('a deactivated customer opens nothing', async () => {
    const system = await given();
    await env.DB.prepare('UPDATE users SET is_active = 0 WHERE id = ?').bind(system.alice.id).run();
    const before = await countRows();
    const body = { subject: 'a', message: 'b' };
    expect((await system.send('POST', '/v1/tickets', body, system.alice.bearer)).status).toBe(401);
    expect(await countRows()).toEqual(before);
  });
});

describe('status and notes (product 5.2)', () => {
  test('an agent moves it on; closed refuses with 409, a note is allowed even then', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    expect((await setStatus(system, system.agent, id, 'triaged')).status).toBe(200);
    expect((await setStatus(system, system.agent, id, 'closed')).status).toBe(200);
    const refused = await setStatus(system, system.agent, id, 'open');
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([409, 'tickets.closed']);
    expect((await addNote(system, system.agent, id, 'Called them.')).status).toBe(200);
    expect(await eventsOf(id)).toEqual([
      'TicketOpened',
      'TicketStatusChanged',
      'TicketStatusChanged',
      'TicketNoteAdded',
    ]);
  });

  test('the status it has already changes nothing and records no event', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    await setStatus(system, system.agent, id, 'closed');
    const before = await countRows();
    const again = await setStatus(system, system.agent, id, 'closed');
    expect([again.status, await again.json()]).toEqual([200, { id, version: 2 }]);
    expect(await countRows()).toEqual(before);
  });

  test('one of two agents with the same If-Match wins, the other is told', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    const seen = { 'If-Match': '"1"' };
    const statuses = await Promise.all(
      ['triaged', 'closed'].map(async (status) => (await setStatus(system, system.agent, id, status, seen)).status),
    );
    expect(statuses.sort()).toEqual([200, 412]);
  });

  test('a customer does neither: 403 on their own, 404 on another’s, as on none', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    const before = await countRows();
    for (const [caller, target, status] of [
      [system.alice, id, 403],
      [system.bob, id, 404],
      [system.bob, newId(), 404],
    ] as const) {
      expect((await setStatus(system, caller, target, 'closed')).status).toBe(status);
      expect((await addNote(system, caller, target, 'x')).status).toBe(status);
    }
    expect(await countRows()).toEqual(before);
  });
});

describe('lists (product 5.3)', () => {
  test('previews and flags are computed; status and hasNote narrow the agents’ list', async () => {
    const system = await given();
    const message = `My parcel ${'did not arrive '.repeat(20)}`;
    const noted = await open(system, system.alice, { message });
    const plain = await open(system, system.bob);
    await setStatus(system, system.agent, noted, 'triaged');
    await addNote(system, system.agent, noted, `Carrier ${'says so '.repeat(30)}`);
    await settled(system);
    const list = async (query: string) =>
      (await read<{ data: StaffTicketSummary[] }>(system, `/v1/tickets?${query}`, system.agent)).data;
    const ids = async (query: string) => (await list(query)).map(({ id }) => id);
    const [first] = (await list('hasNote=true')).filter(({ id }) => id === noted);
    expect(first).toMatchObject({ status: 'triaged', hasNote: true });
    expect(first?.preview).toBe(`My parcel ${'did not arrive '.repeat(7)}did…`);
    expect(first?.notePreview).toMatch(/^Carrier says so .{90,105}…$/);
    expect(JSON.stringify(first)).not.toContain(message.trim());
    expect(await ids('hasNote=true')).not.toContain(plain);
    expect(await ids('hasNote=false')).toContain(plain);
    expect(await ids('hasNote=false')).not.toContain(noted);
    expect(await ids('status=triaged&hasNote=true')).toContain(noted);
    expect(await ids('status=open')).not.toContain(noted);
    expect((await ids('')).indexOf(plain)).toBeLessThan((await ids('')).indexOf(noted));
    const page = await read<{ nextCursor: string }>(system, '/v1/tickets?limit=1&status=open', system.agent);
    const next = await ids(`status=open&limit=1&cursor=${page.nextCursor}`);
    expect(next).not.toContain(noted);
  });

  test.each([
    [{}],
    [{ status: 'open' as const }],
    [{ hasNote: true }],
    [{ status: 'closed' as const, hasNote: false }],
  ])('no list of the agents scans or sorts: %j', async (filter) => {
    for (const after of [undefined, newId()]) {
      const isFiltered = after !== undefined || Object.keys(filter).length > 0;
      expect(await planOf(staffTicketListQuery(drizzle(env.DB), filter, 20, after))).toMatch(
        isFiltered ? /^SEARCH tickets USING/ : /^SCAN tickets USING INDEX/,
      );
    }
  });

  test.each([[undefined], ['open' as const]])('no list of a customer scans or sorts: %s', async (status) => {
    for (const after of [undefined, newId()]) {
      const query = ticketListQuery(drizzle(env.DB), { customer: newId(), status }, 20, after);
      expect(await planOf(query)).toMatch(/^SEARCH tickets USING INDEX/);
    }
  });

  test('no list of users scans or sorts', async () => {
    expect(await planOf(userListQuery(drizzle(env.DB), 20))).toMatch(/^SCAN users USING INDEX/);
    expect(await planOf(userListQuery(drizzle(env.DB), 20, newId()))).toMatch(/^SEARCH users USING INDEX/);
  });
});

/** Without a filter a list walks the primary key in order until the page is full. */
async function planOf(query: { toSQL(): { sql: string; params: unknown[] } }): Promise<string> {
  const { sql, params } = query.toSQL();
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ detail: string }>();
  const plan = results.map(({ detail }) => detail).join('; ');
  expect(plan).not.toContain('TEMP B-TREE');
  return plan;
}

describe('who sees what (product 5.4)', () => {
  test('nothing tells a customer of a note: not a text, a preview, a flag, a version or a time', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    await settled(system);
    const look = async () => {
      const one = await system.request(`/v1/tickets/${id}`, { headers: system.alice.bearer });
      const list = await system.request('/v1/tickets', { headers: system.alice.bearer });
      const own = await system.request('/v1/users/me', { headers: system.alice.bearer });
      return [await one.text(), one.headers.get('ETag'), await list.text(), await own.text(), own.headers.get('ETag')];
    };
    const before = await look();
    system.clock.advance(60_000);
    const noted = await addNote(system, system.agent, id, 'A difficult customer');
    await settled(system);
    expect(await look()).toEqual(before);
    const token = { ...system.alice.bearer, 'Consistency-Token': noted.headers.get('Consistency-Token') ?? '' };
    expect(await (await system.request(`/v1/tickets/${id}`, { headers: token })).text()).toBe(before[0]);
    const filtered = await system.request('/v1/tickets?hasNote=true', { headers: system.alice.bearer });
    expect(filtered.status).toBe(403);
    const seen = await read<StaffTicket>(system, `/v1/tickets/${id}`, system.agent);
    expect(seen.notes).toMatchObject([{ note: 'A difficult customer', authorId: system.agent.id }]);
    const { keys } = await env.VIEWS.list({ prefix: 'ticket' });
    for (const { name } of keys.filter((key) => !key.name.startsWith('staff-ticket'))) {
      expect(await env.VIEWS.get(name)).not.toContain('difficult');
    }
  });

  test('a customer reads their own; another’s is the same 404 as none', async () => {
    const system = await given();
    const id = await open(system, system.alice);
    await settled(system);
    expect(await read<TicketDetail>(system, `/v1/tickets/${id}`, system.alice)).not.toHaveProperty('notes');
    const answers = await Promise.all(
      [id, newId()].map(async (target) => {
        const response = await system.request(`/v1/tickets/${target}`, { headers: system.bob.bearer });
        const { code, detail } = await response.json<{ code: string; detail: string }>();
        return [response.status, code, detail.replace(target, 'ID')];
      }),
    );
    expect(answers[0]?.slice(0, 2)).toEqual([404, 'tickets.not-found']);
    expect(answers[1]).toEqual(answers[0]);
    const list = await read<{ data: { id: string }[] }>(system, '/v1/tickets', system.bob);
    expect(list.data).toEqual([]);
  });

  test('with the account its tickets and notes are gone, and every list knows (product 1.5)', async () => {
    const system = await given();
    const id = await open(system, system.alice, { message: 'I live at 1 Navy Yard' });
    await addNote(system, system.agent, id, 'Lives at 1 Navy Yard');
    await settled(system);
    const deleted = await system.request(`/v1/users/${system.alice.id}`, {
      method: 'DELETE',
      headers: system.alice.bearer,
    });
    expect(deleted.status).toBe(204);
    await settled(system);
    expect(await eventsOf(id)).toEqual(['TicketOpened', 'TicketNoteAdded', 'TicketDeleted']);
    expect((await system.request(`/v1/tickets/${id}`, { headers: system.agent.bearer })).status).toBe(404);
    const { keys } = await env.VIEWS.list();
    const values = await Promise.all(keys.map(({ name }) => env.VIEWS.get(name)));
    expect(values.join()).not.toContain('Navy Yard');
    const rows = await env.DB.prepare("SELECT * FROM ticket_notes WHERE note LIKE '%Navy%'").all();
    expect(rows.results).toEqual([]);
  });
});

describe('the dashboard (product 5.5)', () => {
  const look = (system: Given) => read<TicketDashboard>(system, '/v1/dashboard/tickets', system.agent);

  test('its figures follow the events, and equal what the tickets say', async () => {
    const system = await given();
    const before = await look(system);
    const [first, second, third] = [
      await open(system, system.alice),
      await open(system, system.alice),
      await open(system, system.bob),
    ];
    system.clock.advance(90_000);
    await setStatus(system, system.agent, first, 'triaged');
    await setStatus(system, system.agent, first, 'closed');
    await setStatus(system, system.agent, second, 'triaged');
    await settled(system);
    const after = await look(system);
    expect(after.counts).toEqual({
      open: before.counts.open + 1,
      triaged: before.counts.triaged + 1,
      closed: before.counts.closed + 1,
    });
    const sum = (days: TicketDashboard['days'], figure: 'opened' | 'closed') =>
      days.reduce((total, day) => total + day[figure], 0);
    expect(sum(after.days, 'opened') - sum(before.days, 'opened')).toBe(3);
    expect(sum(after.days, 'closed') - sum(before.days, 'closed')).toBe(1);
    expect(after.oldestOpenSeconds).toBeGreaterThanOrEqual(90);
    const { results } = await env.DB.prepare('SELECT status, count(*) AS count FROM tickets GROUP BY status').all<{
      status: string;
      count: number;
    }>();
    const counted = Object.fromEntries(results.map(({ status, count }) => [status, count]));
    expect({ open: 0, triaged: 0, closed: 0, ...counted }).toEqual(after.counts);
    const triaged = await env.DB.prepare(
      'SELECT triage_seconds AS s FROM tickets WHERE triaged_at IS NOT NULL ORDER BY s',
    ).all<{ s: number }>();
    const seconds = triaged.results.map(({ s }) => s);
    const middle = [seconds[(seconds.length - 1) >> 1] ?? 0, seconds[seconds.length >> 1] ?? 0];
    expect(after.medianTriageSeconds).toBe(Math.round(((middle[0] ?? 0) + (middle[1] ?? 0)) / 2));
    await system.request(`/v1/users/${system.bob.id}`, { method: 'DELETE', headers: system.bob.bearer });
    await settled(system);
    expect((await look(system)).counts.open).toBe(before.counts.open);
    expect(third).toBeTruthy();
  });

  test('reading it touches no ticket: it is one KV document', async () => {
    const system = await given();
    await open(system, system.alice);
    await settled(system);
    const answer = await system.request('/v1/dashboard/tickets', { headers: system.agent.bearer });
    expect(answer.headers.get('Consistency')).toBe('eventual');
    const broken = createSystem({
      DB: {
        withSession: () => {
          throw new Error('D1 was asked');
        },
      } as unknown as D1Database,
    });
    broken.clock.advance(started * 120_000 + 2000);
    expect((await broken.request('/v1/dashboard/tickets', { headers: system.agent.bearer })).status).toBe(200);
  });

  test('the hourly schedule computes it anew, whatever happened', async () => {
    const system = await given();
    await open(system, system.alice);
    await settled(system);
    await env.DB.prepare("UPDATE ticket_counts SET count = 99 WHERE status = 'triaged'").run();
    expect((await look(system)).counts.triaged).not.toBe(99);
    system.clock.advance(2000);
    await runSchedule(system.services(), '0 * * * *');
    expect((await look(system)).counts.triaged).toBe(99);
    await env.DB.prepare(
      "UPDATE ticket_counts SET count = (SELECT count(*) FROM tickets WHERE status = 'triaged') WHERE status = 'triaged'",
    ).run();
  });

  test('it is the agents’', async () => {
    const system = await given();
    const answer = await system.request('/v1/dashboard/tickets', { headers: system.alice.bearer });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('WWW-Authenticate')).toContain('insufficient_scope');
  });
});

describe('an account’s counts (product 1.8)', () => {
  test('follow the events of other domains, and the ETag with them', async () => {
    const system = await given();
    await settled(system);
    const me = async () => {
      const response = await system.request('/v1/users/me', { headers: system.alice.bearer });
      expect(response.headers.get('Consistency')).toBe('eventual');
      const { itemCount, orderCount, openTicketCount } = await response.json<UserDetail>();
      return { counts: [itemCount, orderCount, openTicketCount], etag: response.headers.get('ETag') ?? '' };
    };
    const fresh = await me();
    expect(fresh.counts).toEqual([0, 0, 0]);
    const price = { amount: 100, currency: 'EUR' };
    const item = await system.send('POST', '/v1/items', { title: 'Rope', price }, system.alice.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress };
    await system.send('POST', '/v1/orders', order, system.alice.bearer);
    const ticket = await open(system, system.alice);
    await settled(system);
    const busy = await me();
    expect(busy.counts).toEqual([1, 1, 1]);
    expect(busy.etag).not.toBe(fresh.etag);
    const unseen = { ...system.alice.bearer, 'If-None-Match': fresh.etag };
    expect((await system.request('/v1/users/me', { headers: unseen })).status).toBe(200);
    await setStatus(system, system.agent, ticket, 'triaged');
    await system.request(`/v1/items/${itemId}`, { method: 'DELETE', headers: system.alice.bearer });
    await settled(system);
    expect((await me()).counts).toEqual([0, 1, 0]);
    // The counts are no part of what a change could overwrite: an ETag of before still names the account's version.
    const change = { ...system.alice.bearer, 'If-Match': busy.etag };
    expect((await system.send('PATCH', `/v1/users/${system.alice.id}`, { name: 'A' }, change)).status).toBe(200);
  });
});

test('a recorded status change of version 1 still projects (product 6.4)', async () => {
  const system = await given();
  const id = await open(system, system.alice);
  await settled(system);
  // A ticket that was triaged before the event had its second version.
  await env.DB.batch([
    env.DB.prepare("UPDATE tickets SET status = 'triaged', version = 2, customer_version = 2 WHERE id = ?").bind(id),
    env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES (?, 'ticket', ?, 2, 'TicketStatusChanged', 1, ?, '{"commandId":"c","requestId":"r"}', ?)`,
    ).bind(newId(), id, JSON.stringify({ customerId: system.alice.id, status: 'triaged' }), new Date().toISOString()),
    env.DB.prepare(
      "INSERT INTO deliveries (position, subscription, available_at) SELECT max(position), 'projections', 0 FROM events",
    ),
  ]);
  system.clock.advance(2000);
  await system.services().relay();
  expect(system.sent.projections.some(({ schemaversion }) => schemaversion === 1)).toBe(true);
  await system.settle();
  const answer = await system.request(`/v1/tickets/${id}`, { headers: system.alice.bearer });
  expect([answer.headers.get('Consistency'), (await answer.json<TicketDetail>()).status]).toEqual([
    'eventual',
    'triaged',
  ]);
  const { results } = await env.DB.prepare("SELECT * FROM deliveries WHERE subscription = 'projections'").all();
  expect(results).toEqual([]);
});
