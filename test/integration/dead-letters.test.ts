import { env } from 'cloudflare:workers';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import { groupQuery } from '../../src/operations/dead-letter-groups';
import { deadLetterQuery } from '../../src/operations/dead-letters';
import type { DeadLetter, DeadLetterDetail, DeadLetterGroup } from '../../src/operations/schemas';
import { limits } from '../../src/platform/limits';
import { type Given, given, openTicket, post, read } from '../support/operations';

/** Makes dead letters of the newest events: for each error one delivery, with a fault. */
async function givenDeadLetters(system: Given, letters: readonly [error: string | null, fault?: string][]) {
  for (const [index, [error, fault = null]] of letters.entries()) {
    await openTicket(system);
    await env.DB.prepare(
      `INSERT INTO deliveries (position, subscription, available_at, status, last_error, fault, tries, first_failed_at,
         last_failed_at) SELECT max(position), 'emails', 0, 'dead', ?, ?, ?, ?, ? FROM events`,
    )
      .bind(error, fault, index + 1, 1000 * index, 2000 * index)
      .run();
  }
}

const groupsOf = (system: Given) =>
  read<{ data: DeadLetterGroup[]; isComplete: boolean }>(system, 'dead-letters/groups');

test('dead letters are grouped by subscription, error and fault, with their first and last time (product 8.14)', async () => {
  const system = await given();
  await givenDeadLetters(system, [['EmailError'], ['TypeError'], ['EmailError', 'recipient'], ['TypeError'], [null]]);
  const { data, isComplete } = await groupsOf(system);
  expect(isComplete).toBe(true);
  expect(data).toMatchObject([
    { subscription: 'emails', error: null, fault: 'system', count: 1 },
    { error: 'TypeError', fault: 'system', count: 2, attempts: 4, replays: 0 },
    { error: 'EmailError', fault: 'recipient', count: 1 },
    { error: 'EmailError', fault: 'system', count: 1 },
  ]);
  expect(data[1]).toMatchObject({
    firstFailedAt: '1970-01-01T00:00:01.000Z',
    lastFailedAt: '1970-01-01T00:00:06.000Z',
  });
  const { data: ofError } = await read<{ data: DeadLetter[] }>(
    system,
    'dead-letters?subscription=emails&error=TypeError',
  );
  expect(ofError.map(({ lastError }) => lastError)).toEqual(['TypeError', 'TypeError']);
  expect(data[1]?.newest).toBe(ofError[0]?.id);
  const { length } = (await read<{ data: DeadLetter[] }>(system, 'dead-letters?error=EmailError')).data;
  expect(length).toBe(2);
});

test('a group is replayed or discarded as a whole, and nothing else (product 8.14)', async () => {
  const system = await given();
  await givenDeadLetters(system, [['TypeError'], ['RangeError'], ['TypeError'], ['EmailError', 'recipient']]);
  const change = async (path: string, body: object) => (await post(system, `dead-letters/${path}`, body)).json();
  const errors = async () => (await groupsOf(system)).data.map(({ error }) => error).sort();
  const group = { subscription: 'emails', error: 'TypeError' };
  expect(await change('replay', { ...group, subscription: 'projections' })).toEqual({
    count: 0,
    remaining: 0,
    decision: null,
  });
  expect(await change('replay', group)).toMatchObject({ count: 2, remaining: 0 });
  expect(await errors()).toEqual(['EmailError', 'RangeError']);
  // They die again, and tell that they were replayed.
  await env.DB.prepare("UPDATE deliveries SET status = 'dead', last_error = 'TypeError' WHERE replays = 1").run();
  expect((await groupsOf(system)).data.find(({ error }) => error === 'TypeError')).toMatchObject({ replays: 1 });
  expect(await change('discard', { subscription: 'emails', error: 'RangeError' })).toMatchObject({ count: 1 });
  // A group of the recipients' fault has to be named as such.
  const ofRecipient = { subscription: 'emails', error: 'EmailError' };
  expect(await change('discard', ofRecipient)).toMatchObject({ count: 0 });
  expect(await change('discard', { ...ofRecipient, fault: 'recipient' })).toMatchObject({ count: 1 });
  expect(await errors()).toEqual(['TypeError']);
  for (const body of [{}, { subscription: 'emails' }, { error: 'TypeError' }])
    expect((await post(system, 'dead-letters/discard', body)).status).toBe(422);
});

test('one dead letter is shown with its event (product 8.14)', async () => {
  const system = await given();
  await givenDeadLetters(system, [['TypeError']]);
  const { newest = '' } = (await groupsOf(system)).data[0] ?? {};
  const letter = await read<DeadLetterDetail>(system, `dead-letters/${newest}`);
  expect(letter).toMatchObject({
    ...{ id: newest, lastError: 'TypeError', attempts: 1, replays: 0, fault: 'system' },
    event: { type: 'TicketOpened', position: letter.position, actorId: system.customer.id, data: { orderId: null } },
  });
  await env.DB.prepare("UPDATE deliveries SET status = 'pending'").run();
  const { request, admin } = system;
  const gone = await request(`/v1/operations/dead-letters/${newest}`, { headers: admin.bearer });
  expect([gone.status, (await gone.json<{ code: string }>()).code]).toEqual([404, 'dead-letters.not-found']);
});

test('the groups look at a bounded number of dead letters, and say so (product 8.14)', async () => {
  const system = await given();
  await givenDeadLetters(system, [['OldError'], ['TypeError'], ['TypeError']]);
  limits.deadLettersGrouped = 2;
  const { data, isComplete } = await groupsOf(system);
  limits.deadLettersGrouped = 1_000;
  expect([data.map(({ error, count }) => [error, count]), isComplete]).toEqual([[['TypeError', 2]], false]);
});

test('groups and their letters are found by an index, whatever waits (product 8.14)', async () => {
  const plan = async (query: Parameters<SQLiteSyncDialect['sqlToQuery']>[0]) => {
    const { sql, params } = new SQLiteSyncDialect().sqlToQuery(query);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail).filter((detail) => detail.includes('deliveries'));
  };
  for (const step of await plan(groupQuery())) expect(step).toMatch(/^SEARCH deliveries USING INDEX deliveries_dead /);
  const steps = await plan(deadLetterQuery({ subscription: 'emails', error: 'TypeError' }, 10));
  expect(steps).toHaveLength(2);
  for (const step of steps)
    expect(step).toMatch(/deliveries_dead_by_error \(subscription=\? AND last_error=\? AND fault=\? AND \S*position/);
});
