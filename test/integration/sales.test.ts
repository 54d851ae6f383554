import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { SalesDashboard } from '../../src/orders/schemas';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { excuseDocuments } from '../support/document-watch';
import { address } from '../support/factories';
import { createSystem } from '../support/system';

let started = 0;

/** A system later than every claim of the tests before it, with a shop that sells teapots for 5 euros. */
async function given() {
  const system = createSystem();
  system.clock.advance(++started * 10_000);
  const [agent, customer] = [await system.register({ role: 'agent' }), await system.register()];
  const price = { amount: 500, currency: 'EUR' };
  const created = await system.send('POST', '/v1/items', { title: 'Teapot', price }, agent.bearer);
  const { id: itemId } = await created.json<{ id: string }>();

  async function place(quantity: number, headers = {}) {
    const items = [{ itemId, quantity }];
    const body = { items, shippingAddress: address };
    return system.send('POST', '/v1/orders', body, { ...customer.bearer, ...headers });
  }

  async function act(id: string, action: string): Promise<void> {
    const response = await system.send('POST', `/v1/orders/${id}/${action}`, {}, agent.bearer);
    expect(response.status).toBe(200);
  }

  async function deliverLater(): Promise<void> {
    system.clock.advance(limits.dashboardRestMs);
    await system.deliverQueues();
  }

  async function read(headers = {}) {
    const response = await system.request('/v1/dashboard/sales', { headers: { ...agent.bearer, ...headers } });
    expect(response.status).toBe(200);
    return { response, dashboard: await response.json<SalesDashboard>() };
  }

  return { ...system, act, agent, customer, deliverLater, itemId, place, read };
}

const idOf = async (response: Response) => (await response.json<{ id: string }>()).id;

describe('the sales dashboard (product 8.7)', () => {
  test('follows orders and cancellations, whoever cancels, and is read from KV', async () => {
    const { act, agent, customer, deliverLater, itemId, place, read, request, send } = await given();
    await deliverLater();
    const { dashboard: before } = await read();
    const [first, second, third] = [await idOf(await place(1)), await idOf(await place(2)), await idOf(await place(4))];
    await act(first, 'ship');
    await act(first, 'deliver');
    await act(second, 'cancel');
    await deliverLater();
    const { dashboard, response } = await read();
    expect(response.headers.get('Consistency')).toBe('eventual');
    expect(dashboard.days).toHaveLength(30);
    const sales = (shown: SalesDashboard) =>
      shown.days.at(-1)?.sales.find(({ currency }) => currency === 'EUR') ?? { orders: 0, revenue: 0 };
    expect(sales(dashboard).orders - sales(before).orders).toBe(2);
    expect(sales(dashboard).revenue - sales(before).revenue).toBe(2500);
    expect(dashboard.counts).toEqual({
      placed: before.counts.placed + 1,
      shipped: before.counts.shipped,
      delivered: before.counts.delivered + 1,
      cancelled: before.counts.cancelled + 1,
    });
    expect(dashboard.bestSellers).toContainEqual({ itemId, title: 'Teapot', quantity: 5 });
    // What was sold stays when the account that bought it is deleted; what was not shipped is cancelled.
    await request(`/v1/users/${customer.id}`, { method: 'DELETE', headers: customer.bearer });
    await send('DELETE', `/v1/items/${itemId}`, undefined, agent.bearer);
    await deliverLater();
    const { dashboard: after } = await read();
    expect(after.counts.cancelled).toBe(dashboard.counts.cancelled + 1);
    expect(after.bestSellers).toContainEqual({ itemId, title: 'Teapot', quantity: 1 });
    expect(JSON.stringify(after)).not.toContain(customer.id);
    expect(third).not.toBe(second);
  });

  test('shows an order at once to a read with the token of its response', async () => {
    const { deliverLater, place, read } = await given();
    await deliverLater();
    const { dashboard: before } = await read();
    const token = (await place(1)).headers.get('Consistency-Token') ?? '';
    const { dashboard, response } = await read({ 'Consistency-Token': token });
    expect(response.headers.get('Consistency')).toBe('strong');
    expect(dashboard.counts.placed).toBe(before.counts.placed + 1);
    await deliverLater();
  });

  test('a customer gets 403', async () => {
    const { customer, request } = await given();
    expect((await request('/v1/dashboard/sales', { headers: customer.bearer })).status).toBe(403);
  });

  test('the hourly task corrects what is wrong, and projects the dashboard again (product 8.7)', async () => {
    excuseDocuments('The figures are changed without an event.');
    const { clock, deliverLater, place, read, services } = await given();
    await place(1);
    await deliverLater();
    const ordersToday = async () => (await read()).dashboard.days.at(-1)?.sales[0]?.orders ?? 0;
    const right = await ordersToday();
    await env.DB.prepare('UPDATE sales_days SET orders = orders + 99').run();
    await place(1);
    await deliverLater();
    expect(await ordersToday()).toBe(right + 100);
    for (const _ of ['the first run corrects', 'the second one projects, if the first one has done it too early']) {
      clock.advance(limits.dashboardRestMs);
      await runSchedule(services(), '0 * * * *');
    }
    expect(await ordersToday()).toBe(right + 1);
    const { results } = await env.DB.prepare('SELECT sum(orders) AS orders FROM sales_days').all();
    const counted = await env.DB.prepare("SELECT count(*) AS orders FROM orders WHERE status <> 'cancelled'").all();
    expect(results).toEqual(counted.results);
  });
});

test('an event says the total of its order, and its schema of version 1 stays published (product 4.6)', async () => {
  const { place, request } = await given();
  const id = await idOf(await place(3));
  const event = await env.DB.prepare(
    "SELECT schema_version AS version, data ->> 'total' AS total FROM events WHERE stream_id = ?",
  )
    .bind(id)
    .first();
  expect(event).toEqual({ version: 2, total: '{"amount":1500,"currency":"EUR"}' });
  const fields = async (version: number) => {
    const response = await request(`/v1/events/schemas/frontdesk.OrderPlaced/${version}`);
    return Object.keys((await response.json<{ properties: object }>()).properties);
  };
  expect(await fields(1)).toEqual(['customerId', 'items']);
  expect(await fields(2)).toEqual(['customerId', 'items', 'total']);
});
