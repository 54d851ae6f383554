import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countedLists } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { tasks } from '../../src/schedule';
import { excuseDocuments } from '../support/document-watch';
import { address } from '../support/factories';
import { createSystem } from '../support/system';

type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

/** The texts of all migrations. */
const migrations = import.meta.glob('../../migrations/*.sql', {
  eager: true,
  import: 'default',
  query: '?raw',
});

const all = async (sql: string) => (await env.DB.prepare(sql).all()).results;

/** The rows of each list, by the owner whose list they are in (none for the list of all rows) and by filter. */
const sources = Object.fromEntries(
  countedLists
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, table, filter, owned, where }) => [
      name,
      [
        sql`SELECT '' AS owner, ${filter} AS filter FROM ${table} WHERE ${where ?? sql`true`}`,
        ...(owned
          ? [
              sql`SELECT ${owned.owner} AS owner, ${owned.filter} AS filter FROM ${table} WHERE ${owned.owner} IS NOT NULL`,
            ]
          : []),
      ],
    ]),
);

/** How many rows each list has, counted in the tables. */
const counted = async () =>
  (
    await Promise.all(
      Object.entries(sources).flatMap(([list, queries]) =>
        queries.map((query) =>
          drizzle(env.DB).all(sql`SELECT ${list} AS list, owner, filter, count(*) AS count FROM (${query})
            GROUP BY owner, filter ORDER BY owner, filter`),
        ),
      ),
    )
  ).flat();

const kept = () =>
  all('SELECT list, owner, key AS filter, value AS count FROM list_counts, json_each(counts) ORDER BY 1, 2, 3');

async function expectKept(): Promise<void> {
  expect(await kept()).toEqual(await counted());
}

let system: System;
let [agent, ada, grace]: Account[] = [];

async function post(path: string, body: object, caller = ada): Promise<string> {
  const response = await system.send('POST', path, body, caller?.bearer);
  expect([path, response.status]).toEqual([path, expect.toSatisfy((status: number) => status < 300)]);
  return (await response.json<{ id: string }>()).id;
}

const total = async (path: string, caller = agent) => {
  const response = await system.request(path, caller && { headers: caller.bearer });
  return (await response.json<{ total?: number }>()).total;
};

const item = (caller?: Account) =>
  post('/v1/items', { title: 'Teapot', price: { amount: 100, currency: 'EUR' } }, caller);
const order = (itemId: string, caller?: Account) =>
  post('/v1/orders', { items: [{ itemId, quantity: 1 }], shippingAddress: address }, caller);
const ticket = (caller?: Account) => post('/v1/tickets', { subject: 'Late', message: 'Where is it?' }, caller);
const setStatus = (id: string, status: string) => post(`/v1/tickets/${id}/status`, { status }, agent);

beforeAll(async () => {
  system = createSystem();
  [agent, ada, grace] = [
    await system.register({ role: 'agent' }),
    await system.register(),
    await system.register({ role: 'admin' }),
  ];
});

beforeEach(() => system.clock.advance(1000));

describe('the kept counts are those of the rows (product 6.8)', () => {
  test('after each command on items', async () => {
    const id = await item();
    await item(grace);
    await expectKept();
    for (const isActive of [false, true, true]) {
      await system.send('PATCH', `/v1/items/${id}`, { isActive }, ada?.bearer);
      await expectKept();
    }
    await system.send('PATCH', `/v1/items/${id}`, { isActive: false, title: 'Pot' }, ada?.bearer);
    await expectKept();
    await system.send('DELETE', `/v1/items/${id}`, undefined, ada?.bearer);
    await expectKept();
  });

  test('after each command on orders', async () => {
    const itemId = await item(agent);
    const [first, second] = [await order(itemId), await order(itemId)];
    await order(itemId, grace);
    await expectKept();
    for (const [id, action] of [
      [first, 'ship'],
      [first, 'deliver'],
      [second, 'cancel'],
    ]) {
      await post(`/v1/orders/${id}/${action}`, {}, agent);
      await expectKept();
    }
  });

  test('after each command on tickets', async () => {
    const [first, second] = [await ticket(), await ticket(grace)];
    await expectKept();
    for (const note of ['first', 'second']) {
      await post(`/v1/tickets/${first}/notes`, { note }, agent);
      await expectKept();
    }
    for (const id of [first, second]) {
      for (const status of ['triaged', 'open', 'open', 'closed']) {
        await setStatus(id, status);
        await expectKept();
      }
    }
  });

  test('after the deletion of an account with rows of each kind, of which nothing is kept', async () => {
    excuseDocuments('The rows are deleted without events.');
    const leaving = await system.register();
    const itemId = await item(agent);
    await item(leaving);
    const [, shipped] = [await order(itemId, leaving), await order(itemId, leaving)];
    await post(`/v1/orders/${shipped}/ship`, {}, agent);
    const noted = await ticket(leaving);
    await ticket(leaving);
    await post(`/v1/tickets/${noted}/notes`, { note: 'a' }, agent);
    await expectKept();
    const response = await system.request(`/v1/users/${leaving.id}`, { method: 'DELETE', headers: leaving.bearer });
    expect(response.status).toBe(204);
    await expectKept();
    expect(await all(`SELECT * FROM list_counts WHERE owner = '${leaving.id}'`)).toEqual([]);
  });

  test('after writes that no command of this version makes: rows that foreign keys change, and rows that are deleted alone', async () => {
    const leaving = await system.register();
    const itemId = await item(agent);
    const id = await order(itemId, leaving);
    await order(itemId, leaving);
    const opened = await ticket(leaving);
    await ticket(leaving);
    await env.DB.prepare('DELETE FROM tickets WHERE id = ?').bind(opened).run();
    await expectKept();
    await env.DB.prepare('DELETE FROM shipping_addresses WHERE order_id = ?').bind(id).run();
    await env.DB.prepare('DELETE FROM orders WHERE id = ?').bind(id).run();
    await expectKept();
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(leaving.id).run();
    await expectKept();
  });

  test('from the migration on, which counts what is there', async () => {
    excuseDocuments('The counts are deleted without an event.');
    await env.DB.prepare('DELETE FROM list_counts').run();
    const statements = Object.values(migrations).flatMap((file) => file.split('--> statement-breakpoint'));
    for (const statement of statements.filter((query) => query.includes('INSERT INTO `list_counts`'))) {
      await env.DB.prepare(statement).run();
    }
    expect((await kept()).length).toBeGreaterThan(10);
    await expectKept();
  });
});

describe('the total of a page (product 6.8)', () => {
  test('is the number of rows of the list with its filters, on its first page and on later ones', async () => {
    const owner = await system.register();
    const [agentOf, ownerOf] = [agent?.bearer, owner.bearer];
    const items = [await item(owner), await item(owner), await item(owner)];
    await system.send('PATCH', `/v1/items/${items[0]}`, { isActive: false }, owner.bearer);
    const orders = [];
    for (let count = 0; count < 3; count++) orders.push(await order(items[1] ?? '', owner));
    await post(`/v1/orders/${orders[0]}/ship`, {}, agent);
    const tickets = [await ticket(owner), await ticket(owner), await ticket(owner)];
    await setStatus(tickets[0] ?? '', 'triaged');
    await post(`/v1/tickets/${tickets[1]}/notes`, { note: 'a' }, agent);
    const rows = async (sql: string) => Number((await all(`SELECT count(*) AS count FROM ${sql}`))[0]?.count);
    const expected: [string, Account['bearer'] | undefined, number][] = [
      ['/v1/users', agentOf, await rows('users')],
      ['/v1/items', undefined, await rows('items')],
      ['/v1/items?active=false', undefined, await rows('items WHERE is_active = 0')],
      [`/v1/items?owner=${owner.id}`, undefined, 3],
      [`/v1/items?owner=${owner.id}&active=true`, undefined, 2],
      ['/v1/orders', ownerOf, 3],
      ['/v1/orders?status=placed', ownerOf, 2],
      ['/v1/orders?status=delivered', ownerOf, 0],
      ['/v1/orders', agentOf, await rows('orders')],
      ['/v1/orders?status=shipped', agentOf, await rows("orders WHERE status = 'shipped'")],
      [`/v1/orders?customer=${owner.id}&status=placed`, agentOf, 2],
      ['/v1/tickets', ownerOf, 3],
      ['/v1/tickets?status=open', ownerOf, 2],
      ['/v1/tickets', agentOf, await rows('tickets')],
      ['/v1/tickets?hasNote=true', agentOf, await rows('tickets WHERE has_note = 1')],
      ['/v1/tickets?status=open', agentOf, await rows("tickets WHERE status = 'open'")],
      ['/v1/tickets?status=open&hasNote=false', agentOf, await rows("tickets WHERE status = 'open' AND has_note = 0")],
      [`/v1/tickets?customer=${owner.id}`, agentOf, 3],
      [`/v1/tickets?customer=${owner.id}&status=triaged`, agentOf, 1],
    ];
    for (const [path, headers, count] of expected) {
      for (const order of ['newest', 'oldest']) {
        const first = `${path}${path.includes('?') ? '&' : '?'}limit=1&order=${order}`;
        const page = await (await system.request(first, headers && { headers })).json<{
          total?: number;
          nextCursor: string | null;
        }>();
        expect([first, page.total]).toEqual([first, count]);
        if (page.nextCursor === null) continue;
        const next = await system.request(`${first}&cursor=${page.nextCursor}`, headers && { headers });
        expect([first, (await next.json<{ total?: number }>()).total]).toEqual([first, count]);
      }
    }
  });

  test('follows a change of a row that is not on the first page, also in KV', async () => {
    const owner = await system.register();
    const first = await order(await item(agent), owner);
    system.clock.advance(2000);
    await system.deliverQueues();
    expect(await total('/v1/orders?status=placed', owner)).toBe(1);
    await post(`/v1/orders/${first}/ship`, {}, agent);
    system.clock.advance(2000);
    await system.deliverQueues();
    const document = await env.VIEWS.get<{ data: { counts: object } }>(`order-lists@1:${owner.id}`, 'json');
    expect(document?.data.counts).toEqual({ shipped: 1 });
  });

  test('is missing from an empty page after the first one', async () => {
    const owner = await system.register();
    const ids = [await item(owner), await item(owner)];
    const path = `/v1/items?owner=${owner.id}&limit=1`;
    const { nextCursor } = await (await system.request(path)).json<{ nextCursor: string }>();
    await system.send('DELETE', `/v1/items/${ids[0]}`, undefined, owner.bearer);
    const next = await (await system.request(`${path}&cursor=${nextCursor}`)).json<object>();
    expect(next).toEqual({ data: [], nextCursor: null });
  });
});

describe('a kept count that is wrong is found and corrected (product 6.8)', () => {
  const usual = { ...limits };
  afterEach(() => void Object.assign(limits, usual));
  beforeAll(async () => {
    const sold = await item(agent);
    for (const owner of [ada, grace, await system.register(), await system.register(), await system.register()]) {
      await item(owner);
      await order(sold, owner);
      await ticket(owner);
    }
  });
  beforeEach(() => env.DB.prepare('UPDATE reconciliation SET counts_after = NULL, lists_counted = NULL').run());

  // The other tasks of the hour take most of its time, and have nothing to do with counts.
  const runHour = async (of: System = system) => {
    const before = of.logs.length;
    await tasks['0 * * * *']?.['list-counts.compared']?.(of.services());
    const entries = of.logs.slice(before).map((line) => JSON.parse(line));
    return {
      repaired: entries.filter(({ event }) => event === 'list-count.repaired'),
      failed: entries.filter(({ event }) => event === 'list-counts.failed'),
      compared: entries.find(({ event }) => event === 'list-counts.compared'),
    };
  };
  type Run = Awaited<ReturnType<typeof runHour>>;

  /** As many runs as there are lists, so that each list is counted in full once. */
  const runForEachList = async (of?: System): Promise<Run[]> => {
    const runs: Run[] = [];
    for (const _ of Object.keys(sources)) runs.push(await runHour(of));
    return runs;
  };
  const listNames = Object.keys(sources).toSorted();
  const countedInFull = (runs: readonly Run[]) => runs.map(({ compared }) => compared.countedInFull);

  /** D1 that hands each statement with the kind of its session to `look`, which may throw. */
  function createWatchedDatabase(look: (sql: string, from: string) => void): D1Database {
    const withSession = (from: string) => {
      const session = env.DB.withSession(from);
      const prepare = (sql: string) => {
        look(sql, from);
        return session.prepare(sql);
      };
      return { prepare, batch: session.batch.bind(session), getBookmark: () => session.getBookmark() };
    };
    // The tasks open sessions, and use no other method.
    return { withSession } as unknown as D1Database;
  }
  /** The part of a statement that reads all rows of a list. */
  const allRows = /AS filter FROM "(\w+)"(?: WHERE \S+ IS NOT NULL)?\)/;
  const refuse = (pattern: RegExp) =>
    createSystem({
      DB: createWatchedDatabase((sql) => {
        if (pattern.test(sql)) throw new Error('D1 stalls.');
      }),
    });

  test.each([
    ['a count that is too high', `UPDATE list_counts SET counts = '{"all":1000}' WHERE list = 'users'`, 'users'],
    ['a count of all rows that is missing', `DELETE FROM list_counts WHERE list = 'orders' AND owner = ''`, 'orders'],
    [
      'a count of all tickets by note',
      `UPDATE list_counts SET counts = '{"open:true":9}' WHERE list = 'tickets' AND owner = ''`,
      'tickets',
    ],
    [
      'a count of an account that is missing',
      `DELETE FROM list_counts WHERE list = 'tickets' AND owner = (SELECT max(customer_id) FROM tickets)`,
      'tickets',
    ],
    [
      'a count of an account that has no such rows',
      `INSERT INTO list_counts SELECT 'items', max(id), '{"true":3}' FROM users`,
      'items',
    ],
  ])('%s', async (_, sql, list) => {
    excuseDocuments('A count is changed without an event.');
    await system.register();
    await env.DB.prepare(sql).run();
    expect(await kept()).not.toEqual(await counted());
    const runs = await runForEachList();
    expect(runs.flatMap(({ repaired }) => repaired)).toEqual([expect.objectContaining({ level: 'warn', list })]);
    expect(runs.map(({ compared }) => compared.repaired).toSorted()).toEqual([...listNames.slice(1).map(() => 0), 1]);
    await expectKept();
    await env.DB.prepare('UPDATE reconciliation SET lists_counted = NULL').run();
    expect((await runForEachList()).flatMap(({ repaired }) => repaired)).toEqual([]);
  });

  test('each run compares a bounded number of accounts, and the next run goes on', async () => {
    excuseDocuments('Counts are changed without an event.');
    const accounts = (await all('SELECT id FROM users ORDER BY id')).map(({ id }) => String(id));
    Object.assign(limits, { accountsComparedPerRun: 2 });
    await env.DB.prepare(`UPDATE list_counts SET counts = '{"placed":7}' WHERE list = 'orders' AND owner <> ''`).run();
    const owners: string[] = [];
    let runs = 0;
    for (; runs < accounts.length; runs++) {
      const { compared, repaired } = await runHour();
      expect(compared.accounts).toBeLessThanOrEqual(2);
      owners.push(...repaired.map(({ owner }) => owner));
      if (compared.accounts < 2) break;
    }
    expect(runs).toBe(Math.floor(accounts.length / 2));
    expect(owners).toEqual([...new Set(owners)].sort());
    await expectKept();
  });

  test('a run takes no more accounts than have so many rows together as the limit allows, and one at least', async () => {
    Object.assign(limits, { rowsCountedPerRun: 1 });
    const seen = new Set<number>();
    const { n } = (await env.DB.prepare('SELECT count(*) AS n FROM users').first<{ n: number }>()) ?? { n: 0 };
    let accounts = 0;
    for (let run = 0; run < n && accounts < n; run++) {
      const { compared } = await runHour();
      seen.add(compared.accounts);
      accounts += compared.accounts;
    }
    expect(accounts).toBe(n);
    expect(seen).toContain(1);
    expect(Math.max(...seen)).toBeLessThan(n);
  });

  test('all rows of each list are counted once a day, one list in each run', async () => {
    const first = countedInFull(await runForEachList());
    expect(first.toSorted()).toEqual(listNames);
    expect(countedInFull([await runHour()])).toEqual([undefined]);
    const nextDay = createSystem();
    // A minute more, because the runs of the first day were not at one time.
    nextDay.clock.advance(86_460_000);
    expect(countedInFull(await runForEachList(nextDay))).toEqual(first);
  });

  test('all rows are counted by the nearest replica, from an index alone', async () => {
    const counts = new Map<string, { table: string; from: string }>();
    const watched = createSystem({
      DB: createWatchedDatabase((sql, from) => {
        const table = allRows.exec(sql)?.[1];
        if (table !== undefined) counts.set(sql, { table, from });
      }),
    });
    await runForEachList(watched);
    expect(counts.size).toBe(listNames.length);
    for (const [sql, { table, from }] of counts) {
      expect(from).toBe('first-unconstrained');
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...Array.from(sql.matchAll(/\?/g), () => '[]'))
        .all<{ detail: string }>();
      expect(results.map(({ detail }) => detail)).toContainEqual(
        expect.stringMatching(new RegExp(`^(SCAN|SEARCH) ${table} USING COVERING INDEX`)),
      );
    }
  });

  test('progress is saved before rows are counted, because a count that is too large may end the run', async () => {
    const steps: string[] = [];
    const database = createWatchedDatabase((sql) => {
      const step =
        /UPDATE reconciliation SET ((?!sales)\w+)/.exec(sql)?.[1] ?? (/AS filter FROM/.test(sql) ? 'count' : undefined);
      if (step !== undefined && step !== steps.at(-1)) steps.push(step);
    });
    await runHour(createSystem({ DB: database }));
    expect(steps).toEqual(['counts_after', 'count', 'lists_counted', 'count']);
  });

  test('lists whose rows cannot be counted delay neither each other nor the accounts', async () => {
    excuseDocuments('A count is changed without an event.');
    Object.assign(limits, { accountsComparedPerRun: 2 });
    const accounts = (await all('SELECT id FROM users')).length;
    await env.DB.prepare(`UPDATE list_counts SET counts = '{"placed":7}' WHERE list = 'orders' AND owner <> ''`).run();
    const stalled = refuse(allRows);
    const runs: Run[] = [];
    for (let seen = 0; seen < accounts; seen += 2) runs.push(await runHour(stalled));
    const failures = runs.flatMap(({ failed }) => failed);
    expect(failures).toEqual(listNames.map(() => expect.objectContaining({ level: 'error' })));
    expect(failures.map(({ list }) => list).toSorted()).toEqual(listNames);
    await expectKept();
  });

  test('an account whose rows cannot be counted delays neither the walk nor its other lists', async () => {
    excuseDocuments('Counts are changed without an event.');
    Object.assign(limits, { accountsComparedPerRun: 2 });
    const accounts = (await all('SELECT id FROM users')).length;
    await env.DB.prepare(`UPDATE list_counts SET counts = '{"open":7}' WHERE list = 'tickets' AND owner <> ''`).run();
    const stalled = refuse(/FROM "orders"\s+WHERE "orders"."customer_id" IN/);
    const runs: Run[] = [];
    for (let seen = 0; seen < accounts; seen += 2) runs.push(await runHour(stalled));
    expect(runs.map(({ failed }) => failed)).toEqual(runs.map(() => [expect.objectContaining({ list: 'orders' })]));
    expect(runs.map(({ compared }) => compared.failed)).toEqual(runs.map(() => 1));
    await expectKept();
  });
});

test('a list of an account that does not exist has no rows, and no row of its counts', async () => {
  expect(await total(`/v1/orders?customer=${newId()}`)).toBe(0);
  await expectKept();
});
