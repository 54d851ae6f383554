import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { countRows, createSystem } from '../support/system';

/** A token with the claims of a real one, but with other header fields, claims or keys. */
async function forge(real: string, change: { header?: object; claims?: object; secret?: string }): Promise<string> {
  const header = { ...decodeProtectedHeader(real), alg: 'HS256', ...change.header };
  const jwt = new SignJWT({ ...decodeJwt(real), ...change.claims }).setProtectedHeader(header);
  return jwt.sign(new TextEncoder().encode(change.secret ?? 'only-for-tests-0123456789-abcdefghijklmnop'));
}

function unsigned(real: string): string {
  const encode = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, '');
  return `${encode({ alg: 'none', typ: 'at+jwt' })}.${real.split('.')[1]}.`;
}

test('forged, expired and unsigned tokens get 401 for reads and commands, and leave no row and no message', async () => {
  const { register, request, send, sent } = createSystem();
  const { id, bearer } = await register();
  const real = bearer.Authorization.slice('Bearer '.length);
  const now = Date.now() / 1000;
  const forgeries: [string, string][] = [
    ['another key', await forge(real, { secret: 'another-secret-0123456789-abcdefghijklm' })],
    ['an expired token', await forge(real, { claims: { iat: now - 1000, exp: now - 100 } })],
    ['another audience', await forge(real, { claims: { aud: 'elsewhere' } })],
    ['another type', await forge(real, { header: { typ: 'JWT' } })],
    ['alg none', unsigned(real)],
    ['a changed payload', real.replace(/\.[^.]+\./, `.${btoa('{"sub":"x"}').replace(/=+$/, '')}.`)],
    ['an empty token', ''],
    ['a time of issue in the future', await forge(real, { claims: { iat: now + 60, exp: now + 600 } })],
    ['a lifetime above 15 minutes', await forge(real, { claims: { exp: now + 86_400 } })],
    ['a subject that is a number', await forge(real, { claims: { sub: 7 } })],
    ['a subject that is an object', await forge(real, { claims: { sub: { id } } })],
    ['a long subject', await forge(real, { claims: { sub: 'x'.repeat(2000) } })],
  ];
  const before = await countRows();
  const messages = Object.values(sent).flat().length;
  for (const [name, token] of forgeries) {
    const headers = { Authorization: `Bearer ${token}` };
    const responses = [
      await request(`/v1/users/${id}`, { headers }),
      await send('PATCH', `/v1/users/${id}`, { name: 'Mallory' }, headers),
      await request(`/v1/users/${id}`, { method: 'DELETE', headers }),
    ];
    expect([name, ...responses.map(({ status }) => status)]).toEqual([name, 401, 401, 401]);
    expect(responses[0]?.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
  }
  expect(await countRows()).toEqual(before);
  expect(Object.values(sent).flat().length).toBe(messages);
  // A token that `forge` makes with the right key and claims is accepted, so the refusals above are due to the changes.
  const honest = { Authorization: `Bearer ${await forge(real, {})}` };
  expect((await request(`/v1/users/${id}`, { headers: honest })).status).toBe(200);
});
