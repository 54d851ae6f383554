// A day at a small shop on a running API: `npm run dev` in one window, `npm run demo` in another.
import { randomBytes } from 'node:crypto';
import { type Client, createClient } from '../src/client';
import { readOptions, readWholeNumber } from './command-line';
import { createRecord, reportFigures } from './demo-figures';
import { failOfApi, readAdmin, signInAsAdmin, url } from './local';
import { createLagProbe } from './measures';
import { formatTable } from './table';

const usage = `npm run demo -- [--customers N] [--orders N] [--wait]

Tells a day at a teapot shop, scene by scene, and then how fast it went.

  --customers N   so many customers (12); 20 accounts a minute can register, so more of them wait
  --orders N      so many orders of each customer (3)
  --wait          at the end, wait until KV can answer reads with a Consistency-Token

It uses the \`npm run dev\` of this folder and the first admin in .dev.vars, unless FRONTDESK_URL (or PORT, for this
machine), FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD name others. DEMO_PASSWORD is the password of the people whom it registers (a random one).`;

const { values } = readOptions(usage, {
  options: {
    customers: { type: 'string', default: '12' },
    orders: { type: 'string', default: '3' },
    wait: { type: 'boolean', default: false },
  },
});
const customerCount = readWholeNumber('--customers', values.customers, usage, 1000);
const ordersEach = readWholeNumber('--orders', values.orders, usage, 1000);
const password = process.env.DEMO_PASSWORD ?? randomBytes(9).toString('base64url');
/** A second demo on the same API needs other addresses. */
const run = randomBytes(3).toString('hex');

const firstNames = [
  'Amina',
  'Bruno',
  'Chidi',
  'Daria',
  'Emre',
  'Fatou',
  'Goran',
  'Hana',
  'Inès',
  'Jonas',
  'Kavya',
  'Liam',
];
const lastNames = ['Abara', 'Bellini', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Gruber', 'Haddad', 'Ito', 'Jansen'];

interface Person {
  id: string;
  name: string;
  email: string;
  client: Client;
}

const { act, done } = createRecord();
const say = (line: string) => console.log(line);

function need<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('The API refused what it should have done.');
  return value;
}

async function join(name: string, address: string): Promise<Person> {
  const email = `${address}.${run}@example.com`;
  const client = createClient(url);
  const { id } = need(await act('Register', () => client.api.users.$post({ json: { name, email, password } }))).answer;
  await client.signIn(email, password);
  return { id, name, email, client };
}

/** Runs a few tasks at a time, because a laptop hashes only one password at a time. */
async function each<Item, Result>(items: readonly Item[], task: (item: Item, index: number) => Promise<Result>) {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await task(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return results;
}

const nameOf = (index: number) =>
  `${firstNames[index % firstNames.length]} ${lastNames[Math.floor(index / firstNames.length + index) % lastNames.length]}`;

function addressOf({ name }: Person) {
  return { name, line1: '1 Quay Street', postalCode: '9000', city: 'Ghent', country: 'BE' };
}

async function openShop(admin: Client) {
  const staff = await each(
    [
      ['Olga Petrova', 'olga'],
      ['Ida Nyström', 'ida'],
      ['Tom Okafor', 'tom'],
    ] as const,
    ([name, address]) => join(name, address),
  );
  // Only the staff sells, as long as the variable SELLERS does not say otherwise.
  for (const agent of staff) {
    await act('Change role', () =>
      admin.api.users[':id'].role.$post({ param: { id: agent.id }, json: { role: 'agent' } }),
    );
    // A change of role ends the tokens of the old role.
    await agent.client.signIn(agent.email, password);
  }
  const [owner, ...agents] = staff;
  const shop = need(owner);
  const items = await each(Array.from({ length: 10 }), async (_, index) => {
    const price = { amount: 1000 + index * 250, currency: 'EUR' };
    const item = { title: `Teapot No. ${index + 1}`, price, stock: 1000 };
    return need(await act('Create item', () => shop.client.api.items.$post({ json: item }))).answer.id;
  });
  say(
    `Morning. The admin makes agents of ${shop.name}, who sells, and of ${agents.map(({ name }) => name).join(' and ')}, who work for the customers.`,
  );
  say(`${shop.name} puts ten teapots up for sale.`);
  const customers = await each(Array.from({ length: customerCount }), (_, index) =>
    join(nameOf(index), `customer${index + 1}`),
  );
  say(`${customers.length} customers register, from ${need(customers[0]).name} on. Each gets a welcome e-mail.`);
  return { shop, agents, customers, items };
}

type Shop = Awaited<ReturnType<typeof openShop>>;
type Probe = ReturnType<typeof createLagProbe>;

/** The number of an order for people. The client's Consistency-Token makes the read as new as the order. */
async function numberOf({ api }: Client, id: string): Promise<number> {
  return (await (await api.orders[':id'].$get({ param: { id } })).json()).number;
}

/** Each customer orders and cancels the first order; agents ship and deliver the others. */
async function sell({ agents, customers, items }: Shop, probe: Probe) {
  let refusal: string | undefined;
  let firstNumber: number | undefined;
  await each(customers, async (customer, index) => {
    const { client } = customer;
    for (let count = 0; count < ordersEach; count++) {
      const itemId = need(items[(index + count) % items.length]);
      const order = { items: [{ itemId, quantity: 1 + count }], shippingAddress: addressOf(customer) };
      const { id } = need(await act('Place order', () => client.api.orders.$post({ json: order }))).answer;
      const param = { id };
      const { client: agent } = need(agents[(index + count) % agents.length]);
      if (index === 0 && count === 0) firstNumber = await numberOf(client, id);
      if (count === 0) await act('Cancel order', () => client.api.orders[':id'].cancel.$post({ param }));
      const shipped = await act('Ship order', () => agent.api.orders[':id'].ship.$post({ param }), {
        refused: ({ message }) => (refusal ??= message),
      });
      if (!shipped) continue;
      probe.watch((reader) => reader.api.orders[':id'].$get({ param }), shipped.answer.version);
      await act('Deliver order', () => agent.api.orders[':id'].deliver.$post({ param }));
    }
  });
  say(
    `They place ${customers.length * ordersEach} orders; the first one of ${customers[0]?.name} is No. ${firstNumber}. Each cancels the first one, and its teapots are for sale again.`,
  );
  say(`The agents try to ship the cancelled orders too, and are told 409: “${refusal}”`);
  if (ordersEach > 1) say(`The other ${customers.length * (ordersEach - 1)} orders are shipped and delivered.`);
}

/** Each customer opens two tickets; agents triage and answer both, and close one of them. */
async function support({ agents, customers }: Shop, probe: Probe) {
  await each(customers, async ({ client }, index) => {
    for (const count of [0, 1]) {
      const ticket = { subject: 'Where is my teapot?', message: 'It was shipped, but the parcel has not arrived yet.' };
      const { id } = need(await act('Open ticket', () => client.api.tickets.$post({ json: ticket }))).answer;
      const param = { id };
      const { client: agent } = need(agents[(index + count) % agents.length]);
      const setStatus = (status: 'triaged' | 'closed') =>
        act('Change ticket status', () => agent.api.tickets[':id'].status.$post({ param, json: { status } }));
      const { version } = need(await setStatus('triaged')).answer;
      probe.watch((reader) => reader.api.tickets[':id'].$get({ param }), version);
      const note = 'The carrier says that it is on its way.';
      await act('Add note', () => agent.api.tickets[':id'].notes.$post({ param, json: { note } }));
      if (count === 1) await setStatus('closed');
    }
  });
  say(`Noon. ${customers.length * 2} tickets ask where a teapot is. The agents answer all, and close half of them.`);
}

/** Seven customers order the one teapot at the same time. */
async function sellLastTeapot({ shop, customers }: Shop) {
  const rare = { title: 'The last teapot', price: { amount: 99_900, currency: 'EUR' }, stock: 1 };
  const { id: itemId } = need(await act('Create item', () => shop.client.api.items.$post({ json: rare }))).answer;
  let refusal: string | undefined;
  const buyers = Array.from({ length: 7 }, (_, index) => need(customers[index % customers.length]));
  const orders = await Promise.all(
    buyers.map((buyer) => {
      const order = { items: [{ itemId, quantity: 1 }], shippingAddress: addressOf(buyer) };
      return act('Place order', () => buyer.client.api.orders.$post({ json: order }), {
        // The API names an item by its id; its title is what a person knows.
        refused: ({ message }) => (refusal ??= message.replace(itemId, `‘${rare.title}’`)),
      });
    }),
  );
  const winner = buyers.findIndex((_, index) => orders[index] !== undefined);
  const [{ client, name }, placed] = [need(buyers[winner]), need(orders[winner])];
  const number = await numberOf(client, placed.answer.id);
  say(
    `Evening. Seven orders for the last teapot arrive at the same moment. ${name} gets it, with order No. ${number}.`,
  );
  say(`The other ${orders.filter((order) => order === undefined).length} are told 409: “${refusal}”`);
}

function sayWhereToLook({ shop, agents, customers }: Shop) {
  const people = [
    ['customer', customers[0]],
    ['agent', agents[0]],
    ['seller', shop],
  ] as const;
  say(`
Look around at ${url}/docs, or with \`npm run ops -- projections\`. These people can sign in:
`);
  say(
    formatTable(
      ['role', 'name', 'username', 'password'],
      [
        ...people.map(([role, person]) => [role, person?.name, person?.email, password]),
        // Whoever reads over a shoulder may have the password of a made-up person, but not this one.
        ['admin', 'the first admin', readAdmin().email, 'FIRST_ADMIN_PASSWORD, in .dev.vars'],
      ],
    ),
  );
}

async function day() {
  const admin = await signInAsAdmin();
  // This client sends no command, so it has no Consistency-Token, and KV answers its reads.
  const probe = createLagProbe(await signInAsAdmin());
  const shop = await openShop(admin);
  await sell(shop, probe);
  await support(shop, probe);
  await sellLastTeapot(shop);
  const lags = await probe.finish();
  await reportFigures({ admin, done, lags, customers: shop.customers, items: shop.items, wait: values.wait });
  sayWhereToLook(shop);
}

await day().catch(failOfApi);
