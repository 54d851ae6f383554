import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { divideByRow } from '../../src/exports/parts-of-rows';
import { limits } from '../../src/platform/limits';
import { excuseDocuments } from '../support/document-watch';
import { address, password } from '../support/factories';
import { createFaultyD1, type D1Call } from '../support/faulty-d1';
import { createSystem } from '../support/system';

type Row = Record<string, unknown>;

const usual = { ...limits };
beforeEach(() => void Object.assign(limits, usual));

/** The text of a body; `text()` warns about newline-delimited JSON, whose media type is not that of a text. */
const textOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());

/** A shop with an admin, and a customer who has ordered and complained so many times. */
async function given({ times = 1, database }: { times?: number; database?: D1Database } = {}) {
  const system = createSystem(database && { DB: database });
  const { register, request, send } = system;
  // The rows of earlier tests are not about this customer, and an export for reporting has all rows.
  for (const table of ['shipping_addresses', 'orders', 'tickets']) await env.DB.prepare(`DELETE FROM ${table}`).run();
  excuseDocuments('the test removes the rows of earlier tests');
  const admin = await register({ role: 'admin' });
  const customer = await register();
  const create = async (path: string, body: object, by = customer) => {
    const response = await send('POST', path, body, by.bearer);
    expect([path, response.status]).toEqual([path, 201]);
    return (await response.json<{ id: string }>()).id;
  };
  const item = { title: 'Teapot', price: { amount: 250, currency: 'EUR' } };
  const itemId = await create('/v1/items', item, admin);
  const orders: string[] = [];
  const tickets: string[] = [];
  for (let time = 0; time < times; time++) {
    orders.push(await create('/v1/orders', { items: [{ itemId, quantity: 2 }], shippingAddress: address }));
    tickets.push(await create('/v1/tickets', { subject: '=HYPERLINK("x")', message: 'It "broke",\nagain' }));
  }
  const get = (path: string, headers: Record<string, string> = {}, by = admin) =>
    request(path, { headers: { ...by.bearer, ...headers } });
  async function lines(path: string): Promise<Row[]> {
    const response = await get(path);
    expect([path, response.status]).toEqual([path, 200]);
    return (await textOf(response))
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
  async function exported(): Promise<Row[]> {
    const { results } = await env.DB.prepare(
      "SELECT data, metadata ->> 'actorId' AS actor FROM events WHERE type = 'DataExported' ORDER BY position",
    ).all<{ data: string; actor: string }>();
    return results.map(({ data, actor }) => ({ ...JSON.parse(data), actor }));
  }
  return { ...system, admin, customer, create, get, lines, exported, orders, tickets };
}

/** Moves a row in time: its id, which was made now, stays within the margin. */
const setCreatedAt = (table: string, id: string | undefined, createdAt: string) =>
  env.DB.prepare(`UPDATE ${table} SET created_at = ? WHERE id = ?`).bind(createdAt, id).run();

describe('an export for reporting', () => {
  test('has the orders as newline-delimited JSON without personal data, and with it where it is asked for (product 8.9)', async () => {
    const { customer, get, lines, orders } = await given();
    const response = await get('/v1/exports/orders');
    expect(response.headers.get('Content-Type')).toBe('application/x-ndjson');
    expect(response.headers.get('Content-Disposition')).toBe('attachment; filename="orders.ndjson"');
    const [order, ...others] = await lines('/v1/exports/orders');
    expect(others).toEqual([]);
    expect(order).toEqual({
      id: orders[0],
      number: expect.any(Number),
      status: 'placed',
      customerId: customer.id,
      lineCount: 1,
      amount: 500,
      currency: 'EUR',
      lines: [{ itemId: expect.any(String), title: 'Teapot', quantity: 2, price: { amount: 250, currency: 'EUR' } }],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const [personal] = await lines('/v1/exports/orders?include=personal');
    expect(personal).toEqual({
      ...order,
      customerName: 'Grace Hopper',
      customerEmail: customer.email,
      shippingAddress: address,
    });
  });

  test('has tickets without a text of theirs, and with texts where they are asked for (product 8.9)', async () => {
    const { customer, lines, tickets } = await given();
    const [ticket] = await lines('/v1/exports/tickets');
    expect(ticket).toMatchObject({ id: tickets[0], customerId: customer.id, status: 'open', hasNote: false });
    expect(JSON.stringify(ticket)).not.toMatch(/broke|HYPERLINK|Grace|@/);
    const [personal] = await lines('/v1/exports/tickets?include=personal');
    expect(personal).toEqual({
      ...ticket,
      customerName: 'Grace Hopper',
      customerEmail: customer.email,
      subject: '=HYPERLINK("x")',
      message: 'It "broke",\nagain',
      replies: [],
    });
  });

  test('has the replies on each ticket in their order, with texts where they are asked for, and never a note (product 8.9)', async () => {
    const { admin, create, customer, get, lines, send, tickets } = await given({ times: 4 });
    const [one = '', , three = ''] = tickets.toSorted();
    for (const text of ['a "quote"', 'b,\nb', 'c']) await create(`/v1/tickets/${three}/replies`, { message: text });
    await create(`/v1/tickets/${one}/replies`, { message: 'Certainly' }, admin);
    await send('POST', `/v1/tickets/${three}/notes`, { note: 'a secret note' }, admin.bearer);
    const reply = (by: string, authorId: string) => ({
      id: expect.any(String),
      by,
      authorId,
      createdAt: expect.any(String),
    });
    for (const rowsPerExportPage of [400, 3, 2, 1]) {
      Object.assign(limits, { rowsPerExportPage });
      const plain = await lines('/v1/exports/tickets');
      expect(plain.map(({ id }) => id)).toEqual(tickets.toSorted());
      expect(plain.map(({ replies }) => replies)).toEqual([
        [reply('staff', admin.id)],
        [],
        [1, 2, 3].map(() => reply('customer', customer.id)),
        [],
      ]);
      const personal = await lines('/v1/exports/tickets?include=personal');
      const messages = personal.map(({ replies }) => (replies as { message: string }[]).map(({ message }) => message));
      expect(messages).toEqual([['Certainly'], [], ['a "quote"', 'b,\nb', 'c'], []]);
      expect(JSON.stringify(personal)).not.toContain('secret');
      const csv = await (await get('/v1/exports/tickets?format=csv&include=personal')).text();
      const cells = [...csv.matchAll(/,"(\[(?:[^"]|"")*\])"\r\n/g)].map(([, cell = '']) => cell.replaceAll('""', '"'));
      expect(cells.map((cell) => JSON.parse(cell))).toEqual(personal.map(({ replies }) => replies));
    }
    expect(await lines('/v1/exports/tickets?to=2020-01-01')).toEqual([]);
  });

  test('skips a reply on a ticket that was committed after its page, and leaves no other one out (product 8.9)', async () => {
    async function* pages() {
      yield [{ of: 'a' }, { of: 'b', n: 1 }];
      yield [
        { of: 'b', n: 2 },
        { of: 'c', n: 3 },
      ];
    }
    const { of } = divideByRow(
      pages(),
      'parts',
      (part) => part.of,
      (part) => part,
    );
    async function parts(id: string) {
      const found: object[] = [];
      for await (const page of of({ id })) found.push(...page);
      return found;
    }
    expect(await parts('b')).toEqual([
      { of: 'b', n: 1 },
      { of: 'b', n: 2 },
    ]);
    expect([await parts('bb'), await parts('c'), await parts('d')]).toEqual([[], [{ of: 'c', n: 3 }], []]);
  });

  test('is CSV by parameter or by Accept, with quotes, and with no text that a spreadsheet takes for a formula (product 8.10)', async () => {
    const { customer, get, tickets } = await given();
    const response = await get('/v1/exports/tickets?format=csv&include=personal');
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8; header=present');
    const text = await response.text();
    expect(text.split('\r\n')[0]).toBe(
      'id,status,customerId,orderId,hasNote,createdAt,updatedAt,triagedAt,triageSeconds,customerName,customerEmail,subject,message,replies',
    );
    expect(text).toContain(`${tickets[0]},open,${customer.id},,false,`);
    expect(text.endsWith(`,Grace Hopper,${customer.email},"'=HYPERLINK(""x"")","It ""broke"",\nagain","[]"\r\n`)).toBe(
      true,
    );
    const chosen = await get('/v1/exports/orders', { Accept: 'application/x-ndjson;q=0.5, text/csv' });
    const [header, order] = (await chosen.text()).split('\r\n');
    expect(header).toBe('id,number,status,customerId,lineCount,amount,currency,lines,createdAt,updatedAt');
    expect(order).toContain(',placed,');
    expect(order).toContain('"[{""itemId"":');
    const all = await get('/v1/exports/orders', { Accept: '*/*' });
    expect(all.headers.get('Content-Type')).toBe('application/x-ndjson');
    await textOf(all);
  });

  test('comes in pages, each row once and in order, also when the last page is full (product 8.9)', async () => {
    const { lines, orders, tickets } = await given({ times: 4 });
    for (const rows of [1, 2, 3]) {
      Object.assign(limits, { rowsPerExportPage: rows });
      expect((await lines('/v1/exports/orders')).map(({ id }) => id)).toEqual(orders.toSorted());
      expect((await lines('/v1/exports/tickets')).map(({ id }) => id)).toEqual(tickets.toSorted());
      expect((await lines('/v1/exports/orders?include=personal')).map(({ id }) => id)).toEqual(orders.toSorted());
    }
    const positions = (await lines('/v1/exports/events')).map(({ position }) => position);
    const { results } = await env.DB.prepare('SELECT position FROM events ORDER BY position').all();
    // The event of the export itself is committed after the first page.
    expect(positions).toEqual(results.map(({ position }) => position));
  });

  test('has what was created in a span of time, with its beginning and without its end (product 8.9)', async () => {
    const { lines, orders } = await given({ times: 4 });
    const today = new Date().toISOString().slice(0, 11);
    const minute = new Date().toISOString().slice(11, 16);
    const at = (second: string) => `${today}${minute}:${second}Z`;
    for (const [index, time] of [at('10.000'), at('20.000'), at('29.999'), at('30.000')].entries())
      await setCreatedAt('orders', orders[index], time);
    const ids = async (query: string) => (await lines(`/v1/exports/orders?${query}`)).map(({ id }) => id);
    expect(await ids(`from=${at('20')}&to=${at('30')}`)).toEqual([orders[1], orders[2]].toSorted());
    expect(await ids(`to=${at('20')}`)).toEqual([orders[0]]);
    expect(await ids(`from=${at('30')}`)).toEqual([orders[3]]);
    expect(await ids('from=2020-01-01&to=2020-02-01')).toEqual([]);
    expect(await ids(`from=${at('20').replace('Z', '%2B00:00')}&to=${at('29.999')}`)).toEqual([orders[1]]);
  });

  test('has the events of a span of time as the feed has them (product 8.9)', async () => {
    const { get, lines, admin } = await given();
    const until = new Date(Date.now() + 60_000).toISOString();
    const all = await lines(`/v1/exports/events?from=2020-01-01&to=${until}`);
    const feed = await get('/v1/events?limit=500');
    const { data } = await feed.json<{ data: Row[] }>();
    expect(all).toEqual(data.slice(0, all.length));
    expect(all.length).toBe(data.length - 1);
    expect(await lines('/v1/exports/events?to=2020-01-01')).toEqual([]);
    expect(await lines(`/v1/exports/events?from=${new Date(Date.now() + 3_600_000).toISOString()}`)).toEqual([]);
    const csv = await (await get('/v1/exports/events?format=csv', admin.bearer)).text();
    expect(csv).toMatch(/^specversion,id,source,type,subject,time,/);
    expect(csv).toContain('frontdesk.OrderPlaced,order/');
  });

  test('names the API key with which an account acted, in each format (product 9.7)', async () => {
    const { customer, get, lines, send } = await given();
    const created = await send('POST', '/v1/api-keys', { name: 'a', scopes: ['tickets:write'] }, customer.bearer);
    const { id, key } = await created.json<{ id: string; key: string }>();
    await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, { Authorization: `Bearer ${key}` });
    expect((await lines('/v1/exports/events')).filter(({ keyid }) => keyid === id)).toHaveLength(1);
    const [header, ...rows] = (await (await get('/v1/exports/events?format=csv')).text()).split('\r\n');
    expect(header).toContain(',actorid,keyid,');
    expect(rows.filter((row) => row.includes(`,${customer.id},${id},`))).toHaveLength(1);
  });

  test.each([
    'from=yesterday',
    'from=2026-02-30',
    'to=2026-01-01T00:00:00',
    'from=2026-02-01&to=2026-02-01',
    'include=all',
    'format=xml',
  ])('refuses the query %s, and records no export', async (query) => {
    const { exported, get } = await given();
    const before = await exported();
    expect((await get(`/v1/exports/orders?${query}`)).status).toBe(400);
    expect(await exported()).toEqual(before);
  });

  test('is in the audit trail before its first byte, with what was asked for and by whom (product 8.11)', async () => {
    const { admin, customer, exported, get } = await given();
    const before = (await exported()).length;
    await get('/v1/exports/tickets?from=2026-01-01&include=personal');
    await get('/v1/exports/orders');
    await get(`/v1/users/${customer.id}/export`, {}, customer);
    expect((await exported()).slice(before)).toEqual([
      {
        kind: 'tickets',
        from: '2026-01-01T00:00:00.000Z',
        to: null,
        includesPersonal: true,
        userId: null,
        actor: admin.id,
      },
      { kind: 'orders', from: null, to: null, includesPersonal: false, userId: null, actor: admin.id },
      { kind: 'account', from: null, to: null, includesPersonal: true, userId: customer.id, actor: customer.id },
    ]);
  });

  test('that is asked for with HEAD gives nothing, and records nothing (product 8.11)', async () => {
    const { admin, customer, exported, get, request } = await given();
    const before = await exported();
    const head = (path: string, by = admin) => request(path, { method: 'HEAD', headers: by.bearer });
    for (const response of [
      await head('/v1/exports/tickets?include=personal'),
      await head(`/v1/users/${customer.id}/export`, customer),
    ]) {
      expect([response.status, await response.text()]).toEqual([200, '']);
      expect(response.headers.get('Content-Disposition')).toMatch(/^attachment/);
    }
    expect((await head('/v1/exports/tickets', customer)).status).toBe(403);
    expect(await exported()).toEqual(before);
    await get('/v1/exports/orders');
    expect(await exported()).toHaveLength(before.length + 1);
  });

  test.each(['=1+1', '+1', '-1', '@SUM(1)', '\tx', '\rx', '\nx', ' =1', '\u00a0+1', '＝1', '＠SUM(1)'])(
    'has no cell that begins with %j, which a spreadsheet could take for a formula (product 8.10)',
    async (text) => {
      const { get, tickets } = await given();
      await env.DB.prepare('UPDATE tickets SET subject = ? WHERE id = ?').bind(text, tickets[0]).run();
      excuseDocuments('the test changes a row that the API would not write so');
      const csv = await (await get('/v1/exports/tickets?format=csv&include=personal')).text();
      const [, cell] = /@example\.com,("'[^"]*"|'[^,]*),/.exec(csv) ?? [];
      expect(cell?.replaceAll('"', '')).toBe(`'${text}`);
    },
  );

  test('whose event cannot be committed sends nothing (product 8.11)', async () => {
    const database = createFaultyD1(env.DB, async (call) => {
      if (call.isCommit && isBroken) throw new Error('D1_ERROR: Network connection lost.');
      return call.send();
    });
    let isBroken = false;
    const { get } = await given({ database });
    isBroken = true;
    const response = await get('/v1/exports/orders');
    expect([response.status, await response.json()]).toMatchObject([503, { code: 'concurrency.outcome-unknown' }]);
  });
});

describe('a part of an export that fails', () => {
  const isLaterPage = ({ sql }: D1Call) => /from "?orders"?/i.test(sql) && sql.includes('watermarks');

  /** A system whose D1 fails on pages of orders after the first one, so many times. */
  async function givenFailures(failures: number) {
    const state = { pages: 0, failures, isOn: false };
    const database = createFaultyD1(env.DB, async (call) => {
      if (state.isOn && isLaterPage(call) && ++state.pages > 1 && state.failures-- > 0)
        throw new Error('D1_ERROR: Network connection lost.');
      return call.send();
    });
    const system = await given({ times: 3, database });
    Object.assign(limits, { rowsPerExportPage: 2 });
    state.isOn = true;
    const { app, admin, env: bindings } = system;
    // The comparison with the OpenAPI document reads the whole body, which has no end here.
    const read = async () =>
      app.request('/v1/exports/orders', { headers: admin.bearer }, bindings, {
        waitUntil: () => {},
        passThroughOnException: () => {},
        props: {},
      } as unknown as ExecutionContext);
    return { ...system, read };
  }

  test('is asked for again, and the client notices nothing (product 8.10)', async () => {
    const { read } = await givenFailures(2);
    const text = await textOf(await read());
    expect(text.trimEnd().split('\n')).toHaveLength(3);
  });

  test('cuts the body off in the end, and the log says so (product 8.10)', async () => {
    const { logs, read } = await givenFailures(100);
    const response = await read();
    expect(response.status).toBe(200);
    await expect(textOf(response)).rejects.toThrow();
    expect(logs.some((line) => line.includes('stream.failed'))).toBe(true);
  });

  test('is not there where one request cannot read all rows: the body is cut off (product 8.10)', async () => {
    const { read } = await givenFailures(0);
    Object.assign(limits, { pagesPerExport: 1 });
    await expect(textOf(await read())).rejects.toThrow('more rows');
  });

  test('is loaded only when the client has taken the one before (product 8.10)', async () => {
    const { read } = await givenFailures(100);
    const reader = (await read()).body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value).trimEnd().split('\n')).toHaveLength(2);
    await reader?.cancel();
  });
});

describe('the export of an account', () => {
  test('has all that is stored about it, and is one JSON document (product 8.12)', async () => {
    const { create, customer, get, orders, send, admin, tickets } = await given({ times: 3 });
    await create('/v1/items', { title: 'Mine', price: { amount: 1, currency: 'EUR' } });
    // The replies on the last ticket are the oldest ones.
    for (const ticket of tickets.toSorted().toReversed()) {
      await create(`/v1/tickets/${ticket}/replies`, { message: 'Please' });
      await create(`/v1/tickets/${ticket}/replies`, { message: 'Certainly' }, admin);
    }
    await create('/v1/api-keys', { name: 'Scanner', scopes: ['tickets:read'] });
    const change = { email: 'new@example.com', currentPassword: password };
    await send('PATCH', `/v1/users/${customer.id}`, change, customer.bearer);
    await send('POST', `/v1/tickets/${tickets[0]}/notes`, { note: 'a secret note' }, admin.bearer);
    for (const rowsPerExportPage of [400, 3, 2]) {
      Object.assign(limits, { rowsPerExportPage });
      const response = await get(`/v1/users/${customer.id}/export`, {}, customer);
      expect(response.headers.get('Content-Type')).toBe('application/json');
      const document = await response.json<Record<string, Row[]>>();
      expect(document).toMatchObject({
        account: { id: customer.id, name: 'Grace Hopper', email: customer.email, role: 'customer' },
        settings: { locale: 'en', emailNotifications: true },
        items: [{ title: 'Mine' }],
      });
      expect(document.orders?.map(({ id }) => id)).toEqual(orders.toSorted());
      expect(document.orders?.[0]).toMatchObject({ amount: 500, shippingAddress: address });
      expect(document.tickets?.map(({ id }) => id)).toEqual(tickets.toSorted());
      expect(document.tickets?.[0]).toMatchObject({ subject: '=HYPERLINK("x")', message: 'It "broke",\nagain' });
      expect(document.sessions).toEqual([{ createdAt: expect.any(String), revokedAt: null }]);
      expect(document.replies?.map(({ ticketId, by, message }) => [ticketId, by, message])).toEqual(
        tickets.toSorted().flatMap((ticket) => [
          [ticket, 'customer', 'Please'],
          [ticket, 'staff', 'Certainly'],
        ]),
      );
      expect(document.apiKeys).toMatchObject([{ name: 'Scanner', scopes: ['tickets:read'], lastUsedAt: null }]);
      expect(document.emailConfirmations).toMatchObject([
        { kind: 'registration', email: customer.email, previousEmail: null },
        { kind: 'change', email: 'new@example.com', previousEmail: null, usedAt: null },
      ]);
      const types = document.activity?.map(({ type }) => type) ?? [];
      expect(types).toEqual(expect.arrayContaining(['OrderPlaced', 'TicketOpened', 'ItemCreated']));
    }
  });

  test('shows neither a note, nor when it was written, nor a secret (product 5.4, 8.12)', async () => {
    const { clock, customer, get, send, admin, tickets } = await given();
    const read = async () => {
      const { tickets } = await (await get(`/v1/users/${customer.id}/export`, {}, customer)).json<{ tickets: Row[] }>();
      return tickets;
    };
    const before = await read();
    clock.advance(60_000);
    await send('POST', `/v1/tickets/${tickets[0]}/notes`, { note: 'a secret note' }, admin.bearer);
    expect(await read()).toEqual(before);
    const text = await textOf(await get(`/v1/users/${customer.id}/export`));
    expect(text).not.toMatch(/secret note|\$scrypt|hash|tokenGeneration|network|authorId/i);
  });

  test('is for the account and for admins, and another one cannot tell whether the account exists (product 8.12)', async () => {
    const { admin, customer, get, register } = await given();
    const stranger = await register();
    const missing = '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11';
    const codes = async (id: string, by: typeof admin) => {
      const response = await get(`/v1/users/${id}/export`, {}, by);
      return [response.status, (await response.json<{ code?: string }>()).code];
    };
    expect(await codes(customer.id, stranger)).toEqual([403, 'exports.not-yours']);
    expect(await codes(missing, stranger)).toEqual([403, 'exports.not-yours']);
    expect(await codes(customer.id, await register({ role: 'agent' }))).toEqual([403, 'exports.not-yours']);
    expect(await codes(customer.id, admin)).toEqual([200, undefined]);
    expect(await codes(missing, admin)).toEqual([404, 'exports.account-not-found']);
  });
});
