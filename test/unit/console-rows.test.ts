import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** A row as the module sees it: the first link of each is what keys move to. */
function rowOf(href: string) {
  const other = { name: 'another link of the row' };
  const row = {
    contains: (place: unknown) => place === link || place === other,
    scrollIntoView: () => undefined,
    querySelector: () => link,
  };
  const link = {
    href,
    closest: () => row,
    focus: () => {
      page.activeElement = link;
    },
  };
  return { row, link, other };
}

const body = { name: 'no row' };
const page = { activeElement: body as unknown, querySelectorAll: () => shown.map(({ row }) => row) };
let shown: ReturnType<typeof rowOf>[];
let rows: typeof import('../../console/src/rows');

const open = (...hrefs: string[]) => {
  shown = hrefs.map(rowOf);
  page.activeElement = body;
};
const moved = (by: 1 | -1) => {
  rows.moveRow(by);
  return (page.activeElement as { href?: string }).href;
};

beforeEach(async () => {
  vi.stubGlobal('document', page);
  vi.resetModules();
  rows = await import('../../console/src/rows');
  open('/a', '/b', '/c');
});
afterEach(() => void vi.unstubAllGlobals());

test('keys go from row to row, and stay at the ends (product 13.2)', () => {
  expect([1, 1, 1, 1].map((by) => moved(by as 1))).toEqual(['/a', '/b', '/c', '/c']);
  expect([moved(-1), moved(-1), moved(-1)]).toEqual(['/b', '/a', '/a']);
});

test('keys go on from the row on which somebody was before they looked into it', () => {
  moved(1);
  moved(1);
  open('/new', '/a', '/b', '/c');
  expect([moved(1), moved(1)]).toEqual(['/b', '/c']);
  open('/other', '/list');
  expect(moved(-1)).toBe('/other');
});

test('the row in which the focus is counts, also on another link of it', () => {
  page.activeElement = shown[1]?.other;
  expect(rows.currentRow()).toBe(shown[1]?.link);
  expect(moved(1)).toBe('/c');
  page.activeElement = body;
  expect(rows.currentRow()).toBeUndefined();
});

test('a list without rows has none to go to', () => {
  open();
  expect(moved(1)).toBeUndefined();
});
