import { type RunningWorker, startWorker } from '../workerd';
import { bundle } from './bundle';
import type { Call } from './client';
import { isPeerInstalled, startPeer } from './peer';

/** What is measured; each side has a call for it. */
export const cases = ['health', 'public read', 'authenticated read', 'create', 'change'] as const;
export type Case = (typeof cases)[number];

/** The status of the answer to each case; any other answer ends the bench. */
export const statuses: Readonly<Record<Case, number>> = {
  health: 200,
  'public read': 200,
  'authenticated read': 200,
  create: 201,
  change: 200,
};

/** One of the systems that are compared, with its data, ready for requests. */
export interface Side {
  url: string;
  pid: number;
  callOf(measured: Case, client: number): Call;
  stop(): Promise<void>;
}

/** The clients that send at the same time. Each of them changes an item of its own. */
export const clients = 16;

const secret = 'only-for-the-bench-0123456789-abcdefghijklmnop';
const password = 'correct horse battery staple';
const newItem = { title: 'A kettle', price: { amount: 2_500, currency: 'EUR' }, stock: 100 };

/** The calls of every side: they all have the same addresses. */
function callsOf(itemIds: readonly string[], userId: string, token: string): Side['callOf'] {
  const headers = { Authorization: `Bearer ${token}` };
  const created = JSON.stringify(newItem);
  let changes = 0;
  const calls: Record<Case, (id: string) => Call> = {
    health: () => ({ method: 'GET', path: '/v1/health' }),
    'public read': (id) => ({ method: 'GET', path: `/v1/items/${id}` }),
    'authenticated read': () => ({ method: 'GET', path: `/v1/users/${userId}`, headers }),
    create: () => ({ method: 'POST', path: '/v1/items', headers, body: created }),
    // A title that the item has already would be no change.
    change: (id) => ({ method: 'PATCH', path: `/v1/items/${id}`, headers, body: `{"title":"Kettle ${++changes}"}` }),
  };
  return (measured, client) => calls[measured](itemIds[client] ?? '');
}

/** Sends a request of the preparation, and returns the body of the answer. */
async function post(url: string, body: object | URLSearchParams, token?: string): Promise<Record<string, string>> {
  const isForm = body instanceof URLSearchParams;
  const response = await fetch(url, {
    method: 'POST',
    body: isForm ? body : JSON.stringify(body),
    headers: {
      ...(!isForm && { 'Content-Type': 'application/json' }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
  });
  if (!response.ok) throw new Error(`POST ${url} was answered with ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}

/** Creates an item for each of the clients. */
async function createItems(url: string, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let client = 0; client < clients; client++) {
    const { id = '' } = await post(`${url}/v1/items`, newItem, token);
    ids.push(id);
  }
  return ids;
}

/** Waits until KV answers these reads. */
async function waitForDocuments(url: string, paths: readonly string[], token: string): Promise<void> {
  for (const path of paths) {
    for (;;) {
      const { headers } = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
      if (headers.get('Cache-Status') === 'KV; hit') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Starts Frontdesk with an account and items, whose documents are in KV. */
export async function startFrontdesk(inspectorPort?: number): Promise<Side & { worker: RunningWorker }> {
  const variables = { TOKEN_SECRET: secret, EMAIL_TRANSPORT: 'console', SELLERS: 'everyone' };
  const worker = await startWorker({ contents: bundle('src/worker.ts'), variables, inspectorPort });
  const email = 'ada@example.com';
  const { id: userId = '' } = await post(`${worker.url}/v1/users`, { name: 'Ada', email, password });
  const grant = new URLSearchParams({ grant_type: 'password', username: email, password });
  const { access_token: token = '' } = await post(`${worker.url}/v1/auth/token`, grant);
  const itemIds = await createItems(worker.url, token);
  await waitForDocuments(worker.url, [`/v1/users/${userId}`, ...itemIds.map((id) => `/v1/items/${id}`)], token);
  await worker.stopConsumers();
  const { url, pid } = worker;
  return { url, pid, worker, callOf: callsOf(itemIds, userId, token), stop: () => worker.stop() };
}

/**
 * Starts the bare Worker with the documents and the items of Frontdesk, so that both read and write as much.
 * @param variables `EQUIPPED` adds the headers, the line in the log and the data point of Frontdesk to each answer
 */
export async function startBare(
  frontdesk: Side & { worker: RunningWorker },
  variables: { EQUIPPED?: 'yes' } = {},
): Promise<Side> {
  const worker = await startWorker({ contents: bundle('bench/requests/bare.ts'), variables });
  const [from, to] = [await frontdesk.worker.documents(), await worker.documents()];
  for (const { name } of (await from.list()).keys) {
    // The names of views without the version of their shape.
    await to.put(name.replace(/@\d+/, ''), `${await from.get(name)}`);
  }
  const [source, target] = [await frontdesk.worker.database(), await worker.database()];
  const { results } = await source.prepare('SELECT * FROM items').all();
  for (const row of results) {
    const columns = Object.keys(row);
    const insert = `INSERT INTO items (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    await target
      .prepare(insert)
      .bind(...Object.values(row))
      .run();
  }
  await worker.stopConsumers();
  const { url, pid } = worker;
  return { url, pid, callOf: frontdesk.callOf, stop: () => worker.stop() };
}

/** Starts the peer with an account and items; undefined where it is not installed. */
export async function startPeerSide(): Promise<Side | undefined> {
  if (!isPeerInstalled()) return undefined;
  const { url, pid, stop } = await startPeer(secret);
  const { id: userId = '', token = '' } = await post(`${url}/v1/users`, {});
  return { url, pid, callOf: callsOf(await createItems(url, token), userId, token), stop };
}
