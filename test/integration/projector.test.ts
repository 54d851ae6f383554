import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { fromEnvelope } from '../../src/cqrs/log/envelope';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { createDocumentStore, type DocumentStore } from '../../src/cqrs/reading/document-store';
import { pacing } from '../../src/cqrs/reading/projection-steps';
import { createProjector } from '../../src/cqrs/reading/projector';
import { findKeysToRecheck } from '../../src/cqrs/reading/settled';
import { userView } from '../../src/domains';
import { openSession } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { userViews } from '../../src/users/views';
import { excuseDocuments } from '../support/document-watch';
import { createSystem } from '../support/system';

interface ProjectionRow {
  position: number;
  claimed_by: string | null;
  claimed_until: number;
  recheck_at: number | null;
}

let started = 0;

/** A registered user with events that are not projected yet, and a projector whose puts the test can replace. */
async function given() {
  const system = createSystem();
  const { id } = await system.register();
  // The registration, and the sign-in.
  const events: RecordedEvent[] = system.sent.projections.map(fromEnvelope);
  const real = createDocumentStore(env.VIEWS, '1');
  const puts: string[] = [];
  const behaviour: { put: DocumentStore['put'] } = { put: real.put };
  const documents: DocumentStore = {
    ...real,
    put: async (key, document) => {
      await behaviour.put(key, document);
      puts.push(key);
    },
  };
  const { clock } = system;
  // All tests write the document of the list of users, so each starts after the claims of the test before it.
  clock.advance(++started * 120_000);
  const projector = createProjector({
    database: env.DB,
    documents,
    views: [userView, ...userViews],
    epoch: '1',
    clock,
    lagTargetMs: 30_000,
  });
  const row = () =>
    env.DB.prepare('SELECT * FROM projections WHERE view = ? AND key = ?').bind(userView.id, id).first<ProjectionRow>();
  const pending = async () => {
    const statement = env.DB.prepare(
      `SELECT position FROM deliveries JOIN events USING (position)
       WHERE subscription = 'projections' AND (stream_id = ?1 OR data ->> 'userId' = ?1)`,
    );
    return (await statement.bind(id).all()).results.length;
  };
  const document = () =>
    env.VIEWS.get<{ asOf: number; version: number; data: { name: string } }>(userView.kvKey(id), 'json');
  const key = userView.kvKey(id);
  const positions = events.map(({ position }) => position);
  return { ...system, id, key, events, positions, projector, puts, behaviour, row, pending, document };
}

describe('the projector', () => {
  test('a projection puts the document of the newest state, confirms its claim, and deletes the deliveries', async () => {
    const { projector, events, positions, row, pending, document, id } = await given();
    const { done } = await projector.project(events);
    expect([...done].sort()).toEqual([...positions].sort());
    expect(await pending()).toBe(0);
    expect(await row()).toMatchObject({ claimed_by: null, recheck_at: null });
    expect((await row())?.position).toBeGreaterThanOrEqual(Math.max(...positions));
    expect(await document()).toMatchObject({ version: 1, data: { id, name: 'Grace Hopper' } });
  });

  test('duplicate and late events of a document that is up to date write nothing to KV (product 7.2)', async () => {
    const { projector, events, puts, positions } = await given();
    await projector.project(events);
    const before = puts.length;
    for (const event of [...events].reverse()) {
      expect([...(await projector.project([event])).done]).toEqual([event.position]);
    }
    expect(puts.length).toBe(before);
    expect(positions.length).toBe(2);
  });

  test('a key that was written within the last second is not written again, and its event waits', async () => {
    const { projector, events, clock, id } = await given();
    await projector.project(events);
    const next = await recordEvent(id);
    expect((await projector.project([next])).done.size).toBe(0);
    clock.advance(pacing.writeMs);
    expect([...(await projector.project([next])).done]).toEqual([next.position]);
  });

  test('a batch with an old and a new event of one key is projected for the new one', async () => {
    const { projector, events, clock, id } = await given();
    await projector.project(events);
    const next = await recordEvent(id);
    clock.advance(pacing.writeMs);
    expect([...(await projector.project([...events, next])).done]).toContain(next.position);
    const last = await recordEvent(id, 100);
    clock.advance(pacing.writeMs);
    expect([...(await projector.project([last, ...events])).done]).toContain(last.position);
  });

  test('a put that could end after its claim does not begin (deadline)', async () => {
    const { projector, events, clock, puts, row, pending, key } = await given();
    // The batch that claims and loads takes so long that a put could land after the claim has run out.
    const original = clock.now;
    let calls = 0;
    clock.now = () => original() + (++calls > 1 ? pacing.claimMs - pacing.putMs + 1 : 0);
    const { done } = await projector.project(events);
    clock.now = original;
    expect(done.size).toBe(0);
    expect(puts).not.toContain(key);
    expect(await row()).toMatchObject({ position: 0, claimed_by: null });
    expect(await pending()).toBe(2);
  });

  test('the age of a document counts from before its data was loaded, however long its put waits (product 7.4)', async () => {
    const { behaviour, clock, events, projector } = await given();
    const before = limits.putsInFlight;
    limits.putsInFlight = 1;
    const times: number[] = [];
    behaviour.put = async (_key, { projectedAt }) => {
      times.push(projectedAt);
      clock.advance(3_000);
    };
    try {
      await projector.project(events);
    } finally {
      limits.putsInFlight = before;
    }
    expect(times.length).toBeGreaterThan(1);
    // All documents were loaded at one moment, and each put came three seconds after the one before.
    expect(new Set(times).size).toBe(1);
  });

  test('a key whose put may still arrive in KV is neither confirmed nor released (no guess)', async () => {
    const { projector, events, positions, behaviour, row, pending, key } = await given();
    const { put } = createDocumentStore(env.VIEWS, '1');
    behaviour.put = async (name, document) => {
      if (name === key) throw new Error('KV PUT failed: 500 Internal Server Error');
      await put(name, document);
    };
    const { done, failed } = await projector.project(events);
    expect(done.size).toBe(0);
    expect([...failed.keys()]).toEqual(positions);
    expect((await row())?.claimed_by).not.toBeNull();
    expect(await pending()).toBe(2);
    behaviour.put = put;
    expect((await projector.project(events)).done.size).toBe(0);
  });

  test('a put that KV refused (429) is not confirmed, and its claim is released', async () => {
    const { projector, events, behaviour, row } = await given();
    behaviour.put = async () => {
      throw new Error('KV PUT failed: 429 Too Many Requests');
    };
    expect((await projector.project(events)).done.size).toBe(0);
    expect(await row()).toMatchObject({ claimed_by: null, position: 0, recheck_at: null });
  });

  test('a key whose claim ran out is projected by the next claim, and once more after recheck_at (recheck)', async () => {
    const { projector, events, behaviour, row, pending, clock, document, services, key, puts } = await given();
    const { put } = createDocumentStore(env.VIEWS, '1');
    const hanging: (() => Promise<void>)[] = [];
    behaviour.put = async (name, value) => {
      if (name !== key) return put(name, value);
      hanging.push(() => put(name, { ...value, data: { name: 'from the first put' } }));
      throw new Error('network');
    };
    await projector.project(events);
    behaviour.put = put;
    clock.advance(pacing.claimMs + 1);
    const { done, waiting } = await projector.project(events);
    const takenOver = await row();
    expect(takenOver).toMatchObject({ claimed_by: null });
    expect(takenOver?.recheck_at).toBeGreaterThan(clock.now());
    // The deliveries stay as long as an older document can still arrive, and say when to try again.
    expect([done.size, await pending()]).toEqual([0, 2]);
    const wait = pacing.recheckMs;
    for (const ms of waiting.values()) expect(ms > wait - 5_000 && ms <= wait).toBe(true);

    // The first put arrives after the confirmed one, so KV is wrong until the key is projected again.
    await hanging[0]?.();
    expect((await document())?.data.name).toBe('from the first put');
    await services().relay();
    expect((await row())?.recheck_at).not.toBeNull();
    clock.advance(pacing.recheckMs + 1);
    await services().relay();
    expect(await row()).toMatchObject({ claimed_by: null, recheck_at: null });
    expect((await document())?.data.name).toBe('Grace Hopper');
    expect(puts).toContain(key);
    expect((await projector.project(events)).done.size).toBe(2);
    expect(await pending()).toBe(0);
  });

  test('a message of another event at the same position, as after a restore, does not complete the delivery', async () => {
    const { projector, events, positions, pending } = await given();
    const stale = events.map((event) => ({ ...event, id: crypto.randomUUID() }));
    expect([...(await projector.project(stale)).done].sort()).toEqual([...positions].sort());
    expect(await pending()).toBe(2);
    await projector.project(events);
    expect(await pending()).toBe(0);
  });

  test('a projection whose claim another one has taken over confirms nothing', async () => {
    const { id, projector, events, behaviour, row, clock, key } = await given();
    const { put } = createDocumentStore(env.VIEWS, '1');
    let taken: ProjectionRow | null = null;
    behaviour.put = async (name, value) => {
      if (name === key && !taken) {
        clock.advance(pacing.claimMs + 1);
        taken = { position: 0, claimed_by: 'other', claimed_until: clock.now() + pacing.claimMs, recheck_at: null };
        await env.DB.prepare(
          "UPDATE projections SET claimed_by = 'other', claimed_until = ? WHERE view = ? AND key = ?",
        )
          .bind(taken.claimed_until, userView.id, id)
          .run();
      }
      await put(name, value);
    };
    expect((await projector.project(events)).done.size).toBe(0);
    expect(await row()).toMatchObject({ claimed_by: 'other', position: 0 });
  });

  test('a projection whose claim another one has taken over releases nothing when KV refuses its put', async () => {
    const { id, projector, events, behaviour, row, key } = await given();
    behaviour.put = async (name) => {
      if (name === key) await setRow(id, "claimed_by = 'other'");
      throw new Error('KV PUT failed: 429 Too Many Requests');
    };
    await projector.project(events);
    expect(await row()).toMatchObject({ claimed_by: 'other' });
  });

  test('a confirm never moves a position back', async () => {
    const { id, projector, events, behaviour, row, key } = await given();
    const { put } = createDocumentStore(env.VIEWS, '1');
    behaviour.put = async (name, value) => {
      if (name === key) await setRow(id, 'position = 1000000');
      await put(name, value);
    };
    await projector.project(events);
    expect(await row()).toMatchObject({ claimed_by: null, position: 1_000_000 });
  });

  test('a claim that was made before recheck_at does not end the recheck, however long its put takes', async () => {
    const { id, projector, events, behaviour, row, clock, key } = await given();
    await projector.project(events);
    const next = await recordEvent(id);
    clock.advance(pacing.writeMs);
    await setRow(id, `recheck_at = ${clock.now() + 4_000}`);
    const { put } = createDocumentStore(env.VIEWS, '1');
    behaviour.put = async (name, value) => {
      if (name === key) clock.advance(5_000);
      await put(name, value);
    };
    expect((await projector.project([next])).done.size).toBe(0);
    expect((await row())?.recheck_at).not.toBeNull();
  });

  test('a recheck that is due is done by the next event of the key, and not left to the relay', async () => {
    const { id, projector, events, row, clock } = await given();
    await projector.project(events);
    clock.advance(pacing.writeMs);
    await setRow(id, `recheck_at = ${clock.now()}`);
    // The key is up to date, so nothing but the recheck is a reason to project it.
    await projector.project(events);
    expect(await row()).toMatchObject({ claimed_by: null, recheck_at: null });
  });

  test('an event is not done while the put of a claim that ran out may arrive, although its key is up to date', async () => {
    const { id, projector, events, row, pending, clock } = await given();
    await projector.project(events.slice(0, 1));
    clock.advance(pacing.writeMs);
    await setRow(id, `claimed_by = 'died', claimed_until = ${clock.now() - 1}`);
    expect((await projector.project(events.slice(1))).done.size).toBe(0);
    expect((await row())?.recheck_at).toBeGreaterThan(clock.now());
    expect(await pending()).toBe(1);
  });

  test('a document whose row is deleted is deleted from KV', async () => {
    const { projector, events, document, clock, id } = await given();
    await projector.project(events);
    expect(await document()).not.toBeNull();
    excuseDocuments('The row is deleted without an event, and one of its documents is projected.');
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run();
    clock.advance(pacing.writeMs);
    await projector.projectAgain([{ view: userView.id, key: id }]);
    expect(await document()).toBeNull();
  });

  test('a view that fails does not keep the other views of the same event from being projected (product 7.3)', async () => {
    const { projector, events, behaviour, key, id } = await given();
    const { put } = createDocumentStore(env.VIEWS, '1');
    behaviour.put = async (name, value) => {
      if (name === key) throw new Error('KV PUT failed: 500');
      await put(name, value);
    };
    await projector.project(events);
    expect(await env.VIEWS.get(`settings@1:${id}`, 'json')).toMatchObject({ data: { locale: 'en' } });
  });
});

/** Changes the row of a user's document, as another process does. */
function setRow(id: string, assignments: string) {
  return env.DB.prepare(`UPDATE projections SET ${assignments} WHERE view = ? AND key = ?`).bind(userView.id, id).run();
}

/** Writes one more event of a user with its delivery, as a command does, and returns the event. */
async function recordEvent(id: string, version = 99): Promise<RecordedEvent> {
  const base = { id: crypto.randomUUID(), streamType: 'user', streamId: id, schemaVersion: 1, type: 'UserUpdated' };
  const row = await env.DB.prepare(
    `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
     VALUES (?, 'user', ?, ?, 'UserUpdated', 1, '{"fields":["email"]}', '{}', '2026-01-01T00:00:00.000Z') RETURNING position`,
  )
    .bind(base.id, id, version)
    .first<{ position: number }>();
  await env.DB.prepare("INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'projections', 0)")
    .bind(row?.position)
    .run();
  return {
    ...base,
    version,
    data: { fields: ['email'] },
    metadata: { commandId: 'c', requestId: 'r' },
    occurredAt: '2026-01-01T00:00:00.000Z',
    position: row?.position ?? 0,
  };
}

test('the relay finds the keys whose recheck is due, and no others (product 7.1)', async () => {
  const db = openSession(env.DB, 'first-primary').db;
  await env.DB.prepare('DELETE FROM projections').run();
  await env.DB.prepare(
    `INSERT INTO projections (view, key, position, claimed_by, claimed_until, recheck_at) VALUES
      ('v@1', 'recheck is due', 1, NULL, 10, 100), ('v@1', 'recheck is not due', 1, NULL, 10, 101),
      ('v@1', 'claim ran out', 1, 'died', 100, NULL), ('v@1', 'claimed', 1, 'works', 101, NULL),
      ('v@1', 'settled', 1, NULL, 10, NULL)`,
  ).run();
  const found = await findKeysToRecheck(db, 100, 10);
  expect(found.map(({ key }) => key)).toEqual(['recheck is due']);
});

test('keys that are rechecked in vain do not keep the relay from the others', async () => {
  const db = openSession(env.DB, 'first-primary').db;
  await env.DB.prepare('DELETE FROM projections').run();
  await env.DB.prepare(
    "INSERT INTO projections (view, key, position, claimed_until, recheck_at) VALUES ('v@1', 'a', 1, 90, 10), ('v@1', 'b', 1, 50, 20)",
  ).run();
  expect((await findKeysToRecheck(db, 100, 1)).map(({ key }) => key)).toEqual(['b']);
});
