import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Client, createClient } from '../../src/client';
import { createKillableWorker } from '../support/killable-worker';

const admin = { email: 'admin@example.com', password: 'the first admin of all' };
const password = 'correct horse battery';
const [customerCount, roundsEach, kills, initialStock] = [4, 25, 3, 1_000];
const timeout = 240_000;

let worker: Awaited<ReturnType<typeof createKillableWorker>>;

beforeAll(async () => {
  worker = await createKillableWorker({
    TOKEN_SECRET: randomBytes(32).toString('base64url'),
    EMAIL_TRANSPORT: 'console',
    FIRST_ADMIN_EMAIL: admin.email,
    FIRST_ADMIN_PASSWORD: admin.password,
  });
  await worker.start();
}, timeout);

afterAll(() => worker?.close());

const emailOf = (customer: number) => `customer-${customer}@example.com`;

/** A client that repeats its requests until the Worker runs again. */
async function signIn(email: string, secret: string): Promise<Client> {
  const wait = () => new Promise((resolve) => setTimeout(resolve, 100));
  const client = createClient(worker.url, { tries: 600, wait });
  await client.signIn(email, secret);
  return client;
}

test('a Worker that is killed under load loses and doubles no acknowledged command, and KV converges (product 7.1, 7.2)', {
  timeout,
}, async () => {
  await worker.schedule('* * * * *');
  const operator = await signIn(admin.email, admin.password);
  const item = { title: 'Teapot', price: { amount: 100, currency: 'EUR' }, stock: initialStock };
  const { id: itemId } = await (await operator.api.items.$post({ json: item })).json();
  const customers: Client[] = [];
  for (let count = 0; count < customerCount; count++) {
    const email = emailOf(count);
    await createClient(worker.url).api.users.$post({ json: { name: 'A customer', email, password } });
    customers.push(await signIn(email, password));
  }

  let acknowledged = 0;
  const killAt = Array.from({ length: kills }, (_, index) =>
    Math.ceil(((index + Math.random()) / kills) * customerCount * roundsEach * 2),
  );
  console.log(`killed after ${killAt.join(', ')} acknowledged commands`);
  const killing = (async () => {
    for (const at of killAt) {
      await vi.waitUntil(() => acknowledged >= at, { timeout, interval: 1 });
      await worker.kill();
      await worker.start();
    }
  })();

  const shippingAddress = { name: 'A', line1: 'Quay 1', postalCode: '1', city: 'Ghent', country: 'BE' };
  const tickets = await Promise.all(
    customers.map(async ({ api }, customer) => {
      const opened: string[] = [];
      for (let round = 0; round < roundsEach; round++) {
        const ticket = { subject: `${customer} ${round}`, message: 'Where is my teapot?' };
        const response = await api.tickets.$post({ json: ticket });
        opened.push((await response.json()).id);
        acknowledged++;
        await api.orders.$post({ json: { items: [{ itemId, quantity: 1 }], shippingAddress } });
        acknowledged++;
      }
      return opened;
    }),
  );
  await killing;
  expect(acknowledged).toBe(customerCount * roundsEach * 2);

  // The schedule sends the deliveries that the queues lost, and projects the keys that were being put once more.
  await vi.waitFor(
    async () => {
      await worker.schedule('* * * * *');
      const { data } = await (await operator.api.operations.projections.$get()).json();
      expect(data.filter(({ lagEvents, keysToRecheck }) => lagEvents > 0 || keysToRecheck > 0)).toEqual([]);
    },
    { timeout, interval: 1_000 },
  );

  // Each acknowledged command took effect once: the stock, the number of orders, and each ticket by its subject.
  const stock = (await (await operator.api.items[':id'].$get({ param: { id: itemId } })).json()).stock;
  expect(stock).toBe(initialStock - customerCount * roundsEach);
  for (const [customer, { api }] of customers.entries()) {
    const { data } = await (await api.tickets.$get({ query: { limit: '100' } })).json();
    expect(data.map(({ id }) => id).toSorted()).toEqual(tickets[customer]?.toSorted());
    expect(new Set(data.map(({ subject }) => subject)).size).toBe(roundsEach);
    const orders = await (await api.orders.$get({ query: { limit: '100' } })).json();
    expect(orders.data).toHaveLength(roundsEach);
  }
  // Clients without a token read from KV.
  for (const customer of customers.keys()) {
    const { api } = await signIn(emailOf(customer), password);
    for (const id of tickets[customer] ?? []) {
      const response = await api.tickets[':id'].$get({ param: { id } });
      expect([response.headers.get('Cache-Status'), (await response.json()).id]).toEqual(['KV; hit', id]);
    }
    const { orderCount, openTicketCount } = await (await api.users.me.$get()).json();
    expect([orderCount, openTicketCount]).toEqual([roundsEach, roundsEach]);
  }
});
