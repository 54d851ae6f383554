import { env } from 'cloudflare:workers';
import type { SQL } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createDueDeliveries } from '../../src/cqrs/log/due-deliveries';
import { type Subscription, subscriptions } from '../../src/cqrs/log/event';
import { createOutbox } from '../../src/cqrs/log/outbox';
import { deadLetterQuery } from '../../src/operations/dead-letters';
import { figureQueries, findFigures } from '../../src/operations/figures';
import { backlogQueries } from '../../src/operations/readiness';
import { createOperationsRepository } from '../../src/operations/repository';
import type { Readiness } from '../../src/operations/schemas';
import { openSession, runBatch, type Statement } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { aUser, checked } from '../support/factories';
import { given, post } from '../support/operations';
import { createSystem } from '../support/system';

const rows = 3000;
const dialect = new SQLiteSyncDialect();

/** For each subscription: three times a hundred deliveries, which an index finds in their rows, and an event. */
const mostRowsForOldest = subscriptions.length * 3 * 250;

/** The number of rows that D1 reads for a query. */
async function countRowsRead(query: SQL): Promise<number> {
  const { sql, params } = dialect.sqlToQuery(query);
  const { meta } = await env.DB.prepare(sql)
    .bind(...params)
    .all();
  return meta.rows_read;
}

/** D1 that adds up the rows that its statements read. */
function countingDatabase() {
  const read = { rows: 0 };
  const database = {
    withSession: (from?: string) =>
      new Proxy(env.DB.withSession(from), {
        get(session, name) {
          if (name !== 'batch') return Reflect.get(session, name).bind(session);
          return async (statements: D1PreparedStatement[]) => {
            const results = await session.batch(statements);
            for (const { meta } of results) read.rows += meta.rows_read;
            return results;
          };
        },
      }),
    // Sessions are the only use of the database.
  } as unknown as D1Database;
  return { database, read };
}

/** A backlog: for each subscription, dead letters first, and then as many deliveries that wait. */
beforeAll(async () => {
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT 'e' || i, 'thing', 'a', i, 'Noted', 1, '{}', '{"commandId":"c","requestId":"r"}', '2026-01-01T00:00:00.000Z' FROM n`,
    ).bind(2 * rows),
    env.DB.prepare(
      `INSERT INTO deliveries (position, subscription, available_at, status, failures)
       SELECT position, value, position, CASE WHEN position <= ? THEN 'dead' ELSE 'pending' END, 1
       FROM events, json_each(?)`,
    ).bind(rows, JSON.stringify(subscriptions)),
  ]);
});

describe('with a backlog of thousands', () => {
  test('the readiness check reads a bounded number of rows (product 8.1)', async () => {
    const { deadLetters, oldest } = backlogQueries();
    expect(await countRowsRead(deadLetters)).toBeLessThan(150);
    expect(await countRowsRead(oldest)).toBeLessThan(mostRowsForOldest);
    const { sql, params } = dialect.sqlToQuery(oldest);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail);
    const count = (detail: RegExp) => plan.filter((line) => detail.test(line)).length;
    expect(count(/^SEARCH deliveries USING PRIMARY KEY \(subscription=\?\)$/)).toBe(subscriptions.length);
    expect(count(/^SEARCH deliveries USING (?:COVERING )?INDEX deliveries_due \(subscription=\?\)$/)).toBe(
      2 * subscriptions.length,
    );
    expect(plan.filter((line) => /^SCAN (?:deliveries|events)|TEMP B-TREE/.test(line))).toEqual([]);
  });

  test('the figures read a bounded number of rows, and count up to a thousand (product 8.5)', async () => {
    await env.DB.prepare(
      `INSERT INTO projections (view, key, position, claimed_until, recheck_at, error, claimed_by)
       SELECT 'many@1', position, 0, 0, 1, 'Error', NULL
       FROM events WHERE type = 'Noted'`,
    ).run();
    const { counts, oldest, totals } = figureQueries();
    const perCount = limits.figuresCounted + 10;
    expect(await countRowsRead(counts)).toBeLessThan(subscriptions.length * 2 * perCount);
    expect(await countRowsRead(oldest)).toBeLessThan(mostRowsForOldest);
    // Two parts of the keys to be rechecked, which are then put together, and the failing keys.
    expect(await countRowsRead(totals)).toBeLessThan(6 * perCount);
    const { read, database } = countingDatabase();
    const figures = await findFigures(openSession(database, 'first-primary').db, Date.now());
    expect(read.rows).toBeLessThan(18 * perCount);
    expect(figures).toMatchObject({ keysToRecheck: 1000, failingKeys: 1000 });
    for (const row of figures.subscriptions) expect(row).toMatchObject({ pending: 1000, dead: 1000 });
    expect(figures.subscriptions.map(({ oldestSeconds }) => oldestSeconds > 0)).toEqual(subscriptions.map(() => true));
    await env.DB.prepare("DELETE FROM projections WHERE view = 'many@1'").run();
  });

  test('the readiness check finds what waits behind more dead letters than it looks at (product 8.1)', async () => {
    const response = await createSystem().request('/v1/health/ready');
    const { issues } = await response.json<Readiness>();
    expect(response.status).toBe(503);
    expect(issues.map(({ code }) => code)).toEqual([...subscriptions.map(() => 'deliveries-late'), 'dead-letters']);
    expect(issues.at(-1)).toMatchObject({
      detail: expect.stringMatching(/^More than 100 dead letters/),
      details: { count: 100, isMore: true },
    });
  });

  test('the readiness check and the lists read a bounded number of rows, however many addresses refused their e-mails (product 7.7)', async () => {
    const setFault = (fault: string | null) =>
      env.DB.prepare("UPDATE deliveries SET fault = ? WHERE status = 'dead' AND position > 1").bind(fault).run();
    await setFault('recipient');
    const { deadLetters } = backlogQueries();
    expect(await countRowsRead(deadLetters)).toBeLessThan(20);
    expect(await countRowsRead(deadLetterQuery({ fault: 'system' }, 21))).toBeLessThan(50);
    expect(await countRowsRead(deadLetterQuery({ fault: 'recipient' }, 21))).toBeLessThan(500);
    const figures = await findFigures(openSession(env.DB, 'first-primary').db, Date.now());
    expect([figures.refusedEmails, figures.subscriptions.map(({ dead }) => dead)]).toEqual([
      limits.figuresCounted,
      subscriptions.map(() => 1),
    ]);
    const { issues } = await (await createSystem().request('/v1/health/ready')).json<Readiness>();
    expect(issues.at(-1)?.detail).toBe(`${subscriptions.length} dead letters wait to be replayed or discarded.`);
    await setFault(null);
  });

  test.each<[Subscription | undefined, [number, string] | undefined]>([
    [undefined, undefined],
    ['emails', undefined],
    [undefined, [rows - 5, 'emails']],
    ['projections', [rows - 5, 'projections']],
  ])('a page of dead letters of %s after %j reads a bounded number of rows', async (subscription, before) => {
    const query = deadLetterQuery({ subscription, before }, 21);
    expect(await countRowsRead(query)).toBeLessThan(500);
    const { sql, params } = dialect.sqlToQuery(query);
    const { results } = await env.DB.prepare(sql)
      .bind(...params)
      .all<{ position: number; subscription: string }>();
    expect(results).toHaveLength(21);
    const keys = results.map((row) => [row.position, row.subscription] as const);
    const names = subscription ? [subscription] : subscriptions.toSorted().toReversed();
    const all = Array.from({ length: rows }, (_, index) => rows - index).flatMap((position) =>
      names.map((name) => [position, name] as const),
    );
    const isAfter = ([position, name]: readonly [number, string]) =>
      !before || position < before[0] || (position === before[0] && name < before[1]);
    expect(keys).toEqual(all.filter(isAfter).slice(0, 21));
  });

  test('the relay reads only what it takes (product 7.1)', async () => {
    const { database, read } = countingDatabase();
    const taken = await createDueDeliveries(database, { now: () => Date.now() }).take('events', 20);
    expect(taken).toHaveLength(20);
    expect(read.rows).toBeLessThan(200);
  });

  test('a claim reads only the deliveries that it claims', async () => {
    const { database, read } = countingDatabase();
    const claim = await createOutbox(database, { now: () => 5 }, async () => {}).claim('events', [
      { position: rows + 7, id: `e${rows + 7}` },
    ]);
    expect(claim.results.get(`e${rows + 7}`)).toBe('claimed');
    expect(read.rows).toBeLessThan(20);
  });

  test.each([
    ['replay', 5],
    ['discard', 6],
  ] as const)('the %s of a dead letter reads a bounded number of rows', async (name, position) => {
    await env.DB.prepare(
      `INSERT OR REPLACE INTO shapes (view, name, types, since) SELECT value, value, '["Noted"]', 0
       FROM json_each('["a@1", "b@1", "c@1", "d@1"]')`,
    ).run();
    const { database, read } = countingDatabase();
    const { db } = openSession(database, 'first-primary');
    const staged: Statement[] = [];
    const repository = createOperationsRepository({
      db,
      stage: (statement) => void staged.push(statement),
      guard() {},
    });
    const { letters } = await repository.findDeadLetters({ position, subscription: 'projections' }, 500);
    expect(letters).toEqual([{ position, subscription: 'projections' }]);
    const admin = checked(aUser({ role: 'admin' }));
    if (name === 'replay') repository.replay(letters, 0, admin);
    else repository.discard(letters, admin);
    await runBatch(db, staged);
    expect(read.rows).toBeLessThan(100);
  });

  test('up to 500 dead letters of all subscriptions are found with a bounded number of rows', async () => {
    const { database, read } = countingDatabase();
    const { db } = openSession(database, 'first-primary');
    const repository = createOperationsRepository({ db, stage() {}, guard() {} });
    expect(await repository.findDeadLetters({}, 500)).toMatchObject({ remaining: 100 });
    // For each subscription 600 rows, which are then sorted.
    expect(read.rows).toBeLessThan(2 * 4 * 600 + 100);
  });
});

test.each<[string, { refused: number; dueAt: number }]>([
  [
    'is behind 101 e-mails that their addresses refused, and has been put off for long',
    { refused: 101, dueAt: 10 ** 15 },
  ],
  ['is behind 101 e-mails that their addresses refused, and is due first', { refused: 101, dueAt: 0 }],
  ['is the first one, and is due in the middle', { refused: 0, dueAt: 150 }],
])(
  'the readiness check finds an e-mail that has waited for five hours among 300 new ones, when it %s (product 8.1)',
  async (_, { refused, dueAt }) => {
    const system = await given();
    await env.DB.prepare('DELETE FROM deliveries').run();
    const last = await env.DB.prepare('SELECT max(position) AS last FROM events').first<number>('last');
    const [first, at] = [
      (last ?? 0) + 1,
      (hours: number) => new Date(system.clock.now() - hours * 3_600_000).toISOString(),
    ];
    const old = first + refused;
    await env.DB.batch([
      env.DB.prepare(
        `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 + 300)
       SELECT 'late' || i, 'thing', 'late', i, 'Noted', 1, '{}', '{"commandId":"c","requestId":"r"}',
         CASE WHEN i <= ?2 THEN ?3 ELSE ?4 END FROM n`,
      ).bind(first, old, at(5), at(0)),
      env.DB.prepare(
        `INSERT INTO deliveries (position, subscription, available_at, status, fault)
       SELECT position, 'emails', CASE WHEN position = ?2 THEN ?3 ELSE position - ?2 END,
         CASE WHEN position < ?2 THEN 'dead' ELSE 'pending' END, CASE WHEN position < ?2 THEN 'recipient' END
       FROM events WHERE position >= ?1`,
      ).bind(first, old, dueAt),
    ]);
    const response = await system.request('/v1/health/ready');
    const { status, issues } = await response.json<Readiness>();
    expect([response.status, status, issues.map(({ code }) => code)]).toEqual([200, 'degraded', ['deliveries-late']]);
    expect(issues[0]?.detail).toMatch(/^The oldest delivery to emails has waited 180\d\d seconds\.$/);
  },
);

test('a replay of many dead letters says how many are left, counted up to a hundred (product 7.3)', async () => {
  const system = await given();
  await env.DB.prepare(
    `INSERT INTO deliveries (position, subscription, available_at, status)
     SELECT position, 'events', 0, 'dead' FROM events WHERE type = 'Noted' AND position <= 601`,
  ).run();
  expect(await (await post(system, 'dead-letters/replay', {})).json()).toMatchObject({ count: 500, remaining: 100 });
  expect(await (await post(system, 'dead-letters/replay', {})).json()).toMatchObject({ count: 101, remaining: 0 });
});

test('a discarded projection makes the documents older than its event invalid, in each shape that lists its type', async () => {
  const system = await given();
  const shape = (view: string, types: string[], missed: number) =>
    env.DB.prepare('INSERT OR REPLACE INTO shapes (view, name, types, since, missed) VALUES (?, ?, ?, 0, ?)').bind(
      view,
      view,
      JSON.stringify(types),
      missed,
    );
  const dead = (position: number, subscription: string) =>
    env.DB.prepare(
      "INSERT INTO deliveries (position, subscription, available_at, status) VALUES (?, ?, 0, 'dead')",
    ).bind(position, subscription);
  await env.DB.batch([
    env.DB.prepare('DELETE FROM shapes'),
    shape('a@1', ['Other', 'Noted'], 0),
    shape('a@2', ['Noted'], 50),
    shape('b@1', ['Other'], 0),
    // The migration does not know the types of the shapes that it registers.
    shape('c@1', [], 0),
    ...[10, 20, 30].map((position) => dead(position, 'projections')),
    dead(40, 'emails'),
  ]);
  const missed = async () =>
    Object.fromEntries(
      (await env.DB.prepare('SELECT view, missed FROM shapes').all<{ view: string; missed: number }>()).results.map(
        (row) => [row.view, row.missed],
      ),
    );
  const discard = (id: string) =>
    system.request(`/v1/operations/dead-letters/${id}`, { method: 'DELETE', headers: system.admin.bearer });
  expect((await discard('20-projections')).status).toBe(204);
  expect(await missed()).toEqual({ 'a@1': 20, 'a@2': 50, 'b@1': 0, 'c@1': 20 });
  expect((await discard('10-projections')).status).toBe(204);
  expect((await discard('40-emails')).status).toBe(204);
  expect(await missed()).toEqual({ 'a@1': 20, 'a@2': 50, 'b@1': 0, 'c@1': 20 });
  expect((await post(system, 'dead-letters/30-projections/replay')).status).toBe(200);
  expect((await discard('30-projections')).status).toBe(404);
  expect(await missed()).toEqual({ 'a@1': 20, 'a@2': 50, 'b@1': 0, 'c@1': 20 });
});
