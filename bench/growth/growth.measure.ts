import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { encodeCursor } from '../../src/cqrs/reading/page-request';
import type { View } from '../../src/cqrs/reading/view';
import { views } from '../../src/domains';
import { stopWatching } from '../../test/support/document-watch';
import { address, password } from '../../test/support/factories';
import { createSystem } from '../../test/support/system';
import type { Cost, Measured, Size } from './figures';
import { fill, nothing } from './fill';
import { createMeter } from './meter';

const sizes: readonly Size[] = [
  { events: 10_000, orders: 2_000, accounts: 1_000 },
  { events: 100_000, orders: 20_000, accounts: 10_000 },
  { events: 1_000_000, orders: 200_000, accounts: 100_000 },
];
const rounds = 3;
const minutes = 30;

/** The middle of the costs by rows, and the shortest time: what else the machine does only adds to it. */
function typical(costs: readonly Cost[]): Cost {
  const rows = (of: 'rowsRead' | 'rowsWritten') =>
    costs.map((cost) => cost[of]).sort((a, b) => a - b)[costs.length >> 1] ?? 0;
  return { ms: Math.min(...costs.map(({ ms }) => ms)), rowsRead: rows('rowsRead'), rowsWritten: rows('rowsWritten') };
}

test('what grows with the data', { timeout: minutes * 60_000 }, async () => {
  stopWatching();
  const meter = createMeter(env.DB);
  const system = createSystem({ DB: meter.database });
  const { clock, deliver, rebuildMessages, register, request, send, services } = system;
  const costs: Record<string, Cost[]> = {};
  let filled = nothing;
  for (const size of sizes) {
    const [shop, agent, owner] = [await register(), await register({ role: 'admin' }), await register()];
    const small = await register();
    const created = await send(
      'POST',
      '/v1/items',
      { title: 'Rope', price: { amount: 500, currency: 'EUR' } },
      shop.bearer,
    );
    const { id: itemId } = await created.json<{ id: string }>();
    filled = await fill(filled, size, owner.id, itemId);
    await env.DB.prepare('ANALYZE')
      .run()
      .catch(() => {});

    async function measure(name: string, run: () => Promise<unknown>, times = rounds) {
      const found: Cost[] = [];
      for (let round = 0; round < times; round++) found.push(await meter.measure(run));
      costs[name] = [...(costs[name] ?? []), typical(found)];
    }
    const made: Record<string, string> = {};
    const command = (name: string, method: string, path: () => string, body: () => object, by = small.bearer) =>
      measure(name, async () => {
        const response = await send(method, path(), body(), by);
        expect([name, response.status < 300, response.status < 300 ? '' : await response.clone().text()]).toEqual([
          name,
          true,
          '',
        ]);
        if (response.status === 201) made[name] = (await response.json<{ id: string }>()).id;
      });
    const order = () => ({ items: [{ itemId, quantity: 1 }], shippingAddress: address });
    const ticket = () => ({ subject: 'Late', message: 'Where is it?' });
    const email = () => `${crypto.randomUUID()}@example.com`;
    await command(
      'register',
      'POST',
      () => '/v1/users',
      () => ({ name: 'Ada', email: email(), password }),
    );
    await measure('sign in', () => system.signIn(small.email));
    await command(
      'rename',
      'PATCH',
      () => `/v1/users/${small.id}`,
      () => ({ name: `Ada ${email().slice(0, 3)}` }),
    );
    await command(
      'create item',
      'POST',
      () => '/v1/items',
      () => ({ title: 'Pot', price: { amount: 1, currency: 'EUR' } }),
    );
    await command(
      'change item',
      'PATCH',
      () => `/v1/items/${made['create item']}`,
      () => ({ title: email().slice(0, 20) }),
    );
    await command('place order', 'POST', () => '/v1/orders', order);
    await command('place order, large customer', 'POST', () => '/v1/orders', order, owner.bearer);
    await command('open ticket', 'POST', () => '/v1/tickets', ticket);
    await command('open ticket, large customer', 'POST', () => '/v1/tickets', ticket, owner.bearer);
    await command(
      'add note',
      'POST',
      () => `/v1/tickets/${made['open ticket']}/notes`,
      () => ({ note: 'A' }),
      agent.bearer,
    );

    const half = (kind: string, rows: number) =>
      encodeCursor([`01900000-${kind}-7000-8000-${String(Math.floor(rows / 2)).padStart(12, '0')}`]);
    const lists: [string, string, string, number][] = [
      ['users', '/v1/users?', 'aaaa', size.accounts],
      ['items', '/v1/items?', '1111', filled.items],
      ['orders', '/v1/orders?', '0000', size.orders],
      ['placed orders', '/v1/orders?status=placed&', '0000', size.orders],
      ['orders of the large customer', `/v1/orders?customer=${owner.id}&`, '0000', size.orders],
      ['tickets', '/v1/tickets?', '7777', filled.tickets],
      ['open tickets', '/v1/tickets?status=open&', '7777', filled.tickets],
    ];
    for (const [name, path, kind, rows] of lists) {
      const read = (query: string) => async () => {
        const response = await request(`${path}limit=20${query}`, { headers: agent.bearer });
        expect([name, response.status, response.ok ? '' : await response.clone().text()]).toEqual([name, 200, '']);
      };
      await measure(`list of ${name}, first page from D1`, read('&order=oldest'));
      await measure(`list of ${name}, deep page`, read(`&cursor=${half(kind, rows)}`));
    }
    const keys: Record<string, string> = { user: owner.id, access: owner.id, settings: owner.id, 'user-list': 'all' };
    for (const view of views) {
      const ids: Record<string, string> = {
        item: itemId,
        order: made['place order'] ?? '',
        ticket: made['open ticket'] ?? '',
      };
      const key =
        keys[view.name] ?? ids[view.name.replace('staff-', '')] ?? (view.name === 'ticket-lists' ? owner.id : 'all');
      await measure(`load of ${view.name}`, () => services().readModels.readFresh({ view: view as View, key }));
    }
    await system.deliverQueues();
    await measure('relay', () => services().relay());
    await measure('reconciler slice', () => services().reconcile());
    await measure('watermark', () => services().publishWatermark());
    await measure('obsolete documents', () => services().removeObsoleteDocuments());
    await measure('readiness', () => request('/v1/health/ready'));
    await measure('metrics', () => request('/v1/operations/metrics', { headers: agent.bearer }));
    await measure('list of projections', () => request('/v1/operations/projections', { headers: agent.bearer }));
    await measure('audit trail of an account', () =>
      request(`/v1/operations/events?actor=${owner.id}`, { headers: agent.bearer }),
    );
    const { cleanUps, hourlyTasks } = await import('../../src/domains');
    for (const [name, run] of Object.entries({ ...cleanUps, ...hourlyTasks })) {
      clock.advance(3_600_000);
      await measure(name, async () => run(services()), 1);
    }
    await env.DB.prepare(
      "INSERT INTO idempotency_keys SELECT 'k' || value, 'h', '{}', 0, 1 FROM generate_series(1, 20000)",
    )
      .run()
      .catch(() =>
        env.DB.prepare(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO idempotency_keys SELECT 'k' || i, 'h', '{}', 0, 1 FROM n",
        ).run(),
      );
    await measure('responses.removed, 10,000 rows', async () => cleanUps['responses.removed']?.(services()), 1);
    await measure(
      'delete the large account',
      async () => {
        const { bearer } = await system.signIn(owner.email);
        const response = await request(`/v1/users/${owner.id}`, { method: 'DELETE', headers: bearer });
        expect(response.status).toBe(204);
      },
      1,
    );
    for (let step = 0; step < 3; step++) await deliver('rebuilds', rebuildMessages.splice(0, 1));
    await measure('step of its erasure', async () => deliver('rebuilds', rebuildMessages.splice(0, 1)));
    // `size_after` is what D1 reports with each result.
    const { meta } = await env.DB.prepare('SELECT 1').run();
    const measured: Measured = { sizes, costs, bytes: meta.size_after };
    console.log(`GROWTH ${JSON.stringify(measured)}`);
  }
});
