import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/operations/schemas';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import { ticketView } from '../../src/tickets/views';
import { driveRebuild, given, openTicket, post, read, rebuildOf, startRebuild } from '../support/operations';

describe('rebuild (product 7.5)', () => {
  test('brings back every document, while the view is read, and the log says who did it', async () => {
    const system = await given();
    const ids = [await openTicket(system), await openTicket(system), await openTicket(system)];
    system.clock.advance(2000);
    await system.settle();
    for (const id of ids) await env.VIEWS.put(ticketView.kvKey(id), 'garbage');
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    expect((await rebuildOf(system, id)).status).toBe('running');
    await driveRebuild(system, async () => {
      const answer = await system.request(`/v1/tickets/${ids[0]}`, { headers: system.customer.bearer });
      expect(answer.status).toBe(200);
    });
    expect(await rebuildOf(system, id)).toMatchObject({ status: 'done', progress: 1 });
    for (const ticket of ids) {
      expect(await env.VIEWS.get(ticketView.kvKey(ticket), 'json')).toMatchObject({ data: { id: ticket } });
    }
    const { data } = await read<{ data: AuditEvent[] }>(system, `events?stream=rebuild/${id}`);
    expect(data).toMatchObject([{ type: 'RebuildStarted', actorId: system.admin.id, data: { view: 'ticket' } }]);
  });

  test('projects each key once, and no key that was projected since it began', async () => {
    const puts: string[] = [];
    const counting = new Proxy(env.VIEWS, {
      get: (kv, name) => {
        if (name !== 'put') return Reflect.get(kv, name).bind(kv);
        return (key: string, value: string) => {
          puts.push(key);
          return kv.put(key, value);
        };
      },
    });
    const system = await given({ VIEWS: counting });
    const ids = [await openTicket(system), await openTicket(system)];
    await system.send('POST', `/v1/tickets/${ids[0]}/status`, { status: 'closed' }, system.admin.bearer);
    system.clock.advance(2000);
    await system.settle();
    system.clock.advance(2000);
    await startRebuild(system, 'ticket');
    await system.send('POST', `/v1/tickets/${ids[1]}/status`, { status: 'closed' }, system.admin.bearer);
    await system.settle();
    puts.length = 0;
    await driveRebuild(system);
    const of = (id: string) => puts.filter((key) => key === ticketView.kvKey(id)).length;
    expect(ids.map(of)).toEqual([1, 0]);
  });

  test('a new shape starts empty and is filled; what the old one left is removed last', async () => {
    const system = await given();
    const id = await openTicket(system);
    system.clock.advance(2000);
    await system.settle();
    // As if this view's shape had just been raised.
    await env.VIEWS.put('ticket@0:old', '{}');
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until) VALUES ('ticket@0', 'old', 1, 0)",
    ).run();
    await env.DB.prepare("DELETE FROM projections WHERE view = 'ticket@1'").run();
    await env.VIEWS.delete(ticketView.kvKey(id));
    await startRebuild(system, 'ticket');
    await driveRebuild(system);
    expect(await env.VIEWS.get(ticketView.kvKey(id), 'json')).toMatchObject({ data: { id } });
    expect(await env.VIEWS.get('ticket@0:old')).toBeNull();
    const old = await env.DB.prepare("SELECT * FROM projections WHERE view = 'ticket@0'").all();
    expect(old.results).toEqual([]);
  });

  test('goes through a long log page by page, and leaves no key out', async () => {
    const system = await given();
    const early = await openTicket(system);
    // Events of other views, as many as fill three pages.
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
       INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       SELECT ?1 || i, 'user', ?1, i, 'UserSignedIn', 1, '{}', '{"commandId":"c","requestId":"r"}', '' FROM n`,
    )
      .bind(newId())
      .run();
    const late = await openTicket(system);
    system.clock.advance(2000);
    await system.settle();
    for (const id of [early, late]) await env.VIEWS.delete(ticketView.kvKey(id));
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    let isFirst = true;
    await driveRebuild(system, async () => {
      if (isFirst) expect((await rebuildOf(system, id)).progress).toBeLessThan(0.7);
      isFirst = false;
    });
    expect(await rebuildOf(system, id)).toMatchObject({ status: 'done', progress: 1 });
    for (const ticket of [early, late]) expect(await env.VIEWS.get(ticketView.kvKey(ticket))).not.toBeNull();
  });

  test('replays a recorded event of a past version (product 6.4)', async () => {
    const system = await given();
    const ticket = await openTicket(system);
    system.clock.advance(2000);
    await system.settle();
    await env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES (?, 'ticket', ?, 2, 'TicketStatusChanged', 1, ?, '{"commandId":"c","requestId":"r"}', '')`,
    )
      .bind(newId(), ticket, JSON.stringify({ customerId: system.customer.id, status: 'triaged' }))
      .run();
    await env.VIEWS.delete(`ticket-list@1:${system.customer.id}:triaged`);
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket-list');
    await driveRebuild(system);
    expect((await rebuildOf(system, id)).status).toBe('done');
    // Version 1 did not say where the ticket came from: every list of the customer is touched.
    expect(await env.VIEWS.get(`ticket-list@1:${system.customer.id}:triaged`)).not.toBeNull();
  });

  test('a key that no event of the log touches is removed', async () => {
    const system = await given();
    const key = newId();
    await env.VIEWS.put(ticketView.kvKey(key), '{}');
    await env.DB.prepare("INSERT INTO projections (view, key, position, claimed_until) VALUES ('ticket@1', ?, 1, 0)")
      .bind(key)
      .run();
    await startRebuild(system, 'ticket');
    await driveRebuild(system);
    expect(await env.VIEWS.get(ticketView.kvKey(key))).toBeNull();
  });

  test('goes on from its checkpoint when its message was lost', async () => {
    const system = await given();
    await openTicket(system);
    await system.settle();
    system.clock.advance(2000);
    const id = await startRebuild(system, 'ticket');
    await system.deliver('rebuilds', system.rebuildMessages.splice(0, 1));
    const { results } = await env.DB.prepare('SELECT checkpoint FROM rebuilds WHERE id = ?').bind(id).all();
    system.rebuildMessages.length = 0;
    await runSchedule(system.services(), '* * * * *');
    expect(system.rebuildMessages).toEqual([]);
    system.clock.advance(61_000);
    await runSchedule(system.services(), '* * * * *');
    expect(system.rebuildMessages).toEqual([{ rebuildId: id, step: 1 }]);
    expect(results[0]?.checkpoint).toBeGreaterThan(0);
    await driveRebuild(system);
    expect((await rebuildOf(system, id)).status).toBe('done');
  });

  test('one message twice moves it once', async () => {
    const system = await given();
    const id = await startRebuild(system, 'ticket');
    const [message] = system.rebuildMessages.splice(0, 1);
    await Promise.all([system.deliver('rebuilds', [message]), system.deliver('rebuilds', [message])]);
    expect(system.rebuildMessages).toEqual([{ rebuildId: id, step: 1 }]);
    await system.deliver('rebuilds', [message]);
    expect(system.rebuildMessages).toHaveLength(1);
    await driveRebuild(system);
    expect((await rebuildOf(system, id)).status).toBe('done');
  });

  test('is cancelled, runs once at a time, and an unknown view is 404', async () => {
    const system = await given();
    const id = await startRebuild(system, 'ticket');
    const second = await post(system, 'projections/ticket/rebuild');
    expect([second.status, (await second.json<{ code: string }>()).code]).toEqual([409, 'rebuilds.running']);
    expect((await post(system, 'projections/nothing/rebuild')).status).toBe(404);
    expect((await post(system, `rebuilds/${id}/cancel`)).status).toBe(200);
    expect((await post(system, `rebuilds/${id}/cancel`)).status).toBe(409);
    expect((await post(system, `rebuilds/${newId()}/cancel`)).status).toBe(404);
    await driveRebuild(system);
    expect((await rebuildOf(system, id)).status).toBe('cancelled');
    expect((await post(system, 'projections/ticket/rebuild')).status).toBe(202);
  });

  test('fails visibly when a step fails again and again', async () => {
    const system = await given();
    await openTicket(system);
    await system.settle();
    await env.DB.prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES ('broken', 'ticket', 'broken', 1, 'TicketOpened', 1, '{}', '{}', '')`,
    ).run();
    const id = await startRebuild(system, 'ticket');
    // The page with the broken event, however long the log of this file is.
    await env.DB.prepare('UPDATE rebuilds SET checkpoint = target - 5 WHERE id = ?').bind(id).run();
    const [message] = system.rebuildMessages.splice(0, 1);
    const fail = () => system.deliver('rebuilds', [message]);
    for (let attempt = 0; attempt < 9; attempt++) expect((await fail()).retried).toHaveLength(1);
    expect(await rebuildOf(system, id)).toMatchObject({ status: 'running', lastError: 'ZodError' });
    expect((await fail()).acked).toHaveLength(1);
    expect(await rebuildOf(system, id)).toMatchObject({ status: 'failed' });
    await env.DB.prepare("DELETE FROM events WHERE id = 'broken'").run();
  });
});
