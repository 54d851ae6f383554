import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { fromEnvelope } from '../../src/cqrs/log/envelope';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { createDocumentStore, type DocumentStore } from '../../src/cqrs/reading/document-store';
import { isWanted } from '../../src/cqrs/reading/keyed-query';
import { createRemoveObsolete } from '../../src/cqrs/reading/obsolete-documents';
import { pacing } from '../../src/cqrs/reading/projection-steps';
import { createProjector } from '../../src/cqrs/reading/projector';
import { findKeysToRecheck } from '../../src/cqrs/reading/settled';
import { defineView, type View, when } from '../../src/cqrs/reading/view';
import { openSession } from '../../src/platform/d1';
import { UserDeleted, UserRegistered, UserUpdated } from '../../src/users/events';
import { users } from '../../src/users/tables';
import { createSystem } from '../support/system';

/** A view of an account's name, in any shape. */
function accountView(name: string, shapeVersion: number): View {
  return defineView({
    name,
    shapeVersion,
    triggers: [when([UserRegistered, UserUpdated, UserDeleted], (event) => [event.streamId])],
    inlineOn: [UserUpdated],
    query: (db) =>
      db.select({ id: users.id, name: users.name, version: users.version }).from(users).where(isWanted(users.id)),
    toDocument: ([row]) => row && { version: row.version, data: { name: row.name, shape: shapeVersion } },
  });
}

let started = 0;

/**
 * Two versions of the Worker on one D1 and one KV. The older version knows `profile@1` and `legacy@1`; the newer one
 * knows `profile@2`, and has no view that takes the place of `legacy`.
 */
async function given() {
  const system = createSystem();
  const { clock } = system;
  clock.advance(++started * 400_000);
  for (const table of ['deliveries', 'projections', 'shapes']) await env.DB.prepare(`DELETE FROM ${table}`).run();
  const real = createDocumentStore(env.VIEWS, '1');
  const behaviour: Pick<DocumentStore, 'put' | 'delete'> = { put: real.put, delete: real.delete };
  const documents: DocumentStore = {
    ...real,
    put: (key, document) => behaviour.put(key, document),
    delete: (key) => behaviour.delete(key),
  };
  function version(views: readonly View[]) {
    const projector = createProjector({ database: env.DB, documents, views, epoch: '1', clock, lagTargetMs: 30_000 });
    const removeObsolete = createRemoveObsolete({ database: env.DB, views, projector, clock });
    return { ...projector, removeObsolete };
  }
  const older = version([accountView('profile', 1), accountView('legacy', 1)]);
  const newer = version([accountView('profile', 2)]);
  const user = await system.register();
  const change = (name: string) => system.send('PATCH', `/v1/users/${user.id}`, { name }, user.bearer);
  const remove = () => system.request(`/v1/users/${user.id}`, { method: 'DELETE', headers: user.bearer });
  /** The events since the last call; the clock moves on, so that each key may be written again. */
  function takeEvents(): RecordedEvent[] {
    clock.advance(pacing.writeMs);
    return system.sent.projections
      .splice(0)
      .map(fromEnvelope)
      .filter(({ streamId }) => streamId === user.id);
  }
  const nameIn = async (view: string) =>
    (await env.VIEWS.get<{ data: { name: string } }>(`${view}:${user.id}`, 'json'))?.data.name ?? null;
  const rowsOf = async (view: string) =>
    (await env.DB.prepare('SELECT * FROM projections WHERE view = ?').bind(view).all()).results.length;
  const shapes = async () => (await env.DB.prepare('SELECT view, missed FROM shapes ORDER BY view').all()).results;
  const pending = async () =>
    (
      await env.DB.prepare(
        `SELECT position FROM deliveries JOIN events USING (position)
         WHERE subscription = 'projections' AND stream_id = ?`,
      )
        .bind(user.id)
        .all()
    ).results.length;
  const tools = { behaviour, change, nameIn, newer, older, pending, remove, rowsOf, shapes, takeEvents };
  return { ...tools, clock, real, user };
}

const isDone = (outcome: { done: ReadonlySet<number> }, events: readonly RecordedEvent[]) =>
  events.length > 0 && events.every(({ position }) => outcome.done.has(position));

describe('the shapes of two versions', () => {
  test('the migration registers the shapes of an earlier release, whose documents count only after a new projection (product 7.4, 7.5)', async () => {
    const { shapes } = await given();
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until) VALUES ('a-view@12', 'k', 1, 0), ('a-view@12', 'l', 1, 0)",
    ).run();
    const statements = env.TEST_MIGRATIONS.flatMap(({ queries }) => queries);
    const statement = statements.find((query) => query.includes('INSERT INTO `shapes`'));
    await env.DB.prepare(statement ?? '').run();
    const { end } = (await env.DB.prepare('SELECT max(position) AS end FROM events').first<{ end: number }>()) ?? {
      end: 0,
    };
    expect(end).toBeGreaterThan(0);
    expect(await shapes()).toEqual([{ view: 'a-view@12', missed: end }]);
    expect(await env.DB.prepare('SELECT name, types FROM shapes').first()).toEqual({ name: 'a-view', types: '[]' });
  });

  test('a shape is registered with its types before its first document (product 7.5)', async () => {
    const { behaviour, older, real, shapes, takeEvents } = await given();
    let before: unknown;
    behaviour.put = async (key, document) => {
      before ??= await shapes();
      await real.put(key, document);
    };
    await older.project(takeEvents());
    expect(before).toEqual([
      { view: 'legacy@1', missed: 0 },
      { view: 'profile@1', missed: 0 },
    ]);
    const row = await env.DB.prepare("SELECT name, types FROM shapes WHERE view = 'legacy@1'").first();
    expect(row).toEqual({ name: 'legacy', types: '["UserDeleted","UserRegistered","UserUpdated"]' });
  });

  test('a version removes the document of the other shape, so that no served document misses an event (product 7.5)', async () => {
    const { change, nameIn, newer, older, pending, rowsOf, takeEvents } = await given();
    await older.project(takeEvents());
    expect(await nameIn('profile@1')).toBe('Grace Hopper');
    // Gradual deployment: the newer version handles this event, then the older one the next event.
    await change('Ada');
    let events = takeEvents();
    expect(isDone(await newer.project(events), events)).toBe(true);
    expect([await nameIn('profile@1'), await nameIn('profile@2')]).toEqual([null, 'Ada']);
    expect([await rowsOf('profile@1'), await pending()]).toEqual([0, 0]);
    await change('Mary');
    events = takeEvents();
    expect(isDone(await older.project(events), events)).toBe(true);
    expect([await nameIn('profile@1'), await nameIn('profile@2')]).toEqual(['Mary', null]);
  });

  test('an event is done only when the document of the other shape is removed too (product 7.5)', async () => {
    const { behaviour, change, clock, nameIn, newer, older, pending, real, rowsOf, takeEvents } = await given();
    await older.project(takeEvents());
    await change('Ada');
    const events = takeEvents();
    behaviour.delete = async () => {
      throw new Error('KV DELETE failed: 429 Too Many Requests');
    };
    expect(isDone(await newer.project(events), events)).toBe(false);
    expect([await nameIn('profile@1'), await nameIn('profile@2'), await pending()]).toEqual(['Grace Hopper', 'Ada', 1]);
    behaviour.delete = real.delete;
    clock.advance(pacing.writeMs);
    expect(isDone(await newer.project(events), events)).toBe(true);
    expect([await nameIn('profile@1'), await rowsOf('profile@1')]).toEqual([null, 0]);
  });

  test('a projection before the response is not finished while the document of the other shape is left (product 1.7, 7.5)', async () => {
    const { change, clock, nameIn, newer, older, takeEvents, user } = await given();
    await older.project(takeEvents());
    await change('Countess');
    const events = takeEvents();
    const claim = "UPDATE projections SET claimed_by = ?, claimed_until = ? WHERE view = 'profile@1' AND key = ?";
    await env.DB.prepare(claim)
      .bind('other', clock.now() + pacing.claimMs, user.id)
      .run();
    expect(await newer.projectInline(events)).toBe(false);
    expect([await nameIn('profile@2'), await nameIn('profile@1')]).toEqual(['Countess', 'Grace Hopper']);
    await env.DB.prepare(claim).bind(null, clock.now(), user.id).run();
    expect(await newer.projectInline(events)).toBe(true);
    expect(await nameIn('profile@1')).toBeNull();
    // Everything is up to date, so nothing has to be put.
    expect(await newer.projectInline(events)).toBe(true);
  });

  test('a projection before the response reports why KV did not take its document (product 1.7)', async () => {
    const { behaviour, change, newer, takeEvents } = await given();
    await newer.project(takeEvents());
    await change('Countess');
    behaviour.put = () => Promise.reject(new Error('KV PUT failed: 500'));
    await expect(newer.projectInline(takeEvents())).rejects.toThrow('KV PUT failed: 500');
  });

  test('a put of the other version that arrives late is removed once more, and the event waits for that (product 7.5)', async () => {
    const { behaviour, change, clock, nameIn, newer, older, pending, real, rowsOf, takeEvents } = await given();
    let landLate = async () => {};
    behaviour.put = async (key, document) => {
      if (key.startsWith('profile@1:')) landLate = () => real.put(key, document);
      throw new Error('KV PUT failed: Network connection lost.');
    };
    await older.project(takeEvents().slice(0, 1));
    behaviour.put = real.put;
    await change('Ada');
    clock.advance(pacing.claimMs);
    const events = takeEvents();
    // The put of the older version is still under way, so the row of its document is not deleted yet.
    expect(isDone(await newer.project(events), events)).toBe(false);
    await landLate();
    expect(await nameIn('profile@1')).toBe('Grace Hopper');
    clock.advance(pacing.recheckMs);
    expect(isDone(await newer.project(events), events)).toBe(true);
    expect([await nameIn('profile@1'), await rowsOf('profile@1'), await pending()]).toEqual([null, 0, 1]);
  });

  test('a deleted account is in the documents of no shape, so that a roll back cannot serve it (product 1.5, 7.5)', async () => {
    const { clock, nameIn, newer, older, remove, takeEvents } = await given();
    await older.project(takeEvents());
    await remove();
    const events = takeEvents();
    expect(isDone(await newer.project(events), events)).toBe(true);
    clock.advance(pacing.writeMs);
    await newer.removeObsolete();
    for (const view of ['profile@1', 'profile@2', 'legacy@1']) expect([view, await nameIn(view)]).toEqual([view, null]);
  });

  test('an event that the log does not have, because of a restore, is no event that a shape has missed (product 7.4)', async () => {
    const { change, newer, older, shapes, takeEvents } = await given();
    await older.project(takeEvents());
    await change('Ada');
    await newer.project(takeEvents().map((event) => ({ ...event, id: crypto.randomUUID() })));
    expect(await shapes()).toContainEqual({ view: 'legacy@1', missed: 0 });
  });

  test('the events that a version cannot handle for another shape are recorded, and the schedule removes the documents that missed one (product 7.5)', async () => {
    const { change, clock, nameIn, newer, older, rowsOf, shapes, takeEvents } = await given();
    await older.project(takeEvents());
    // The document of another account, which no event touches.
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_until) VALUES ('profile@1', 'other', 1, 0)",
    ).run();
    await change('Ada');
    const events = takeEvents();
    await newer.project(events);
    const position = events.at(-1)?.position;
    // No sibling has taken the place of `legacy`, so its document is behind, and the shape says so.
    expect(await shapes()).toContainEqual({ view: 'legacy@1', missed: position });
    expect(await shapes()).toContainEqual({ view: 'profile@1', missed: 0 });
    expect(await nameIn('legacy@1')).toBe('Grace Hopper');
    clock.advance(pacing.writeMs);
    expect(await older.removeObsolete()).toBe(0);
    expect(await newer.removeObsolete()).toBe(1);
    expect([await nameIn('legacy@1'), await rowsOf('legacy@1'), await newer.removeObsolete()]).toEqual([null, 0, 0]);
    // A shape without documents misses nothing any more.
    await change('Mary');
    await newer.project(takeEvents());
    expect(await shapes()).toContainEqual({ view: 'legacy@1', missed: position });
  });

  test('an event that arrives late does not make a shape forget what it has missed since (product 7.5)', async () => {
    const { change, newer, older, shapes, takeEvents } = await given();
    await older.project(takeEvents());
    await change('Ada');
    const late = takeEvents();
    await change('Mary');
    const events = takeEvents();
    await newer.project(events);
    await newer.project(late);
    expect(await shapes()).toContainEqual({ view: 'legacy@1', missed: events.at(-1)?.position });
  });

  test('a release that lists other events for a shape registers them, so that none is missed unseen (product 7.5)', async () => {
    const { older, takeEvents } = await given();
    const types = () => env.DB.prepare("SELECT types FROM shapes WHERE view = 'legacy@1'").first('types');
    const insert =
      "INSERT INTO shapes (view, name, types, since) VALUES ('legacy@1', 'legacy', '[\"UserDeleted\"]', 0)";
    await env.DB.prepare(insert).run();
    await older.project(takeEvents());
    expect(await types()).toBe('["UserDeleted","UserRegistered","UserUpdated"]');
  });

  test('after a roll back the older version projects its documents again, and they count (product 7.5)', async () => {
    const { change, nameIn, newer, older, shapes, takeEvents, user } = await given();
    await older.project(takeEvents());
    await change('Ada');
    await newer.project(takeEvents());
    await change('Mary');
    const events = takeEvents();
    expect(isDone(await older.project(events), events)).toBe(true);
    expect([await nameIn('profile@1'), await nameIn('legacy@1'), await nameIn('profile@2')]).toEqual([
      'Mary',
      'Mary',
      null,
    ]);
    const document = await env.VIEWS.get<{ asOf: number }>(`legacy@1:${user.id}`, 'json');
    const [legacy] = await shapes();
    expect(document?.asOf).toBeGreaterThan(Number(legacy?.missed));
  });

  test('a key of an unknown shape that is to be rechecked is removed, so that the relay does not find it for ever (product 7.6)', async () => {
    const { behaviour, clock, newer, older, real, rowsOf, takeEvents } = await given();
    behaviour.put = async () => {
      throw new Error('KV PUT failed: Network connection lost.');
    };
    const events = takeEvents();
    await older.project(events);
    clock.advance(pacing.claimMs + 1);
    // This try takes over the claims that ran out, so the keys are to be rechecked.
    await older.project(events);
    behaviour.put = real.put;
    const { db } = openSession(env.DB, 'first-primary');
    const find = () => findKeysToRecheck(db, clock.now(), 10);
    // The first time takes over the claims that ran out again; the second time ends the rechecks.
    for (const ms of [pacing.claimMs, pacing.recheckMs]) {
      clock.advance(ms + 1);
      expect((await find()).map(({ view }) => view)).toEqual(['legacy@1', 'profile@1']);
      await newer.projectAgain(await find());
    }
    clock.advance(pacing.claimMs + pacing.recheckMs);
    expect([await find(), await rowsOf('legacy@1'), await rowsOf('profile@1')]).toEqual([[], 0, 0]);
  });

  test('the documents of an unknown shape can be removed, with and without rows (product 7.5, 7.6)', async () => {
    const { newer, older, rowsOf, takeEvents, clock, user } = await given();
    await older.project(takeEvents());
    await env.VIEWS.put('gone@3:k', '{}');
    clock.advance(pacing.writeMs);
    const keys = [
      { view: 'profile@1', key: user.id },
      { view: 'gone@3', key: 'k' },
    ];
    expect((await newer.remove(keys)).errors).toEqual(new Map());
    for (const { view, key } of keys) expect(await env.VIEWS.get(`${view}:${key}`)).toBeNull();
    expect([await rowsOf('profile@1'), await rowsOf('gone@3')]).toEqual([0, 0]);
  });
});
