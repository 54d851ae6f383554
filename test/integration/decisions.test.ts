import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import type { Subscription } from '../../src/cqrs/log/event';
import { eventsOfRequests } from '../../src/cqrs/log/event-log';
import { selectNamed } from '../../src/operations/dead-letters';
import type { EventDetail } from '../../src/operations/event-schemas';
import type { AuditEvent, Projection } from '../../src/operations/schemas';
import { findOutcomes, outcomeQueries } from '../../src/operations/work';
import type { DeadLetterDecision } from '../../src/operations/work-schemas';
import { openSession } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { type Given, given, openTicket, post, read, runRebuilds, startRebuild } from '../support/operations';

/** Makes a dead letter of the newest event. */
async function addDeadLetter(system: Given, subscription = 'emails'): Promise<string> {
  await openTicket(system);
  const row = await env.DB.prepare(
    `INSERT OR REPLACE INTO deliveries (position, subscription, available_at, status, last_error, tries)
       SELECT max(position), ?, 0, 'dead', 'TypeError', 3 FROM events RETURNING position`,
  )
    .bind(subscription)
    .first<{ position: number }>();
  return `${row?.position}-${subscription}`;
}

type Result = { count: number; remaining: number; decision: number | null };

async function decide(system: Given, action: 'replay' | 'discard', body: object): Promise<Result> {
  const response = await post(system, `dead-letters/${action}`, body);
  expect(response.status).toBe(200);
  return response.json<Result>();
}

const look = (system: Given, decision: number | null) =>
  read<DeadLetterDecision>(system, `dead-letter-decisions/${decision}`);

const statesOf = ({ data }: DeadLetterDecision) => Object.fromEntries(data.map(({ id, state }) => [id, state]));

test('some dead letters are replayed by their ids, and what became of each can be read afterwards (product 8.18)', async () => {
  const system = await given();
  const [done, dead, discarded, other] = [
    await addDeadLetter(system),
    await addDeadLetter(system),
    await addDeadLetter(system),
    await addDeadLetter(system),
  ];
  const ids = [done, dead, discarded];
  const { decision, ...counts } = await decide(system, 'replay', { ids: [...ids, '999999-emails'] });
  expect(counts).toEqual({ count: 3, remaining: 0 });
  const replayed = await look(system, decision);
  expect(replayed).toMatchObject({ decision, action: 'replayed', counts: { waiting: 3, done: 0 } });
  expect(replayed.event).toMatchObject({ type: 'DeadLettersReplayed', actorId: system.admin.id, version: decision });
  // What waits is no dead letter any more.
  expect((await post(system, 'dead-letters/replay', { ids: [done] })).status).toBe(404);
  expect(replayed.data[0]).toMatchObject({ state: 'waiting', lastError: null, nextSendAt: expect.any(String) });

  const end = (id: string, change: string) =>
    env.DB.prepare(`${change} WHERE position = ?`).bind(parseInt(id, 10)).run();
  await end(done, 'DELETE FROM deliveries');
  for (const id of [dead, discarded]) await end(id, "UPDATE deliveries SET status = 'dead', last_error = 'RangeError'");
  const second = await decide(system, 'discard', { ids: [discarded] });
  expect(second).toEqual({ count: 1, remaining: 0, decision: (decision ?? 0) + 1 });
  const later = await look(system, decision);
  expect(statesOf(later)).toEqual({ [done]: 'done', [dead]: 'dead', [discarded]: 'discarded' });
  expect(later.counts).toEqual({ done: 1, waiting: 0, dead: 1, discarded: 1, unknown: 0 });
  expect(later.data.find(({ id }) => id === dead)).toMatchObject({ lastError: 'RangeError', nextSendAt: null });
  expect(await look(system, second.decision)).toMatchObject({ action: 'discarded', counts: { discarded: 1 } });
  // Nothing else was decided.
  expect(await decide(system, 'discard', { ids: [other] })).toMatchObject({ count: 1 });
});

test('ids of which none is a dead letter are refused, and so are ids beside other filters (product 8.18)', async () => {
  const system = await given();
  const id = await addDeadLetter(system);
  for (const action of ['replay', 'discard']) {
    expect((await post(system, `dead-letters/${action}`, { ids: ['999999-emails'] })).status).toBe(404);
    for (const body of [
      { ids: [id], subscription: 'emails' },
      { ids: [] },
      { ids: ['a'] },
      { ids: Array(101).fill(id) },
    ])
      expect([body, (await post(system, `dead-letters/${action}`, body)).status]).toEqual([body, 422]);
  }
  expect((await decide(system, 'replay', { subscription: 'events' })).decision).toBeNull();
  const { request, admin } = system;
  const missing = await request('/v1/operations/dead-letter-decisions/999999', { headers: admin.bearer });
  expect([missing.status, (await missing.json<{ code: string }>()).code]).toEqual([
    404,
    'dead-letters.decision-not-found',
  ]);
});

test('what is long finished is not called done where nobody knows (product 8.18)', async () => {
  const system = await given();
  const [email, event] = [await addDeadLetter(system), await addDeadLetter(system, 'events')];
  const { decision } = await decide(system, 'replay', { ids: [email, event] });
  await env.DB.prepare("DELETE FROM deliveries WHERE subscription <> 'projections'").run();
  const found = await look(system, decision);
  expect(statesOf(found)).toEqual({ [email]: 'done', [event]: 'done' });
  // Refused e-mails are removed after 30 days, so a gone one says nothing then.
  const works = [email, event].map((id) => ({
    position: parseInt(id, 10),
    subscription: id.split('-')[1] as Subscription,
  }));
  const { position, occurredAt } = found.event;
  const statesAfter = async (ms: number) => {
    const outcomes = await findOutcomes(
      openSession(env.DB, 'first-primary').db,
      works,
      { position, occurredAt },
      Date.parse(occurredAt) + ms,
    );
    return outcomes.map(({ state }) => state);
  };
  expect(await statesAfter(30 * 86_400_000 - 1)).toEqual(['done', 'done']);
  expect(await statesAfter(30 * 86_400_000)).toEqual(['unknown', 'done']);
  // A discard may be among the decisions that are not searched.
  limits.decisionsSearched = 1;
  // The search reached the replay itself.
  expect(await statesAfter(0)).toEqual(['done', 'done']);
  await decide(system, 'discard', { ids: [await addDeadLetter(system)] });
  expect(await statesAfter(0)).toEqual(['unknown', 'unknown']);
  limits.decisionsSearched = 100;
});

test('the outcomes of a decision are found by indexes (product 8.18)', async () => {
  const plan = async (query: Parameters<SQLiteSyncDialect['sqlToQuery']>[0]) => {
    const prepared = new SQLiteSyncDialect().sqlToQuery(query);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${prepared.sql}`)
      .bind(...prepared.params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail).filter((detail) => /\b(?:deliveries|events)\b/.test(detail));
  };
  const works = [{ position: 1, subscription: 'emails' as const }];
  const { open, discarded, unsearched } = outcomeQueries(works, 0);
  const byKey = /^SEARCH deliveries USING .*\(subscription=\? AND position=\?\)/;
  for (const query of [open, sql`SELECT * FROM ${selectNamed(works)}`]) {
    const steps = await plan(query);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatch(byKey);
  }
  for (const step of await plan(eventsOfRequests(['a'], 50)))
    expect(step).toMatch(/^SEARCH events USING INDEX events_by_request/);
  for (const query of [discarded, unsearched]) {
    for (const step of await plan(query))
      expect(step).toMatch(/^SEARCH events USING INDEX .*stream_type=\? AND stream_id=\?/);
  }
});

test('an event shows what it caused: the state of its work, and the events of the background (product 8.17)', async () => {
  const system = await given();
  const { id, bearer } = await system.register();
  for (const title of ['a', 'b', 'c'])
    await system.send('POST', '/v1/items', { title, price: { amount: 1, currency: 'EUR' } }, bearer);
  limits.rowsPerErasureStep = 1;
  await system.request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer });
  const { data } = await read<{ data: AuditEvent[] }>(system, `events?stream=user/${id}&type=UserDeleted`);
  const detail = await read<EventDetail>(system, `events/${data[0]?.position}`);
  expect(detail.work).toMatchObject([{ subscription: 'projections', state: 'waiting' }]);
  expect(detail.caused).toEqual([]);
  await runRebuilds(system);
  limits.rowsPerErasureStep = 100;
  const { caused } = await read<EventDetail>(system, `events/${data[0]?.position}`);
  expect(caused.map(({ type }) => type)).toEqual(['ItemDeleted', 'ItemDeleted']);
  const registered = await read<{ data: AuditEvent[] }>(system, `events?stream=user/${id}&type=UserRegistered`);
  const position = registered.data[0]?.position;
  const work = async () => (await read<EventDetail>(system, `events/${position}`)).work.map(({ state }) => state);
  await env.DB.prepare("UPDATE deliveries SET status = 'dead' WHERE position = ?").bind(position).run();
  expect(await work()).toEqual(['dead', 'dead']);
  await decide(system, 'discard', { ids: [`${position}-emails`] });
  expect(await work()).toEqual(['dead', 'discarded']);
});

test('an event that cannot be read is shown with the work that there is for it (product 8.17)', async () => {
  const system = await given();
  const id = await addDeadLetter(system);
  const position = parseInt(id, 10);
  const data = await env.DB.prepare('SELECT data FROM events WHERE position = ?').bind(position).first('data');
  const setData = (text: unknown) =>
    env.DB.prepare('UPDATE events SET data = ? WHERE position = ?').bind(text, position).run();
  await setData('{');
  const detail = await read<EventDetail>(system, `events/${position}`);
  await setData(data);
  expect(detail).toMatchObject({ event: { position, type: 'TicketOpened', data: null }, documents: [], caused: [] });
  expect(detail.work).toContainEqual(expect.objectContaining({ id, state: 'dead', lastError: 'TypeError' }));
});

test('the audit trail finds the events of a type, page by page, also where they are far apart (product 8.2)', async () => {
  const system = await given();
  await openTicket(system);
  for (let count = 0; count < 3; count++) await system.register();
  limits.eventsPerTypeSearch = 2;
  const found: string[] = [];
  let pages = 0;
  for (let cursor: string | null = ''; cursor !== null && found.length === 0; pages++) {
    const query = `events?type=TicketOpened${cursor && `&cursor=${cursor}`}`;
    const page: { data: AuditEvent[]; nextCursor: string | null } = await read(system, query);
    found.push(...page.data.map(({ type }) => type));
    cursor = page.nextCursor;
  }
  limits.eventsPerTypeSearch = 5_000;
  expect(found).toEqual(['TicketOpened']);
  expect(pages).toBeGreaterThan(1);
  const all = await read<{ data: AuditEvent[]; nextCursor: string | null }>(
    system,
    'events?type=TicketOpened&limit=100',
  );
  expect(new Set(all.data.map(({ type }) => type))).toEqual(new Set(['TicketOpened']));
  expect(all.nextCursor).toBeNull();
});

test('the list of projections shows the running rebuild of each read model (product 8.2)', async () => {
  const system = await given();
  await openTicket(system);
  const rebuildOf = async (name: string) => {
    const { data } = await read<{ data: Projection[] }>(system, 'projections');
    return data.find(({ view }) => view === name)?.rebuild;
  };
  expect(await rebuildOf('ticket')).toBeNull();
  const id = await startRebuild(system, 'ticket');
  expect(await rebuildOf('ticket')).toMatchObject({ id, status: 'running', progress: expect.any(Number) });
  expect(await rebuildOf('order')).toBeNull();
  await runRebuilds(system);
  expect(await rebuildOf('ticket')).toBeNull();
});
