import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { password } from '../test/support/factories';
import { createSystem } from '../test/support/system';
import { countD1, countKv } from './counting';

/** What the design allows: a create command is one round trip to D1, a change two, a read one KV operation and no D1. */
test('round trips per request', async () => {
  const d1 = countD1(env.DB);
  const kv = countKv(env.VIEWS);
  const { register, request, send, settle } = createSystem({ DB: d1.database, VIEWS: kv.namespace });
  const { id, email, bearer, refreshToken } = await register();
  await settle();
  const rows: Record<string, { d1: number; kv: number }> = {};
  async function measure(name: string, run: () => Promise<Response>) {
    const before = [d1.counter.count, kv.counter.count] as const;
    const { status } = await run();
    expect([name, status < 300]).toEqual([name, true]);
    rows[name] = { d1: d1.counter.count - before[0], kv: kv.counter.count - before[1] };
  }
  const grant = (form: Record<string, string>) => () =>
    request('/v1/auth/token', { method: 'POST', body: new URLSearchParams(form) });
  const account = { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password };
  await measure('create: register', () => send('POST', '/v1/users', account));
  await measure('change: user', () => send('PATCH', `/v1/users/${id}`, { name: 'New' }, bearer));
  await measure('change: settings', () => send('PATCH', `/v1/users/${id}/settings`, { locale: 'de' }, bearer));
  await measure('change: sign in', grant({ grant_type: 'password', username: email, password }));
  await measure('change: refresh', grant({ grant_type: 'refresh_token', refresh_token: refreshToken }));
  await measure('read: me', () => request('/v1/users/me', { headers: bearer }));
  await measure('read: settings', () => request(`/v1/users/${id}/settings`, { headers: bearer }));
  console.log(JSON.stringify(rows));
  for (const [name, { d1: trips, kv: operations }] of Object.entries(rows)) {
    const kind = name.split(':')[0] ?? '';
    const allowed = { create: [1, 0], change: [2, 0], read: [0, 1] }[kind];
    expect([name, trips, operations]).toEqual([name, ...(allowed ?? [])]);
  }
});
