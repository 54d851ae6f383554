import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type List, useList } from '../../console/src/pages';
import { runHook } from '../support/console/hooks';

// A page that somebody looks at, whose clock is the computer's.
vi.mock('../../console/src/clock', () => ({
  time: () => Date.now(),
  isVisible: { value: true },
  isOnline: { value: true },
}));

const size = 3;
let log: string[];
let requests: (string | undefined)[];
/** Whether pages after the first one cannot be read. */
let isFailing: boolean;

/** The API's list of the log, newest first, whose cursors name the last row of a page. */
async function send(cursor: string | undefined) {
  requests.push(cursor);
  if (isFailing && cursor !== undefined) throw new TypeError('Failed to fetch');
  const from = cursor === undefined ? 0 : log.indexOf(cursor) + 1;
  const ids = log.slice(from, from + size);
  const nextCursor = from + size < log.length ? (ids.at(-1) ?? null) : null;
  return { status: 200, headers: new Headers(), json: async () => ({ data: ids.map((id) => ({ id })), nextCursor }) };
}

const add = (...ids: string[]) => log.unshift(...ids.toReversed());

let end: (() => void) | undefined;
function open(growsAtTop: boolean) {
  const shown = runHook<List<{ id: string }>>(() => useList('log', send, { growsAtTop }));
  end = shown.end;
  return {
    rows: () => shown.result.rows?.map(({ id }) => id),
    more: () => shown.result.more?.(),
    hasMore: () => shown.result.more !== undefined,
  };
}

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  log = ['e7', 'e6', 'e5', 'e4', 'e3', 'e2', 'e1'];
  requests = [];
  isFailing = false;
});
afterEach(() => {
  end?.();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe.each([
  ['an event log', true],
  ['a list whose rows move', false],
])('%s that shows two pages', (_, growsAtTop) => {
  async function shown() {
    const list = open(growsAtTop);
    await wait(100);
    await list.more();
    await wait(100);
    expect(list.rows()).toEqual(['e7', 'e6', 'e5', 'e4', 'e3', 'e2']);
    return list;
  }

  test('has what came, and no row twice or none (product 13.16)', async () => {
    const list = await shown();
    add('e8', 'e9');
    await wait(6_000);
    expect(list.rows()?.slice(0, 6)).toEqual(['e9', 'e8', 'e7', 'e6', 'e5', 'e4']);
  });

  test.each([3, 4, 8])(
    'goes on when %i rows come at once, which is a whole page and more (product 13.16)',
    async (many) => {
      const list = await shown();
      add(...Array.from({ length: many }, (_, index) => `n${index}`));
      await wait(6_000);
      expect(list.rows()?.slice(0, 6)).toEqual(log.slice(0, 6));
      add('last');
      await wait(6_000);
      expect(list.rows()?.[0]).toBe('last');
      const rows = list.rows() ?? [];
      expect(rows).toEqual(log.slice(0, rows.length));
    },
  );
});

describe('an event log', () => {
  test('begins again when too many rows came for all to be read (product 13.16)', async () => {
    const list = open(true);
    await wait(100);
    await list.more();
    add(...Array.from({ length: 100 }, (_, index) => `n${index}`));
    await wait(6_000);
    expect(list.rows()).toEqual(log.slice(0, size));
    expect(list.hasMore()).toBe(true);
    // The first page five seconds later, and eleven between.
    expect(requests.length).toBe(2 + 1 + 11);
  });

  test('reads its first page alone while few rows come', async () => {
    const list = open(true);
    await wait(100);
    await list.more();
    requests = [];
    add('e8');
    await wait(5_000);
    add('e9', 'e10');
    await wait(5_000);
    expect(requests).toEqual([undefined, undefined]);
    expect(list.rows()).toEqual(log.slice(0, 9));
  });

  test('reads what is between again after a failure', async () => {
    const list = open(true);
    await wait(100);
    await list.more();
    add('a', 'b', 'c', 'd');
    isFailing = true;
    await wait(5_000);
    expect(list.rows()).toEqual(['e7', 'e6', 'e5', 'e4', 'e3', 'e2']);
    isFailing = false;
    await wait(5_000);
    expect(list.rows()).toEqual(log.slice(0, 10));
  });
});
