import { describe, expect, test } from 'vitest';
import { createReadModels } from '../../src/cqrs/reading/read-models';
import type { Document, View } from '../../src/cqrs/reading/view';
import { type Watermark, watermarkTimes } from '../../src/cqrs/reading/watermark';

const start = 1_800_000_000_000;
// These reads call nothing else of a view, because D1 is away.
const view = { id: 'order@1', kvKey: (key: string) => `order@1:${key}` } as unknown as View<string>;
const wanted = { view, key: 'a' };
const document: Document<string> = { version: 1, asOf: 10, projectedAt: start - 5000, epoch: '1', data: 'in KV' };
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

  test('that ignores its token gets a document that is behind the token, marked eventual', async () => {
    expect(await given().read(token(11), { ...wanted, ignoreToken: true })).toMatchObject([
      { consistency: 'eventual', source: 'kv' },
    ]);
  });
});
