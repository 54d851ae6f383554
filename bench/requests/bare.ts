// The Worker with which Frontdesk is compared: the same bindings, operations and answers, and nothing else. No framework,
// no validation, no access check, no log, no metrics. The bench puts its documents and rows where this file looks for them.
// It starts a second one too, which is equipped with what Frontdesk promises for each request: the headers that protect a
// browser, a line in the log, and a data point. They show what these cost on the platform, whatever the code around them is.
import { securityHeadersFor } from '../../src/http/security-headers';

interface Bindings {
  DB: D1Database;
  VIEWS: KVNamespace;
  PROJECTIONS_QUEUE: Queue;
  REQUESTS: AnalyticsEngineDataset;
  EQUIPPED?: 'yes';
}

interface Stored {
  version: number;
  data: unknown;
}

interface NewItem {
  title: string;
  price: { amount: number; currency: string };
  stock: number;
}

const json = (body: unknown, status: number, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });

/** Answers with the first of the documents. The others belong to the same read: the access, and the watermark. */
async function read({ VIEWS }: Bindings, keys: string[]): Promise<Response> {
  const texts = await VIEWS.get(keys, { type: 'text', cacheTtl: 30 });
  const [document] = keys.map((key) => JSON.parse(texts.get(key) ?? 'null') as Stored | null);
  if (!document) return json({ title: 'Not Found' }, 404);
  return json(document.data, 200, { ETag: `"${document.version}"` });
}

/** The statements with which an event and its delivery are added to the log. */
function record(db: D1DatabaseSession, type: string, itemId: string, version: number, data: unknown) {
  const id = crypto.randomUUID();
  const insertEvent = db
    .prepare(
      `INSERT INTO events (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
       VALUES (?, 'item', ?, ?, ?, 1, ?, '{}', ?) RETURNING position`,
    )
    .bind(id, itemId, version, type, JSON.stringify(data), new Date().toISOString());
  const insertDelivery = db
    .prepare(
      `INSERT INTO deliveries (position, subscription, available_at)
       SELECT position, 'projections', ? FROM events WHERE id = ?`,
    )
    .bind(Date.now() + 30_000, id);
  return { id, statements: [insertEvent, insertDelivery] };
}

function send({ PROJECTIONS_QUEUE }: Bindings, context: ExecutionContext, event: unknown): void {
  context.waitUntil(PROJECTIONS_QUEUE.sendBatch([{ body: event }]));
}

async function create(request: Request, env: Bindings, context: ExecutionContext): Promise<Response> {
  const { title, price, stock } = await request.json<NewItem>();
  const itemId = crypto.randomUUID();
  const now = new Date().toISOString();
  const db = env.DB.withSession('first-unconstrained');
  const insertItem = db
    .prepare(
      `INSERT INTO items (id, version, owner_id, title, amount, currency, stock, stock_version, is_active, created_at,
         updated_at)
       VALUES (?, 1, 'owner', ?, ?, ?, ?, 0, 1, ?, ?)`,
    )
    .bind(itemId, title, price.amount, price.currency, stock, now, now);
  const { id, statements } = record(db, 'ItemCreated', itemId, 1, { ownerId: 'owner' });
  await db.batch([insertItem, ...statements]);
  send(env, context, { id, type: 'ItemCreated', itemId });
  return json({ id: itemId, version: 1 }, 201, { Location: `/v1/items/${itemId}`, ETag: '"1"' });
}

async function change(itemId: string, request: Request, env: Bindings, context: ExecutionContext): Promise<Response> {
  const { title } = await request.json<NewItem>();
  const db = env.DB.withSession('first-unconstrained');
  const item = await db.prepare('SELECT * FROM items WHERE id = ?').bind(itemId).first<{ version: number }>();
  if (!item) return json({ title: 'Not Found' }, 404);
  const version = item.version + 1;
  const update = db
    .prepare('UPDATE items SET title = ?, version = ?, updated_at = ? WHERE id = ? AND version = ?')
    .bind(title, version, new Date().toISOString(), itemId, item.version);
  const { id, statements } = record(db, 'ItemUpdated', itemId, version, { ownerId: 'owner', fields: ['title'] });
  await db.batch([update, ...statements]);
  send(env, context, { id, type: 'ItemUpdated', itemId });
  return json({ id: itemId, version }, 200, { ETag: `"${version}"` });
}

async function answer(request: Request, env: Bindings, context: ExecutionContext): Promise<Response> {
  const [, , resource, id = ''] = new URL(request.url).pathname.split('/');
  if (resource === 'health') return json({ status: 'ok' }, 200);
  if (resource === 'users') return read(env, [`user:${id}`, `access:${id}`, 'watermark']);
  if (request.method === 'POST') return create(request, env, context);
  if (request.method === 'PATCH') return change(id, request, env, context);
  return read(env, [`item:${id}`, 'watermark']);
}

/** Adds to an answer what Frontdesk adds to each of its own: headers, a line in the log and a data point. */
function equip(response: Response, { method }: Request, { REQUESTS }: Bindings): Response {
  const requestId = crypto.randomUUID();
  const { headers, status } = response;
  headers.set('X-Request-Id', requestId);
  headers.set('Cache-Control', 'private, no-store');
  for (const [name, value] of securityHeadersFor('/v1/')) headers.set(name, value);
  const fields = { requestId, traceparent: `00-${requestId}-0123456789abcdef-01`, method, route: '/v1/items/:id' };
  const time = new Date().toISOString();
  console.log(JSON.stringify({ level: 'info', event: 'request', time, ...fields, status, durationMs: 2 }));
  const blobs = ['/v1/items/:id', method, '2xx', String(status), '', ''];
  REQUESTS.writeDataPoint({ indexes: ['/v1/items/:id'], blobs, doubles: [2, 0, 0, 0, 0, 0, 0, 0, 0] });
  return response;
}

export default {
  async fetch(request, env, context) {
    const response = await answer(request, env, context);
    return env.EQUIPPED === 'yes' ? equip(response, request, env) : response;
  },
} satisfies ExportedHandler<Bindings>;
