import { env } from 'cloudflare:workers';
import { drizzle } from 'drizzle-orm/d1';
import { beforeAll, describe, expect, test } from 'vitest';
import architecture from '../../docs/architecture.md?raw';
import { asRowsOf } from '../../src/cqrs/reading/keyed-query';
import type { FirstPages } from '../../src/cqrs/reading/list-view';
import { views } from '../../src/domains';
import { orderStatuses } from '../../src/orders/order-status';
import { runBatch } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { ticketStatuses } from '../../src/tickets/ticket-status';
import { password } from '../support/factories';
import { bytesOf, createLongestBodies } from '../support/longest';
import { createSystem } from '../support/system';

// Every document has a bound by design. The longest rows that the schemas allow are written through the API, and each
// document is made from them. D1's limit for a value is 2 MB.

const largestAllowed = 1_000_000;
const encoder = new TextEncoder();

const system = createSystem();
const { send } = system;
const db = drizzle(env.DB) as Parameters<(typeof views)[number]['query']>[0];

/** The key of the largest document of each view. */
let keys: Record<string, string>;
let agent: { id: string; bearer: Record<string, string> };
let ticketId: string;

beforeAll(async () => {
  // The longest e-mail address, language tag and time zone, and one of the longest currencies.
  const special: Record<string, unknown> = {
    email: `${'a'.repeat(242)}@example.com`,
    password,
    price: { amount: 1_000_000_000, currency: 'EUR' },
    country: 'DE',
    locale: 'en-x-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaa',
    timezone: 'America/Argentina/ComodRivadavia',
  };
  const create = async (path: string, body: unknown, bearer = {}) => {
    const response = await send('POST', path, body, bearer);
    expect([path, response.status]).toEqual([path, path.endsWith('/notes') ? 200 : 201]);
    return (await response.json<{ id: string }>()).id;
  };
  // An agent opens a ticket for a customer, and this one is the customer's own.
  special.customerId = undefined;
  const longest = await createLongestBodies(system, special);
  agent = await system.register({ role: 'agent' });
  const id = await create('/v1/users', longest('RegisterUser'));
  const { bearer } = await system.signIn(String(special.email));
  const saved = await send('PATCH', `/v1/users/${id}/settings`, longest('UpdateSettings'), bearer);
  expect(saved.status).toBe(200);
  const lines: { itemId: string; quantity: number }[] = [];
  // An order has at most 50 lines.
  for (let line = 0; line < 50; line++) {
    lines.push({ itemId: await create('/v1/items', longest('CreateItem'), bearer), quantity: 1000 });
  }
  special.items = lines;
  const orderId = await create('/v1/orders', longest('PlaceOrder'), bearer);
  special.orderId = orderId;
  ticketId = await create('/v1/tickets', longest('OpenTicket'), bearer);
  for (let note = 0; note < 20; note++) {
    await create(`/v1/tickets/${ticketId}/notes`, longest('AddTicketNote'), agent.bearer);
  }
  for (let reply = 0; reply < 20; reply++) {
    await create(`/v1/tickets/${ticketId}/replies`, longest('ReplyToTicket'), agent.bearer);
  }
  const assigned = await send('POST', `/v1/tickets/${ticketId}/assignee`, { assigneeId: agent.id }, agent.bearer);
  expect(assigned.status).toBe(200);
  await env.DB.batch(
    Array.from({ length: 40 }, (_, day) =>
      env.DB.prepare(
        'INSERT INTO ticket_days (date, opened, reopened, closed) VALUES (?, 9007199254740991, 9007199254740991, 9007199254740991)',
      ).bind(`2026-01-${String(day).padStart(2, '0')}`),
    ),
  );
  // More currencies than are shown, on each of the days that end with that of the order, whose items are the best-selling ones.
  await env.DB.prepare(
    `WITH RECURSIVE days(age) AS (SELECT 0 UNION ALL SELECT age + 1 FROM days WHERE age < 40),
       currencies(name) AS (SELECT 100 UNION ALL SELECT name + 1 FROM currencies WHERE name < 280)
     INSERT INTO sales_days (date, currency, orders, revenue)
     SELECT date(max(created_at), '-' || age || ' days'), name, 9007199254740991, 9007199254740991
     FROM orders, days, currencies GROUP BY age, name`,
  ).run();
  keys = {
    user: id,
    access: id,
    settings: id,
    'user-list': 'all',
    item: lines[0]?.itemId ?? '',
    'item-lists': id,
    order: orderId,
    'order-lists': id,
    ticket: ticketId,
    'staff-ticket': ticketId,
    'ticket-lists': id,
    'staff-ticket-lists': 'all',
    'ticket-dashboard': 'all',
    'sales-dashboard': 'all',
  };
});

/** How many cells the documents of each list have. */
const cells: Readonly<Record<string, number>> = {
  'user-list': 1,
  'item-lists': 2,
  'order-lists': orderStatuses.length,
  'ticket-lists': ticketStatuses.length,
  'staff-ticket-lists': 2 * ticketStatuses.length,
};

/** In how many ways the rows of a list are sorted. A document has the first rows of each, which can all be others. */
const sorts: Readonly<Record<string, number>> = { 'ticket-lists': 2, 'staff-ticket-lists': 2 };

/** The size of a list with as many rows as it can have, each as large as the largest of these rows, and with its counts. */
function sizeOfFullList(name: string, rows: readonly unknown[]): number {
  const count = cells[name];
  if (count === undefined) throw new Error(`Add the number of the cells of ${name} to this test.`);
  return count * ((sorts[name] ?? 1) * limits.firstPageSize * (Math.max(...rows.map(bytesOf)) + 1) + 40);
}

const isList = (data: unknown): data is FirstPages<unknown> =>
  typeof data === 'object' && data !== null && 'rows' in data;

/** The size of the largest document of a view, and of the largest value that its query returns. */
async function measure(name: string) {
  const view = views.find((candidate) => candidate.name === name);
  const key = keys[name];
  if (!view || key === undefined) throw new Error(`Add the key of the largest document of ${name} to this test.`);
  const [result] = await runBatch(db, [view.query(db, [key])]);
  const rows = asRowsOf(result)(key) as object[];
  const { data, ...rest } = view.toDocument(asRowsOf(result), key) ?? { data: undefined };
  const envelope = { ...rest, asOf: Number.MAX_SAFE_INTEGER, projectedAt: Number.MAX_SAFE_INTEGER, epoch: '1' };
  const size = isList(data) ? sizeOfFullList(name, data.rows) : bytesOf(data);
  expect([name, data !== undefined && size > 0]).toEqual([name, true]);
  const values = rows.flatMap((row) => Object.values(row)).filter((value) => typeof value === 'string');
  return { size: size + bytesOf(envelope), value: Math.max(...values.map((text) => encoder.encode(text).length)) };
}

/** The table "Bounds of documents" in docs/architecture.md: the kilobytes of each view. */
const documented = new Map(
  [...architecture.matchAll(/^\| `([a-z-]+)` \|.*\| ([\d.]+) KB \|$/gm)].map(([, view, size]) => [view, Number(size)]),
);

describe('the largest document that the schemas allow', () => {
  test.each(views.map(({ name }) => name))('of %s is below 1 MB, and as docs/architecture.md says', async (name) => {
    const { size, value } = await measure(name);
    expect(size).toBeLessThan(largestAllowed);
    expect(value).toBeLessThan(largestAllowed);
    const stated = (documented.get(name) ?? 0) * 1000;
    expect(size).toBeLessThanOrEqual(stated);
    expect(size).toBeGreaterThan(stated * 0.9 - 100);
  });
});

test.each(['notes', 'replies'])('the longest page of %s is below 1 MB (product 5.6, 5.9)', async (texts) => {
  const path = `/v1/tickets/${ticketId}/${texts}`;
  const first = await system.request(path, { headers: agent.bearer });
  const { nextCursor } = await first.json<{ nextCursor: string }>();
  const second = await system.request(`${path}?cursor=${nextCursor}`, { headers: agent.bearer });
  const size = (await second.arrayBuffer()).byteLength;
  expect(size).toBeGreaterThan(600_000);
  expect(size).toBeLessThan(largestAllowed);
});

test('a refusal of an unknown parameter names the parameters that there are (product 6.1)', async () => {
  const refused = async (path: string) =>
    (await (await send('GET', path, undefined)).json<{ errors: object[] }>()).errors;
  const code = 'unrecognized_keys';
  const detail = (text: string) => [{ pointer: '/colour', detail: `is not a known parameter; ${text}`, code }];
  expect(await refused('/v1/items?colour=blue')).toEqual(detail('there are: limit, cursor, order, active, owner'));
  expect(await refused('/v1/health?colour=blue')).toEqual(detail('this operation has none'));
});

test('a refusal of a body with thousands of wrong fields names the first twenty (product 6.1)', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 3000 }, (_, field) => [`field${field}`, 1]));
  const response = await send('POST', '/v1/users', unknown);
  expect(response.status).toBe(422);
  const text = await response.text();
  expect(text.length).toBeLessThan(10_000);
  const { errors } = JSON.parse(text) as { errors: { pointer: string }[] };
  expect(errors).toHaveLength(20);
  const two = await send('POST', '/v1/users', { name: 'Ada', email: 'ada@example.com', password, a: 1, b: 2 });
  const problem = await two.json<{ errors: object[] }>();
  const [detail, code] = ['is not a known field', 'unrecognized_keys'];
  expect(problem.errors).toEqual(['/a', '/b'].map((pointer) => ({ pointer, detail, code })));
});
