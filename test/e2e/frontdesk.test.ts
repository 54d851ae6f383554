import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Validator as OpenApiValidator } from '@seriousme/openapi-schema-validator';
import { hc } from 'hono/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createTestHarness } from 'wrangler';
import { readConfiguration, withEventsQueue, writeConfiguration } from '../../scripts/wrangler-config';
import type { AppType } from '../../src/app';
import { createClient } from '../../src/client';
import { createClientProject } from '../support/client-project';
import { address } from '../support/factories';
import { startSmtpSink, variablesFor } from '../support/smtp-sink';

const password = 'correct horse battery';
const admin = { email: 'admin@example.com', password: 'the first admin of all' };
let sink: Awaited<ReturnType<typeof startSmtpSink>>;
let harness: ReturnType<typeof createTestHarness>;
let url: string;

// The real Worker on a real port, with real queues and a real SMTP server.
beforeAll(async () => {
  const smtp = { username: 'frontdesk', password: randomBytes(16).toString('hex') };
  sink = await startSmtpSink(smtp);
  writeConfiguration('wrangler.e2e.json', withEventsQueue(readConfiguration()));
  harness = createTestHarness({
    workers: [
      {
        configPath: './wrangler.e2e.json',
        secrets: { TOKEN_SECRET: randomBytes(32).toString('base64url'), SMTP_PASSWORD: smtp.password },
        vars: {
          ...variablesFor(sink.port, smtp.username),
          FIRST_ADMIN_EMAIL: admin.email,
          FIRST_ADMIN_PASSWORD: admin.password,
        },
      },
      // Another team's Worker, which reads the events.
      { configPath: './examples/event-consumer/wrangler.toml' },
    ],
  });
  url = (await harness.listen()).url.href.replace(/\/$/, '');
  await harness.getWorker().applyD1Migrations('DB');
  // The schedule creates the first admin, whom many tests need.
  await harness.getWorker().scheduled({ cron: '* * * * *' });
});

afterAll(async () => {
  await harness?.close();
  await sink?.close();
});

const until = { timeout: 60_000, interval: 50 };

async function signIn(username: string, secret = password) {
  const body = new URLSearchParams({ grant_type: 'password', username, password: secret });
  const response = await fetch(`${url}/v1/auth/token`, { method: 'POST', body });
  const { access_token } = (await response.json()) as { access_token: string };
  return { status: response.status, bearer: { Authorization: `Bearer ${access_token}` } };
}

test('a new user gets one welcome e-mail, is read from KV, and reads their own change with its token (product 7.2, 7.4)', async () => {
  const client = hc<AppType>(url);
  const email = 'ada@example.com';
  const registered = await client.v1.users.$post({ json: { name: 'Ada Byron', email, password } });
  expect(registered.status).toBe(201);
  const { id } = (await registered.json()) as { id: string };

  const welcome = () => sink.mails.filter(({ to }) => to.includes(email));
  await vi.waitFor(() => expect(welcome()).toHaveLength(1), until);
  expect(welcome()[0]?.raw).toMatch(/^Subject: Welcome to Frontdesk/m);
  expect(welcome()[0]?.raw).toMatch(/^Message-ID: <[\w-]+@frontdesk\.example>/im);

  const { bearer } = await signIn(email);
  // Only a document from KV has an Age above 0.
  await vi.waitFor(async () => {
    const read = await fetch(`${url}/v1/users/${id}`, { headers: bearer });
    expect(Number(read.headers.get('Age'))).toBeGreaterThan(0);
    expect(await read.json()).toMatchObject({ id, email, name: 'Ada Byron' });
  }, until);

  const changed = await client.v1.users[':id'].$patch(
    { param: { id }, json: { name: 'Ada Lovelace' } },
    { headers: bearer },
  );
  expect(changed.status).toBe(200);
  const token = changed.headers.get('Consistency-Token') ?? '';
  const own = await fetch(`${url}/v1/users/${id}`, { headers: { ...bearer, 'Consistency-Token': token } });
  expect(own.headers.get('Consistency')).toBe('strong');
  expect(await own.json()).toMatchObject({ name: 'Ada Lovelace' });
  await vi.waitFor(async () => {
    const read = await fetch(`${url}/v1/users/${id}`, { headers: bearer });
    expect(await read.json()).toMatchObject({ name: 'Ada Lovelace' });
  }, until);
  expect(welcome()).toHaveLength(1);
});

test('the schedule creates the first admin of the configuration, who can read the list of users', async () => {
  const { bearer, status } = await signIn(admin.email, admin.password);
  expect(status).toBe(200);
  await vi.waitFor(async () => {
    const response = await fetch(`${url}/v1/users`, { headers: bearer });
    const { data } = (await response.json()) as { data: { name: string }[] };
    expect(data.map(({ name }) => name)).toContain('Administrator');
  }, until);
});

test('of fifteen orders at the same time for the last three pieces, three get 201, and the stock is 0 (product 4.2)', async () => {
  const client = hc<AppType>(url);
  const shop = { name: 'Shop', email: 'shop@example.com', password };
  await client.v1.users.$post({ json: shop });
  const { bearer } = await signIn(shop.email);
  const price = { amount: 999, currency: 'EUR' };
  // As the Worker is configured, only the staff sells.
  const seller = await signIn(admin.email, admin.password);
  const item = { title: 'Teapot', price, stock: 3 };
  const refused = await client.v1.items.$post({ json: item }, { headers: bearer });
  expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'items.only-staff-sells' }]);
  const created = await client.v1.items.$post({ json: item }, { headers: seller.bearer });
  const { id: itemId } = (await created.json()) as { id: string };
  const shippingAddress = { name: 'Shop', line1: 'Quay 1', postalCode: '1', city: 'Ghent', country: 'BE' };
  const order = { items: [{ itemId, quantity: 1 }], shippingAddress };
  const responses = await Promise.all(
    Array.from({ length: 15 }, () => client.v1.orders.$post({ json: order }, { headers: bearer })),
  );
  const statuses = responses.map(({ status }) => status as number).sort();
  expect(statuses).toEqual([...Array(3).fill(201), ...Array(12).fill(409)]);
  const late = responses.find(({ status }) => (status as number) === 409);
  expect(await late?.json()).toMatchObject({ code: 'orders.out-of-stock' });
  const tokens = responses.map(({ headers }) => headers.get('Consistency-Token') ?? '').filter((token) => token !== '');
  for (const token of tokens) {
    const read = await fetch(`${url}/v1/items/${itemId}`, { headers: { 'Consistency-Token': token } });
    expect(((await read.json()) as { stock: number }).stock).toBeGreaterThanOrEqual(0);
  }
  await vi.waitFor(async () => {
    const item = (await (await fetch(`${url}/v1/items/${itemId}`)).json()) as { stock: number };
    const me = (await (await fetch(`${url}/v1/users/me`, { headers: bearer })).json()) as { orderCount: number };
    expect([item.stock, me.orderCount]).toEqual([0, 3]);
  }, until);
});

test('sign-ins whose clients went away keep nobody from signing in, and reads are answered meanwhile (product 2.7)', async () => {
  const email = 'patient@example.com';
  await hc<AppType>(url).v1.users.$post({ json: { name: 'Patient', email, password } });
  for (let round = 0; round < 3; round++) {
    const abort = new AbortController();
    const gone = Array.from({ length: 9 }, (_, index) => {
      const body = new URLSearchParams({ grant_type: 'password', username: `${round}-${index}@example.com`, password });
      return fetch(`${url}/v1/auth/token`, { method: 'POST', body, signal: abort.signal }).then(
        ({ status }) => status,
        () => 'gone',
      );
    });
    // When this read is answered, the sign-ins have arrived, too.
    expect((await fetch(`${url}/v1/items`)).status).toBe(200);
    abort.abort();
    await Promise.all(gone);
  }
  await vi.waitFor(async () => expect((await signIn(email)).status).toBe(200), { timeout: 60_000, interval: 3000 });
});

test('the link of a password reset e-mail sets a new password, and works only once (product 2.6)', async () => {
  const email = 'grace@example.com';
  const json = { 'Content-Type': 'application/json' };
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) });
  await post('/v1/users', { name: 'Grace Hopper', email, password });
  expect((await post('/v1/auth/password-reset', { email: 'nobody@example.com' })).status).toBe(202);
  expect((await post('/v1/auth/password-reset', { email })).status).toBe(202);
  const findToken = () =>
    sink.mails
      .filter(({ to }) => to.includes(email))
      // The body may be quoted-printable, with soft line breaks and =3D for an equals sign.
      .map(({ raw }) => /\/reset-password#token=([\w.-]+)/.exec(raw.replace(/=\r?\n/g, '').replace(/=3D/g, '='))?.[1])
      .find((found) => found !== undefined);
  const token = await vi.waitFor(
    () => findToken() ?? Promise.reject(new Error('The reset e-mail has not arrived.')),
    until,
  );
  const confirm = () => post('/v1/auth/password-reset/confirm', { token, password: 'a brand new password' });
  expect((await confirm()).status).toBe(204);
  expect((await confirm()).status).toBe(422);
  expect((await signIn(email)).status).toBe(400);
  expect((await signIn(email, 'a brand new password')).status).toBe(200);
  expect(sink.mails.some(({ to }) => to.includes('nobody@example.com'))).toBe(false);
});

test('the documentation page and its assets come from the origin of the API', async () => {
  const page = await (await fetch(`${url}/docs`)).text();
  const assets = [...page.matchAll(/<(?:link|script)[^>]+(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(assets.length).toBe(5);
  for (const path of assets) {
    expect(path).toMatch(/^\/(?:docs\/)?assets\//);
    expect((await fetch(`${url}${path}`)).status).toBe(200);
  }
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: object };
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/v1/users', '/v1/users/{id}', '/v1/auth/token']),
  );
});

test('the OpenAPI document is valid by the 3.1 schema', async () => {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Record<string, unknown>;
  const { valid, errors } = await new OpenApiValidator().validate(document);
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test('after a run of the demo the logs contain no personal data (product 1.3, 8.3)', async () => {
  const secret = randomBytes(16).toString('hex');
  harness.clearLogs();
  const { stdout } = await promisify(execFile)('tsx', ['scripts/demo.ts', '--customers', '3', '--orders', '2'], {
    env: {
      ...process.env,
      FRONTDESK_URL: url,
      FIRST_ADMIN_EMAIL: admin.email,
      FIRST_ADMIN_PASSWORD: admin.password,
      DEMO_PASSWORD: secret,
    },
    timeout: 110_000,
  });
  expect(stdout).toMatch(/From commit to KV: p50 \d+ ms, p99 \d+ ms/);
  const logs = harness
    .getLogs()
    .map((entry) => JSON.stringify(entry))
    .join('\n');
  expect(logs).toContain('batch.handled');
  const personal = [
    secret,
    admin.email,
    admin.password,
    '@example.com',
    'Amina',
    'Olga',
    'Quay Street',
    'teapot',
    'carrier',
  ];
  for (const text of [...personal, 'Bearer ', 'eyJ']) expect(logs).not.toContain(text);
});

test('every order that is placed arrives at the Worker of another team, which counts it once (product 7.8)', async () => {
  const price = { amount: 100, currency: 'EUR' };
  const shop = createClient(url);
  await shop.signIn(admin.email, admin.password);
  const item = await (await shop.api.items.$post({ json: { title: 'A bell', price } })).json();
  const order = { items: [{ itemId: item.id, quantity: 1 }], shippingAddress: address };
  const placed = await (await shop.api.orders.$post({ json: order })).json();

  /** The audit trail says how many orders there are; the other tests have placed some. */
  const events: { type: string; streamId: string; position: number }[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const page = await (await shop.api.operations.events.$get({ query })).json();
    events.push(...page.data);
    cursor = page.nextCursor;
  }
  const orders = events.filter(({ type }) => type === 'OrderPlaced');
  expect(orders.map(({ streamId }) => streamId)).toContain(placed.id);
  const last = Math.max(...events.map(({ position }) => position));
  await vi.waitFor(async () => {
    const response = await harness.getWorker('event-consumer').fetch('/');
    const { days, progress } = (await response.json()) as { days: { orders: number }[]; progress: unknown };
    expect(days.reduce((sum, day) => sum + day.orders, 0)).toBe(orders.length);
    expect(progress).toEqual([{ source: readConfiguration().vars?.ISSUER, epoch: '1', position: last }]);
  }, until);
});

test('the Worker of another team has a database of its own', async () => {
  const tablesOf = async (config: string, worker?: string) => {
    const bindings: Record<string, unknown> = await harness.getWorker(worker).getEnv();
    const [{ binding } = { binding: '' }] = readConfiguration(config).d1_databases ?? [];
    const tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    const { results } = await (bindings[binding] as D1Database).prepare(tables).all<{ name: string }>();
    return results.map(({ name }) => name).filter((name) => !name.startsWith('_') && !name.startsWith('sqlite_'));
  };
  await harness.getWorker('event-consumer').fetch('/');
  const own = await tablesOf('wrangler.toml');
  const others = await tablesOf('examples/event-consumer/wrangler.toml', 'event-consumer');
  expect(own).toContain('events');
  expect(others).toContain('handled');
  expect(others.filter((table) => own.includes(table))).toEqual([]);
});

/** What a tool of the desk does, as another team would write it. */
const deskTool = `
import { createClient, ProblemError } from 'frontdesk/client';

declare const process: { argv: string[] };
declare const console: { log(text: string): void };
const [url = '', username = '', password = ''] = process.argv.slice(2);
const desk = createClient(url);
await desk.signIn(username, password);
const opened = await desk.api.tickets.$post({ json: { subject: 'From outside', message: 'By the packed client' } });
const { id } = await opened.json();
await desk.api.tickets[':id'].notes.$post({ param: { id }, json: { note: 'seen' } });
const ticket = await (await desk.api.tickets[':id'].$get({ param: { id } })).json();
const notes: string[] = 'notes' in ticket ? ticket.notes.map(({ note }) => note) : [];
const list = await (await desk.api.tickets.$get({ query: { limit: 1, hasNote: true } })).json();
const previews = list.data.map((row) => ('notePreview' in row ? row.notePreview : undefined));
const refusal: unknown = await desk.api.orders[':id'].$get({ param: { id } }).catch((error: unknown) => error);
console.log(JSON.stringify({ notes, previews, code: refusal instanceof ProblemError && refusal.code }));
`;

test('the packed client compiles and runs in a project that has nothing of the repository, and refuses wrong fields (product 6.1)', async () => {
  const project = await createClientProject();
  try {
    expect(await project.compile(deskTool)).toBe('');
    const printed = await project.run(url, admin.email, admin.password);
    expect(JSON.parse(printed)).toEqual({ notes: ['seen'], previews: ['seen'], code: 'orders.not-found' });
    const wrong = deskTool
      .replace('message:', 'massage:')
      .replace('limit: 1', "limit: 'many'")
      .replace("'notes' in ticket ? ticket.notes", 'true ? ticket.notes');
    const errors = await project.compile(wrong);
    for (const name of ['massage', 'many', 'notes']) expect(errors).toContain(name);
    expect(errors.match(/error TS/g)?.length).toBeGreaterThanOrEqual(3);
  } finally {
    project.remove();
  }
}, 300_000);
