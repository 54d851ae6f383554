import { expect, test } from 'vitest';
import { count, formatTable } from '../../scripts/table';

test('a table has columns as wide as their longest text, numbers at the right, and no quotes and no null', () => {
  const rows = [
    ['user', 7, null],
    ['staff-ticket', 1234, 1.5],
  ];
  expect(formatTable(['view', 'keys', 'p50'], rows)).toBe(
    ['  view          keys  p50', '  user             7    -', '  staff-ticket  1234  1.5'].join('\n'),
  );
});

test('a noun is in the singular after 1 alone', () => {
  expect([0, 1, 2].map((number) => count(number, 'key'))).toEqual(['0 keys', '1 key', '2 keys']);
});
