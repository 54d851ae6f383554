import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { countRows, createSystem } from '../support/system';

/** The same claims as a real token's, with other headers, claims or keys. */
async function forge(real: string, change: { header?: object; claims?: object; secret?: string }): Promise<string> {
  const header = { ...decodeProtectedHeader(real), alg: 'HS256', ...change.header };
  const jwt = new SignJWT({ ...decodeJwt(real), ...change.claims }).setProtectedHeader(header);
  return jwt.sign(new TextEncoder().encode(change.secret ?? 'only-for-tests-0123456789-abcdefghijklmnop'));
}

function unsigned(real: string): string {
  const encode = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, '');
  return `${encode({ alg: 'none', typ: 'at+jwt' })}.${real.split('.')[1]}.`;
}

test('forged, expired and unsigned tokens command nothing, read nothing and leave nothing behind', async () => {
  const { register, request, send, sent } = createSystem();
  const { id, bearer } = await register();
  const real = bearer.Authorization.slice('Bearer '.length);
  const now = Date.now() / 1000;
  const forgeries: [string, string][] = [
    ['another key', await forge(real, { secret: 'another-secret-0123456789-abcdefghijklm' })],
    ['expired', await forge(real, { claims: { iat: now - 1000, exp: now - 100 } })],
    ['another audience', await forge(real, { claims: { aud: 'elsewhere' } })],
    ['another type', await forge(real, { header: { typ: 'JWT' } })],
    ['alg none', unsigned(real)],
    ['a changed payload', real.replace(/\.[^.]+\./, `.${btoa('{"sub":"x"}').replace(/=+$/, '')}.`)],
    ['nothing', ''],
  ];
  const before = await countRows();
  const messages = Object.values(sent).flat().length;
  for (const [name, token] of forgeries) {
    const headers = { Authorization: `Bearer ${token}` };
    const answers = [
      await request(`/v1/users/${id}`, { headers }),
      await send('PATCH', `/v1/users/${id}`, { name: 'Mallory' }, headers),
      await request(`/v1/users/${id}`, { method: 'DELETE', headers }),
    ];
    expect([name, ...answers.map(({ status }) => status)]).toEqual([name, 401, 401, 401]);
    expect(answers[0]?.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
  }
  expect(await countRows()).toEqual(before);
  expect(Object.values(sent).flat().length).toBe(messages);
  // The forger's tools do work: the same claims with the right key pass.
  const honest = { Authorization: `Bearer ${await forge(real, {})}` };
  expect((await request(`/v1/users/${id}`, { headers: honest })).status).toBe(200);
});
