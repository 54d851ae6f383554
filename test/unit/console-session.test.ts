import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { end, renew, SessionOverError, session } from '../../console/src/session';

// The clock of the console belongs to a page, and there is none here.
vi.mock('../../console/src/clock', () => ({ setClock: () => undefined }));

const ida = {
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  name: 'Ida',
  email: 'ida@example.com',
  role: 'agent',
} as const;
const tokenFor = (sub: string) => `e30.${btoa(JSON.stringify({ sub, name: '???>>>' })).replaceAll('=', '')}.x`;

/** Lets the API answer refreshes with this access token, or with no session. */
function givenSessionOf(accessToken: string | null) {
  const body = { session: accessToken && { accessToken } };
  vi.stubGlobal('fetch', async () => Response.json(body));
}

const other = '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12';

/** What the tab remembers: two texts of Ida, one of somebody else, and what is of nobody. */
function givenDrafts() {
  const kept: Record<string, unknown> = { [`frontdesk.draft.${other}.note`]: 'Theirs', colour: 'dark' };
  const drafts = { [`frontdesk.draft.${ida.id}.reply`]: 'Dear', [`frontdesk.draft.${ida.id}.note`]: 'Hm' };
  const removeItem = (key: string) => Reflect.deleteProperty(storage, key);
  const storage = Object.defineProperty({ ...drafts, ...kept }, 'removeItem', { value: removeItem, enumerable: false });
  vi.stubGlobal('sessionStorage', storage);
  return { storage, kept, all: { ...drafts, ...kept } };
}

/** Waits until the page has left for another address. */
const left = () => new Promise<string>((resolve) => vi.stubGlobal('location', { replace: resolve }));

beforeEach(() => {
  const request = (_: string, run: () => Promise<string>) => run();
  vi.stubGlobal('navigator', { locks: { request } });
  session.value = { state: 'in', person: ida, hasEnded: false };
});
afterEach(() => void vi.unstubAllGlobals());

test('a tab goes on with the session of its own person', async () => {
  givenSessionOf(tokenFor(ida.id));
  expect(await renew()).toBe(tokenFor(ida.id));
  expect(session.value).toMatchObject({ state: 'in', hasEnded: false });
});

test('a tab sends nothing more where nobody is signed in any more (product 13.6)', async () => {
  givenSessionOf(null);
  await expect(renew()).rejects.toThrow(SessionOverError);
  expect(session.value).toMatchObject({ state: 'in', person: ida, hasEnded: true });
});

test('a tab is loaded anew where somebody else has signed in by another tab, and what waits for a token never gets one (product 13.15)', async () => {
  const reloaded = new Promise<void>((resolve) => vi.stubGlobal('location', { reload: resolve }));
  givenSessionOf(tokenFor(other));
  const renewed = vi.fn();
  renew().then(renewed, renewed);
  await reloaded;
  await Promise.resolve();
  expect(renewed).not.toHaveBeenCalled();
});

test('a page that is opened takes the session of whoever is signed in', async () => {
  session.value = { state: 'starting' };
  givenSessionOf(tokenFor(ida.id));
  expect(await renew()).toBe(tokenFor(ida.id));
});

test('who signs out leaves no text in the tab, and those of others stay (product 13.15)', async () => {
  const { storage, kept } = givenDrafts();
  vi.stubGlobal('fetch', async () => new Response(null, { status: 204 }));
  const leaving = left();
  void end();
  expect(await leaving).toBe('/console');
  expect(storage).toEqual(kept);
});

test('who signs out leaves no text in another tab either, also in one that shows nobody (product 13.15)', async () => {
  const channel = new BroadcastChannel('/v1/auth/session');
  const { storage, kept } = givenDrafts();
  const leaving = left();
  channel.postMessage(ida.id);
  expect(await leaving).toBe('/console');
  expect(storage).toEqual(kept);
  session.value = { state: 'out' };
  const again = givenDrafts();
  channel.postMessage(ida.id);
  await vi.waitFor(() => expect(again.storage).toEqual(again.kept));
  channel.close();
});

test('texts stay where a session ends by itself, and where signing out fails (product 13.6)', async () => {
  const { storage, all } = givenDrafts();
  givenSessionOf(null);
  await expect(renew()).rejects.toThrow(SessionOverError);
  vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('Failed to fetch')));
  await expect(end()).rejects.toThrow(TypeError);
  expect(storage).toEqual(all);
});
