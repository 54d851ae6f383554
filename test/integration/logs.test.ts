import { expect, test } from 'vitest';
import { runSchedule } from '../../src/schedule';
import { password } from '../support/factories';
import { createSystem } from '../support/system';

test('the request id and the traceparent of a request reach the log lines of its consumers (product 8.3)', async () => {
  const { logs, send, sender, sent, deliverQueues } = createSystem();
  const traceId = 'b3004c869263d79f38f19c3e749a9f55';
  const headers = { 'X-Request-Id': 'trace-me', traceparent: `00-${traceId}-db27e0ad14ffeb9f-01` };
  await send('POST', '/v1/users', { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password }, headers);
  expect(sent.emails[0]).toMatchObject({ requestid: 'trace-me', traceparent: expect.stringContaining(traceId) });
  sender.failWith(new Error('The provider is down.'));
  await deliverQueues();
  const lines = logs.map((line) => JSON.parse(line));
  const request = lines.find(({ event }) => event === 'request');
  expect(request).toMatchObject({ requestId: 'trace-me', route: '/v1/users', status: 201 });
  expect(request.traceparent).toContain(traceId);
  const failure = lines.find(({ event }) => event === 'message.failed');
  expect(failure).toMatchObject({ subscription: 'emails', requestId: 'trace-me' });
  expect(failure.traceparent).toContain(traceId);
  expect(lines.filter(({ event, route }) => event === 'request' && route === '/v1/users')).toHaveLength(1);
  expect(lines.filter(({ event }) => event === 'batch.handled')).toHaveLength(2);
});

test('no log line contains a name, an address, a text, a password or a token (product 1.3, 8.3)', async () => {
  const system = createSystem();
  const { request, send, deliverQueues, clock } = system;
  const personal = {
    name: 'Zaphod Marker-Name',
    email: 'marker-address@example.com',
    password: 'marker password 42',
    street: 'Marker Street 7',
    subject: 'Marker subject',
    message: 'Marker message',
    note: 'Marker note',
    key: 'marker-key',
  };
  const seen: string[] = Object.values(personal);
  await send('POST', '/v1/users', { name: personal.name, email: personal.email, password: personal.password });
  await send('POST', '/v1/users', { name: personal.name, email: personal.email, password: personal.password });
  await send('POST', '/v1/users', { name: personal.name, email: `${personal.email} `, password: 'x', more: 1 });
  const grant = (form: Record<string, string>) =>
    request('/v1/auth/token', { method: 'POST', body: new URLSearchParams(form) });
  await grant({ grant_type: 'password', username: personal.email, password: 'marker wrong password' });
  const granted = await grant({ grant_type: 'password', username: personal.email, password: personal.password });
  const tokens = await granted.json<{ access_token: string; refresh_token: string }>();
  seen.push('marker wrong password', tokens.access_token, tokens.refresh_token);
  const bearer = { Authorization: `Bearer ${tokens.access_token}` };
  const agent = await system.register({ role: 'agent' });
  seen.push(agent.email, agent.refreshToken, agent.bearer.Authorization, password);
  await request(`/v1/users/${personal.email}`, { headers: bearer });
  await request(`/v1/items?owner=${personal.email}`);
  await request('/v1/users/me', { headers: { Authorization: `Bearer ${tokens.refresh_token}` } });
  const price = { amount: 1, currency: 'EUR' };
  const item = await send(
    'POST',
    '/v1/items',
    { title: personal.subject, description: personal.message, price },
    bearer,
  );
  const { id: itemId } = await item.json<{ id: string }>();
  const shippingAddress = {
    name: personal.name,
    line1: personal.street,
    postalCode: '1',
    city: 'Ghent',
    country: 'BE',
  };
  const order = { items: [{ itemId, quantity: 1 }], shippingAddress };
  await send('POST', '/v1/orders', order, { ...bearer, 'Idempotency-Key': personal.key });
  await send('POST', '/v1/orders', { ...order, items: [] }, bearer);
  const opened = await send('POST', '/v1/tickets', { subject: personal.subject, message: personal.message }, bearer);
  const { id: ticketId } = await opened.json<{ id: string }>();
  await send('POST', `/v1/tickets/${ticketId}/notes`, { note: personal.note }, agent.bearer);
  await send('POST', '/v1/auth/password-reset', { email: personal.email });
  system.sender.failWith(new Error(`550 ${personal.email} is unknown`));
  clock.advance(2000);
  await deliverQueues();
  await runSchedule(system.services(), '* * * * *');
  await runSchedule(system.services(), '0 * * * *');
  const refreshed = await grant({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  seen.push((await refreshed.json<{ refresh_token: string }>()).refresh_token);
  for (const { text } of system.sender.sent) seen.push(/#token=(\S+)/.exec(text)?.[1] ?? personal.email);
  const broken = createSystem({
    DB: {
      withSession: () => {
        throw new Error(`D1_ERROR near ${personal.email}`);
      },
    } as unknown as D1Database,
  });
  await broken.send('POST', '/v1/users', { name: personal.name, email: personal.email, password: personal.password });
  const logs = [...system.logs, ...broken.logs].join('\n');
  for (const line of logs.split('\n')) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), event: expect.any(String) });
  }
  expect(system.logs.length).toBeGreaterThan(20);
  expect(broken.logs.join()).toContain('request.unavailable');
  for (const text of seen) expect(logs).not.toContain(text);
});
