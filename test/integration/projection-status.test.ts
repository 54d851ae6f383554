import { env } from 'cloudflare:workers';
import type { SQL } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { afterEach, expect, test } from 'vitest';
import { views } from '../../src/domains';
import { statusQueries } from '../../src/operations/projection-status';
import { recheckQueries } from '../../src/operations/rechecks';
import type { Projection } from '../../src/operations/schemas';
import { limits } from '../../src/platform/limits';
import { type Given, given, openTicket, read } from '../support/operations';

const real = { ...limits };
afterEach(() => void Object.assign(limits, real));

const list = (system: Given) =>
  read<{ position: number; isComplete: boolean; data: Projection[] }>(system, 'projections');

test('of a long backlog the oldest deliveries are counted, and the list says so (product 8.2)', async () => {
  const system = await given();
  await openTicket(system);
  await openTicket(system);
  const whole = await list(system);
  expect(whole.isComplete).toBe(true);
  const lagOf = ({ data }: typeof whole, name: string) => data.find(({ view }) => view === name);
  expect(lagOf(whole, 'ticket')).toMatchObject({ lagEvents: 2 });
  expect(lagOf(whole, 'item')).toMatchObject({ lagEvents: 0, position: whole.position });
  limits.backlogCounted = 1;
  const part = await list(system);
  expect(part.isComplete).toBe(false);
  expect(lagOf(part, 'ticket')).toMatchObject({ lagEvents: 1, position: lagOf(whole, 'ticket')?.position });
  // An event that nobody has counted may be one of this read model.
  expect(lagOf(part, 'item')).toMatchObject({ lagEvents: 0, position: (lagOf(whole, 'ticket')?.position ?? 0) + 1 });
});

test('the documents of a read model are counted up to a limit (product 8.2)', async () => {
  const system = await given();
  const keysOf = async () => (await list(system)).data.find(({ view }) => view === 'user')?.keys;
  expect(await keysOf()).toBeGreaterThan(1);
  limits.figuresCounted = 1;
  expect(await keysOf()).toBe(1);
});

/** How D1 runs a query, without what it does with rows that it has already. */
async function plan(query: SQL): Promise<string[]> {
  const { sql, params } = new SQLiteSyncDialect().sqlToQuery(query);
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ detail: string }>();
  return results
    .map(({ detail }) => detail)
    .filter((detail) => /\b(?:deliveries|projections|events)\b|B-TREE/.test(detail));
}

test('the cost of the list does not grow with the documents or the backlog (product 8.2)', async () => {
  const { pending, log, keys, toRecheck, failing } = statusQueries(views);
  for (const query of [pending, log, keys, failing]) {
    const steps = (await plan(query)).filter((step) => !step.includes('B-TREE'));
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) expect(step).toMatch(/^SEARCH /);
  }
  // Only keys to recheck are in this index.
  expect((await plan(toRecheck))[0]).toMatch(/USING (?:COVERING )?INDEX projections_recheck/);
});

interface RecheckPage {
  data: { view: string; shape: string; key: string; recheckAt: string }[];
  nextCursor: string | null;
}

/** Marks the documents of the customer and of the admin, one a second later than the other, and some at the same time. */
async function givenMarks() {
  const system = await given();
  const { clock, customer, admin } = system;
  const at = clock.now() + 30_000;
  const mark = (key: string, view: string, ms: number) =>
    env.DB.prepare('UPDATE projections SET recheck_at = ? WHERE key = ? AND view LIKE ?').bind(ms, key, view).run();
  await env.DB.prepare('UPDATE projections SET recheck_at = NULL').run();
  await mark(admin.id, 'user@%', at + 1_000);
  await mark(customer.id, 'settings@%', at);
  await mark(customer.id, 'user@%', at);
  return { system, at, wanted: [`settings ${customer.id}`, `user ${customer.id}`, `user ${admin.id}`] };
}

/** All documents of the list, page by page, and how many pages there were. */
async function pagesOf(system: Given, query: string) {
  const keys: string[] = [];
  let pages = 0;
  for (let cursor: string | null | undefined; cursor !== null; pages++) {
    const page = await read<RecheckPage>(system, `rechecks?limit=1${query}${cursor ? `&cursor=${cursor}` : ''}`);
    keys.push(...page.data.map(({ view, key }) => `${view} ${key}`));
    cursor = page.nextCursor;
  }
  return { keys, pages };
}

test('the documents that are projected once more are listed, those first that are due first (product 8.2)', async () => {
  const { system, at, wanted } = await givenMarks();
  const { data } = await read<RecheckPage>(system, 'rechecks');
  expect(data.map(({ view, key }) => `${view} ${key}`)).toEqual(wanted);
  expect(data[0]).toMatchObject({
    shape: expect.stringMatching(/^settings@\d+$/),
    recheckAt: new Date(at).toISOString(),
  });
  const { data: models } = await list(system);
  expect(models.find(({ view }) => view === 'user')?.keysToRecheck).toBe(2);
  expect(await pagesOf(system, '')).toEqual({ keys: wanted, pages: 3 });
  expect(await pagesOf(system, '&view=user')).toEqual({ keys: wanted.slice(1), pages: 2 });
});

test('a page of one read model searches some of the marks, and the next one goes on from there (product 8.2)', async () => {
  const { system, wanted } = await givenMarks();
  limits.marksPerSearch = 1;
  expect(await pagesOf(system, '&view=user')).toEqual({ keys: wanted.slice(1), pages: 4 });
  for (const shape of [undefined, 'user@1']) {
    const { rows, end } = recheckQueries(shape, [1, 'a', 'b'], 2);
    for (const query of [rows, end]) {
      const steps = (await plan(query)).filter((step) => step.includes('projections'));
      expect(steps).toEqual([
        expect.stringMatching(/^SEARCH projections USING INDEX projections_recheck \(recheck_at>/),
      ]);
    }
    expect(await plan(rows)).not.toContainEqual(expect.stringContaining('B-TREE'));
  }
});

test('a cursor of another list and an unknown read model are refused (product 8.2)', async () => {
  const { request, admin } = await given();
  const ask = (query: string) => request(`/v1/operations/rechecks?${query}`, { headers: admin.bearer });
  expect((await ask('cursor=WzEsMl0')).status).toBe(400);
  const missing = await ask('view=nothing');
  expect([missing.status, await missing.json()]).toEqual([
    404,
    expect.objectContaining({ code: 'projections.not-found' }),
  ]);
});
