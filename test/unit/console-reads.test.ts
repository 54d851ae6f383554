import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Read, refreshAll, useRead } from '../../console/src/read';
import { runHook } from '../support/console/hooks';

vi.mock('../../console/src/clock', () => ({
  time: () => Date.now(),
  isVisible: { value: true },
  isOnline: { value: true },
}));

interface Request {
  /** What is asked for, such as a language or the filters of a list. */
  what: string;
  known: string | null;
  answer(status: 200 | 304, tag: string, body?: string): void;
}

let what: string;
let requests: Request[];
let shown: ReturnType<typeof runHook<Read<string>>>;

/** Waits for an answer, as the API gives it in its own time. */
function send(wanted: string, headers: Record<string, string>) {
  return new Promise<{ status: number; headers: Headers; json(): Promise<string> }>((resolve) => {
    const known = new Headers(headers).get('If-None-Match');
    const answer = (status: number, tag: string, body = '') =>
      resolve({ status, headers: new Headers({ ETag: tag }), json: async () => body });
    requests.push({ what: wanted, known, answer });
  });
}

const settled = () => vi.advanceTimersByTimeAsync(10);
/** Shows something else on the same screen, which draws it again. */
async function choose(other: string): Promise<void> {
  what = other;
  shown.draw();
  await settled();
}

beforeEach(async () => {
  vi.useFakeTimers();
  requests = [];
  what = 'en';
  shown = runHook(() => {
    const wanted = what;
    return useRead(wanted, (headers) => send(wanted, headers));
  });
  await settled();
});
afterEach(() => {
  shown.end();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a read sends the tag of what it shows, and keeps it where nothing has changed', async () => {
  requests[0]?.answer(200, '"1"', 'Hello');
  await vi.advanceTimersByTimeAsync(5_100);
  expect(requests.map(({ known }) => known)).toEqual([null, '"1"']);
  requests[1]?.answer(304, '"1"');
  await settled();
  expect(shown.result.data.value).toBe('Hello');
});

test('a tag of something else, such as the same in another language, is never sent', async () => {
  requests[0]?.answer(200, '"1"', 'Hello');
  await settled();
  await choose('de');
  expect(requests.map((request) => [request.what, request.known])).toEqual([
    ['en', null],
    ['de', null],
  ]);
  expect(shown.result.data.value).toBeUndefined();
  requests[1]?.answer(200, '"1"', 'Hallo');
  await settled();
  expect(shown.result.data.value).toBe('Hallo');
  await choose('en');
  expect(requests[2]).toMatchObject({ what: 'en', known: null });
  expect(shown.result.data.value).toBeUndefined();
});

test('an answer about something else that comes late is not shown', async () => {
  await choose('de');
  requests[1]?.answer(200, '"2"', 'Hallo');
  requests[0]?.answer(200, '"1"', 'Hello');
  await settled();
  expect(shown.result.data.value).toBe('Hallo');
  expect(shown.result.etag.value).toBe('"2"');
});

test.each([
  ['the read before it', 1, 2],
  ['the read after it', 2, 1],
])(
  '“not modified” is said of the data that was shown then, and not of what %s has brought',
  async (_, newer, older) => {
    requests[0]?.answer(200, '"1"', 'Hello');
    await vi.advanceTimersByTimeAsync(5_100);
    // A command was sent, and its effect is read, while another read is on its way.
    void refreshAll();
    await settled();
    requests[newer]?.answer(200, '"2"', 'Goodbye');
    await settled();
    requests[older]?.answer(304, '"1"');
    await settled();
    expect([shown.result.data.value, shown.result.etag.value]).toEqual(['Goodbye', '"2"']);
  },
);
