import { describe, expect, test } from 'vitest';
import { splitByBytes } from '../../src/platform/split';

const bytesOf = (part: unknown) => Buffer.byteLength(JSON.stringify(part));

describe('a list that is split by bytes', () => {
  test.each<[string[], number, string[][]]>([
    [[], 10, []],
    [['a'], 5, [['a']]],
    [['a', 'b'], 9, [['a', 'b']]],
    [['a', 'b'], 8, [['a'], ['b']]],
    [['a', 'b', 'c'], 9, [['a', 'b'], ['c']]],
    [['a', 'long enough', 'b'], 9, [['a'], ['long enough'], ['b']]],
    [['é', 'b'], 9, [['é'], ['b']]],
  ])('the list %j is split into parts of %i bytes as %j', (values, maxBytes, expected) => {
    expect(splitByBytes(values, maxBytes)).toEqual(expected);
  });

  test('the parts of a list keep the order, have all values and stay within the bytes', () => {
    const values = Array.from({ length: 100 }, (_, index) => ({ id: index, text: 'ä'.repeat(index % 7) }));
    const parts = splitByBytes(values, 200);
    expect(parts.flat()).toEqual(values);
    expect(Math.max(...parts.map(bytesOf))).toBeLessThanOrEqual(200);
  });
});
