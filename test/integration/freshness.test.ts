import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { readUnverified } from '../../src/cqrs/log/consistency-token';
import { type Watermark, watermarkKey, watermarkTimes } from '../../src/cqrs/reading/watermark';
import { runSchedule } from '../../src/schedule';
import { accessView, settingsView } from '../../src/users/views';
import { deleteDeliveries, excuseDocuments } from '../support/document-watch';
import { createSystem } from '../support/system';

let started = 0;

/** A system with a customer whose documents are in KV, and nothing known about marks. Each test starts much later. */
async function given(bindings: Partial<Env> = {}) {
  const system = createSystem(bindings);
  const { clock, deliverQueues, register, request, send, sent } = system;
  clock.advance(++started * 600_000);
  await deleteDeliveries();
  for (const table of ['shapes', 'watermarks']) await env.DB.prepare(`DELETE FROM ${table}`).run();
  await env.VIEWS.delete(watermarkKey);
  const customer = await register();

  /** Projects what has happened, after KV can take another write of the same keys. */
  async function project() {
    clock.advance(2000);
    await deliverQueues();
  }

  /** A command that changes tickets and counts, and no settings. Returns its token. */
  async function openTicket(): Promise<string> {
    const response = await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, customer.bearer);
    return response.headers.get('Consistency-Token') ?? '';
  }

  async function read(path: string, token?: string) {
    const headers = { ...customer.bearer, ...(token === undefined ? {} : { 'Consistency-Token': token }) };
    const response = await request(path, { headers });
    expect(response.status).toBe(200);
    return ['Cache-Status', 'Consistency', 'Age'].map((name) => response.headers.get(name));
  }

  const readSettings = async (token?: string) =>
    (await read(`/v1/users/${customer.id}/settings`, token)).slice(0, 2).join(', ');

  await project();
  return { ...system, customer, openTicket, project, read, readSettings, sent };
}

const strongFromKv = 'KV; hit, strong';
const strongFromD1 = 'KV; fwd=stale, strong';
const positionOf = (token: string) => readUnverified(token).position;

function raiseFloor(view: string, missed: number) {
  return env.DB.prepare('UPDATE shapes SET missed = ? WHERE view = ?').bind(missed, view).run();
}

describe('a read with the token of a command that did not touch its document (product 7.4)', () => {
  test('comes from D1 until a mark proves for KV that every document includes the command', async () => {
    const { clock, openTicket, project, readSettings } = await given();
    const token = await openTicket();
    expect(await readSettings(token)).toBe(strongFromD1);
    await project();
    expect(await readSettings(token)).toBe(strongFromD1);
    clock.advance(watermarkTimes.marginMs - 1000);
    expect(await readSettings(token)).toBe(strongFromD1);
    clock.advance(6000);
    expect(await readSettings(token)).toBe(strongFromKv);
  });

  test.each(['pending', 'dead'])('comes from D1 as long as an earlier projection is %s', async (status) => {
    const { clock, openTicket, project, readSettings, sent } = await given();
    const before = await openTicket();
    await project();
    const token = await openTicket();
    sent.projections.splice(0);
    await env.DB.prepare("UPDATE deliveries SET status = ? WHERE subscription = 'projections'").bind(status).run();
    const after = await openTicket();
    await project();
    clock.advance(80_000);
    expect(await readSettings(before)).toBe(strongFromKv);
    expect(await readSettings(token)).toBe(strongFromD1);
    expect(await readSettings(after)).toBe(strongFromD1);
  });

  test('does not wait for the deliveries of other subscriptions', async () => {
    const { clock, openTicket, project, readSettings } = await given();
    const token = await openTicket();
    await env.DB.prepare(
      "INSERT INTO deliveries (position, subscription, available_at) SELECT max(position), 'events', 0 FROM events",
    ).run();
    await project();
    clock.advance(80_000);
    expect(await readSettings(token)).toBe(strongFromKv);
  });

  test('comes from D1 if the shape of the document has missed an event', async () => {
    const { clock, openTicket, project, readSettings, read, services } = await given();
    const token = await openTicket();
    await project();
    clock.advance(80_000);
    await raiseFloor(settingsView.id, positionOf(token));
    await runSchedule(services(), '* * * * *');
    expect(await readSettings(token)).toBe(strongFromD1);
    expect(await readSettings()).toBe('KV; fwd=stale, eventual');
    // The floor of one shape concerns no other one.
    expect((await read('/v1/users/me')).slice(0, 2)).toEqual(['KV; hit', 'eventual']);
  });

  test('comes from D1 if the marks belong to another epoch', async () => {
    const { clock, openTicket, project, readSettings } = await given();
    const token = await openTicket();
    await project();
    clock.advance(80_000);
    const watermark = await env.VIEWS.get<Watermark>(watermarkKey, 'json');
    await env.VIEWS.put(watermarkKey, JSON.stringify({ ...watermark, epoch: '2' }));
    expect(await readSettings(token)).toBe(strongFromD1);
    await env.VIEWS.put(watermarkKey, JSON.stringify(watermark));
    expect(await readSettings(token)).toBe(strongFromKv);
  });

  test('comes from D1’s primary if the token belongs to another epoch', async () => {
    const { clock, customer, openTicket, project, read, services } = await given();
    await openTicket();
    await project();
    clock.advance(80_000);
    const token = services().http.consistencyTokens.encode({ position: 1, bookmark: '00000001-abc', epoch: '2' });
    expect(await read(`/v1/users/${customer.id}/settings`, token)).toEqual(['KV; fwd=stale', 'strong', '0']);
  });
});

test('a command reads by the bookmark of its token, and never by one of another epoch (product 7.4)', async () => {
  const system = await given();
  const { openTicket, customer, clock } = system;
  const current = await openTicket();
  const { bookmark } = system.services().http.consistencyTokens.decode(current);
  expect(bookmark).toBeTruthy();
  const sessions: string[] = [];
  const withSession = (from: string) => {
    sessions.push(from);
    return env.DB.withSession(from);
  };
  const changeSettings = async (bindings: Partial<Env>) => {
    const system = createSystem({ DB: { ...env.DB, withSession } as unknown as D1Database, ...bindings });
    system.clock.advance(clock.now() - Date.now());
    sessions.length = 0;
    const headers = { ...customer.bearer, 'Consistency-Token': current };
    const path = `/v1/users/${customer.id}/settings`;
    const body = { emailNotifications: false };
    expect((await system.send('PATCH', path, body, headers)).status).toBe(200);
    return sessions;
  };
  // After a restore the operator sets another epoch, and the bookmark is of a history that D1 does not have.
  expect(await changeSettings({ EPOCH: '2' } as unknown as Partial<Env>)).not.toContain(bookmark);
  expect((await changeSettings({}))[0]).toBe(bookmark);
});

test('values in KV that are not JSON count as missing, and the documents that are read with them are found', async () => {
  const { customer, readSettings, services } = await given();
  await env.VIEWS.put('broken', '{"version":');
  const key = settingsView.kvKey(customer.id);
  expect([...(await services().documents.getAll(['broken', key])).keys()]).toEqual([key]);
  await env.VIEWS.put(watermarkKey, 'x');
  expect(await readSettings()).toBe('KV; hit, eventual');
});

test('without KV, D1 answers', async () => {
  const { clock, customer } = await given();
  const failing = { get: () => Promise.reject(new Error('KV is away.')) } as unknown as KVNamespace;
  const withoutKv = createSystem({ VIEWS: failing });
  withoutKv.clock.advance(clock.now() - Date.now());
  const response = await withoutKv.request(`/v1/users/${customer.id}/settings`, { headers: customer.bearer });
  expect([response.status, response.headers.get('Cache-Status')]).toEqual([200, 'KV; fwd=miss']);
});

test('an access document that has missed an event decides nothing, with D1 and without it (product 1.7)', async () => {
  const { clock, customer, openTicket, project, request, services } = await given();
  await openTicket();
  await project();
  excuseDocuments('A version that does not know the shape handles the event, so nothing projects the account.');
  await env.DB.prepare('UPDATE users SET is_active = 0 WHERE id = ?').bind(customer.id).run();
  const { position = 0 } = (await env.DB.prepare('SELECT max(position) AS position FROM events').first()) ?? {};
  const path = `/v1/users/${customer.id}/settings`;
  expect((await request(path, { headers: customer.bearer })).status).toBe(200);
  await raiseFloor(accessView.id, Number(position));
  clock.advance(60_000);
  await runSchedule(services(), '* * * * *');
  expect((await request(path, { headers: customer.bearer })).status).toBe(401);
  const withoutD1 = createSystem({
    DB: {
      withSession() {
        throw new Error('D1 is away.');
      },
    } as unknown as D1Database,
  });
  withoutD1.clock.advance(clock.now() - Date.now());
  expect((await withoutD1.request(path, { headers: customer.bearer })).status).toBe(503);
});

describe('the age of a response from D1 (product 7.4)', () => {
  test('is the age of the newest mark that the replica has, for a document and for a deeper page', async () => {
    const { clock, customer, openTicket, project, read, request } = await given();
    await openTicket();
    await openTicket();
    const token = await openTicket();
    await project();
    await env.VIEWS.delete(settingsView.kvKey(customer.id));
    clock.advance(45_000);
    const settings = `/v1/users/${customer.id}/settings`;
    expect(await read(settings)).toEqual(['KV; fwd=miss', 'eventual', expect.stringMatching(/^4[5-9]$/)]);
    expect(await read(settings, token)).toEqual(['KV; fwd=miss', 'strong', expect.stringMatching(/^4[5-9]$/)]);
    const first = await fetchPage('/v1/tickets?limit=1');
    expect(first.ids).toHaveLength(1);
    const second = await fetchPage(first.next);
    expect(second.headers.get('Age')).toMatch(/^4[5-9]$/);
    expect(second.headers.get('Cache-Status')).toBe('KV; fwd=miss');
    const third = await fetchPage(second.next);
    expect(new Set([...first.ids, ...second.ids, ...third.ids]).size).toBe(3);

    async function fetchPage(path: string) {
      const response = await request(path, { headers: customer.bearer });
      const { data } = await response.json<{ data: { id: string }[] }>();
      const next = /<(.+)>; rel="next"/.exec(response.headers.get('Link') ?? '')?.[1] ?? '';
      return { ids: data.map(({ id }) => id), next, headers: response.headers };
    }
  });

  test('is unknown as long as the replica has no mark', async () => {
    const { customer, read } = await given();
    await env.DB.prepare('DELETE FROM watermarks').run();
    await env.VIEWS.delete(settingsView.kvKey(customer.id));
    expect(await read(`/v1/users/${customer.id}/settings`)).toEqual(['KV; fwd=miss', 'eventual', null]);
  });

  test('is 0 if the newest mark comes from a process whose clock is ahead', async () => {
    const { clock, customer, read } = await given();
    await env.DB.prepare("INSERT INTO watermarks (at, epoch, position) VALUES (?, '1', 0)")
      .bind(clock.now() + 60_000)
      .run();
    await env.VIEWS.delete(settingsView.kvKey(customer.id));
    expect(await read(`/v1/users/${customer.id}/settings`)).toEqual(['KV; fwd=miss', 'eventual', '0']);
  });

  test('is 0 for D1’s primary, also when there is no mark', async () => {
    const { customer, read, services } = await given();
    await env.DB.prepare('DELETE FROM watermarks').run();
    const token = services().http.consistencyTokens.encode({ position: 1_000_000, bookmark: null, epoch: '1' });
    expect(await read(`/v1/users/${customer.id}/settings`, token)).toEqual(['KV; fwd=stale', 'strong', '0']);
  });
});
