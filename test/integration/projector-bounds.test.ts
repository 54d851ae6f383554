import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import type { SQLiteRaw } from 'drizzle-orm/sqlite-core/query-builders/raw';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toFailure } from '../../src/consumers/failures';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { createDocumentStore, type DocumentStore } from '../../src/cqrs/reading/document-store';
import { wantedKeys } from '../../src/cqrs/reading/keyed-query';
import { finishDeliveries, pacing } from '../../src/cqrs/reading/projection-steps';
import { createProjector } from '../../src/cqrs/reading/projector';
import { defineView, type View } from '../../src/cqrs/reading/view';
import { openSession } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { createTestClock } from '../support/system';

const usual = { ...limits };
const clock = createTestClock();

beforeEach(async () => {
  clock.advance(120_000);
  for (const table of ['deliveries', 'projections', 'shapes']) await env.DB.prepare(`DELETE FROM ${table}`).run();
});
afterEach(() => void Object.assign(limits, usual));

/**
 * What goes wrong with keys: their query cannot be made, SQLite or the Worker cannot read JSON in their rows, or their
 * documents cannot be made.
 */
interface Faults {
  unaskable: string[];
  malformed: string[];
  undecodable: string[];
  unmakeable: string[];
  inexplicable: string[];
}

/** A view whose events name the keys that they touch; its code is the one for the faults of the moment. */
function listedView(shapeVersion: number, faults: Faults): View {
  return {
    ...viewWith(shapeVersion, faults),
    query(db, keys) {
      if (keys.some((key) => faults.unaskable.includes(key))) throw new RangeError('Invalid time value');
      return viewWith(shapeVersion, faults).query(db, keys);
    },
  };
}

function viewWith(shapeVersion: number, { malformed, undecodable, unmakeable, inexplicable }: Faults): View {
  const brokenFor = (keys: readonly string[], json: string) =>
    sql`iif(wanted.value IN (SELECT value FROM json_each(${JSON.stringify(keys)})), '{', ${json})`;
  return defineView({
    name: 'listed',
    shapeVersion,
    triggers: [
      {
        types: ['Listed'],
        keys({ data }) {
          const { keys, error } = data as { keys: string[]; error?: string };
          if (error) throw new Error(error);
          return keys.map(String);
        },
      },
    ],
    query: (db) =>
      db
        .select({
          id: sql<string>`wanted.value`.as('id'),
          a: sql<number>`json_extract(${brokenFor(malformed, '{"a":1}')}, '$.a')`.as('a'),
          b: brokenFor(undecodable, '{}').mapWith(JSON.parse).as('b'),
        })
        .from(sql`json_each(${wantedKeys}) AS wanted`),
    toDocument([row], key) {
      if (unmakeable.includes(key)) throw new TypeError('a text with personal data');
      // An error that also the platform could throw.
      if (inexplicable.includes(key)) throw new Error('Network connection lost.');
      return row && { version: row.a, data: { a: row.a, b: row.b } };
    },
  });
}

/** A projector that records what it writes to KV, with events that touch keys. */
function given(shapeVersion = 1, database = env.DB) {
  const faults: Faults = { unaskable: [], malformed: [], undecodable: [], unmakeable: [], inexplicable: [] };
  const real = createDocumentStore(env.VIEWS, '1');
  const written: string[] = [];
  const behaviour: { refused: string | undefined; putsInFlight: number; mostInFlight: number } = {
    refused: undefined,
    putsInFlight: 0,
    mostInFlight: 0,
  };
  const documents: DocumentStore = {
    ...real,
    async put(key, document) {
      if (behaviour.refused && key.endsWith(':x')) throw new Error(behaviour.refused);
      behaviour.mostInFlight = Math.max(behaviour.mostInFlight, ++behaviour.putsInFlight);
      await real.put(key, document);
      behaviour.putsInFlight--;
      written.push(key);
    },
    delete: (key) => real.delete(key).then(() => void written.push(key)),
  };
  const views = [listedView(shapeVersion, faults)];
  const projector = createProjector({ database, documents, views, epoch: '1', clock, lagTargetMs: 30_000 });
  const errorOf = (key: string) =>
    env.DB.prepare('SELECT error FROM projections WHERE key = ?').bind(key).first<string | null>('error');
  return { behaviour, errorOf, faults, projector, written };
}

/** Writes an event with its delivery, as a command does, and returns it. */
async function recordEvent(data: unknown): Promise<RecordedEvent> {
  const id = crypto.randomUUID();
  const position = await env.DB.prepare(
    `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
     VALUES (?1, 'listed', ?1, 1, 'Listed', 1, '{}', '{}', '') RETURNING position`,
  )
    .bind(id)
    .first<number>('position');
  await env.DB.prepare("INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'projections', 0)")
    .bind(position)
    .run();
  const metadata = { commandId: 'c', requestId: 'r' };
  const stream = { streamType: 'listed', streamId: id, version: 1, schemaVersion: 1 };
  return { ...stream, id, type: 'Listed', data, metadata, occurredAt: '', position: position ?? 0 };
}

const keysOf = (count: number, prefix = 'k') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

describe('the bounds of one run of the projector', () => {
  test('an event with more keys than a run takes on is finished over several runs (product 7.1)', async () => {
    const { projector, written } = given();
    Object.assign(limits, { keysPerBatch: 2, keysPerInvocation: 5 });
    const event = await recordEvent({ keys: keysOf(12) });
    const runs = [];
    for (let isDone = false; !isDone && runs.length < 5; ) {
      const { done, waiting } = await projector.project([event]);
      isDone = done.has(event.position);
      runs.push([written.splice(0).length, waiting.get(event.position)]);
    }
    // The rest of the keys is tried again immediately.
    expect(runs).toEqual([
      [5, 0],
      [5, 0],
      [2, undefined],
    ]);
  });

  test('of many events with many keys, those are done whose keys fit into the run (product 7.1)', async () => {
    const { projector, written } = given();
    Object.assign(limits, { keysPerInvocation: 5 });
    const events = [];
    for (const prefix of ['a', 'b', 'c', 'd']) events.push(await recordEvent({ keys: keysOf(2, prefix) }));
    const first = await projector.project(events);
    expect([first.done.size, written.splice(0).length]).toEqual([2, 5]);
    const rest = events.filter(({ position }) => !first.done.has(position));
    const second = await projector.project(rest);
    expect([second.done.size, written.length]).toEqual([2, 3]);
  });

  test('the documents of other shapes count as well', async () => {
    const older = given(1);
    const event = await recordEvent({ keys: keysOf(3) });
    await older.projector.project([event]);
    clock.advance(pacing.writeMs);
    const newer = given(2);
    Object.assign(limits, { keysPerInvocation: 4 });
    const next = await recordEvent({ keys: keysOf(3) });
    expect((await newer.projector.project([next])).done.size).toBe(0);
    expect(newer.written.splice(0).length).toBe(4);
    expect((await newer.projector.project([next])).done.size).toBe(1);
    expect(newer.written.length).toBe(2);
  });

  test('the search for keys that fail counts as well', async () => {
    const { faults, projector, written } = given();
    Object.assign(limits, { keysPerBatch: 2, keysPerInvocation: 4 });
    faults.malformed.push('x');
    await projector.project([await recordEvent({ keys: ['x', 'a', 'b', 'c'] })]);
    expect(written).toEqual(['listed@1:a']);
  });

  test('keys that fail do not take the place of other keys for ever', async () => {
    const { faults, projector, written } = given();
    Object.assign(limits, { keysPerInvocation: 2 });
    faults.unmakeable.push('x', 'y');
    const event = await recordEvent({ keys: ['x', 'y', 'a', 'b'] });
    await projector.project([event]);
    clock.advance(pacing.writeMs);
    await projector.project([event]);
    expect(written.sort()).toEqual(['listed@1:a', 'listed@1:b']);
  });

  test('keys that are to be projected again beyond the bound are left to the next run', async () => {
    const { projector, written } = given();
    Object.assign(limits, { keysPerInvocation: 2 });
    await projector.projectAgain(keysOf(3).map((key) => ({ view: 'listed@1', key })));
    expect(written.length).toBe(2);
  });
});

test('keys that another consumer has claimed do not take the place of other keys', async () => {
  limits.keysPerInvocation = 2;
  const { projector, written } = given();
  for (const key of ['held', 'held too']) {
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_by, claimed_until) VALUES ('listed@1', ?, 0, 'other', ?)",
    )
      .bind(key, clock.now() + 20_000)
      .run();
  }
  await projector.project([await recordEvent({ keys: ['held', 'held too', 'free'] })]);
  expect(written).toEqual(['listed@1:free']);
});

describe('a key that fails by its own fault', () => {
  test.each([
    ['unaskable', 'RangeError'],
    ['malformed', 'SQLITE_ERROR'],
    ['undecodable', 'SyntaxError'],
    ['unmakeable', 'TypeError'],
    ['inexplicable', 'Error'],
  ] as const)(
    'a key that is %s fails alone, and the class of its error is kept until it succeeds (product 7.3)',
    async (fault, error) => {
      const { errorOf, faults, projector, written } = given();
      faults[fault].push('x');
      const [bad, good] = [await recordEvent({ keys: ['x', 'a'] }), await recordEvent({ keys: ['b'] })];
      const { done, failed } = await projector.project([bad, good]);
      expect([[...done], [...failed.keys()]]).toEqual([[good.position], [bad.position]]);
      // No platform is needed to make a document, so the event is a dead letter after its tries.
      expect(toFailure(failed.get(bad.position)).fault).toBe('own');
      expect(written.sort()).toEqual(['listed@1:a', 'listed@1:b']);
      expect([await errorOf('x'), await errorOf('a')]).toEqual([error, null]);
      faults[fault].length = 0;
      clock.advance(pacing.writeMs);
      expect([...(await projector.project([bad])).done]).toEqual([bad.position]);
      expect(await errorOf('x')).toBeNull();
    },
  );

  test('a key whose document KV does not take (413) is released and fails alone (product 7.3)', async () => {
    const { behaviour, errorOf, projector } = given();
    behaviour.refused = 'KV PUT failed: 413 Value length of 26214401 exceeds limit of 26214400.';
    const [bad, good] = [await recordEvent({ keys: ['x'] }), await recordEvent({ keys: ['b'] })];
    const { done, failed } = await projector.project([bad, good]);
    expect([[...done], [...failed.keys()]]).toEqual([[good.position], [bad.position]]);
    expect(await errorOf('x')).toBe('Error');
    // A refusal for a moment says nothing of the document.
    behaviour.refused = 'KV PUT failed: 429 Too Many Requests';
    clock.advance(pacing.writeMs);
    await projector.project([bad]);
    expect(await errorOf('x')).toBeNull();
    behaviour.refused = undefined;
    clock.advance(pacing.writeMs);
    expect([...(await projector.project([bad])).done]).toEqual([bad.position]);
  });

  test('an event that waits for a key of another consumer has not failed because another event has (product 7.3)', async () => {
    const { faults, projector } = given();
    faults.unmakeable.push('x');
    await env.DB.prepare(
      "INSERT INTO projections (view, key, position, claimed_by, claimed_until) VALUES ('listed@1', 'w', 0, 'other', ?)",
    )
      .bind(clock.now() + 20_000)
      .run();
    const [bad, busy] = [await recordEvent({ keys: ['x'] }), await recordEvent({ keys: ['w'] })];
    const { done, failed, waiting } = await projector.project([bad, busy]);
    expect([done.size, [...failed.keys()], [...waiting.keys()]]).toEqual([0, [bad.position], [busy.position]]);
    const ms = waiting.get(busy.position) ?? 0;
    expect(ms > 10_000 && ms <= 20_000).toBe(true);
  });

  test.each([{}, { error: 'Network connection lost.' }])(
    'an event whose keys cannot be computed fails alone, by its own fault: %j (product 7.3)',
    async (data) => {
      const { projector } = given();
      const [bad, good] = [await recordEvent(data), await recordEvent({ keys: ['b'] })];
      const { done, failed } = await projector.project([bad, good]);
      expect([[...done], [...failed.keys()]]).toEqual([[good.position], [bad.position]]);
      expect(toFailure(failed.get(bad.position)).fault).toBe('own');
    },
  );

  test('a key that fails is found by halving, and not by a query for each key', async () => {
    let batches = 0;
    const counting = {
      withSession() {
        const session = env.DB.withSession();
        const batch = (statements: D1PreparedStatement[]) => {
          batches++;
          return session.batch(statements);
        };
        return { prepare: session.prepare.bind(session), batch };
      },
      // The projector calls no other method.
    } as unknown as D1Database;
    const { faults, projector, written } = given(1, counting);
    faults.malformed.push('k9');
    await projector.project([await recordEvent({ keys: keysOf(64) })]);
    expect(written).toHaveLength(63);
    // The refused batch, all keys alone, two halves in each of six steps, the batch without the key, and its confirmation.
    expect(batches).toBe(1 + 1 + 2 * 6 + 1 + 1);
  });

  test.each([
    ['a key whose row is corrected while it is searched for', 1, [], ['a', 'b', 'c', 'x']],
    // SQLite refuses the batch, the search for all keys, for the half with the key, and for the key alone.
    ['another key whose row becomes unreadable after the search', 4, ['x', 'b'], ['a', 'c']],
  ] as const)('%s fails no other event of its batch (product 7.3)', async (_, refusals, malformed, put) => {
    let refused = 0;
    const changing = {
      withSession() {
        const session = env.DB.withSession();
        const batch = (statements: D1PreparedStatement[]) =>
          session.batch(statements).catch((error) => {
            if (++refused === refusals) faults.malformed = [...malformed];
            throw error;
          });
        return { prepare: session.prepare.bind(session), batch };
      },
      // The projector calls no other method.
    } as unknown as D1Database;
    const { faults, projector, written } = given(1, changing);
    faults.malformed = ['x'];
    const events = [
      await recordEvent({ keys: ['x', 'a'] }),
      await recordEvent({ keys: ['b'] }),
      await recordEvent({ keys: ['c'] }),
    ];
    const { failed } = await projector.project(events);
    const isRead = (key: string) => !malformed.some((one) => one === key);
    expect([...failed.keys()]).toEqual(isRead('x') ? [] : events.slice(0, 2).map(({ position }) => position));
    expect(written.sort()).toEqual(put.map((key) => `listed@1:${key}`));
  });

  test('a failure of D1 itself is not searched for in the keys', async () => {
    let batches = 0;
    const failing = {
      withSession: () => ({
        prepare: (text: string) => env.DB.prepare(text),
        async batch() {
          batches++;
          throw new Error('D1_ERROR: Network connection lost.');
        },
      }),
      // The projector calls no other method.
    } as unknown as D1Database;
    const { projector } = given(1, failing);
    const event = await recordEvent({ keys: ['a', 'b'] });
    await expect(projector.project([event])).rejects.toThrow();
    expect(batches).toBe(1);
  });
});

test('a run has as many puts at a time as an invocation has connections (product 7.1)', async () => {
  const { behaviour, projector, written } = given();
  const event = await recordEvent({ keys: Array.from({ length: 40 }, (_, index) => index) });
  expect((await projector.project([event])).done).toEqual(new Set([event.position]));
  expect([written.length, behaviour.mostInFlight]).toEqual([40, limits.putsInFlight]);
  expect(limits.putsInFlight).toBeLessThanOrEqual(6);
});

test('the statements that finish deliveries read each target once, however many are left (product 7.10)', async () => {
  const { db } = openSession(env.DB, 'first-primary');
  const targets = [{ view: 'listed@1', key: 'a', position: 1 }];
  const deliveries = [{ id: 'e', position: 1, type: 'Listed', handledBy: ['listed'], targets }];
  for (const statement of finishDeliveries(db, new Map(), deliveries)) {
    const { sql: text, params } = (statement as unknown as SQLiteRaw<unknown>).getQuery();
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${text}`)
      .bind(...params)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail);
    const search = plan.findIndex((line) => line.startsWith('SEARCH deliveries USING'));
    expect(plan[search]).toMatch(/\(subscription=\? AND position=\?\)$/);
    // A scan of the targets inside of the search for each delivery would be one for each delivery.
    const scan = plan.findIndex((line) => /^SCAN (?:unsettled|\(subquery)/.test(line));
    const isList = plan.slice(search, scan).some((line) => line.startsWith('LIST SUBQUERY'));
    expect(scan >= 0 && (scan < search || isList)).toBe(true);
  }
});
