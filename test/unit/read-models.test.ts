import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { createReadModels, type ReadModels } from '../../src/cqrs/reading/read-models';
import type { Document, View } from '../../src/cqrs/reading/view';
import { type Watermark, watermarkTimes } from '../../src/cqrs/reading/watermark';

const start = 1_800_000_000_000;
// These reads call nothing else of a view, because D1 is away.
const view = { id: 'order@1', kvKey: (key: string) => `order@1:${key}` } as unknown as View<string>;
const wanted = { view, key: 'a' };
const document: Document<string> = { version: 1, asOf: 10, projectedAt: start - 5000, epoch: '1', data: 'in KV' };
/** The deadline of no call passes. */
const never = () => new Promise<never>(() => {});
const token = (position: number) => ({ position, bookmark: null, epoch: '1' });

/** Read models whose KV has a document and a watermark, and takes a while to respond. D1 is away. */
function given(watermark?: Partial<Watermark>, responseMs = 0) {
  let now = start;
  return createReadModels({
    documents: {
      async getWithWatermark() {
        now += responseMs;
        return {
          documents: new Map([['order@1:a', document]]),
          watermark: { epoch: '1', marks: [], floors: {}, ...watermark },
        };
      },
      async putWatermark() {},
    },
    database: {
      withSession() {
        throw new Error('D1 is away.');
      },
    } as unknown as D1Database,
    epoch: '1',
    clock: { now: () => now },
    wait: never,
  });
}

describe('a read while D1 is away', () => {
  test('gets a document that a mark proves to be new enough, marked strong', async () => {
    const readModels = given({ marks: [[start - watermarkTimes.marginMs, 20]] });
    expect(await readModels.read(token(20), wanted)).toEqual([
      { document: { version: 1, data: 'in KV' }, consistency: 'strong', ageSeconds: 5, source: 'kv' },
    ]);
  });

  test('counts the age of a mark up to its question to KV, because the response may be as old as the question', async () => {
    const readModels = given({ marks: [[start - watermarkTimes.marginMs + 1, 20]] }, 60_000);
    await expect(readModels.read(token(20), wanted)).rejects.toThrow('D1 is away.');
  });

  test('never gets a document that is behind the token (product 6.6)', async () => {
    await expect(given().read(token(11), wanted)).rejects.toThrow('D1 is away.');
  });

  test('gets the document of KV without a token, marked eventual', async () => {
    expect(await given().read(undefined, wanted)).toMatchObject([
      { document: { data: 'in KV' }, consistency: 'eventual', source: 'kv' },
    ]);
  });

  test.each([
    ['without a token', undefined, wanted],
    ['with a token', token(11), wanted],
    ['that ignores its token', token(11), { ...wanted, ignoreToken: true }],
  ])('%s never gets a document that has missed an event', async (_, sent, item) => {
    await expect(given({ floors: { 'order@1': 11 } }).read(sent, item)).rejects.toThrow('D1 is away.');
  });

  test('of KV alone gets what may be served, and nothing for other documents (product 9.3)', async () => {
    const missing = { view, key: 'b' };
    const found = await given().readStored(wanted, missing);
    expect(found).toMatchObject([{ version: 1, data: 'in KV' }, undefined]);
    expect(await given({ floors: { 'order@1': 11 } }).readStored(wanted, missing)).toEqual([undefined, undefined]);
  });

  test('that ignores its token gets a document that is behind the token, marked eventual', async () => {
    expect(await given().read(token(11), { ...wanted, ignoreToken: true })).toMatchObject([
      { consistency: 'eventual', source: 'kv' },
    ]);
  });
});

describe('a read that KV cannot answer (product 7.4)', () => {
  const bookmark = '00000001-abc';

  /** Which session of D1 a read opens, and what it returns. */
  async function readFromD1(run: (models: ReadModels) => Promise<unknown>, isKvSilent = false) {
    const sessions: string[] = [];
    const rows = { results: [] };
    const session = {
      prepare: () => ({ bind: () => ({}) }),
      batch: async (statements: unknown[]) => statements.map(() => rows),
      getBookmark: () => null,
    };
    const models = createReadModels({
      documents: {
        getWithWatermark: async () => (isKvSilent ? never() : { documents: new Map(), watermark: undefined }),
        async putWatermark() {},
      },
      database: {
        withSession(from: string) {
          sessions.push(from);
          return session;
        },
      } as unknown as D1Database,
      epoch: '1',
      clock: { now: () => start },
      // The deadline of a silent KV passes at once.
      wait: isKvSilent ? async () => {} : never,
    });
    return { result: await run(models), sessions };
  }

  const empty: View<string> = {
    ...view,
    query: (db) => db.all(sql`SELECT 1`),
    toDocument: () => ({ version: 1, data: 'in D1' }),
  };

  test.each([
    ['without a token reads the nearest replica', undefined, 'first-unconstrained', 'eventual'],
    ['with a token reads a replica that is as new', { position: 7, bookmark, epoch: '1' }, bookmark, 'strong'],
    ['whose token has no bookmark reads the primary', token(7), 'first-primary', 'strong'],
    // The bookmark and the position are those of another database.
    [
      'whose token is of another epoch reads the primary',
      { position: 7, bookmark, epoch: '2' },
      'first-primary',
      'strong',
    ],
  ])('%s', async (_, sent, from, consistency) => {
    const { result, sessions } = await readFromD1((models) => models.read(sent, { view: empty, key: 'a' }));
    expect(sessions).toEqual([from]);
    expect(result).toMatchObject([{ consistency, source: 'd1', document: { data: 'in D1' } }]);
    const past = await readFromD1((models) => models.readPast(sent, (db) => db.all(sql`SELECT 1`)));
    expect(past.sessions).toEqual([from]);
    expect(past.result).toMatchObject({ freshness: { consistency, source: 'd1' } });
  });

  test('whose KV never answers is answered by D1 (product 6.6)', async () => {
    const { result } = await readFromD1((models) => models.read(undefined, { view: empty, key: 'a' }), true);
    expect(result).toMatchObject([{ source: 'd1', forwarded: 'miss', document: { data: 'in D1' } }]);
  });

  test('and that must be fresh reads the primary', async () => {
    const { sessions } = await readFromD1((models) => models.readFresh({ view: empty, key: 'a' }));
    expect(sessions).toEqual(['first-primary']);
  });
});

test('a read of KV without a token is eventual, and of several documents each has its own mark (product 7.4)', async () => {
  expect(await given().read(undefined, wanted)).toMatchObject([{ consistency: 'eventual', source: 'kv' }]);
  expect(await given().read(token(10), wanted, { ...wanted, ignoreToken: true })).toMatchObject([
    { consistency: 'strong' },
    { consistency: 'eventual' },
  ]);
});
