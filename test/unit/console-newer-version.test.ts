import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const networkIsAway = new TypeError('Failed to fetch dynamically imported module');

/** The tag of the page that the API has now. */
let deployed: string;
let reloads: number;
let version: typeof import('../../console/src/newer-version');

beforeEach(async () => {
  vi.useFakeTimers();
  deployed = '"1"';
  reloads = 0;
  vi.stubGlobal('fetch', async () => new Response(null, { headers: { ETag: deployed } }));
  vi.stubGlobal('location', { reload: () => reloads++ });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.resetModules();
  version = await import('../../console/src/newer-version');
  version.watchVersions();
  await vi.advanceTimersByTimeAsync(10);
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A script that cannot be loaded the first times. */
function scriptThatFails(times: number) {
  let tries = 0;
  const load = async () => {
    if (++tries <= times) throw networkIsAway;
    return 'the screen';
  };
  return { load, tries: () => tries };
}

describe('a screen whose code could not be loaded (product 13.3)', () => {
  test('is tried again every three seconds, and shown as soon as it is there', async () => {
    const script = scriptThatFails(3);
    const shown = vi.fn();
    void version.untilLoaded(script.load).then(shown);
    await vi.advanceTimersByTimeAsync(6_100);
    expect([script.tries(), shown.mock.calls.length]).toEqual([3, 0]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(shown).toHaveBeenCalledWith('the screen');
    await vi.advanceTimersByTimeAsync(30_000);
    expect([script.tries(), reloads, version.hasNewerVersion.value]).toEqual([4, 0, false]);
  });

  test('is tried again also while the API does not answer', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(networkIsAway));
    const shown = vi.fn();
    void version.untilLoaded(scriptThatFails(1).load).then(shown);
    await vi.advanceTimersByTimeAsync(3_100);
    expect(shown).toHaveBeenCalled();
  });

  test('comes with the page of a newer version, in which it has another name', async () => {
    deployed = '"2"';
    void version.untilLoaded(scriptThatFails(Number.POSITIVE_INFINITY).load);
    await vi.advanceTimersByTimeAsync(10);
    expect(reloads).toBe(1);
  });

  test('does not take what somebody has typed: they are told of the newer version', async () => {
    const end = version.keepDraft();
    deployed = '"2"';
    const script = scriptThatFails(2);
    void version.untilLoaded(script.load);
    await vi.advanceTimersByTimeAsync(3_100);
    expect([reloads, version.hasNewerVersion.value]).toEqual([0, true]);
    end();
    await vi.advanceTimersByTimeAsync(300_000);
    expect(reloads).toBeGreaterThan(0);
  });
});
