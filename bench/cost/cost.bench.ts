import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { password } from '../../test/support/factories';
import { createSystem } from '../../test/support/system';
import { countD1, countKv, createCounter } from './counting';

/** The limits of docs/architecture.md: one round trip to D1 to create, two to change, one KV operation to read. */
test('round trips per request', async () => {
  const counter = createCounter();
  const bindings = { DB: countD1(env.DB, counter), VIEWS: countKv(env.VIEWS, counter) };
  const { clock, register, request, send, deliverQueues } = createSystem(bindings);
  const calls = () => {
    const { work, watermark } = counter;
    return { d1: work.roundTrips + watermark.roundTrips, kv: work.kvCalls + watermark.kvCalls };
  };
  const { id, email, bearer, refreshToken } = await register();
  await deliverQueues();
  const rows: Record<string, { d1: number; kv: number }> = {};
  async function measure(name: string, run: () => Promise<Response>) {
    const before = calls();
    const { status } = await run();
    expect([name, status < 300]).toEqual([name, true]);
    const { d1, kv } = calls();
    rows[name] = { d1: d1 - before.d1, kv: kv - before.kv };
  }
  const grant = (form: Record<string, string>) => () =>
    request('/v1/auth/token', { method: 'POST', body: new URLSearchParams(form) });
  const account = { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password };
  await measure('create: register', () => send('POST', '/v1/users', account));
  await measure('change: user', () => send('PATCH', `/v1/users/${id}`, { name: 'New' }, bearer));
  await measure('change: settings', () => send('PATCH', `/v1/users/${id}/settings`, { locale: 'de' }, bearer));
  await measure('change: sign in', grant({ grant_type: 'password', username: email, password }));
  await measure('change: refresh', grant({ grant_type: 'refresh_token', refresh_token: refreshToken }));
  const price = { amount: 100, currency: 'EUR' };
  const ids: Record<string, string> = {};
  const created = (name: string, run: () => Promise<Response>) => async () => {
    const response = await run();
    ids[name] = (await response.clone().json<{ id: string }>()).id;
    return response;
  };
  const address = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
  await measure(
    'create: item',
    created('item', () => send('POST', '/v1/items', { title: 'A', price, stock: 9 }, bearer)),
  );
  const order = () => ({ items: [{ itemId: ids.item, quantity: 1 }], shippingAddress: address });
  const ticket = { subject: 'A', message: 'B' };
  await measure(
    'create: ticket',
    created('ticket', () => send('POST', '/v1/tickets', ticket, bearer)),
  );
  await measure('change: item', () => send('PATCH', `/v1/items/${ids.item}`, { title: 'B' }, bearer));
  // This command loads the items first, for their current prices, so it counts as a change.
  await measure(
    'change: place an order',
    created('order', () => send('POST', '/v1/orders', order(), bearer)),
  );
  await measure('change: cancel the order', () => send('POST', `/v1/orders/${ids.order}/cancel`, {}, bearer));
  const agent = (await register({ role: 'agent' })).bearer;
  await measure('change: ticket status', () =>
    send('POST', `/v1/tickets/${ids.ticket}/status`, { status: 'closed' }, agent),
  );
  await measure('change: note', () => send('POST', `/v1/tickets/${ids.ticket}/notes`, { note: 'A' }, agent));
  clock.advance(2000);
  await deliverQueues();
  for (const path of [`items/${ids.item}`, `orders/${ids.order}`, 'orders', 'items?active=true']) {
    await measure(`read: ${path.replace(/[0-9a-f-]{36}/, '{id}')}`, () => request(`/v1/${path}`, { headers: bearer }));
  }
  for (const path of [`tickets/${ids.ticket}`, 'tickets?hasNote=true', 'dashboard/tickets', 'users']) {
    await measure(`read: ${path.replace(/[0-9a-f-]{36}/, '{id}')}`, () => request(`/v1/${path}`, { headers: agent }));
  }
  await measure('read: me', () => request('/v1/users/me', { headers: bearer }));
  await measure('read: settings', () => request(`/v1/users/${id}/settings`, { headers: bearer }));
  console.log(JSON.stringify(rows));
  for (const [name, { d1: trips, kv: operations }] of Object.entries(rows)) {
    const kind = name.split(':')[0] ?? '';
    const allowed = { create: [1, 0], change: [2, 0], read: [0, 1] }[kind];
    expect([name, trips, operations]).toEqual([name, ...(allowed ?? [])]);
  }
});
