import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { createDocumentStore } from '../../src/cqrs/reading/document-store';
import { wantedKeys } from '../../src/cqrs/reading/keyed-query';
import { pacing } from '../../src/cqrs/reading/projection-steps';
import { createProjector } from '../../src/cqrs/reading/projector';
import { defineView } from '../../src/cqrs/reading/view';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';

const usual = { ...limits };
const time = { now: Date.parse('2026-02-03T04:05:06.000Z') };
const clock = {
  now: () => time.now,
  advance(ms: number) {
    time.now += ms;
  },
};
const restMs = 10_000;

beforeEach(async () => {
  clock.advance(120_000);
  for (const table of ['deliveries', 'projections', 'shapes']) await env.DB.prepare(`DELETE FROM ${table}`).run();
});
afterEach(() => void Object.assign(limits, usual));

/** A view whose events name their keys. Its documents have the newest position of the log. */
const viewOf = (name: string, rest?: number) =>
  defineView({
    name,
    shapeVersion: 1,
    ...(rest !== undefined && { restMs: rest }),
    triggers: [{ types: ['Seen'], keys: ({ data }) => (data as Record<string, string[]>)[name] ?? [] }],
    query: (db) =>
      db
        .select({
          id: sql<string>`wanted.value`.as('id'),
          end: sql<number>`(SELECT max(position) FROM events)`.as('end'),
        })
        .from(sql`json_each(${wantedKeys}) AS wanted`),
    toDocument: ([row]) => row && { version: row.end, data: row.end },
  });

/** A projector with a view whose documents rest, and with one whose documents do not. */
function given({ lagTargetMs = 30_000 } = {}) {
  const real = createDocumentStore(env.VIEWS, '1');
  const written: string[] = [];
  const behaviour: { error?: string } = {};
  const documents = {
    ...real,
    async put(...args: Parameters<typeof real.put>) {
      if (behaviour.error) throw new Error(behaviour.error);
      await real.put(...args);
      written.push(args[0]);
    },
  };
  const views = [viewOf('resting', restMs), viewOf('quick')];
  const projector = createProjector({ database: env.DB, documents, views, epoch: '1', clock, lagTargetMs });
  return { behaviour, projector, written };
}

/** Writes an event with its delivery, as a command does. */
async function record(data: Record<string, string[]>): Promise<RecordedEvent> {
  const id = newId();
  const position = await env.DB.prepare(
    `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
     VALUES (?1, 'seen', ?1, 1, 'Seen', 1, '{}', '{}', '') RETURNING position`,
  )
    .bind(id)
    .first<number>('position');
  await env.DB.prepare("INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'projections', 0)")
    .bind(position)
    .run();
  const origin = { commandId: id, requestId: id };
  const occurredAt = new Date(clock.now()).toISOString();
  const stream = { streamType: 'seen', streamId: id, version: 1 };
  return { id, ...stream, type: 'Seen', schemaVersion: 1, data, metadata: origin, occurredAt, position: position ?? 0 };
}

const pending = async () => {
  const { results } = await env.DB.prepare('SELECT position FROM deliveries ORDER BY position').all<{
    position: number;
  }>();
  return results.map(({ position }) => position);
};

const both = { resting: ['a'], quick: ['b'] };

test('a document rests for a third of the acceptable lag at most (product 8.8)', async () => {
  const { projector } = given({ lagTargetMs: 6_000 });
  expect((await projector.project([await record({ resting: ['a'] })])).waiting).toEqual(new Map());
  clock.advance(pacing.writeMs);
  const second = await record({ resting: ['a'] });
  const { waiting } = await projector.project([second]);
  expect(waiting).toEqual(new Map([[second.position, 2_000 - pacing.writeMs]]));
});

test('an acceptable lag of a second frees no document sooner than one that does not rest (product 8.8)', async () => {
  const { projector } = given({ lagTargetMs: 1_000 });
  await projector.project([await record(both)]);
  const [resting, quick] = [await record({ resting: ['a'] }), await record({ quick: ['b'] })];
  const { waiting } = await projector.project([resting, quick]);
  expect(waiting.get(quick.position)).toBe(pacing.writeMs);
  expect(waiting.get(resting.position)).toBe(pacing.writeMs);
});

test('the events of a rest share one put, and the first of a batch keeps its delivery for them (product 7.1)', async () => {
  const { projector, written } = given();
  const first = await record(both);
  expect((await projector.project([first])).done).toEqual(new Set([first.position]));
  expect(written.splice(0).toSorted()).toEqual(['quick@1:b', 'resting@1:a']);

  clock.advance(pacing.writeMs);
  const events = [await record(both), await record(both), await record({ resting: ['a'] })];
  const [second, ...others] = events.map(({ position }) => position);
  const outcome = await projector.project(events.toReversed());
  // The other document is put at once.
  expect(written.splice(0)).toEqual(['quick@1:b']);
  expect(outcome.done).toEqual(new Set(others));
  expect(outcome.waiting).toEqual(new Map([[second, restMs - pacing.writeMs]]));
  // The low watermark stays below it, so no read with a token of one of these events takes the document.
  expect(await pending()).toEqual([second]);

  clock.advance(restMs - pacing.writeMs);
  const last = events.slice(0, 1);
  expect((await projector.project(last)).done).toEqual(new Set([second]));
  expect(written).toEqual(['resting@1:a']);
  const document = await env.VIEWS.get<{ asOf: number }>('resting@1:a', 'json');
  expect(document?.asOf).toBeGreaterThanOrEqual(Math.max(...others));
  expect(await pending()).toEqual([]);
});

test('a document that does not rest is not kept waiting by one that does (product 8.8)', async () => {
  const { projector, written } = given();
  await projector.project([await record(both)]);
  written.splice(0);
  const second = await record(both);
  expect((await projector.project([second])).waiting).toEqual(new Map([[second.position, pacing.writeMs]]));
  clock.advance(pacing.writeMs);
  const { waiting } = await projector.project([second]);
  expect(written).toEqual(['quick@1:b']);
  expect(waiting).toEqual(new Map([[second.position, restMs - pacing.writeMs]]));
});

test('an event that the document has keeps no delivery for a newer one (product 7.1)', async () => {
  const { projector } = given();
  const known = await record({ resting: ['a'] });
  await projector.project([known]);
  const newer = await record({ resting: ['a'] });
  await env.DB.prepare("INSERT INTO deliveries (position, subscription, available_at) VALUES (?, 'projections', 0)")
    .bind(known.position)
    .run();
  expect((await projector.project([known, newer])).done).toEqual(new Set([known.position]));
  expect(await pending()).toEqual([newer.position]);
});

test('a delivery that is gone keeps none for a newer event (product 7.1)', async () => {
  const { projector } = given();
  await projector.project([await record({ resting: ['a'] })]);
  const [gone, newer] = [await record({ resting: ['a'] }), await record({ resting: ['a'] })];
  await env.DB.prepare('DELETE FROM deliveries WHERE position = ?').bind(gone.position).run();
  await projector.project([gone, newer]);
  expect(await pending()).toEqual([newer.position]);
});

test('a dead delivery stays, and keeps none for a newer event (product 7.1)', async () => {
  const { projector } = given();
  await projector.project([await record({ resting: ['a'] })]);
  const events = [await record({ resting: ['a'] }), await record({ resting: ['a'] }), await record({ resting: ['a'] })];
  const positions = events.map(({ position }) => position);
  await env.DB.prepare("UPDATE deliveries SET status = 'dead' WHERE position IN (?, ?)")
    .bind(...positions.slice(0, 2))
    .run();
  await projector.project(events);
  expect(await pending()).toEqual(positions);
});

test('each document keeps a delivery of its own (product 7.1)', async () => {
  const { projector } = given();
  await projector.project([await record({ resting: ['a', 'b'] })]);
  const events = [await record({ resting: ['a'] }), await record({ resting: ['b'] }), await record({ resting: ['b'] })];
  await projector.project(events);
  expect(await pending()).toEqual(events.slice(0, 2).map(({ position }) => position));
});

test('a document that is asked for again, or whose claim ran out, does not rest', async () => {
  const { projector, written } = given();
  await projector.project([await record({ resting: ['a'] })]);
  written.splice(0);
  clock.advance(pacing.writeMs);
  await projector.projectAgain([{ view: 'resting@1', key: 'a' }]);
  expect(written.splice(0)).toEqual(['resting@1:a']);

  await env.DB.prepare("UPDATE projections SET claimed_by = 'dead', claimed_until = ?").bind(clock.now()).run();
  await projector.project([await record({ resting: ['a'] })]);
  expect(written).toEqual(['resting@1:a']);
});

test('the events of a document that cannot be put keep their deliveries', async () => {
  const { behaviour, projector } = given();
  await projector.project([await record({ resting: ['a'] })]);
  clock.advance(restMs);
  behaviour.error = 'KV PUT failed: 413 Payload Too Large';
  const events = [await record({ resting: ['a'] }), await record({ resting: ['a'] })];
  expect([...(await projector.project(events)).failed.keys()]).toEqual(events.map(({ position }) => position));
  expect(await pending()).toEqual(events.map(({ position }) => position));
});

test('the events of a document that has to be put again keep their deliveries', async () => {
  const { projector } = given();
  await projector.project([await record({ resting: ['a'] })]);
  // An earlier put may still arrive over the next one, so no event is sure to be in KV before another put.
  await env.DB.prepare('UPDATE projections SET recheck_at = ?')
    .bind(clock.now() + pacing.recheckMs)
    .run();
  const events = [await record({ resting: ['a'] }), await record({ resting: ['a'] })];
  await projector.project(events);
  expect(await pending()).toEqual(events.map(({ position }) => position));
});

test('the events of a document that another run holds keep their deliveries', async () => {
  const { projector } = given();
  await projector.project([await record({ resting: ['a'] })]);
  clock.advance(restMs);
  // That run may have read the database before the newer one of these events.
  await env.DB.prepare("UPDATE projections SET claimed_by = 'other', claimed_until = ?")
    .bind(clock.now() + pacing.recheckMs)
    .run();
  const events = [await record({ resting: ['a'] }), await record({ resting: ['a'] })];
  await projector.project(events);
  expect(await pending()).toEqual(events.map(({ position }) => position));
});

test('a run of too many keys leaves a resting one alone too', async () => {
  const { projector, written } = given();
  const known = await record({ resting: ['a'], quick: ['b', 'c'] });
  await projector.project([known]);
  written.splice(0);
  clock.advance(pacing.writeMs);
  limits.keysPerInvocation = 2;
  const newer = await record({ resting: ['a'] });
  expect((await projector.project([known, newer])).waiting).toEqual(
    new Map([[newer.position, restMs - pacing.writeMs]]),
  );
  expect(written).toEqual([]);
});
