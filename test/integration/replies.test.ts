import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { findFormerAssignees } from '../../src/tickets/former-assignees';
import { createFaultyD1 } from '../support/faulty-d1';
import { createSystem } from '../support/system';

const system = createSystem();
const { clock, deliverQueues, register, request, send } = system;

type Account = Awaited<ReturnType<typeof register>>;

let customer: Account;
let stranger: Account;
let agent: Account;
let colleague: Account;

beforeEach(async () => {
  clock.advance(120_000);
  [customer, stranger] = [await register(), await register()];
  // A token is valid for a quarter of an hour.
  [agent, colleague] = [await register({ role: 'agent' }), await register({ role: 'admin' })];
});

const post = (path: string, by: Account, body: object, headers = {}) =>
  send('POST', path, body, { ...by.bearer, ...headers });

async function openTicket(by = customer): Promise<string> {
  const opened = await post('/v1/tickets', by, { subject: 'Late', message: 'Where is it?' });
  return (await opened.json<{ id: string }>()).id;
}

const reply = (id: string, by: Account, message: string, headers = {}) =>
  post(`/v1/tickets/${id}/replies`, by, { message }, headers);
const note = (id: string) => post(`/v1/tickets/${id}/notes`, agent, { note: 'A difficult customer' });
const assign = (id: string, assigneeId: string | null, headers = {}) =>
  post(`/v1/tickets/${id}/assignee`, agent, { assigneeId }, headers);
const setStatus = (id: string, status: string, headers = {}) =>
  post(`/v1/tickets/${id}/status`, agent, { status }, headers);

async function read<Data>(path: string, by: Account, headers = {}): Promise<Data> {
  const response = await request(path, { headers: { ...by.bearer, ...headers } });
  expect([path, response.status]).toEqual([path, 200]);
  return response.json<Data>();
}

interface Page<Row> {
  data: Row[];
  nextCursor: string | null;
  total?: number;
}
const idsOf = async (path: string, by: Account) =>
  (await read<Page<{ id: string }>>(path, by)).data.map(({ id }) => id);

async function project(): Promise<void> {
  clock.advance(2000);
  await deliverQueues();
}

const statuses = (responses: readonly Response[]) => responses.map(({ status }) => status);

describe('replies (product 5.9)', () => {
  test('a customer and an agent talk on a ticket, and only agents see who of them wrote', async () => {
    const id = await openTicket();
    const said = [await reply(id, agent, 'It is on its way.'), await reply(id, customer, 'Thank you!')];
    expect(statuses(said)).toEqual([201, 201]);
    expect(await said[1]?.json()).toEqual({ id, version: 1 });
    expect((await reply(id, stranger, 'Me too')).status).toBe(404);
    await project();
    const seen = await read<{ replies: object[] }>(`/v1/tickets/${id}`, customer);
    expect(seen).toMatchObject({ replyCount: 2 });
    expect(seen.replies).toEqual([
      { id: expect.any(String), by: 'customer', message: 'Thank you!', createdAt: expect.any(String) },
      { id: expect.any(String), by: 'staff', message: 'It is on its way.', createdAt: expect.any(String) },
    ]);
    const all = await read<Page<object>>(`/v1/tickets/${id}/replies`, agent);
    expect(all.data).toMatchObject([{ authorId: customer.id }, { authorId: agent.id }]);
    for (const path of [`/v1/tickets/${id}`, `/v1/tickets/${id}/replies`, `/v1/tickets/${id}/replies?limit=1`])
      expect(JSON.stringify(await read(path, customer))).not.toContain(agent.id);
    expect((await request(`/v1/tickets/${id}/replies`, { headers: { ...stranger.bearer } })).status).toBe(404);
  });

  test('the events have ids and facts, and no text', async () => {
    const id = await openTicket();
    await setStatus(id, 'triaged');
    await reply(id, customer, 'A private matter');
    const { results } = await env.DB.prepare(
      `SELECT type, data FROM events WHERE type IN ('TicketReplied', 'TicketReopened') ORDER BY position DESC LIMIT 2`,
    ).all<{ type: string; data: string }>();
    expect(results.map(({ type, data }) => [type, JSON.parse(data)])).toEqual([
      ['TicketReopened', { customerId: customer.id, from: 'triaged' }],
      ['TicketReplied', { ticketId: id, customerId: customer.id, by: 'customer', status: 'open' }],
    ]);
  });

  test('the pages of replies neither skip nor repeat one, and the document has no more than fit', async () => {
    const id = await openTicket();
    // Four replies of 50,000 bytes in JSON: two fit into the document.
    for (let count = 1; count <= 12; count++) {
      clock.advance(1000);
      await reply(id, customer, `${count} ${count > 8 ? '€'.repeat(16_000) : ''}`.trim());
    }
    await project();
    const { replies, replyCount } = await read<{ replies: { message: string }[]; replyCount: number }>(
      `/v1/tickets/${id}`,
      customer,
    );
    expect([replies.length, replyCount]).toEqual([2, 12]);
    for (const by of [customer, agent]) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const after: string = cursor && `&cursor=${cursor}`;
        const page: Page<{ message: string }> = await read(`/v1/tickets/${id}/replies?limit=5${after}`, by);
        seen.push(...page.data.map(({ message }) => message.split(' ')[0] ?? ''));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(Array.from({ length: 12 }, (_, index) => String(12 - index)));
    }
  });

  test('replies at the same time are all added, and none changes the version', async () => {
    const id = await openTicket();
    const seen = { 'If-Match': '"1"' };
    const said = await Promise.all([1, 2, 3, 4].map((count) => reply(id, count > 2 ? agent : customer, 'x', seen)));
    expect(statuses(said)).toEqual([201, 201, 201, 201]);
    await project();
    expect(await read(`/v1/tickets/${id}`, agent)).toMatchObject({ replyCount: 4 });
    expect((await setStatus(id, 'triaged', seen)).status).toBe(200);
  });

  test('a reply changes the ETag of everybody who sees it', async () => {
    const id = await openTicket();
    const tagOf = async (by: Account) => {
      await project();
      return (await request(`/v1/tickets/${id}`, { headers: { ...by.bearer } })).headers.get('ETag');
    };
    const before = [await tagOf(customer), await tagOf(agent)];
    await reply(id, agent, 'x');
    const after = [await tagOf(customer), await tagOf(agent)];
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    const read = { 'If-Match': after[0] ?? '' };
    expect((await reply(id, customer, 'y', read)).status).toBe(201);
  });
});

describe('reopening (product 5.10)', () => {
  test.each(['triaged', 'closed'])(
    'a reply of the customer opens a %s ticket again, and one of an agent does not',
    async (status) => {
      const id = await openTicket();
      await setStatus(id, status);
      await reply(id, agent, 'Does it work now?');
      await project();
      expect(await read(`/v1/tickets/${id}`, customer)).toMatchObject({ status });
      const answered = await reply(id, customer, 'No.');
      expect(await answered.json()).toEqual({ id, version: 3 });
      await project();
      for (const by of [customer, agent]) expect(await read(`/v1/tickets/${id}`, by)).toMatchObject({ status: 'open' });
      expect(await read(`/v1/users/${customer.id}`, customer)).toMatchObject({ openTicketCount: 1 });
      expect(await read('/v1/tickets?status=open', customer)).toMatchObject({ data: [{ id }], total: 1 });
      expect((await setStatus(id, 'triaged', { 'If-Match': '"2"' })).status).toBe(412);
      expect((await setStatus(id, 'triaged', { 'If-Match': '"3"' })).status).toBe(200);
    },
  );

  test('an agent cannot set the status of a closed ticket, also after their own reply', async () => {
    const id = await openTicket();
    await setStatus(id, 'closed');
    await reply(id, agent, 'Closed.');
    expect((await setStatus(id, 'open')).status).toBe(409);
  });

  test('two replies of the customer reopen a ticket once', async () => {
    const id = await openTicket();
    await setStatus(id, 'closed');
    expect(statuses(await Promise.all([reply(id, customer, 'a'), reply(id, customer, 'b')]))).toEqual([201, 201]);
    const { results } = await env.DB.prepare('SELECT type, version FROM events WHERE stream_id = ? ORDER BY version')
      .bind(id)
      .all();
    expect(results.map(({ type }) => type)).toEqual(['TicketOpened', 'TicketStatusChanged', 'TicketReopened']);
  });

  test('the dashboard counts a closed ticket that is reopened, and the first triage stays (product 5.5)', async () => {
    const figures = async () => {
      await project();
      const dashboard = await read<{
        days: { reopened: number; closed: number; opened: number }[];
        medianTriageSeconds: number;
      }>('/v1/dashboard/tickets', agent);
      const { opened = 0, reopened = 0, closed = 0 } = dashboard.days.at(-1) ?? {};
      return { opened, reopened, closed, median: dashboard.medianTriageSeconds };
    };
    const before = await figures();
    const id = await openTicket();
    clock.advance(60_000);
    await setStatus(id, 'triaged');
    const { median } = await figures();
    await reply(id, customer, 'a triaged ticket');
    for (const _ of [1, 2]) {
      await setStatus(id, 'closed');
      clock.advance(60_000);
      await reply(id, customer, 'a closed ticket');
    }
    const { opened, reopened, closed } = before;
    expect(await figures()).toEqual({ opened: opened + 1, reopened: reopened + 2, closed: closed + 2, median });
  });
});

describe('assignees (product 5.11)', () => {
  test('an agent takes, gives and releases a ticket, and finds it by who works on it', async () => {
    const id = await openTicket();
    const listed = async (by: Account) => {
      const found = ['me', 'none', colleague.id].map(async (who) => {
        const ids = await idsOf(`/v1/tickets?assignee=${who}&status=open&limit=100`, by);
        return ids.includes(id);
      });
      return Promise.all(found);
    };
    expect(await listed(agent)).toEqual([false, true, false]);
    expect(await (await assign(id, agent.id)).json()).toEqual({ id, version: 2 });
    expect(await listed(agent)).toEqual([true, false, false]);
    expect(await listed(colleague)).toEqual([false, false, false]);
    // Somebody who has not seen this takes the ticket only if nobody else has.
    expect((await assign(id, colleague.id, { 'If-Match': '"1"' })).status).toBe(412);
    await assign(id, colleague.id);
    expect(await listed(colleague)).toEqual([true, false, true]);
    await project();
    const shown = { assigneeId: colleague.id };
    expect(await read(`/v1/tickets/${id}`, agent)).toMatchObject(shown);
    expect((await read<Page<object>>('/v1/tickets', agent)).data[0]).toMatchObject({ id, ...shown });
    await assign(id, null);
    expect(await listed(agent)).toEqual([false, true, false]);
  });

  test('the total of a list by assignee is the number of its rows (product 6.8)', async () => {
    const ids = [await openTicket(), await openTicket(), await openTicket()];
    const lead = await register({ role: 'agent' });
    for (const id of ids) await assign(id, lead.id);
    await setStatus(ids[0] ?? '', 'closed');
    const total = async (query: string) => (await read<Page<object>>(`/v1/tickets?${query}`, agent)).total;
    expect(await total(`assignee=${lead.id}`)).toBe(3);
    expect(await total(`assignee=${lead.id}&status=closed&sort=updated`)).toBe(1);
    const free = await total('assignee=none');
    expect((await idsOf('/v1/tickets?assignee=none&limit=100', agent)).length).toBe(free);
    await assign(ids[1] ?? '', null);
    expect(await total('assignee=none')).toBe((free ?? 0) + 1);
  });

  test.each(['a customer', 'a deactivated agent', 'nobody'])('a ticket cannot be given to %s', async (who) => {
    const other = await register({ role: who === 'a customer' ? 'customer' : 'agent' });
    if (who === 'a deactivated agent') await post(`/v1/users/${other.id}/deactivate`, colleague, {});
    const refused = await assign(await openTicket(), who === 'nobody' ? newId() : other.id);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      code: 'tickets.unknown-assignee',
      errors: [{ pointer: '/assigneeId' }],
    });
  });

  test('the deletion of an account releases its tickets, and a change of role leaves them to be given away', async () => {
    const [leaving, demoted] = [await register({ role: 'agent' }), await register({ role: 'agent' })];
    const [one, two] = [await openTicket(), await openTicket()];
    await assign(one, leaving.id);
    await assign(two, demoted.id);
    await reply(one, leaving, 'I am on it.');
    expect((await send('DELETE', `/v1/users/${leaving.id}`, undefined, leaving.bearer)).status).toBe(204);
    await post(`/v1/users/${demoted.id}/role`, colleague, { role: 'customer' });
    await project();
    expect(await read(`/v1/tickets/${one}`, agent)).toMatchObject({
      assigneeId: null,
      replies: [{ authorId: leaving.id, message: 'I am on it.' }],
    });
    expect(await idsOf(`/v1/tickets?assignee=${demoted.id}`, agent)).toEqual([two]);
    const { results } = await env.DB.prepare('SELECT type, data FROM events WHERE stream_id = ? ORDER BY version DESC')
      .bind(one)
      .all<{ type: string; data: string }>();
    expect(results[0]).toMatchObject({ type: 'TicketAssigned', data: expect.stringContaining('"assigneeId":null') });
  });

  test('the schedule releases the tickets of an agent who was deactivated or lost the role, a bounded number in a run', async () => {
    const admin = await register({ role: 'admin' });
    const [lead, demoted] = [await register({ role: 'agent' }), await register({ role: 'agent' })];
    const ids = [await openTicket(), await openTicket(), await openTicket(), await openTicket()];
    for (const id of ids) await assign(id, lead.id);
    const [others, kept] = [await openTicket(), await openTicket()];
    await assign(others, demoted.id);
    await assign(kept, colleague.id);
    const assigneesOf = (id: string) =>
      env.DB.prepare('SELECT assignee_id FROM tickets WHERE id = ?').bind(id).first('assignee_id');
    const run = () => runSchedule(system.services(), '* * * * *');
    await run();
    expect(await Promise.all([...ids, others].map(assigneesOf))).toEqual([...ids.map(() => lead.id), demoted.id]);
    await post(`/v1/users/${lead.id}/deactivate`, admin, {});
    await post(`/v1/users/${demoted.id}/role`, admin, { role: 'customer' });
    Object.assign(limits, { ticketsPerRelease: 1, releasesPerRun: 3 });
    await run();
    expect((await Promise.all(ids.map(assigneesOf))).filter((id) => id === lead.id)).toHaveLength(1);
    await run();
    expect(await Promise.all([...ids, others].map(assigneesOf))).toEqual([null, null, null, null, null]);
    expect(await assigneesOf(kept)).toBe(colleague.id);
    const { results } = await env.DB.prepare(
      "SELECT metadata FROM events WHERE type = 'TicketAssigned' AND stream_id = ? ORDER BY position DESC LIMIT 1",
    )
      .bind(others)
      .all<{ metadata: string }>();
    const metadata = JSON.parse(results[0]?.metadata ?? '{}');
    expect(metadata.requestId).toMatch(new RegExp(`^release:${demoted.id}:`));
    expect(metadata).not.toHaveProperty('actorId');
  });

  test('the search for accounts whose tickets are released reads one row for each assignee', async () => {
    const plans: string[] = [];
    const database = createFaultyD1(env.DB, async (call) => {
      if (call.sql.includes('RECURSIVE')) plans.push(call.sql);
      return call.send();
    });
    await findFormerAssignees(database);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${plans[0]}`).bind(1).all<{ detail: string }>();
    const details = results.map(({ detail }) => detail).filter((detail) => /tickets/.test(detail));
    expect(details).toHaveLength(2);
    for (const detail of details) expect(detail).toMatch(/^SEARCH tickets USING COVERING INDEX tickets_by_assignee/);
  });

  test('an erasure in steps that version 0.6.0 finishes leaves no assignee that does not exist', async () => {
    const leaving = await register({ role: 'agent' });
    const id = await openTicket();
    await assign(id, leaving.id);
    const erasure = "INSERT INTO erasures VALUES (?, 1, 100, 0, NULL, '2026-01-01T00:00:00.000Z', 0)";
    await env.DB.prepare(erasure).bind(leaving.id).run();
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(leaving.id).run();
    await env.DB.prepare('DELETE FROM erasures WHERE user_id = ?').bind(leaving.id).run();
    const row = await env.DB.prepare('SELECT assignee_id FROM tickets WHERE id = ?').bind(id).first();
    expect(row).toEqual({ assignee_id: null });
  });

  test('version 0.6.0, which knows no assignee, leaves none that does not exist', async () => {
    const leaving = await register({ role: 'agent' });
    const id = await openTicket();
    await assign(id, leaving.id);
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(leaving.id).run();
    const row = await env.DB.prepare('SELECT assignee_id FROM tickets WHERE id = ?').bind(id).first();
    expect(row).toEqual({ assignee_id: null });
  });

  test.each([
    ['assignee=me&hasNote=true', '/assignee'],
    [`assignee=none&customer=${newId()}`, '/assignee'],
    [`customer=${newId()}&sort=updated`, '/sort'],
  ])('the filters %s, which no index serves, are refused together', async (query, pointer) => {
    const refused = await request(`/v1/tickets?${query}`, { headers: agent.bearer });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ errors: [{ pointer }] });
  });
});

describe('lists by last activity (product 5.12)', () => {
  test('a reply brings a ticket to the top, in the document and in every page of both orders', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) {
      clock.advance(1000);
      ids.push(await openTicket());
    }
    for (const index of [3, 0]) {
      clock.advance(1000);
      await reply(ids[index] ?? '', agent, 'x');
    }
    await project();
    const expected = [0, 3, 4, 2, 1].map((index) => ids[index]);
    expect(await idsOf('/v1/tickets?sort=updated', customer)).toEqual(expected);
    expect((await idsOf('/v1/tickets?sort=updated', agent)).slice(0, 5)).toEqual(expected);
    expect((await idsOf('/v1/tickets?sort=updated&status=open&hasNote=false', agent)).slice(0, 5)).toEqual(expected);
    expect(await idsOf('/v1/tickets', customer)).toEqual(ids.toReversed());
    const { data } = await read<Page<object>>('/v1/tickets?sort=updated', customer);
    expect(data[0]).toMatchObject({ lastSpeaker: 'staff' });
    expect(data[4]).toMatchObject({ lastSpeaker: 'customer' });
    for (const order of ['newest', 'oldest']) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query: string = `sort=updated&order=${order}&limit=2${cursor && `&cursor=${cursor}`}`;
        const page: Page<{ id: string }> = await read(`/v1/tickets?${query}`, customer);
        seen.push(...page.data.map(({ id }) => id));
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(order === 'newest' ? expected : expected.toReversed());
    }
  });

  test('a row that was created long ago is in the first page by activity from KV, and does not disturb the other', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 25; count++) ids.push(await openTicket());
    clock.advance(1000);
    await reply(ids[0] ?? '', customer, 'x');
    await project();
    const first = await request('/v1/tickets?sort=updated', { headers: { ...customer.bearer } });
    expect(first.headers.get('Cache-Status')).toBe('KV; hit');
    expect((await first.json<Page<{ id: string }>>()).data[0]?.id).toBe(ids[0]);
    const created = await request('/v1/tickets', { headers: { ...customer.bearer } });
    expect(created.headers.get('Cache-Status')).toBe('KV; hit');
    expect(await created.json()).toMatchObject({
      data: ids
        .toReversed()
        .slice(0, 20)
        .map((id) => ({ id })),
      total: 25,
    });
  });

  test('tickets with the same time of activity are on one page each', async () => {
    const ids = [await openTicket(), await openTicket(), await openTicket()].toSorted().toReversed();
    const at = '2026-05-05T05:05:05.005Z';
    await env.DB.prepare('UPDATE tickets SET customer_updated_at = ? WHERE customer_id = ?')
      .bind(at, customer.id)
      .run();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = `sort=updated&order=oldest&limit=1${cursor && `&cursor=${cursor}`}`;
      const page: Page<{ id: string }> = await read(`/v1/tickets?${query}`, customer);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids.toReversed());
  });

  test('a cursor of one sort is refused by the other', async () => {
    for (const _ of [1, 2, 3]) await openTicket();
    const { nextCursor } = await read<Page<object>>('/v1/tickets?sort=updated&limit=1', customer);
    for (const query of ['', '&order=oldest', '&sort=updated&order=oldest']) {
      const refused = await request(`/v1/tickets?cursor=${nextCursor}${query}`, { headers: { ...customer.bearer } });
      expect(refused.status).toBe(400);
    }
  });
});

describe('what a customer can learn of notes and assignees (product 5.4, 5.11)', () => {
  /** Every read of tickets that a customer can make, with the pages after the first one. */
  async function readAll(id: string, headers: Record<string, string>): Promise<unknown[]> {
    const filters = ['', 'status=open', 'status=triaged', 'status=closed'];
    const sorts = ['', 'sort=updated'];
    const orders = ['', 'order=oldest'];
    const limits = ['', 'limit=2', 'limit=50'];
    const forStaff = ['hasNote=true', 'hasNote=false', 'assignee=me', 'assignee=none', `customer=${customer.id}`];
    const lists = filters.flatMap((filter) =>
      sorts.flatMap((sort) =>
        orders.flatMap((order) =>
          limits.map((limit) => `/v1/tickets?${[filter, sort, order, limit].filter(Boolean).join('&')}`),
        ),
      ),
    );
    const ticket = `/v1/tickets/${id}`;
    const refused = forStaff.map((filter) => `/v1/tickets?${filter}`);
    const others = [
      ...refused,
      ticket,
      `${ticket}/replies`,
      `${ticket}/replies?limit=1`,
      `${ticket}/notes`,
      '/v1/users/me',
    ];
    const seen: unknown[] = [];
    for (const path of [...others, ...lists]) {
      let next: string | undefined = path;
      while (next !== undefined) {
        const response: Response = await request(next, { headers: { ...customer.bearer, ...headers } });
        const body = response.ok ? await response.text() : (await response.json<{ code: string }>()).code;
        seen.push([next, response.status, response.headers.get('ETag'), body]);
        next = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
      }
    }
    return seen;
  }

  test.each([
    ['a note', (id: string) => note(id)],
    ['a second note', (id: string) => note(id).then(() => note(id))],
    ['an assignment', (id: string) => assign(id, agent.id)],
    ['an assignment and a release', (id: string) => assign(id, agent.id).then(() => assign(id, null))],
  ])('every read is the same before and after %s, from KV and from D1', async (_, work) => {
    const ids = [await openTicket(), await openTicket(), await openTicket()];
    const [oldest = '', middle = ''] = ids;
    await setStatus(middle, 'triaged');
    await reply(middle, agent, 'Done.');
    await project();
    const before = await readAll(oldest, {});
    clock.advance(60_000);
    const done = await work(oldest);
    expect(done.status).toBe(200);
    // With this token no document is new enough, so D1 answers.
    const token = { 'Consistency-Token': done.headers.get('Consistency-Token') ?? '' };
    expect(await readAll(oldest, token)).toEqual(before);
    await project();
    expect(await readAll(oldest, {})).toEqual(before);
    // The version that the customer sees is still the one of their next command.
    expect((await reply(oldest, customer, 'x', { 'If-Match': '"1"' })).status).toBe(201);
  });
});

test('agents page through the tickets of every status, with and without notes, by their last activity', async () => {
  const [first, second, third] = [await openTicket(), await openTicket(), await openTicket()];
  await setStatus(second, 'triaged');
  clock.advance(1000);
  const noted = await note(first);
  const token = { 'Consistency-Token': noted.headers.get('Consistency-Token') ?? '' };
  const seen: string[] = [];
  let cursor = '';
  for (let page = 0; page < 3; page++) {
    const path = `/v1/tickets?sort=updated&limit=1${cursor}`;
    const { data, nextCursor } = await read<Page<{ id: string }>>(path, agent, token);
    seen.push(...data.map(({ id }) => id));
    cursor = `&cursor=${nextCursor}`;
  }
  expect(seen[0]).toBe(first);
  expect(new Set(seen)).toEqual(new Set([first, second, third]));
});

test('an agent whose change was refused reads at once what changed (product 6.3)', async () => {
  const id = await openTicket();
  await project();
  const etag = (await request(`/v1/tickets/${id}`, { headers: agent.bearer })).headers.get('ETag') ?? '';
  await post(`/v1/tickets/${id}/status`, colleague, { status: 'triaged' });
  const refused = await assign(id, agent.id, { 'If-Match': etag });
  expect(refused.status).toBe(412);
  const token = { 'Consistency-Token': refused.headers.get('Consistency-Token') ?? '' };
  expect(await read(`/v1/tickets/${id}`, agent, token)).toMatchObject({ status: 'triaged', assigneeId: null });
});
