import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Statement } from '../../src/platform/d1';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import type {
  StaffTicket,
  StaffTicketSummary,
  TicketDashboard,
  TicketDetail,
  TicketNoteDetail,
} from '../../src/tickets/schemas';
import { noteListQuery, staffTicketListQuery, staffTicketView } from '../../src/tickets/staff-views';
import { ticketListQuery } from '../../src/tickets/views';
import type { UserDetail } from '../../src/users/schemas';
import { userListQuery } from '../../src/users/views';
import { address } from '../support/factories';
import { countRows, createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

let started = 0;

/**
 * A system with two customers and an agent. All tests write the documents of the agents' lists and of the dashboard, so
 * each test starts after the claims of the test before it have run out.
 */
async function given() {
  const system = createSystem();
  system.clock.advance(++started * 120_000);
  const [alice, bob] = [await system.register(), await system.register()];
  const agent = await system.register({ role: 'agent' });
  return { ...system, alice, bob, agent };
}

type Given = Awaited<ReturnType<typeof given>>;

async function openTicket({ send }: Given, caller: Account, ticket: object = {}): Promise<string> {
  const body = { subject: 'Late', message: 'Where is my parcel?', ...ticket };
  const response = await send('POST', '/v1/tickets', body, caller.bearer);
  expect(response.status).toBe(201);
  return (await response.json<{ id: string }>()).id;
}

function setStatus({ send }: Given, caller: Account, id: string, status: string, headers = {}) {
  return send('POST', `/v1/tickets/${id}/status`, { status }, { ...caller.bearer, ...headers });
}

function addNote({ send }: Given, caller: Account, id: string, note: string) {
  return send('POST', `/v1/tickets/${id}/notes`, { note }, caller.bearer);
}

/** The first page and a later one, in both orders. */
const slices = [undefined, newId()].flatMap((after) =>
  (['newest', 'oldest'] as const).map((order) => ({ after, order })),
);

async function deliverLater({ clock, deliverQueues }: Given) {
  clock.advance(limits.dashboardRestMs);
  await deliverQueues();
}

async function read<Body>({ request }: Given, path: string, caller: Account): Promise<Body> {
  const response = await request(path, { headers: caller.bearer });
  expect(response.status).toBe(200);
  return response.json<Body>();
}

async function eventsOf(id: string) {
  const { results } = await env.DB.prepare('SELECT type FROM events WHERE stream_id = ? ORDER BY version')
    .bind(id)
    .all<{ type: string }>();
  return results.map(({ type }) => type);
}

describe('opening for a customer (product 5.7)', () => {
  test('an agent opens a ticket about an order of the customer, who sees it as their own', async () => {
    const system = await given();
    const { agent, alice, send } = system;
    const price = { amount: 100, currency: 'EUR' };
    const item = await send('POST', '/v1/items', { title: 'Rope', price }, agent.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
    const placed = await send('POST', '/v1/orders', order, alice.bearer);
    const { id: orderId } = await placed.json<{ id: string }>();
    const id = await openTicket(system, agent, { customerId: alice.id, orderId });
    await deliverLater(system);
    const shown = { id, customerId: alice.id, orderId };
    for (const caller of [alice, agent]) expect(await read(system, `/v1/tickets/${id}`, caller)).toMatchObject(shown);
    expect(await read(system, '/v1/tickets', alice)).toMatchObject({ data: [{ id }], total: 1 });
    expect(await read(system, `/v1/users/${alice.id}`, alice)).toMatchObject({ openTicketCount: 1 });
    const event = await env.DB.prepare('SELECT data, metadata FROM events WHERE stream_id = ?').bind(id).first();
    expect(JSON.parse(String(event?.data))).toEqual({ customerId: alice.id, orderId });
    expect(JSON.parse(String(event?.metadata))).toMatchObject({ actorId: agent.id });
  });

  test('an order of the agent, and one of another customer, is refused', async () => {
    const system = await given();
    const { agent, alice, bob, send } = system;
    const price = { amount: 100, currency: 'EUR' };
    const item = await send('POST', '/v1/items', { title: 'Rope', price }, agent.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
    for (const caller of [agent, bob]) {
      const placed = await send('POST', '/v1/orders', order, caller.bearer);
      const { id: orderId } = await placed.json<{ id: string }>();
      const body = { subject: 'a', message: 'b', customerId: alice.id, orderId };
      const refused = await send('POST', '/v1/tickets', body, agent.bearer);
      expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([422, 'tickets.unknown-order']);
    }
  });

  test('a customer who names a customer, also themselves, gets 403', async () => {
    const { alice, bob, send } = await given();
    for (const customerId of [alice.id, bob.id, newId()]) {
      const body = { subject: 'a', message: 'b', customerId };
      expect((await send('POST', '/v1/tickets', body, alice.bearer)).status).toBe(403);
    }
  });

  test('an unknown, a deactivated and a deleted account is refused, and the field is named', async () => {
    const system = await given();
    const { agent, alice, bob, request, send } = system;
    const admin = await system.register({ role: 'admin' });
    await send('POST', `/v1/users/${alice.id}/deactivate`, {}, admin.bearer);
    await request(`/v1/users/${bob.id}`, { method: 'DELETE', headers: admin.bearer });
    for (const customerId of [alice.id, bob.id, newId()]) {
      const body = { subject: 'a', message: 'b', customerId };
      const refused = await send('POST', '/v1/tickets', body, agent.bearer);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({
        code: 'tickets.unknown-customer',
        errors: [{ pointer: '/customerId' }],
      });
    }
  });
});

describe('the tickets of one customer (product 5.8)', () => {
  test('a customer gets 403 for the filter, also with their own id', async () => {
    const { alice, bob, request } = await given();
    for (const { id } of [alice, bob]) {
      const refused = await request(`/v1/tickets?customer=${id}`, { headers: alice.bearer });
      expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([403, 'auth.insufficient-role']);
    }
  });

  test('the filter cannot be combined with hasNote, and is an id', async () => {
    const { agent, alice, request } = await given();
    for (const query of [`customer=${alice.id}&hasNote=true`, 'customer=alice']) {
      expect((await request(`/v1/tickets?${query}`, { headers: agent.bearer })).status).toBe(400);
    }
  });

  test('a row says whose ticket it is and when it was opened', async () => {
    const system = await given();
    const { agent, alice } = system;
    const id = await openTicket(system, alice);
    await openTicket(system, system.bob);
    const { createdAt } = await read<{ createdAt: string }>(system, `/v1/tickets/${id}`, agent);
    await addNote(system, agent, id, 'later');
    const { data } = await read<{ data: object[] }>(system, `/v1/tickets?customer=${alice.id}`, agent);
    expect(data).toEqual([expect.objectContaining({ id, customerId: alice.id, createdAt })]);
    const { data: own } = await read<{ data: object[] }>(system, '/v1/tickets', alice);
    expect(own).toEqual([expect.objectContaining({ id, createdAt })]);
  });
});

describe('opening', () => {
  test('a new ticket is open, belongs to the caller, and may name only an order of the caller (product 5.1)', async () => {
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
    const id = await openTicket(system, system.alice, { orderId });
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

  let shared: Given;

  beforeAll(async () => {
    shared = await given();
  });

  test.each([
    ['an empty subject', { subject: ' ' }],
    ['an empty message', { message: '' }],
    ['a status', { status: 'closed' }],
    ['an order id that is no UUID', { orderId: '1' }],
    ['a message of 20,001 characters', { message: 'a'.repeat(20_001) }],
  ])('a ticket with %s is refused, and no row is written (product 5.1)', async (_, wrong) => {
    const before = await countRows();
    const body = { subject: 'a', message: 'b', ...wrong };
    expect((await shared.send('POST', '/v1/tickets', body, shared.alice.bearer)).status).toBe(422);
    expect(await countRows()).toEqual(before);
  });

  test('a deactivated customer cannot open a ticket (product 1.7)', async () => {
    const system = await given();
    await env.DB.prepare('UPDATE users SET is_active = 0 WHERE id = ?').bind(system.alice.id).run();
    const before = await countRows();
    const body = { subject: 'a', message: 'b' };
    expect((await system.send('POST', '/v1/tickets', body, system.alice.bearer)).status).toBe(401);
    expect(await countRows()).toEqual(before);
  });
});

describe('status and notes', () => {
  test('a closed ticket refuses a new status with 409 and accepts a note (product 5.2)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    expect((await setStatus(system, system.agent, id, 'triaged')).status).toBe(200);
    expect((await setStatus(system, system.agent, id, 'closed')).status).toBe(200);
    const refused = await setStatus(system, system.agent, id, 'open');
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([409, 'tickets.closed']);
    expect((await addNote(system, system.agent, id, 'Called them.')).status).toBe(200);
    expect(await eventsOf(id)).toEqual(['TicketOpened', 'TicketStatusChanged', 'TicketStatusChanged']);
  });

  test('setting the status that a ticket already has changes no row and records no event (product 5.2)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    await setStatus(system, system.agent, id, 'closed');
    const before = await countRows();
    const again = await setStatus(system, system.agent, id, 'closed');
    expect([again.status, await again.json()]).toEqual([200, { id, version: 2 }]);
    expect(await countRows()).toEqual(before);
  });

  test('of two status changes with the same If-Match one succeeds, and the other gets 412 (product 6.3)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    const seen = { 'If-Match': '"1"' };
    const statuses = await Promise.all(
      ['triaged', 'closed'].map(async (status) => (await setStatus(system, system.agent, id, status, seen)).status),
    );
    expect(statuses.sort()).toEqual([200, 412]);
  });

  test('a customer gets 403 for status and notes of their own ticket, and 404 for other and unknown tickets (product 5.2)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
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

describe('lists', () => {
  test('rows have previews of whole words, and agents filter by status and hasNote (product 5.3)', async () => {
    const system = await given();
    const message = `My parcel ${'did not arrive '.repeat(20)}`;
    const noted = await openTicket(system, system.alice, { message });
    const plain = await openTicket(system, system.bob);
    await setStatus(system, system.agent, noted, 'triaged');
    await addNote(system, system.agent, noted, `Carrier ${'says so '.repeat(30)}`);
    await deliverLater(system);
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

  test('the rows of a list have exactly the fields of their audience (product 5.3)', async () => {
    const system = await given();
    await openTicket(system, system.alice);
    await deliverLater(system);
    const shared = ['createdAt', 'id', 'lastSpeaker', 'preview', 'status', 'subject', 'updatedAt'];
    for (const [caller, fields] of [
      [system.alice, shared],
      [system.agent, [...shared, 'assigneeId', 'customerId', 'hasNote', 'notePreview'].sort()],
    ] as const) {
      const { data } = await read<{ data: object[] }>(system, '/v1/tickets', caller);
      expect(data.length).toBeGreaterThan(0);
      for (const row of data) expect(Object.keys(row).sort()).toEqual(fields);
    }
  });

  test('no query of a list loads a whole message or a note (product 5.3)', () => {
    const db = drizzle(env.DB);
    for (const query of [
      staffTicketListQuery(db, { status: 'open', hasNote: true }, { limit: 20, after: newId() }),
      ticketListQuery(db, { customer: newId(), status: 'open' }, { limit: 20, after: newId() }),
    ]) {
      const { sql } = query.toSQL();
      expect(sql).toMatch(/"preview"/);
      expect(sql).not.toMatch(/"message"|ticket_notes|select \*/i);
    }
  });

  test.each([
    [{}],
    [{ status: 'open' as const }],
    [{ hasNote: true }],
    [{ status: 'closed' as const, hasNote: false }],
    [{ customer: newId() }, 'customer_id=?'],
    [{ customer: newId(), status: 'open' as const }, 'customer_id=? AND status=?'],
  ])(
    'the agents’ list with the filter %j uses an index and does not sort (product 5.3)',
    async (filter, columns = '') => {
      for (const slice of slices) {
        const isFiltered = slice.after !== undefined || Object.keys(filter).length > 0;
        const plan = await planOf(staffTicketListQuery(drizzle(env.DB), filter, { limit: 20, ...slice }));
        expect(plan).toMatch(isFiltered ? /^SEARCH tickets USING/ : /^SCAN tickets;/);
        expect(plan).toContain(columns);
      }
    },
  );

  test.each([[undefined], ['open' as const]])(
    'a customer’s list with the status %s uses an index and does not sort',
    async (status) => {
      for (const slice of slices) {
        const query = ticketListQuery(drizzle(env.DB), { customer: newId(), status }, { limit: 20, ...slice });
        expect(await planOf(query)).toMatch(/^SEARCH tickets USING INDEX/);
      }
    },
  );

  test('the list of users uses an index and does not sort', async () => {
    for (const slice of slices) {
      const plan = await planOf(userListQuery(drizzle(env.DB), { limit: 20, ...slice }));
      expect(plan).toMatch(slice.after ? /^SEARCH users USING PRIMARY KEY/ : /^SCAN users;/);
    }
  });
});

/** The text and the parameters of a read model's query. */
function textOf(query: Statement) {
  return {
    toSQL: () =>
      (query as unknown as { _prepare(): { getQuery(): { sql: string; params: unknown[] } } })._prepare().getQuery(),
  };
}

/** The query plan of a list, which must not sort. Without a filter a list reads an index in order until the page is full. */
async function planOf(query: { toSQL(): { sql: string; params: unknown[] } }): Promise<string> {
  const { sql, params } = query.toSQL();
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ detail: string }>();
  const plan = results.map(({ detail }) => detail).join('; ');
  expect(plan).not.toContain('TEMP B-TREE');
  return plan;
}

describe('the notes of a ticket', () => {
  interface NotePage {
    data: TicketNoteDetail[];
    nextCursor: string | null;
  }

  let system: Given;

  beforeAll(async () => {
    system = await given();
  });

  /** A ticket whose notes have the texts `1`, `2` and so on, and another ticket with a note of its own. */
  async function givenNotes(count: number) {
    // As in `given`, but for less time, so that the tokens of the accounts stay valid.
    started++;
    system.clock.advance(60_000);
    const id = await openTicket(system, system.alice);
    for (let text = 1; text <= count; text++) await addNote(system, system.agent, id, `${text}`);
    await addNote(system, system.agent, await openTicket(system, system.bob), 'of another ticket');
    await deliverLater(system);
    return { id, path: `/v1/tickets/${id}/notes` };
  }

  const texts = (notes: readonly TicketNoteDetail[]) => notes.map(({ note }) => note);
  const countDown = (from: number, to: number) =>
    Array.from({ length: from - to + 1 }, (_, index) => `${from - index}`);

  async function readPages(start: string, token = {}) {
    const pages: string[][] = [];
    // No list of these tests has ten pages.
    for (let path: string | undefined = start; path && pages.length < 10; ) {
      const response = await system.request(path, { headers: { ...system.agent.bearer, ...token } });
      if ('Consistency-Token' in token) expect(response.headers.get('Consistency')).toBe('strong');
      pages.push(texts((await response.json<NotePage>()).data));
      path = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
    }
    return pages;
  }

  test('a ticket shows its newest ten notes and the number of all, and pages show every note (product 5.6)', async () => {
    const { id, path } = await givenNotes(23);
    const ticket = await read<StaffTicket>(system, `/v1/tickets/${id}`, system.agent);
    expect(ticket.noteCount).toBe(23);
    expect(texts(ticket.notes)).toEqual(countDown(23, 14));
    expect(await readPages(path)).toEqual([countDown(23, 14), countDown(13, 4), countDown(3, 1)]);
    expect((await readPages(`${path}?limit=9`)).flat()).toEqual(countDown(23, 1));
    const { data } = await read<NotePage>(system, path, system.agent);
    expect(data).toEqual(ticket.notes);
  });

  test.each([
    [0, [[]]],
    [1, [['1']]],
    [10, [countDown(10, 1)]],
    [11, [countDown(11, 2), ['1']]],
  ])('a ticket with %i notes has the right pages (product 5.6)', async (count, pages) => {
    const { id, path } = await givenNotes(count);
    expect(await readPages(path)).toEqual(pages);
    expect((await read<StaffTicket>(system, `/v1/tickets/${id}`, system.agent)).noteCount).toBe(count);
  });

  test('the first page is read from KV, and with a token every page has the new note (product 5.6, 7.4)', async () => {
    const { id, path } = await givenNotes(10);
    const cached = await system.request(path, { headers: system.agent.bearer });
    expect([cached.headers.get('Cache-Status'), cached.headers.get('Consistency')]).toEqual(['KV; hit', 'eventual']);
    const added = await addNote(system, system.agent, id, '11');
    const token = { 'Consistency-Token': added.headers.get('Consistency-Token') ?? '' };
    expect(await readPages(path, token)).toEqual([countDown(11, 2), ['1']]);
  });

  test('a customer gets 403 for the notes of their own ticket, and 404 for other and unknown tickets (product 5.4)', async () => {
    const { id, path } = await givenNotes(1);
    const withoutNotes = await openTicket(system, system.alice);
    const cursor = 'WyIwMTk4YzdhMi01YjBlLTdjM2EtOWQ0My02YTFmNWYwZjJiMTEiXQ';
    const refusal = async (caller: Account, target: string, query = '') => {
      const response = await system.request(`/v1/tickets/${target}/notes${query}`, { headers: caller.bearer });
      const { code, detail } = await response.json<{ code: string; detail: string }>();
      return [response.status, code, detail.replace(target, 'ID')];
    };
    const own = await refusal(system.alice, id);
    expect(own.slice(0, 2)).toEqual([403, 'auth.insufficient-role']);
    expect(await refusal(system.alice, withoutNotes)).toEqual(own);
    expect(await refusal(system.alice, id, `?cursor=${cursor}`)).toEqual(own);
    const foreign = await refusal(system.bob, id);
    expect(foreign.slice(0, 2)).toEqual([404, 'tickets.not-found']);
    expect(await refusal(system.bob, newId())).toEqual(foreign);
    expect(await refusal(system.bob, id, `?cursor=${cursor}`)).toEqual(foreign);
    expect((await system.request(`${path}?cursor=${cursor}`, { headers: system.agent.bearer })).status).toBe(200);
    expect((await refusal(system.agent, newId())).slice(0, 2)).toEqual([404, 'tickets.not-found']);
  });

  test('a page of notes has at most ten (product 5.6)', async () => {
    const { path } = await givenNotes(0);
    expect((await system.request(`${path}?limit=10`, { headers: system.agent.bearer })).status).toBe(200);
    expect((await system.request(`${path}?limit=11`, { headers: system.agent.bearer })).status).toBe(400);
  });

  test('the pages and the document use the index on a ticket’s notes and do not sort (product 5.6)', async () => {
    const db = drizzle(env.DB) as Parameters<typeof noteListQuery>[0];
    for (const after of [undefined, newId()]) {
      expect(await planOf(noteListQuery(db, newId(), { limit: 11, after }))).toMatch(
        after ? /\(ticket_id=\? AND id<\?\)$/ : /^SEARCH ticket_notes USING PRIMARY KEY \(ticket_id=\?\)/,
      );
    }
    const plan = await planOf(textOf(staffTicketView.query(db, [newId()])));
    expect(plan.match(/SEARCH ticket_notes USING PRIMARY KEY \(ticket_id=\?\)/g)).toHaveLength(2);
    expect(plan).not.toContain('SCAN ticket_notes');
  });
});

describe('visibility', () => {
  test('each note changes the ETag of the agents, and not that of the customer (product 5.4, 6.3)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    const see = async (caller: Account, headers: Record<string, string> = {}) => {
      await deliverLater(system);
      const response = await system.request(`/v1/tickets/${id}`, { headers: { ...caller.bearer, ...headers } });
      return [response.status, response.headers.get('ETag')];
    };
    const [seen, own] = [await see(system.agent), await see(system.alice)];
    expect(await see(system.agent, { 'If-None-Match': seen[1] as string })).toEqual([304, seen[1]]);
    const added = await Promise.all(['One', 'Two'].map((note) => addNote(system, system.agent, id, note)));
    expect(added.map(({ status }) => status)).toEqual([200, 200]);
    expect(await see(system.agent, { 'If-None-Match': seen[1] as string })).toEqual([
      200,
      expect.stringMatching(/^"1-2-/),
    ]);
    expect(await see(system.alice, { 'If-None-Match': own[1] as string })).toEqual([304, own[1]]);
  });

  test('the ETag of a customer’s ticket does not show how many notes were added before a new status (product 5.4)', async () => {
    const system = await given();
    const tags: (string | null)[] = [];
    for (const notes of [0, 3]) {
      const id = await openTicket(system, system.alice);
      for (let count = 0; count < notes; count++) await addNote(system, system.agent, id, 'Called them.');
      // The ETag of the agents has the version that commands compare, and the number of notes.
      await deliverLater(system);
      const { headers: shown } = await system.request(`/v1/tickets/${id}`, { headers: system.agent.bearer });
      expect(shown.get('ETag')).toMatch(new RegExp(`^"1-${notes}-`));
      const seen = { 'If-Match': shown.get('ETag') ?? '' };
      expect((await setStatus(system, system.agent, id, 'triaged', seen)).status).toBe(200);
      await deliverLater(system);
      const { headers } = await system.request(`/v1/tickets/${id}`, { headers: system.alice.bearer });
      tags.push(headers.get('ETag'));
    }
    expect(tags).toEqual(['"2"', '"2"']);
  });

  test('no text, preview, flag, count, version or time shows a customer that an agent wrote a note (product 5.4)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    await deliverLater(system);
    const readAll = async () => {
      const one = await system.request(`/v1/tickets/${id}`, { headers: system.alice.bearer });
      const list = await system.request('/v1/tickets', { headers: system.alice.bearer });
      const own = await system.request('/v1/users/me', { headers: system.alice.bearer });
      return [await one.text(), one.headers.get('ETag'), await list.text(), await own.text(), own.headers.get('ETag')];
    };
    const before = await readAll();
    system.clock.advance(60_000);
    const noted = await addNote(system, system.agent, id, 'A difficult customer');
    await deliverLater(system);
    expect(await readAll()).toEqual(before);
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

  test('customers see their own tickets only, and another ticket gets the same 404 as an unknown one (product 5.4)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice);
    await deliverLater(system);
    expect(await read<TicketDetail>(system, `/v1/tickets/${id}`, system.alice)).not.toHaveProperty('notes');
    const responses = await Promise.all(
      [id, newId()].map(async (target) => {
        const response = await system.request(`/v1/tickets/${target}`, { headers: system.bob.bearer });
        const { code, detail } = await response.json<{ code: string; detail: string }>();
        return [response.status, code, detail.replace(target, 'ID')];
      }),
    );
    expect(responses[0]?.slice(0, 2)).toEqual([404, 'tickets.not-found']);
    expect(responses[1]).toEqual(responses[0]);
    const list = await read<{ data: { id: string }[] }>(system, '/v1/tickets', system.bob);
    expect(list.data).toEqual([]);
  });

  test('agents and admins see all tickets with their notes (product 5.4)', async () => {
    const system = await given();
    const ids = [await openTicket(system, system.alice), await openTicket(system, system.bob)];
    await addNote(system, system.agent, ids[0] ?? '', 'Called them.');
    await deliverLater(system);
    const admin = await system.register({ role: 'admin' });
    for (const caller of [system.agent, admin]) {
      const { data } = await read<{ data: { id: string }[] }>(system, '/v1/tickets?limit=100', caller);
      expect(data.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
      const ticket = await read<StaffTicket>(system, `/v1/tickets/${ids[0]}`, caller);
      expect(ticket.notes).toMatchObject([{ note: 'Called them.', authorId: system.agent.id }]);
    }
  });

  test('a deletion of an account deletes its tickets and their notes, also from every list (product 1.5)', async () => {
    const system = await given();
    const id = await openTicket(system, system.alice, { message: 'I live at 1 Navy Yard' });
    await addNote(system, system.agent, id, 'Lives at 1 Navy Yard');
    await deliverLater(system);
    const deleted = await system.request(`/v1/users/${system.alice.id}`, {
      method: 'DELETE',
      headers: system.alice.bearer,
    });
    expect(deleted.status).toBe(204);
    await deliverLater(system);
    expect(await eventsOf(id)).toEqual(['TicketOpened', 'TicketDeleted']);
    expect((await system.request(`/v1/tickets/${id}`, { headers: system.agent.bearer })).status).toBe(404);
    const { keys } = await env.VIEWS.list();
    const values = await Promise.all(keys.map(({ name }) => env.VIEWS.get(name)));
    expect(values.join()).not.toContain('Navy Yard');
    const rows = await env.DB.prepare("SELECT * FROM ticket_notes WHERE note LIKE '%Navy%'").all();
    expect(rows.results).toEqual([]);
  });
});

describe('the dashboard', () => {
  const readDashboard = (system: Given) => read<TicketDashboard>(system, '/v1/dashboard/tickets', system.agent);

  test('the figures follow the events, and equal figures computed from the tickets (product 5.5)', async () => {
    const system = await given();
    const before = await readDashboard(system);
    const [first, second] = [await openTicket(system, system.alice), await openTicket(system, system.alice)];
    await openTicket(system, system.bob);
    system.clock.advance(90_000);
    await setStatus(system, system.agent, first, 'triaged');
    await setStatus(system, system.agent, first, 'closed');
    await setStatus(system, system.agent, second, 'triaged');
    await deliverLater(system);
    const after = await readDashboard(system);
    expect(after.counts).toEqual({
      open: before.counts.open + 1,
      triaged: before.counts.triaged + 1,
      closed: before.counts.closed + 1,
    });
    const sum = (days: TicketDashboard['days'], figure: 'opened' | 'closed') =>
      days.reduce((total, day) => total + day[figure], 0);
    expect(after.days).toHaveLength(30);
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
    await deliverLater(system);
    expect((await readDashboard(system)).counts.open).toBe(before.counts.open);
  });

  test('a read of the dashboard opens no session of D1, because the figures are one document in KV (product 5.5)', async () => {
    const system = await given();
    await openTicket(system, system.alice);
    await deliverLater(system);
    const response = await system.request('/v1/dashboard/tickets', { headers: system.agent.bearer });
    expect(response.headers.get('Consistency')).toBe('eventual');
    const withoutD1 = createSystem({
      DB: {
        withSession: () => {
          throw new Error('The read opened a session of D1.');
        },
      } as unknown as D1Database,
    });
    withoutD1.clock.advance(started * 120_000 + 2000);
    expect((await withoutD1.request('/v1/dashboard/tickets', { headers: system.agent.bearer })).status).toBe(200);
  });

  test('the hourly task projects the dashboard again without an event (product 5.5)', async () => {
    const system = await given();
    await openTicket(system, system.alice);
    await deliverLater(system);
    const openedToday = async () => (await readDashboard(system)).days.at(-1)?.opened;
    const opened = await openedToday();
    await env.DB.prepare('UPDATE ticket_days SET opened = opened + 99').run();
    expect(await openedToday()).toBe(opened);
    system.clock.advance(limits.dashboardRestMs);
    await runSchedule(system.services(), '0 * * * *');
    expect(await openedToday()).toBe((opened ?? 0) + 99);
    await env.DB.prepare('UPDATE ticket_days SET opened = opened - 99').run();
  });

  test('a customer gets 403 for the dashboard (product 5.5)', async () => {
    const system = await given();
    const response = await system.request('/v1/dashboard/tickets', { headers: system.alice.bearer });
    expect(response.status).toBe(403);
    expect(response.headers.get('WWW-Authenticate')).toContain('insufficient_scope');
  });
});

describe('the counts of an account', () => {
  test('the counts follow the events of other domains, count open tickets only, and change the ETag (product 1.8)', async () => {
    const system = await given();
    await deliverLater(system);
    const me = async () => {
      const response = await system.request('/v1/users/me', { headers: system.alice.bearer });
      expect(response.headers.get('Consistency')).toBe('eventual');
      const { itemCount, orderCount, openTicketCount } = await response.json<UserDetail>();
      return { counts: [itemCount, orderCount, openTicketCount], etag: response.headers.get('ETag') ?? '' };
    };
    const empty = await me();
    expect(empty.counts).toEqual([0, 0, 0]);
    const price = { amount: 100, currency: 'EUR' };
    const item = await system.send('POST', '/v1/items', { title: 'Rope', price }, system.alice.bearer);
    const { id: itemId } = await item.json<{ id: string }>();
    const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress };
    await system.send('POST', '/v1/orders', order, system.alice.bearer);
    const ticket = await openTicket(system, system.alice);
    await deliverLater(system);
    const full = await me();
    expect(full.counts).toEqual([1, 1, 1]);
    expect(full.etag).not.toBe(empty.etag);
    const withOldTag = { ...system.alice.bearer, 'If-None-Match': empty.etag };
    expect((await system.request('/v1/users/me', { headers: withOldTag })).status).toBe(200);
    await setStatus(system, system.agent, ticket, 'triaged');
    await system.request(`/v1/items/${itemId}`, { method: 'DELETE', headers: system.alice.bearer });
    await deliverLater(system);
    expect((await me()).counts).toEqual([0, 1, 0]);
    // A change cannot overwrite the counts, so an ETag with older counts is still valid in If-Match.
    const change = { ...system.alice.bearer, 'If-Match': full.etag };
    expect((await system.send('PATCH', `/v1/users/${system.alice.id}`, { name: 'A' }, change)).status).toBe(200);
  });
});

test('a recorded TicketStatusChanged of version 1 is projected like one of the newest version (product 6.4)', async () => {
  const system = await given();
  const id = await openTicket(system, system.alice);
  await deliverLater(system);
  // The row and the event of a ticket that was triaged by a release in which the event had version 1.
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
  system.clock.advance(limits.dashboardRestMs);
  await system.services().relay();
  expect(system.sent.projections.some(({ schemaversion }) => schemaversion === 1)).toBe(true);
  await system.deliverQueues();
  const response = await system.request(`/v1/tickets/${id}`, { headers: system.alice.bearer });
  expect([response.headers.get('Consistency'), (await response.json<TicketDetail>()).status]).toEqual([
    'eventual',
    'triaged',
  ]);
  const { results } = await env.DB.prepare("SELECT * FROM deliveries WHERE subscription = 'projections'").all();
  expect(results).toEqual([]);
});
