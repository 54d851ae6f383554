import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { createDocumentStore } from '../../src/cqrs/reading/document-store';
import { type Watermark, watermarkKey, watermarkTimes } from '../../src/cqrs/reading/watermark';
import { createWatermarkPublisher } from '../../src/cqrs/reading/watermark-publisher';
import { newId } from '../../src/platform/ids';
import { runSchedule } from '../../src/schedule';
import { createSystem } from '../support/system';

const start = 1_800_000_000_000;

beforeEach(async () => {
  for (const table of ['deliveries', 'shapes', 'watermarks', 'events']) await env.DB.exec(`DELETE FROM ${table}`);
  await env.DB.exec("DELETE FROM sqlite_sequence WHERE name = 'events'");
  await env.VIEWS.delete(watermarkKey);
});

/** Adds an event to the log, and its delivery to the projections, which is pending. Returns the position. */
async function addEvent(at?: number): Promise<number> {
  const event = env.DB.prepare(
    `INSERT INTO events (position, id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
    VALUES (?1, ?2, 'item', ?2, 1, 'ItemUpdated', 1, '{}', '{}', '2026-01-01T00:00:00.000Z') RETURNING position`,
  );
  const { position = 0 } = (await event.bind(at ?? null, newId()).first<{ position: number }>()) ?? {};
  const delivery = env.DB.prepare('INSERT INTO deliveries (position, subscription, available_at) VALUES (?, ?, 0)');
  await env.DB.batch([delivery.bind(position, 'projections'), delivery.bind(position, 'emails')]);
  return position;
}

const finish = (position: number) =>
  env.DB.prepare("DELETE FROM deliveries WHERE subscription = 'projections' AND position = ?").bind(position).run();

const raiseFloor = (view: string, missed: number) =>
  env.DB.prepare("INSERT INTO shapes (view, name, types, since, missed) VALUES (?, 'item', '[]', 0, ?)")
    .bind(view, missed)
    .run();

/** A publisher on real D1 and KV whose puts a test can replace; what it waits for happens at once. */
function given({ clock = { now: start }, database = env.DB } = {}) {
  const store = createDocumentStore(env.VIEWS, '1');
  const puts: Watermark[] = [];
  const waits: number[] = [];
  const behaviour = { put: store.putWatermark };
  const publisher = createWatermarkPublisher({
    database,
    store: {
      getWithWatermark: store.getWithWatermark,
      async putWatermark(watermark) {
        puts.push(watermark);
        await behaviour.put(watermark);
      },
    },
    epoch: '1',
    clock: { now: () => clock.now },
    async wait(ms) {
      waits.push(ms);
      clock.now += ms;
    },
  });
  return { ...publisher, behaviour, clock, puts, waits };
}

const inKv = () => env.VIEWS.get<Watermark>(watermarkKey, 'json');
const rows = async () => (await env.DB.prepare('SELECT at, position FROM watermarks ORDER BY at').all()).results;

describe('a published watermark', () => {
  test('has the position before the first event whose projection is pending or dead, and the time of the mark', async () => {
    const { publish, clock } = given();
    await publish();
    expect((await inKv())?.marks).toEqual([[start, 0]]);
    const [first, second, third] = [await addEvent(), await addEvent(), await addEvent()];
    await finish(first);
    await env.DB.prepare("UPDATE deliveries SET status = 'dead' WHERE position = ?").bind(second).run();
    clock.now += 30_000;
    await publish();
    await finish(third);
    clock.now += 30_000;
    await publish();
    await finish(second);
    clock.now += 30_000;
    await publish();
    expect(await inKv()).toEqual({
      epoch: '1',
      marks: [
        [start, 0],
        [start + 30_000, 1],
        [start + 90_000, 3],
      ],
      floors: {},
    });
  });

  test('has a time after the response of D1, and the floors of all shapes that have missed an event', async () => {
    const clock = { now: start };
    const { publish } = given({ clock });
    await raiseFloor('item@2', 7);
    await raiseFloor('item@1', 5);
    await raiseFloor('item@3', 0);
    // D1 needs a second for its response.
    const taken = publish();
    clock.now += 1000;
    await taken;
    expect(await inKv()).toEqual({ epoch: '1', marks: [[start + 1000, 0]], floors: { 'item@1': 5, 'item@2': 7 } });
  });

  test('is not put again while nothing happens, and its mark stays; the newest row shows how old a replica is', async () => {
    const { publish, clock, puts } = given();
    for (let minute = 0; minute < 30; minute++) {
      clock.now = start + minute * 60_000;
      await publish();
    }
    expect(puts).toEqual([{ epoch: '1', marks: [[start, 0]], floors: {} }]);
    expect(await rows()).toEqual([
      { at: start, position: 0 },
      { at: start + 29 * 60_000, position: 0 },
    ]);
  });

  test('is put again if another value took its place, or if a floor was raised', async () => {
    const { publish, clock, puts } = given();
    await publish();
    await env.VIEWS.put(watermarkKey, JSON.stringify({ epoch: '2', marks: [], floors: {} }));
    clock.now += 60_000;
    await publish();
    expect(puts).toHaveLength(2);
    await raiseFloor('item@1', 5);
    clock.now += 60_000;
    await publish();
    expect((await inKv())?.floors).toEqual({ 'item@1': 5 });
  });

  test('keeps below 4 KB under constant load, and always has a mark that is old enough', async () => {
    const { publish, clock } = given();
    // The marks of ten minutes, in which each publication had news.
    const marks = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO watermarks (at, epoch, position) SELECT ? + i * ?, '1', 10000000 + i FROM n`;
    await env.DB.prepare(marks).bind(start, watermarkTimes.spacingMs).run();
    await finish(await addEvent(10_000_301));
    clock.now = start + 301 * watermarkTimes.spacingMs;
    await publish();
    const text = (await env.VIEWS.get(watermarkKey)) ?? '';
    expect(text.length).toBeLessThan(4096);
    const published = JSON.parse(text) as Watermark;
    expect(published.marks.length).toBeGreaterThan(watermarkTimes.marginMs / watermarkTimes.spacingMs);
    expect(await rows()).toHaveLength(published.marks.length);
    // Also after hours in which nobody published.
    clock.now += 10_000_000;
    await finish(await addEvent());
    await publish();
    expect((await inKv())?.marks).toEqual([published.marks.at(-1), [clock.now, 10_000_302]]);
  });
});

describe('a restore of the database (product 7.4)', () => {
  test('leaves no mark of the epoch before it in the watermark', async () => {
    const { publish } = given();
    await env.DB.prepare("INSERT INTO watermarks (at, epoch, position) VALUES (?, '0', 900)")
      .bind(start - 5000)
      .run();
    await publish();
    expect((await inKv())?.marks).toEqual([[start, 0]]);
    expect(await rows()).toEqual([{ at: start, position: 0 }]);
  });

  test('makes a mark news that is lower than the marks before it', async () => {
    await env.DB.prepare("INSERT INTO watermarks (at, epoch, position) VALUES (?, '0', 900)")
      .bind(start - 5000)
      .run();
    await finish(await addEvent());
    const { publishNews, puts } = given();
    await publishNews();
    expect(puts.map(({ marks }) => marks)).toEqual([[[start, 1]]]);
  });

  test('lets no mark be recorded that was taken before it and lies above its log', async () => {
    await finish(await addEvent());
    const restore = () => env.DB.batch(['deliveries', 'events'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
    // The restore happens between the mark and its record, which is the publisher's only batch.
    const withSession = (from: string) => {
      const session = env.DB.withSession(from);
      return {
        prepare: session.prepare.bind(session),
        getBookmark: session.getBookmark.bind(session),
        async batch(statements: D1PreparedStatement[]) {
          await restore();
          return session.batch(statements);
        },
      };
    };
    const { publish, puts } = given({ database: { withSession } as unknown as D1Database });
    await publish();
    expect([puts, await rows()]).toEqual([[], []]);
  });
});

describe('a publication after a batch', () => {
  test('does nothing without news', async () => {
    const { publishNews, clock, puts } = given();
    const position = await addEvent();
    await publishNews();
    clock.now += 60_000;
    await publishNews();
    expect([puts.length, await rows()]).toEqual([1, [{ at: start, position: 0 }]]);
    await finish(position);
    await publishNews();
    expect(puts).toHaveLength(2);
  });

  test('publishes a raised floor, although an earlier event is not projected yet', async () => {
    const { publishNews, clock } = given();
    await addEvent();
    const missed = await addEvent();
    await publishNews();
    await finish(missed);
    await raiseFloor('item@1', missed);
    clock.now += 60_000;
    await publishNews();
    expect(await inKv()).toMatchObject({ floors: { 'item@1': missed } });
    await env.DB.exec("DELETE FROM deliveries WHERE subscription = 'projections'");
    clock.now += 60_000;
    await publishNews();
    clock.now += 60_000;
    await publishNews();
    // The newest mark is above the floor now, so the floor is no news any more.
    expect((await rows()).at(-1)).toEqual({ at: start + 120_000, position: missed });
  });

  test('leaves its news to a later one when another mark is younger than a second, and waits for nothing', async () => {
    const { publishNews, clock, puts, waits } = given();
    await finish(await addEvent());
    await publishNews();
    await finish(await addEvent());
    // The put of the other one is still under way, and KV would refuse a second one.
    await env.VIEWS.delete(watermarkKey);
    clock.now += watermarkTimes.spacingMs - 1;
    await publishNews();
    expect([puts.length, waits]).toEqual([1, []]);
    clock.now += 1;
    await publishNews();
    expect((await inKv())?.marks).toEqual([
      [start, 1],
      [start + watermarkTimes.spacingMs, 2],
    ]);
  });

  test('is not held up by a mark of a process whose clock is ahead', async () => {
    const { publishNews, puts } = given();
    await env.DB.prepare("INSERT INTO watermarks (at, epoch, position) VALUES (?, '1', 0)")
      .bind(start + 20_000)
      .run();
    await finish(await addEvent());
    await publishNews();
    expect(puts).toHaveLength(1);
  });

  test('is repeated after a second when KV refuses it (429), and not after another failure', async () => {
    const { publishNews, behaviour, clock, waits, puts } = given();
    const { put } = behaviour;
    behaviour.put = async () => {
      behaviour.put = put;
      throw new Error('KV PUT failed: 429 Too Many Requests');
    };
    await finish(await addEvent());
    await publishNews();
    expect((await inKv())?.marks).toHaveLength(1);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeGreaterThanOrEqual(watermarkTimes.retryMs);
    behaviour.put = async () => {
      throw new Error('KV PUT failed: 500');
    };
    await finish(await addEvent());
    clock.now += 60_000;
    await expect(publishNews()).rejects.toThrow('500');
    expect(puts).toHaveLength(3);
  });
});

/** A KV namespace that refuses to take the watermark. */
const withoutWatermark = new Proxy(env.VIEWS, {
  get(target, property) {
    const member = Reflect.get(target, property);
    if (typeof member !== 'function') return member;
    return async (key: string, ...rest: unknown[]) => {
      if (property === 'put' && key === watermarkKey) throw new Error('KV PUT failed: 500');
      return member.call(target, key, ...rest);
    };
  },
});

describe('the projections’ consumer', () => {
  test('publishes a mark once after a batch that finished deliveries, and none after another batch', async () => {
    const { register, deliver, sent, clock } = createSystem();
    await register();
    const messages = sent.projections.splice(0);
    await deliver('projections', messages);
    expect((await inKv())?.marks.map(([, position]) => position)).toEqual([messages.length]);
    await register();
    // Another process holds every key, so nothing is finished.
    await env.DB.prepare('UPDATE projections SET claimed_until = ?')
      .bind(clock.now() + 120_000)
      .run();
    clock.advance(60_000);
    const { acked } = await deliver('projections', sent.projections.splice(0, 1));
    expect([acked, (await rows()).length]).toEqual([[], 1]);
  });

  test('acknowledges its batch although the watermark cannot be published, and logs it', async () => {
    const { register, deliver, sent, logs } = createSystem({ VIEWS: withoutWatermark });
    await register();
    const messages = sent.projections.splice(0);
    const { acked } = await deliver('projections', messages);
    expect(acked).toHaveLength(messages.length);
    const line = logs.map((text) => JSON.parse(text)).find(({ event }) => event === 'watermark.not-published');
    expect(line).toMatchObject({ level: 'warn', error: 'Error' });
  });
});

test('the schedule publishes each minute, and a failure does not stop its other tasks', async () => {
  const { services } = createSystem();
  await runSchedule(services(), '* * * * *');
  expect((await inKv())?.marks).toHaveLength(1);
  const broken = createSystem({ VIEWS: withoutWatermark });
  broken.clock.advance(60_000);
  await addEvent().then(finish);
  await runSchedule(broken.services(), '* * * * *');
  const events = broken.logs.map((line) => JSON.parse(line).event);
  expect(events).toEqual(expect.arrayContaining(['schedule.failed', 'relay.ran', 'reconciler.ran']));
});
