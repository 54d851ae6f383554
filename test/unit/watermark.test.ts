import { describe, expect, test } from 'vitest';
import { createDocumentStore } from '../../src/cqrs/reading/document-store';
import {
  type Circumstances,
  judge,
  parseWatermark,
  saysAsMuch,
  type Verdict,
  type Watermark,
  watermarkKey,
  watermarkTimes,
} from '../../src/cqrs/reading/watermark';

const now = 1_800_000_000_000;
const { marginMs } = watermarkTimes;
const oldEnough = now - marginMs;

/** A watermark of epoch 1. */
function aWatermark(marks: Watermark['marks'], floors: Watermark['floors'] = {}): Watermark {
  return { epoch: '1', marks, floors };
}

/** A token of a position in epoch 1. */
const token = (position: number, epoch = '1') => ({ position, bookmark: null, epoch });

/** The verdict on a document that includes the events up to 10. */
function verdictOn(circumstances: Partial<Circumstances>): Verdict {
  return judge('order@1', { asOf: 10 }, { watermark: undefined, token: undefined, epoch: '1', now, ...circumstances });
}

test('a mark counts only when no location of KV can still show an older document (product 7.4)', async () => {
  const asked: unknown[] = [];
  const kv = {
    async get(_: string[], options: unknown) {
      asked.push(options);
      return new Map();
    },
    // The store calls no other method to read.
  } as unknown as KVNamespace;
  await createDocumentStore(kv, '1').getWithWatermark(['order@1:a']);
  // Cloudflare documents 60 seconds or more after which a change is visible, and no shorter time for a cached value.
  const [{ cacheTtl }] = asked as [{ cacheTtl: number }];
  expect(cacheTtl).toBeLessThanOrEqual(60);
  // The clocks of two processes may differ by some seconds.
  expect(marginMs).toBeGreaterThanOrEqual(60_000 + 10_000);
});

describe('the rule by which a read takes a document from KV (product 7.4)', () => {
  test.each<[string, Verdict, Partial<Circumstances>]>([
    ['no token', 'current', {}],
    ['a token older than the document', 'current', { token: token(9) }],
    ['a token as old as the document', 'current', { token: token(10) }],
    ['a newer token without a watermark', 'behind', { token: token(11) }],
    ['an older token of another epoch', 'behind', { token: token(9, '2') }],
    ['a token of the mark', 'current', { token: token(20), watermark: aWatermark([[oldEnough, 20]]) }],
    ['a token older than the mark', 'current', { token: token(15), watermark: aWatermark([[oldEnough, 20]]) }],
    ['a token newer than the mark', 'behind', { token: token(21), watermark: aWatermark([[oldEnough, 20]]) }],
    ['a mark that is too young', 'behind', { token: token(20), watermark: aWatermark([[oldEnough + 1, 20]]) }],
    ['a mark of the future', 'behind', { token: token(20), watermark: aWatermark([[now + marginMs, 20]]) }],
    ['no mark', 'behind', { token: token(20), watermark: aWatermark([]) }],
    [
      'an old mark below the token, and a young one above it',
      'behind',
      {
        token: token(20),
        watermark: aWatermark([
          [oldEnough - 60_000, 19],
          [now - 1000, 30],
        ]),
      },
    ],
    [
      'an old mark above the token, and a young one',
      'current',
      {
        token: token(20),
        watermark: aWatermark([
          [oldEnough, 20],
          [now - 1000, 30],
        ]),
      },
    ],
    [
      'a mark above the token between two others, as clocks that differ make them',
      'current',
      {
        token: token(20),
        watermark: aWatermark([
          [oldEnough - 2000, 19],
          [oldEnough - 1000, 22],
          [oldEnough, 19],
        ]),
      },
    ],
    [
      'a token of another epoch, and a mark above it',
      'behind',
      { token: token(5, '2'), watermark: aWatermark([[oldEnough, 20]]) },
    ],
    ['a mark below the document', 'current', { token: token(10), watermark: aWatermark([[oldEnough, 3]]) }],
    ['a floor above the document', 'void', { watermark: aWatermark([], { 'order@1': 11 }) }],
    ['a floor of the document itself', 'current', { watermark: aWatermark([], { 'order@1': 10 }) }],
    ['a floor of another shape', 'current', { watermark: aWatermark([], { 'order@2': 11 }) }],
    ['a floor and a token', 'void', { token: token(9), watermark: aWatermark([], { 'order@1': 11 }) }],
    [
      'a floor and a mark above the token',
      'void',
      { token: token(12), watermark: aWatermark([[oldEnough, 20]], { 'order@1': 11 }) },
    ],
    [
      'a floor and a token of another epoch',
      'void',
      { token: token(9, '2'), watermark: aWatermark([], { 'order@1': 11 }) },
    ],
  ])('with %s a document is %s', (_, expected, circumstances) => {
    expect(verdictOn(circumstances)).toBe(expected);
  });

  test.each([
    ['nothing', null],
    ['a document', { version: 1, asOf: 3, projectedAt: 0, epoch: '1', data: {} }],
    ['marks that are not pairs of whole numbers', { epoch: '1', marks: [[1.5, 2]], floors: {} }],
    ['marks as texts', { epoch: '1', marks: [['1', '2']], floors: {} }],
    ['no floors', { epoch: '1', marks: [[1, 2]] }],
    ['floors that are not numbers', { epoch: '1', marks: [[1, 2]], floors: { 'order@1': '11' } }],
    ['a watermark of another epoch', { epoch: '2', marks: [[1, 2]], floors: {} }],
  ])('%s in KV counts as no watermark', (_, value) => {
    expect(parseWatermark(value, '1')).toBeUndefined();
  });

  test('a watermark survives its way through JSON', () => {
    const watermark = aWatermark([[1, 2]], { 'order@1': 11 });
    expect(parseWatermark(JSON.parse(JSON.stringify(watermark)), '1')).toEqual(watermark);
  });
});

test.each<[string, boolean, Watermark]>([
  ['the same marks and floors', true, aWatermark([[5, 20]], { 'order@1': 3 })],
  ['the same position at a later time', true, aWatermark([[9, 20]], { 'order@1': 3 })],
  ['a higher position', true, aWatermark([[9, 21]], { 'order@1': 3 })],
  ['a lower position', false, aWatermark([[9, 19]], { 'order@1': 3 })],
  ['no mark', false, aWatermark([], { 'order@1': 3 })],
  ['a lower floor', false, aWatermark([[5, 20]], { 'order@1': 2 })],
  ['no floor', false, aWatermark([[5, 20]])],
])('a published watermark with %s says as much as the new one: %s', (_, expected, published) => {
  const marks: Watermark['marks'] = [
    [5, 20],
    [6, 18],
  ];
  expect(saysAsMuch(published, aWatermark(marks, { 'order@1': 3 }))).toBe(expected);
});

describe('the document store', () => {
  const document = { version: 1, asOf: 3, projectedAt: 0, epoch: '1', data: { a: 1 } };

  /** A document store on these values. Like KV, it cannot parse a value of a bulk get that is not JSON. */
  function given(values: Record<string, string>) {
    const gets: string[][] = [];
    const kv = {
      get: async (keys: string[], { type }: { type: string }) => {
        gets.push(keys);
        return new Map(
          keys.map((key) => [key, type === 'json' ? JSON.parse(values[key] ?? 'null') : (values[key] ?? null)]),
        );
      },
      // The test reads only.
    } as unknown as KVNamespace;
    return { gets, store: createDocumentStore(kv, '1') };
  }

  test('a value that is not JSON counts as missing, and the others of the same bulk get are read', async () => {
    const { store } = given({ broken: '{"version":', good: JSON.stringify(document) });
    expect(await store.getAll(['broken', 'good', 'absent'])).toEqual(new Map([['good', document]]));
  });

  test('a value of another form or epoch counts as missing', async () => {
    const other = JSON.stringify({ ...document, epoch: '2' });
    const forms = Object.fromEntries(
      ['version', 'asOf', 'projectedAt', 'epoch', 'data'].flatMap((field) => [
        [`no ${field}`, JSON.stringify({ ...document, [field]: undefined })],
        ...(field === 'data' ? [] : [[`other ${field}`, JSON.stringify({ ...document, [field]: {} })]]),
      ]),
    );
    const values = { ...forms, list: '[]', number: '1', revision: JSON.stringify({ ...document, revision: 1 }), other };
    const { store } = given({ ...values, good: JSON.stringify(document) });
    expect([...(await store.getAll([...Object.keys(values), 'good'])).keys()]).toEqual(['good']);
  });

  test('the watermark comes with the documents, in one bulk get', async () => {
    const watermark = aWatermark([[1, 2]]);
    const { store, gets } = given({ [watermarkKey]: JSON.stringify(watermark), good: JSON.stringify(document) });
    expect(await store.getWithWatermark(['good'])).toEqual({ documents: new Map([['good', document]]), watermark });
    expect(gets).toEqual([['good', watermarkKey]]);
  });

  test('a watermark that was replaced is not used any more', async () => {
    const values = { [watermarkKey]: JSON.stringify(aWatermark([[1, 2]])) };
    const { store } = given(values);
    await store.getWithWatermark([]);
    values[watermarkKey] = JSON.stringify(aWatermark([[3, 4]]));
    expect((await store.getWithWatermark([])).watermark).toEqual(aWatermark([[3, 4]]));
  });

  test('a broken watermark does not hide the documents', async () => {
    const { store } = given({ [watermarkKey]: 'x', good: JSON.stringify(document) });
    expect(await store.getWithWatermark(['good'])).toEqual({
      documents: new Map([['good', document]]),
      watermark: undefined,
    });
  });
});
