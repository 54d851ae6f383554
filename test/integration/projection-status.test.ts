import { env } from 'cloudflare:workers';
import type { SQL } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { afterEach, expect, test } from 'vitest';
import { views } from '../../src/domains';
import { statusQueries } from '../../src/operations/projection-status';
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

test('the cost of the list does not grow with the documents or the backlog (product 8.2)', async () => {
  const plan = async (query: SQL) => {
    const { sql, params } = new SQLiteSyncDialect().sqlToQuery(query);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail).filter((detail) => /\b(?:deliveries|projections|events)\b/.test(detail));
  };
  const { pending, log, keys, toRecheck, failing } = statusQueries(views);
  for (const query of [pending, log, keys, failing]) {
    const steps = await plan(query);
    expect(steps.length).toBeGreaterThan(0);
    for (const step of steps) expect(step).toMatch(/^SEARCH /);
  }
  // Only keys to recheck are in this index.
  expect(await plan(toRecheck)).toEqual([expect.stringMatching(/USING (?:COVERING )?INDEX projections_recheck/)]);
});
