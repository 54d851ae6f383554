import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Read } from '../../console/src/read';
import { runHook } from '../support/console/hooks';

/** The time of the API, and by how much the clock of the computer is wrong. */
const apiTime = Date.parse('2026-11-22T10:00:00Z');
const listeners = new Map<string, () => void>();

/** A page that somebody looks at; the modules of the console are those of this page. */
async function openPage(wrongBy: number) {
  vi.useFakeTimers();
  vi.setSystemTime(apiTime + wrongBy);
  const addEventListener = (type: string, listener: () => void) => listeners.set(type, listener);
  vi.stubGlobal('document', { visibilityState: 'visible', addEventListener });
  vi.stubGlobal('addEventListener', addEventListener);
  const request = (_: string, run: () => Promise<string>) => run();
  vi.stubGlobal('navigator', { onLine: true, locks: { request } });
  vi.resetModules();
  const clock = await import('../../console/src/clock');
  const { renew } = await import('../../console/src/session');
  const { useRead } = await import('../../console/src/read');
  return { ...clock, renew, useRead };
}

/** The headers of an answer that the API sends now. */
const dateNow = (wrongBy: number) => ({ Date: new Date(Date.now() - wrongBy).toUTCString() });

/** Lets the API answer the renewal of the session. */
const givenApi = (wrongBy: number, headers?: () => Record<string, string>) =>
  vi.stubGlobal('fetch', async () =>
    Response.json({ session: { accessToken: 'token' } }, { headers: headers?.() ?? dateNow(wrongBy) }),
  );

const hour = 3_600_000;

beforeEach(() => void listeners.clear());
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe.each([
  ['right', 0],
  ['an hour behind', -hour],
  ['an hour ahead', hour],
])('with the clock of a computer that is %s (product 13.3)', (_, wrongBy) => {
  test('the time is that of the API, and so is how old things are', async () => {
    givenApi(wrongBy);
    const { now, renew, time } = await openPage(wrongBy);
    await renew();
    expect(time()).toBe(apiTime);
    // What happened just now by the clock of the API is three seconds old after three seconds.
    await vi.advanceTimersByTimeAsync(3_000);
    expect((now.value - apiTime) / 1000).toBe(3);
  });

  test('a read says how old its data is', async () => {
    givenApi(wrongBy);
    const { now, renew, useRead } = await openPage(wrongBy);
    await renew();
    const send = async () => ({ status: 200, headers: new Headers({ Age: '7' }), json: async () => 'data' });
    const shown = runHook<Read<string>>(() => useRead('data', send, hour));
    await vi.advanceTimersByTimeAsync(3_000);
    const { asOf, readAt } = shown.result;
    const secondsSince = (moment: number | undefined) => Math.round((now.value - (moment ?? 0)) / 1000);
    expect([secondsSince(readAt.value), secondsSince(asOf.value)]).toEqual([3, 10]);
    shown.end();
  });
});

test('a clock that is right to some seconds counts as right, because the header has no fractions', async () => {
  givenApi(3_000);
  const { renew, time } = await openPage(3_000);
  await renew();
  expect(time()).toBe(apiTime + 3_000);
});

test('an answer without a date changes nothing, and a later one corrects the clock again', async () => {
  givenApi(hour);
  const { renew, setClock, time } = await openPage(hour);
  await renew();
  setClock(null);
  expect(time()).toBe(apiTime);
  // Somebody has set the clock of the computer.
  vi.setSystemTime(apiTime);
  givenApi(0);
  await renew();
  expect(time()).toBe(apiTime);
});

test('a page that nobody sees stands still, and goes on at once when somebody looks at it again (product 13.3)', async () => {
  const { isVisible, now } = await openPage(0);
  const show = (visibilityState: string) => {
    Object.assign(document, { visibilityState });
    listeners.get('visibilitychange')?.();
  };
  show('hidden');
  expect(isVisible.value).toBe(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(now.value).toBe(apiTime);
  show('visible');
  expect(now.value).toBe(apiTime + 60_000);
});
