import { expect, test } from 'vitest';
import { formatBars } from '../../scripts/bars';
import { salesBars, ticketBars } from '../../scripts/dashboards';

const lengthOf = (line: string) => [...line].length;
const quiet = Array.from({ length: 28 }, (_, day) => `2026-10-${`${day + 1}`.padStart(2, '0')}`);

test('the largest value fills a line of 80 columns, and the others are in proportion to an eighth of one (product 12.4)', () => {
  const [title, ...lines] = formatBars('Title', [
    { label: 'all', value: 69 },
    { label: 'half', value: 34.5, text: '34' },
    { label: 'one', value: 1 },
    { label: 'none', value: 0 },
  ]).split('\n');
  const bars = lines.map((line) => /[█▏▎▍▌▋▊▉]+(?= {2}\d+$)/.exec(line)?.[0] ?? '');
  expect(title).toBe('Title');
  expect(lengthOf(lines[0] ?? '')).toBe(80);
  expect(bars.map(lengthOf)).toEqual([68, 34, 1, 0]);
  expect(bars[2]).toBe('█');
});

test('what is more than nothing is visible beside a much larger value', () => {
  const [, , small] = formatBars('', [
    { label: 'large', value: 1_000_000 },
    { label: 'small', value: 1 },
  ]).split('\n');
  expect(small).toMatch(/^ {2}small {2}▏ {2}1$/);
});

test('a long or hostile label takes no more than its place (product 12.3)', () => {
  const label = `\u001b[31m${'a very long title of an item '.repeat(3)}`;
  const [, line = ''] = formatBars('', [{ label, value: 1 }]).split('\n');
  expect(line).toMatch(/^ {2}\ufffd\[31ma very long title of an it… {2}█+ {2}1$/);
  expect(lengthOf(line)).toBe(80);
});

test('figures without a value say so', () => {
  expect(formatBars('Best-selling items', [])).toBe('Best-selling items\n  nothing yet');
});

test('the ticket dashboard shows days from the first one with a ticket on, also the quiet ones between', () => {
  const figures = [
    ...quiet.map((date) => ({ date, opened: 0, reopened: 0, closed: 0 })),
    { date: '2026-10-29', opened: 4, reopened: 2, closed: 1 },
    { date: '2026-10-30', opened: 0, reopened: 0, closed: 0 },
  ];
  const text = ticketBars({
    counts: { open: 3, triaged: 1, closed: 1 },
    days: figures,
    oldestOpenAt: '2026-10-29T09:00:00.000Z',
    oldestOpenSeconds: 60,
    medianTriageSeconds: 90,
  });
  expect(text).not.toContain('2026-10-28');
  const days = text.split('\n').filter((line) => line.startsWith('  2026'));
  expect(
    days.map((line) =>
      line.replace(
        /^ +(.*?) +(?:(█+\S?) +)?(\d+)$/,
        (_, label, bar = '', value) => `${label}: ${bar.length}, ${value}`,
      ),
    ),
  ).toEqual([
    '2026-10-29 opened: 54, 4',
    '2026-10-29 reopened: 27, 2',
    '2026-10-29 closed: 14, 1',
    '2026-10-30 opened: 0, 0',
    '2026-10-30 closed: 0, 0',
  ]);
  expect(text).toMatch(/^ {2}open {5}█+ {2}3$/m);
  expect(text).toContain('The median time from opening to triage: 90 seconds.');
  expect(text.split('\n').every((line) => lengthOf(line) <= 80)).toBe(true);
});

test('the sales dashboard shows each currency by itself, with the digits of its minor unit', () => {
  const sales = [
    { currency: 'EUR', orders: 2, revenue: 3000 },
    { currency: 'JPY', orders: 1, revenue: 3000 },
  ];
  const text = salesBars({
    counts: { placed: 3, shipped: 0, delivered: 0, cancelled: 0 },
    days: [...quiet.map((date) => ({ date, sales: [] })), { date: '2026-10-29', sales }],
    averages: [
      { currency: 'EUR', amount: 1500 },
      { currency: 'JPY', amount: 3000 },
    ],
    bestSellers: [{ itemId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11', title: 'Teapot', quantity: 5 }],
    otherCurrencies: 2,
  });
  expect(text).toMatch(/^ {2}2026-10-29 {2}█+ {2}€30\.00 of 2 orders$/m);
  expect(text).toMatch(/^ {2}2026-10-29 {2}█+ {2}¥3,000 of 1 order$/m);
  expect(text).toMatch(/^ {2}Teapot {2}█+ {2}5$/m);
  expect(text).toContain('There are 2 more currencies.');
  expect(text.split('\n').every((line) => lengthOf(line) <= 80)).toBe(true);
});
