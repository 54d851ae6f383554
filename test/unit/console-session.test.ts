import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { renew, SessionOverError, session } from '../../console/src/session';

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
  givenSessionOf(tokenFor('0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12'));
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
