import { describe, expect, test } from 'vitest';
import { compare } from '../../console/src/screens/inspector/differences';

const different = (one: unknown, other: unknown) =>
  compare('', one, other)
    .filter(({ isSame }) => !isSame)
    .map(({ path, one, other }) => [path, one, other]);

describe('two documents side by side', () => {
  test('are compared place by place', () => {
    const one = { subject: 'Late', customer: { name: 'Ada', city: null }, tags: [] };
    const fields = compare('', one, { ...one, customer: { name: 'Ada', city: 'Bath' } });
    expect(fields).toEqual([
      { path: 'subject', one: 'Late', other: 'Late', isSame: true },
      { path: 'customer.name', one: 'Ada', other: 'Ada', isSame: true },
      { path: 'customer.city', one: 'null', other: 'Bath', isSame: false },
      { path: 'tags', one: '[]', other: '[]', isSame: true },
    ]);
  });

  test('differ in a row that was added, and not in those after it', () => {
    const rows = [{ id: 'b' }, { id: 'c', status: 'open' }];
    expect(different({ rows }, { rows: [{ id: 'a' }, ...rows] })).toEqual([['rows.a.id', undefined, 'a']]);
  });

  test('differ in the order of their rows', () => {
    const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
    expect(different({ rows: [a, b, c] }, { rows: [b, a] })).toEqual([
      ['rows', 'a b', 'b a'],
      ['rows.c.id', 'c', undefined],
    ]);
  });

  test('differ in rows that the same id names', () => {
    const row = (status: string) => ({ id: 'a', status });
    const rows = [row('open'), row('closed')];
    expect(different(rows, [row('open'), row('open')])).toEqual([['1.status', 'closed', 'open']]);
    expect(different(rows, [row('open')])).not.toEqual([]);
  });

  test.each([
    [1, '1', '1', '"1"'],
    [null, 'null', 'null', '"null"'],
    [[], {}, '[]', '{}'],
    [{ a: 1 }, 1, '{"a":1}', '1'],
    [[1], { 0: 1 }, '[1]', '{"0":1}'],
    ['', undefined, '', undefined],
  ])('are not the same if they have %j and %j', (one, other, written, otherWritten) => {
    expect(different({ place: one }, { place: other })).toEqual([['place', written, otherWritten]]);
  });

  test.each([undefined, null, 7, 'text', [], {}, [1, [2, { id: 3 }]], { a: { b: [{ id: 'x' }, { id: 'x' }] } }])(
    'are the same if both have %j',
    (value) => {
      expect(different(value, structuredClone(value))).toEqual([]);
      expect(different({ place: value }, { place: structuredClone(value) })).toEqual([]);
    },
  );
});
