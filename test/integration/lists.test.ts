import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRequestPreparer } from '../support/prepared-requests';
import { isList, operationsOf, queriesOf, usualPage } from '../support/routes';
import { createSystem } from '../support/system';

// Every list and every document of the OpenAPI document, also those of domains that come later: whose rows a list shows, how
// many it says that it has, and whether KV answers after the events are projected.

/** The keys that a read asked KV for, and that KV does not have. */
const missing: string[] = [];

/** KV that writes down what it does not have. */
const watchedViews = new Proxy(env.VIEWS, {
  get(target, name) {
    if (name !== 'get') return Reflect.get(target, name).bind(target);
    return async (keys: string | string[], options: 'json') => {
      if (typeof keys === 'string') {
        const value = await target.get(keys, options);
        if (value === null) missing.push(keys);
        return value;
      }
      const values = await target.get(keys, options);
      for (const [key, value] of values) if (value === null) missing.push(key);
      return values;
    };
  },
});

const system = createSystem({ VIEWS: watchedViews });
const { clock, deliverQueues, register, request } = system;
const operations = await operationsOf(system);
const lists = operations.filter(
  ({ method, path, operation }) => method === 'GET' && !path.includes('{') && isList(operation),
);
const ofCommands = lists.filter(({ path }) => operations.some((one) => one.method === 'POST' && one.path === path));

type Account = Awaited<ReturnType<typeof register>>;
interface Body {
  data: { id: string }[];
  nextCursor: string | null;
  total?: number;
}

let admin: Account;
let agent: Account;
let stranger: Account;

beforeAll(async () => {
  admin = await register({ role: 'admin' });
  agent = await register({ role: 'agent' });
  stranger = await register();
});

async function project() {
  clock.advance(2000);
  await deliverQueues();
  clock.advance(2000);
}

describe('a list that any account may read shows a customer only their own rows', () => {
  const own = lists.filter(({ operation }) => operation['x-access'] === 'account');

  test('there are two such lists or more', () => expect(own.length).toBeGreaterThan(1));

  test.each(own.map(({ path, operation }) => [path, operation] as const))('%s', async (path, operation) => {
    const owner = await register();
    const { sendWith } = await createRequestPreparer(system, owner)('POST', path);
    const created = await sendWith(owner.bearer);
    expect(created.status, `No prepared POST ${path} gives the owner a row: add it to prepared-requests.ts.`).toBe(201);
    const { id } = await created.json<{ id: string }>();
    const token = created.headers.get('Consistency-Token') ?? '';
    await project();
    const read = async (query: string, { bearer }: Account, headers = {}) => {
      const response = await request(`${path}${query}`, { headers: { ...bearer, ...headers } });
      return { status: response.status, text: await response.text() };
    };
    const hint = `The rule of GET ${path} is 'account', so a customer gets only their own rows: see ListOrders in src/orders/queries.ts.`;
    for (const headers of [{}, { 'Consistency-Token': token }]) {
      for (const query of queriesOf(operation, owner.id)) {
        const { status, text } = await read(query, stranger, headers);
        // Some filters are not for customers, and some do not go together.
        expect([200, 400, 403], `GET ${path}${query}`).toContain(status);
        expect(text.includes(id), `${hint} A stranger gets the row of somebody else by GET ${path}${query}.`).toBe(
          false,
        );
      }
      for (const caller of [owner, agent, admin])
        expect((await read(`?limit=${usualPage}`, caller, headers)).text).toContain(id);
    }
    const [all = '', ...filters] = queriesOf(operation, owner.id).filter((query) =>
      /^\?limit=\d+(&\w+=[\w-]{36})?$/.test(query),
    );
    expect(all).toBe(`?limit=${usualPage}`);
    for (const query of filters) {
      expect((await read(query, agent)).text).toContain(id);
      expect((await read(query.replace(owner.id, stranger.id), agent)).text).not.toContain(id);
    }
  });
});

/** The number of rows that the pages of a list have together. */
async function countByPaging(path: string, headers: Account['bearer']): Promise<number> {
  let rows = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await request(`${path}${cursor && `&cursor=${cursor}`}`, { headers });
    const { data, nextCursor }: Body = await response.json<Body>();
    rows += data.length;
    cursor = nextCursor;
  }
  return rows;
}

describe.each(ofCommands.map(({ path, operation }) => [path, operation] as const))('the list %s', (path, operation) => {
  let owner: Account;

  beforeAll(async () => {
    owner = await register();
    for (let row = 0; row < 2; row++) {
      const { sendWith } = await createRequestPreparer(system, owner)('POST', path);
      expect((await sendWith(owner.bearer)).status).toBe(201);
    }
  });

  const changes = operations.filter((one) => one.method !== 'GET' && one.path.startsWith(`${path}/{id}`));
  const names = ['POST', ...changes.map((one) => `${one.method} ${one.path}`)];

  test.each(names)('after %s: has as many rows as it says, and its documents are in KV', async (name) => {
    const [method = '', target = path] = name.split(' ');
    const { sendWith } = await createRequestPreparer(system, owner, admin)(method, target);
    const response = await sendWith(name === 'POST' ? owner.bearer : admin.bearer);
    expect(response.status).toBeLessThan(300);
    await project();
    let served = 0;
    for (const { bearer } of [owner, admin]) {
      for (const query of queriesOf(operation, owner.id)) {
        missing.length = 0;
        const answer = await request(`${path}${query}`, { headers: bearer });
        // What a customer may not read, or what is no filter for this caller.
        if (answer.status >= 400) continue;
        served++;
        const { data, total } = await answer.json<Body>();
        if (data.length > 0) {
          const hint = `GET ${path}${query} has rows and comes from D1 for ever: no trigger of the view has its key.`;
          expect(missing, hint).toEqual([]);
        }
        if (total === undefined) continue;
        const hint = `The total of GET ${path}${query} is not the number of its rows: see CONTRIBUTING.md, "Count the rows of a list".`;
        expect(total, hint).toBe(await countByPaging(`${path}${query}`, bearer));
      }
    }
    expect(served).toBeGreaterThan(1);
  });
});

const documents = operations.filter(({ method, path, operation }) => {
  const headers = operation.responses['200']?.headers ?? {};
  return method === 'GET' && 'Cache-Status' in headers && !ofCommands.some((list) => list.path === path);
});

describe('a document is in KV as soon as its events are projected', () => {
  beforeAll(async () => {
    const prepare = createRequestPreparer(system, admin);
    for (const list of ofCommands) await (await prepare('POST', list.path)).sendWith(admin.bearer);
  });

  test('there are six reads of documents or more', () => expect(documents.length).toBeGreaterThan(5));

  test.each(documents.map(({ path }) => path))('GET %s', async (path) => {
    const owner = await register();
    let served = 0;
    const { path: own } = await createRequestPreparer(system, owner, admin)('GET', path);
    await project();
    for (const { bearer } of [owner, agent]) {
      missing.length = 0;
      const response = await request(own, { headers: bearer });
      if (response.status >= 400) continue;
      served++;
      const hint = `GET ${own} comes from D1 for ever: no trigger of the view has its key.`;
      expect([response.headers.get('Cache-Status'), missing], hint).toEqual(['KV; hit', []]);
    }
    expect(served).toBeGreaterThan(0);
  });
});
