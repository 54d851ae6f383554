// A small shop's day on a running API: `npm run dev` in one window, `npm run demo` in another.
import { randomUUID } from 'node:crypto';
import { Presets, SingleBar } from 'cli-progress';
import { type Client, createClient, ProblemError } from '../src/client';
import { watermarkTimes } from '../src/cqrs/reading/watermark';
import { readOptions, readWholeNumber } from './command-line';
import { failOfApi, signInAsAdmin, url } from './local';
import { createLagProbe, percentile } from './measures';

const usage = `npm run demo -- [--customers N] [--orders N] [--wait]

  --customers N   so many customers (12)
  --orders N      so many orders of each customer (3)
  --wait          at the end, wait until KV can answer reads with a Consistency-Token

It needs a running API: \`npm run dev\` in another window, or FRONTDESK_URL with FIRST_ADMIN_EMAIL and
FIRST_ADMIN_PASSWORD.`;

const { values } = readOptions(usage, {
  options: {
    customers: { type: 'string', default: '12' },
    orders: { type: 'string', default: '3' },
    wait: { type: 'boolean', default: false },
  },
});
const customerCount = readWholeNumber('--customers', values.customers, usage, 1000);
const ordersEach = readWholeNumber('--orders', values.orders, usage, 1000);
const ticketsEach = 2;
const itemCount = 10;
const agentCount = 2;
const password = process.env.DEMO_PASSWORD ?? randomUUID();

/** How long each kind of command took, and how often it was refused. */
const done = new Map<string, { ms: number[]; refused: number }>();

const steps =
  itemCount +
  (agentCount + 1 + customerCount) * 2 +
  agentCount +
  customerCount * (ordersEach * 3 + ticketsEach * 4) +
  8;
const bar = new SingleBar(
  {
    format: 'A day at the shop {bar} {percentage}% | {value}/{total} commands',
    noTTYOutput: true,
    notTTYSchedule: 5000,
  },
  Presets.shades_classic,
);

/** Carries out a command and records its result; a conflict (409) belongs to a shop's day. */
async function act<Answer>(
  name: string,
  command: () => Promise<{ json(): Promise<Answer> }>,
): Promise<Answer | undefined> {
  const noted = done.get(name) ?? { ms: [], refused: 0 };
  done.set(name, noted);
  const start = performance.now();
  try {
    const response = await command();
    noted.ms.push(performance.now() - start);
    return await response.json();
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 409)) throw error;
    noted.refused++;
    return undefined;
  } finally {
    bar.increment();
  }
}

function need<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the API refused what it should have done');
  return value;
}

async function join(role: string): Promise<{ id: string; email: string; client: Client }> {
  const email = `${role}-${randomUUID()}@example.com`;
  const client = createClient(url);
  const account = { name: `A ${role}`, email, password };
  const { id } = need(await act('Register', () => client.api.users.$post({ json: account })));
  await client.signIn(email, password);
  bar.increment();
  return { id, email, client };
}

/** Runs a few tasks at a time, because a laptop hashes only one password at a time. */
async function each<Item, Result>(items: readonly Item[], run: (item: Item, index: number) => Promise<Result>) {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

const address = { name: 'A customer', line1: '1 Quay Street', postalCode: '9000', city: 'Ghent', country: 'BE' };

async function day() {
  const admin = await signInAsAdmin();
  // This client sends no command, so it has no Consistency-Token, and KV answers its reads.
  const probe = createLagProbe(await signInAsAdmin());
  bar.start(steps, 0);

  const shop = await join('shop');
  const agents = await each(Array.from({ length: agentCount }), async () => {
    const agent = await join('agent');
    await act('Change role', () =>
      admin.api.users[':id'].role.$post({ param: { id: agent.id }, json: { role: 'agent' } }),
    );
    await agent.client.signIn(agent.email, password);
    return agent.client;
  });
  const agentOf = (index: number) => need(agents[index % agents.length]);
  const customers = await each(Array.from({ length: customerCount }), () => join('customer'));

  const items = await each(Array.from({ length: itemCount }), async (_, index) => {
    const item = {
      title: `Teapot No. ${index + 1}`,
      price: { amount: 1000 + index * 250, currency: 'EUR' },
      stock: 1000,
    };
    return need(await act('Create item', () => shop.client.api.items.$post({ json: item }))).id;
  });

  await each(customers, async ({ client }, customer) => {
    for (let count = 0; count < ordersEach; count++) {
      const itemId = need(items[(customer + count) % items.length]);
      const order = { items: [{ itemId, quantity: 1 + count }], shippingAddress: address };
      const { id } = need(await act('Place order', () => client.api.orders.$post({ json: order })));
      const agent = agentOf(customer + count);
      if (count === 0) {
        await act('Cancel order', () => client.api.orders[':id'].cancel.$post({ param: { id } }));
        // The API refuses to ship a cancelled order.
        await act('Ship order', () => agent.api.orders[':id'].ship.$post({ param: { id } }));
        continue;
      }
      const shipped = await act('Ship order', () => agent.api.orders[':id'].ship.$post({ param: { id } }));
      if (shipped) probe.watch((reader) => reader.api.orders[':id'].$get({ param: { id } }), shipped.version);
      await act('Deliver order', () => agent.api.orders[':id'].deliver.$post({ param: { id } }));
    }
    for (let count = 0; count < ticketsEach; count++) {
      const ticket = { subject: 'Where is my teapot?', message: 'It was shipped, but the parcel has not arrived yet.' };
      const { id } = need(await act('Open ticket', () => client.api.tickets.$post({ json: ticket })));
      const agent = agentOf(customer + count);
      const set = (status: 'triaged' | 'closed') =>
        act('Change ticket status', () => agent.api.tickets[':id'].status.$post({ param: { id }, json: { status } }));
      const triaged = await set('triaged');
      if (triaged) probe.watch((reader) => reader.api.tickets[':id'].$get({ param: { id } }), triaged.version);
      const note = 'The carrier says that it is on its way.';
      await act('Add note', () => agent.api.tickets[':id'].notes.$post({ param: { id }, json: { note } }));
      if (count > 0) await set('closed');
      else bar.increment();
    }
  });

  const rare = { title: 'The last teapot', price: { amount: 99_900, currency: 'EUR' }, stock: 1 };
  const { id: itemId } = need(await act('Create item', () => shop.client.api.items.$post({ json: rare })));
  const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
  // Seven customers order the one teapot at the same time.
  await Promise.all(
    Array.from({ length: 7 }, (_, index) =>
      act('Place order', () => need(customers[index % customers.length]).client.api.orders.$post({ json: order })),
    ),
  );

  const lags = await probe.finish();
  bar.update(steps);
  bar.stop();
  return { admin, lags, items, customers };
}

/** The read models as the operations API reports them, after every event is projected. */
async function untilProjected(admin: Client) {
  for (;;) {
    const { data, position } = await (await admin.api.operations.projections.$get()).json();
    if (data.every(({ lagEvents }) => lagEvents === 0)) return { data, position };
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/**
 * Reads what each customer can see, most of which the customer's newest command did not touch, and counts who answers.
 * The clients send the Consistency-Token of that command.
 */
async function countAnswers({ customers, items }: Pick<Awaited<ReturnType<typeof day>>, 'customers' | 'items'>) {
  const answers = { KV: 0, D1: 0 };
  await each(customers, async ({ id, client: { api } }) => {
    const reads = [
      api.users.me.$get(),
      api.users[':id'].settings.$get({ param: { id } }),
      api.orders.$get({ query: {} }),
      api.tickets.$get({ query: {} }),
      ...items.map((itemId) => api.items[':id'].$get({ param: { id: itemId } })),
    ];
    for (const { headers } of await Promise.all(reads)) {
      answers[headers.get('Cache-Status') === 'KV; hit' ? 'KV' : 'D1']++;
    }
  });
  return { ...answers, 'KV %': Math.round((100 * answers.KV) / (answers.KV + answers.D1)) };
}

/** How long the answers of D1 last: the margin, and what the publication of the last mark may take. */
const waitSeconds = watermarkTimes.marginMs / 1000 + 10;

const round = (ms: number) => Math.round(ms);

async function report({ admin, lags, ...shop }: Awaited<ReturnType<typeof day>>) {
  console.log('\nWhat it did');
  console.table(
    Object.fromEntries(
      [...done].map(([name, { ms, refused }]) => [
        name,
        { done: ms.length, refused, 'p50 ms': round(percentile(ms, 50)), 'p99 ms': round(percentile(ms, 99)) },
      ]),
    ),
  );
  const { data, position } = await untilProjected(admin);
  console.log(`\nThe read models, at event ${position}`);
  console.table(
    Object.fromEntries(
      data.map(({ view, position: at, lagEvents, keys, keysToRecheck }) => [
        view,
        { position: at, 'lag in events': lagEvents, keys, 'keys to recheck': keysToRecheck },
      ]),
    ),
  );
  const dashboard = await (await admin.api.dashboard.tickets.$get()).json();
  console.log('\nThe support desk', dashboard.counts, 'median time to triage', dashboard.medianTriageSeconds, 's');
  console.log(
    `\nFrom commit to KV: p50 ${round(percentile(lags, 50))} ms, p99 ${round(percentile(lags, 99))} ms (${lags.length} changes watched)`,
  );
  console.log('\nWho answers reads with a Consistency-Token');
  const answers = { 'after the day': await countAnswers(shop) };
  if (!values.wait) return console.table(answers);
  console.log(`(waiting for ${waitSeconds} s)`);
  await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000));
  console.table({ ...answers, [`${waitSeconds} s later`]: await countAnswers(shop) });
}

await day().then(report).catch(failOfApi);
