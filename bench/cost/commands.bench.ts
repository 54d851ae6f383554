import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { views } from '../../src/domains';
import { limits } from '../../src/platform/limits';
import { password } from '../../test/support/factories';
import { createSystem } from '../../test/support/system';
import { countD1, countKv, createCounter, nothing, type Usage } from './counting';
import type { CommandCost } from './prices';

const bytesPerOperation = 64 * 1024;
const counter = createCounter();
const system = createSystem({ DB: countD1(env.DB, counter), VIEWS: countKv(env.VIEWS, counter) });

/** The usage since the last call. */
function take(part: 'work' | 'watermark'): Usage {
  const usage = counter[part];
  counter[part] = { ...nothing };
  return usage;
}

/** Writes, reads and deletes of the messages that wait, as Queues bills them. */
function queueOperations(): number {
  const messages = Object.values(system.sent).flat();
  return messages.reduce((sum, body) => sum + 3 * Math.ceil(JSON.stringify(body).length / bytesPerOperation), 0);
}

/** Sends each command of the table once, with what it needs. */
async function sendAll(measure: (name: string, run: () => Promise<Response>) => Promise<Response>): Promise<void> {
  const { request, send } = system;
  const grant = (form: Record<string, string>) =>
    request('/v1/auth/token', { method: 'POST', body: new URLSearchParams(form) });
  const idOf = async (response: Response) => (await response.json<{ id: string }>()).id;
  const price = { amount: 100, currency: 'EUR' };
  const shippingAddress = { name: 'A', line1: 'B', postalCode: 'C', city: 'D', country: 'DE' };
  const account = { name: 'Ada', email: `${crypto.randomUUID()}@example.com`, password };

  const id = await idOf(await measure('register', () => send('POST', '/v1/users', account)));
  const signIn = { grant_type: 'password', username: account.email, password };
  const tokens = await (await measure('sign in', () => grant(signIn))).json<Record<string, string>>();
  const bearer = { Authorization: `Bearer ${tokens.access_token}` };
  const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
  await measure('refresh a session', () => grant(refresh));
  await measure('rename', () => send('PATCH', `/v1/users/${id}`, { name: 'New' }, bearer));
  await measure('change settings', () => send('PATCH', `/v1/users/${id}/settings`, { locale: 'de' }, bearer));

  // The first e-mail of a new account went out with the work after its registration.
  const confirm = (email: string) => () =>
    send('POST', '/v1/auth/email-confirmation/confirm', { token: system.mailedToken(email, 'confirm-email') });
  const next = { email: `${crypto.randomUUID()}@example.com`, currentPassword: password };
  await measure('confirm the address of a new account', confirm(account.email));
  await measure('ask for another address', () => send('PATCH', `/v1/users/${id}`, next, bearer));
  await measure('confirm another address', confirm(next.email));

  const robot = { name: 'Robot', role: 'customer' };
  await measure('create an account for a program', () => send('POST', '/v1/service-accounts', robot, admin));
  const key = { name: 'A', scopes: ['orders:read'] };
  const { id: keyId } = await (
    await measure('create an API key', () => send('POST', '/v1/api-keys', key, bearer))
  ).json<{
    id: string;
  }>();
  await measure('revoke an API key', () => request(`/v1/api-keys/${keyId}`, { method: 'DELETE', headers: bearer }));

  const item = await idOf(
    await measure('create an item', () => send('POST', '/v1/items', { title: 'A', price, stock: 99 }, bearer)),
  );
  await measure('update an item', () => send('PATCH', `/v1/items/${item}`, { title: 'B' }, bearer));

  const lines = { items: [{ itemId: item, quantity: 1 }], shippingAddress };
  const place = () => send('POST', '/v1/orders', lines, bearer);
  const order = await idOf(await measure('place an order of one line', place));
  await measure('ship an order', () => send('POST', `/v1/orders/${order}/ship`, {}, agent));
  await measure('deliver an order', () => send('POST', `/v1/orders/${order}/deliver`, {}, agent));
  const other = await idOf(await place());
  await settle();
  await measure('cancel an order', () => send('POST', `/v1/orders/${other}/cancel`, {}, bearer));

  const open = () => send('POST', '/v1/tickets', { subject: 'A', message: 'B' }, bearer);
  const ticket = `/v1/tickets/${await idOf(await measure('open a ticket', open))}`;
  await measure('add a note', () => send('POST', `${ticket}/notes`, { note: 'A' }, agent));
  await measure('triage a ticket', () => send('POST', `${ticket}/status`, { status: 'triaged' }, agent));
  await measure('close a ticket', () => send('POST', `${ticket}/status`, { status: 'closed' }, agent));
  await measure('reply as an agent', () => send('POST', `${ticket}/replies`, { message: 'A' }, agent));
  await measure('reopen a ticket by a reply', () => send('POST', `${ticket}/replies`, { message: 'A' }, bearer));
  await measure('reply as a customer', () => send('POST', `${ticket}/replies`, { message: 'A' }, bearer));
  await measure('take a ticket', () => send('POST', `${ticket}/assignee`, { assigneeId: agentId }, agent));
  await measure('release a ticket', () => send('POST', `${ticket}/assignee`, { assigneeId: null }, agent));
  await measure('find people', () => request('/v1/users?search=ada', { headers: agent }));
  await measure('export an account of a few rows', () => request(`/v1/users/${id}/export`, { headers: bearer }));
  await measure('export orders for reporting', () => request('/v1/exports/orders', { headers: admin }));
  const end = /\/unsubscribe\S+/.exec(system.sender.sent.findLast(({ to }) => to.email === next.email)?.text ?? '');
  await measure('end e-mails by their link', () => request(`${end}`, { method: 'POST' }));

  const letter = await env.DB.prepare(
    `INSERT INTO deliveries (position, subscription, available_at, status, last_error)
       SELECT max(position), 'events', 0, 'dead', 'TypeError' FROM events RETURNING position`,
  ).first<{ position: number }>();
  const [operations, ids] = ['/v1/operations', [`${letter?.position}-events`]];
  await measure('replay a dead letter', () => send('POST', `${operations}/dead-letters/replay`, { ids }, admin));
  await env.DB.prepare("DELETE FROM deliveries WHERE subscription = 'events'").run();
  const look = `${operations}${ticket.replace('/v1/tickets', '/projections/ticket/keys')}/project`;
  await measure('project a document', () => send('POST', look, {}, admin));
  const { data: sessions } = await (await request(`/v1/users/${id}/sessions`, { headers: bearer })).json<{
    data: { id: string }[];
  }>();
  const session = `/v1/users/${id}/sessions/${sessions[0]?.id}`;
  await measure('revoke a session', () => request(session, { method: 'DELETE', headers: bearer }));
  await measure('place an order without an e-mail', place);
}

/** Lets every consumer finish, and every key be free again; without another time also those of the dashboards. */
async function settle(afterMs: number = limits.dashboardRestMs): Promise<void> {
  system.clock.advance(afterMs);
  await system.deliverQueues();
  system.clock.advance(2_000);
}

/** Makes the dashboards rest, as if another command had put them a moment ago. */
async function restDashboards(): Promise<void> {
  const resting = views.filter(({ restMs }) => restMs !== undefined).map(({ id }) => id);
  await env.DB.prepare('UPDATE projections SET claimed_until = ? WHERE view IN (SELECT value FROM json_each(?))')
    .bind(system.clock.now(), JSON.stringify(resting))
    .run();
}

const countWaiting = async () => (await env.DB.prepare('SELECT count(*) AS n FROM deliveries').first<number>('n')) ?? 0;

const { bearer: agent, id: agentId } = await system.register({ role: 'agent' });
const { bearer: admin } = await system.register({ role: 'admin' });

test('what each command costs, with the work after it', async () => {
  // The first round makes the documents and rows that an installation has after a short time.
  await sendAll(async (_, run) => {
    const response = await run();
    await settle();
    return response;
  });
  const costs: CommandCost[] = [];
  let watermark = nothing;
  let dashboard = nothing;
  await sendAll(async (name, run) => {
    await restDashboards();
    take('work');
    const response = await run();
    expect([name, response.status < 300]).toEqual([name, true]);
    const command = take('work');
    let operations = queueOperations();
    const messages = [...system.sent.projections];
    take('watermark');
    await settle(2_000);
    const published = take('watermark');
    // A command that waits for a dashboard holds the watermark back.
    if (published.kvWrites > 0) watermark = published;
    const after = take('work');
    // A dashboard is put for all commands of its rest together. One of them waits for it, and its message comes again.
    const waiting = await countWaiting();
    if (waiting > 0) {
      system.clock.advance(limits.dashboardRestMs);
      await system.deliver('projections', messages);
      dashboard = take('work');
      after.rowsWritten += waiting;
      dashboard.rowsWritten -= waiting;
      operations += waiting;
      expect([name, await countWaiting()]).toEqual([name, 0]);
    }
    costs.push({ name, command, after, queueOperations: operations });
    return response;
  });
  costs.push({
    name: 'dashboard, at most once in ten seconds',
    command: nothing,
    after: dashboard,
    queueOperations: 0,
  });
  costs.push({ name: 'watermark, at most once a second', command: nothing, after: watermark, queueOperations: 0 });
  console.log(JSON.stringify({ costs }));
});
