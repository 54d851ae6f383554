import { beforeAll, describe, expect, test } from 'vitest';
import { password } from '../support/factories';
import { operationsOf, pathWith } from '../support/routes';
import { readAllRows } from '../support/stores';
import { createSystem } from '../support/system';

const system = createSystem();
const { clock, register, request, send } = system;
const path = '/v1/auth/session';
const ownPage = { 'Sec-Fetch-Site': 'same-origin' };

let email: string;
beforeAll(async () => {
  ({ email } = await register());
});

/** The cookie of an answer: its name with its value, and its attributes. */
function cookieOf(response: Response) {
  const [pair = '', ...attributes] = (response.headers.get('Set-Cookie') ?? '').split('; ');
  return { pair, attributes };
}

const start = (headers: Record<string, string> = ownPage) => send('POST', path, { email, password }, headers);
const refresh = (cookie: string, headers = ownPage) =>
  request(`${path}/refresh`, { method: 'POST', headers: { ...headers, Cookie: cookie } });

async function readOwnAccount(accessToken: string | undefined) {
  return (await request('/v1/users/me', { headers: { Authorization: `Bearer ${accessToken}` } })).status;
}

/** The access token of an answer to a refresh; undefined when there is no session. */
async function refreshedToken(response: Response) {
  expect(response.status).toBe(200);
  return (await response.json<{ session: { accessToken: string } | null }>()).session?.accessToken;
}

async function codeOf(response: Response) {
  return [response.status, (await response.json<{ code: string }>()).code];
}

describe('the session of a page (product 2.10)', () => {
  test('a sign-in gives the page an access token, and puts the refresh token where no script can read it', async () => {
    const response = await start();
    const { pair, attributes } = cookieOf(response);
    const [name, refreshToken = ''] = pair.split('=');
    expect(name).toBe('__Host-frontdesk-session');
    expect(refreshToken).toMatch(/^[\w-]{43}$/);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=2592000', 'Path=/', 'SameSite=Strict', 'Secure']);
    const text = await response.clone().text();
    expect(text).not.toContain(refreshToken);
    expect(response.headers.get('Cache-Control')).toBe('private, no-store');
    expect(JSON.parse(text)).toEqual({ accessToken: expect.any(String), expiresInSeconds: 900 });
    expect(await readOwnAccount(JSON.parse(text).accessToken)).toBe(200);
    for (const rows of Object.values(await readAllRows())) expect(rows).not.toContain(refreshToken);
  });

  test('a refresh replaces the cookie, and one that was used before ends the session', async () => {
    const first = cookieOf(await start()).pair;
    const refreshed = await refresh(first);
    const second = cookieOf(refreshed).pair;
    expect(second).not.toBe(first);
    expect(await readOwnAccount(await refreshedToken(refreshed))).toBe(200);
    // Two tabs race: nothing is revoked.
    const raced = await refresh(first);
    expect([raced.headers.get('Retry-After'), await codeOf(raced)]).toEqual(['1', [422, 'auth.refresh-raced']]);
    clock.advance(11_000);
    const reused = await refresh(first);
    expect(cookieOf(reused)).toMatchObject({
      pair: '__Host-frontdesk-session=',
      attributes: expect.arrayContaining(['Max-Age=0']),
    });
    expect(await refreshedToken(reused)).toBeUndefined();
    expect(await refreshedToken(await refresh(second))).toBeUndefined();
  });

  test('a sign-out revokes the refresh token and removes the cookie, also a second time', async () => {
    const { pair } = cookieOf(await start());
    for (const Cookie of [pair, pair]) {
      const response = await request(path, { method: 'DELETE', headers: { ...ownPage, Cookie } });
      expect(response.status).toBe(204);
      expect(cookieOf(response)).toMatchObject({
        pair: '__Host-frontdesk-session=',
        attributes: expect.arrayContaining(['Max-Age=0', 'Path=/', 'Secure']),
      });
    }
    expect(await refreshedToken(await refresh(pair))).toBeUndefined();
    expect((await request(path, { method: 'DELETE', headers: ownPage })).status).toBe(204);
  });

  test('a wrong password and an unknown address get the same refusal, and no cookie', async () => {
    const wrong = await send('POST', path, { email, password: 'another horse battery' }, ownPage);
    const unknown = await send('POST', path, { email: 'nobody@example.com', password }, ownPage);
    for (const response of [wrong, unknown]) {
      expect(response.headers.get('Set-Cookie')).toBeNull();
      expect(await codeOf(response)).toEqual([422, 'auth.invalid-grant']);
    }
    const first = await request(`${path}/refresh`, { method: 'POST', headers: ownPage });
    expect([first.headers.get('Set-Cookie'), await refreshedToken(first)]).toEqual([null, undefined]);
  });

  test.each<[string, Record<string, string>, number]>([
    ['a page of this origin', ownPage, 200],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['another host of the site', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['a typed address', { 'Sec-Fetch-Site': 'none' }, 403],
    ['another site, whose Origin is forged', { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://localhost' }, 403],
    ['an older browser on this origin', { Origin: 'http://localhost' }, 200],
    ['an older browser on another origin', { Origin: 'https://evil.example' }, 403],
    ['an older browser that hides its origin', { Origin: 'null' }, 403],
    ['a page without a sender', { Origin: '' }, 403],
  ])('a request of %s is answered accordingly', async (_, headers, status) => {
    const { pair } = cookieOf(await start());
    const responses = [
      await start(headers),
      await request(`${path}/refresh`, { method: 'POST', headers: { ...headers, Cookie: pair } }),
      await request(path, { method: 'DELETE', headers: { ...headers, Cookie: pair } }),
    ];
    expect(responses.map((response) => response.status)).toEqual([status, status, status === 200 ? 204 : 403]);
    for (const response of responses.filter((one) => one.status === 403))
      expect([response.headers.get('Set-Cookie'), await codeOf(response)]).toEqual([null, [403, 'http.cross-origin']]);
  });

  test('the cookie opens nothing else', async () => {
    const { pair } = cookieOf(await start());
    const operations = await operationsOf(system);
    const closed = operations.filter(({ operation }) => operation['x-access'] !== 'everybody');
    expect(closed.length).toBeGreaterThan(30);
    for (const { method, path: template } of closed) {
      const address = pathWith(template, crypto.randomUUID());
      const response = await request(address, { method, headers: { ...ownPage, Cookie: pair } });
      expect([method, template, response.status]).toEqual([method, template, 401]);
    }
  });
});
