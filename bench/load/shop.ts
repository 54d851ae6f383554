// A shop under load: the people of `npm run demo`, and what they do, chosen by chance with fixed seeds.
import { admin } from './worker';

/** How often each action is chosen, in a thousand: the commands of the demo's day, and reads of what they change. */
export const mix = {
  'read item': 150,
  'list items': 100,
  'read order': 100,
  'list own orders': 80,
  'read ticket': 60,
  'list tickets': 50,
  'place order': 130,
  'cancel order': 25,
  'ship order': 95,
  'deliver order': 90,
  'open ticket': 40,
  'triage ticket': 35,
  'add note': 25,
  'close ticket': 15,
  'sign in': 5,
} as const;

export type Action = keyof typeof mix;
export const actions = Object.keys(mix) as Action[];

/** An answer that no action of the mix expects. */
export class UnexpectedAnswer extends Error {}

const customerCount = 24;
const password = 'a long password of a customer';

interface Person {
  id: string;
  email: string;
  token: string;
}

interface Owned {
  id: string;
  owner: Person;
}

/** A generator of numbers from 0 to 1 that a seed decides (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Opens the shop: three members of the staff, twenty items and the customers. */
export async function openShop(url: string, seed: number) {
  const random = createRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value => {
    const value = values[Math.floor(random() * values.length)];
    if (value === undefined) throw new Error('There is nothing to choose from.');
    return value;
  };
  const take = <Value>(values: Value[]): Value | undefined => values.splice(Math.floor(random() * values.length), 1)[0];

  async function call(method: string, path: string, { token, body }: { token?: string; body?: unknown } = {}) {
    const isForm = body instanceof URLSearchParams;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined || isForm ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new UnexpectedAnswer(`${method} ${path} was answered ${response.status}: ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }

  async function signIn(email: string, secret: string): Promise<string> {
    const body = new URLSearchParams({ grant_type: 'password', username: email, password: secret });
    return (await call('POST', '/v1/auth/token', { body })).access_token;
  }

  async function join(name: string, email: string): Promise<Person> {
    const { id } = await call('POST', '/v1/users', { body: { name, email, password } });
    return { id, email, token: await signIn(email, password) };
  }

  const adminToken = await signIn(admin.email, admin.password);
  const staff: Person[] = [];
  for (const name of ['olga', 'ida', 'tom']) {
    const agent = await join(name, `${name}.${seed}@bench.example`);
    await call('POST', `/v1/users/${agent.id}/role`, { token: adminToken, body: { role: 'agent' } });
    staff.push({ ...agent, token: await signIn(agent.email, password) });
  }
  const items: string[] = [];
  for (let index = 1; index <= 20; index++) {
    const price = { amount: 1000 + index * 250, currency: 'EUR' };
    const body = { title: `Teapot No. ${index}`, price, stock: 1_000_000 };
    items.push((await call('POST', '/v1/items', { token: pick(staff).token, body })).id);
  }
  const customers: Person[] = [];
  for (let index = 1; index <= customerCount; index++) {
    customers.push(await join(`Customer ${index}`, `customer${index}.${seed}@bench.example`));
  }

  // Nobody changes what somebody else is changing: an entity leaves its pool while a command works on it.
  const pools = { placed: [] as Owned[], shipped: [] as Owned[], opened: [] as Owned[], triaged: [] as Owned[] };
  const known = { orders: [] as Owned[], tickets: [] as Owned[] };
  const asAgent = (path: string, body?: unknown) => call('POST', path, { token: pick(staff).token, body });

  async function placeOrder(): Promise<void> {
    const owner = pick(customers);
    const address = { name: 'A customer', line1: '1 Quay Street', postalCode: '9000', city: 'Ghent', country: 'BE' };
    const body = { items: [{ itemId: pick(items), quantity: 1 }], shippingAddress: address };
    const order = { id: (await call('POST', '/v1/orders', { token: owner.token, body })).id, owner };
    pools.placed.push(order);
    known.orders.push(order);
  }

  async function openTicket(): Promise<void> {
    const owner = pick(customers);
    const body = { subject: 'Where is my teapot?', message: 'It was shipped, but the parcel has not arrived yet.' };
    const ticket = { id: (await call('POST', '/v1/tickets', { token: owner.token, body })).id, owner };
    pools.opened.push(ticket);
    known.tickets.push(ticket);
  }

  /** Changes an entity of a pool; where the pool is empty, something new is made for it. */
  async function change(pool: Owned[], make: () => Promise<void>, work: (owned: Owned) => Promise<void>) {
    const owned = take(pool);
    await (owned ? work(owned) : make());
  }

  const status = (id: string, value: string) => asAgent(`/v1/tickets/${id}/status`, { status: value });
  const carryOut: Record<Action, () => Promise<unknown>> = {
    'read item': () => call('GET', `/v1/items/${pick(items)}`),
    'list items': () => call('GET', '/v1/items?active=true'),
    'read order': async () => {
      if (known.orders.length === 0) return placeOrder();
      const { id, owner } = pick(known.orders);
      await call('GET', `/v1/orders/${id}`, owner);
    },
    'list own orders': () => call('GET', '/v1/orders', pick(customers)),
    'read ticket': async () => {
      if (known.tickets.length === 0) return openTicket();
      await call('GET', `/v1/tickets/${pick(known.tickets).id}`, pick(staff));
    },
    'list tickets': () => call('GET', '/v1/tickets?status=open', pick(staff)),
    'place order': placeOrder,
    'cancel order': () =>
      change(
        pools.placed,
        placeOrder,
        async ({ id, owner }) => void (await call('POST', `/v1/orders/${id}/cancel`, owner)),
      ),
    'ship order': () =>
      change(pools.placed, placeOrder, async (order) => {
        await asAgent(`/v1/orders/${order.id}/ship`);
        pools.shipped.push(order);
      }),
    'deliver order': () =>
      change(pools.shipped, placeOrder, async ({ id }) => void (await asAgent(`/v1/orders/${id}/deliver`))),
    'open ticket': openTicket,
    'triage ticket': () =>
      change(pools.opened, openTicket, async (ticket) => {
        await status(ticket.id, 'triaged');
        pools.triaged.push(ticket);
      }),
    'add note': () =>
      change(pools.triaged, openTicket, async (ticket) => {
        await asAgent(`/v1/tickets/${ticket.id}/notes`, { note: 'The carrier says that it is on its way.' });
        pools.triaged.push(ticket);
      }),
    'close ticket': () => change(pools.triaged, openTicket, async ({ id }) => void (await status(id, 'closed'))),
    'sign in': () => signIn(pick(customers).email, password),
  };

  return {
    /** Chooses the next action by the mix. */
    next(among: readonly Action[] = actions): Action {
      let rest = random() * among.reduce((sum, action) => sum + mix[action], 0);
      for (const action of among) {
        rest -= mix[action];
        if (rest < 0) return action;
      }
      return 'read item';
    },
    run: (action: Action) => carryOut[action](),
  };
}

/** The actions that record an event, without those that hash a password. */
export const commands: readonly Action[] = actions.filter((action) => !/^(?:read|list|sign)/.test(action));
