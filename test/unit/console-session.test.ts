import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { renew, SessionOverError, session } from '../../console/src/session';

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

test.each([
  ['somebody else has signed in by another tab', tokenFor('0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12')],
  ['nobody is signed in any more', null],
])('a tab sends nothing more where %s (product 13.6)', async (_, accessToken) => {
  givenSessionOf(accessToken);
  await expect(renew()).rejects.toThrow(SessionOverError);
  expect(session.value).toMatchObject({ state: 'in', person: ida, hasEnded: true });
});

test('a page that is opened takes the session of whoever is signed in', async () => {
  session.value = { state: 'starting' };
  givenSessionOf(tokenFor(ida.id));
  expect(await renew()).toBe(tokenFor(ida.id));
});
