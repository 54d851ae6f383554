import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestHarness } from 'wrangler';
import { endEarlierIncident } from '../../scripts/demo/incidents';
import { createEmailKeeper } from '../../scripts/dev-emails';
import { newTokenSecret } from '../../scripts/dev-variables';
import { runOps } from '../../scripts/ops/run';
import { configName } from '../../scripts/running-dev';
import { type Client, createClient } from '../../src/client';
import { runScript } from '../support/run-script';

const admin = { FIRST_ADMIN_EMAIL: 'admin@example.com', FIRST_ADMIN_PASSWORD: 'the first admin of all' };
const folder = mkdtempSync(join(tmpdir(), 'frontdesk-ops-'));
const sessionPath = join(folder, '.wrangler/ops-session.json');
const harness = createTestHarness({
  workers: [
    {
      configPath: './wrangler.toml',
      secrets: { TOKEN_SECRET: newTokenSecret() },
      vars: { EMAIL_TRANSPORT: 'console', ...admin },
    },
  ],
});
let url: string;

beforeAll(async () => {
  url = (await harness.listen()).url.origin;
  await harness.getWorker().applyD1Migrations('DB');
  await harness.getWorker().scheduled({ cron: '* * * * *' });
});

afterAll(async () => {
  await harness.close();
  rmSync(folder, { recursive: true });
});

/** Runs a command line in this process, with a client that is signed in. */
async function shell(client: Client, ...argv: string[]) {
  const printed: string[] = [];
  const print = (text: string) => void printed.push(text);
  const withSession = async (work: (client: Client) => Promise<unknown>) => void (await work(client));
  const code = await runOps(argv, { url, client, withSession, out: print, err: print });
  return { code, output: printed.join('\n') };
}

async function signIn(email: string, password: string) {
  const client = createClient(url);
  await client.signIn(email, password);
  return client;
}

const ops = (password = admin.FIRST_ADMIN_PASSWORD, args = ['rebuilds']) =>
  runScript('scripts/ops.ts', args, folder, { FRONTDESK_URL: url, ...admin, FIRST_ADMIN_PASSWORD: password });
const listed = { code: 0, output: 'There were none.\n' };
const wrong = 'a password of nobody';

test('npm run ops keeps its session, and signs in again when the session has ended or its file is broken', async () => {
  expect(await ops()).toEqual(listed);
  const session = readFileSync(sessionPath, 'utf8');
  // Only a kept session needs no password.
  expect(await ops(wrong)).toEqual(listed);
  // A refresh would have changed both tokens, and written an event.
  expect(readFileSync(sessionPath, 'utf8')).toBe(session);
  expect(statSync(sessionPath).mode & 0o777).toBe(0o600);

  // What the API says to this token it says to an expired one.
  const expire = (text: string) =>
    writeFileSync(sessionPath, JSON.stringify({ ...JSON.parse(text), accessToken: 'x' }));
  expire(session);
  expect(await ops(wrong)).toEqual(listed);
  const refreshed = readFileSync(sessionPath, 'utf8');
  const { refreshToken } = JSON.parse(refreshed);
  expect(refreshToken).not.toBe(JSON.parse(session).refreshToken);

  const body = JSON.stringify({ refreshToken });
  const headers = { 'Content-Type': 'application/json' };
  expect((await fetch(`${url}/v1/auth/logout`, { method: 'POST', headers, body })).ok).toBe(true);
  expire(refreshed);
  const refused = await ops(wrong);
  expect([refused.code, refused.output.split('\n').length]).toEqual([1, 2]);
  expect(await ops()).toEqual(listed);
  expect(await ops(wrong)).toEqual(listed);

  writeFileSync(sessionPath, '{"url":');
  expect(await ops()).toEqual(listed);
});

test('npm run ops tells in a line that the system is ready, and which read models there are', async () => {
  expect(await ops(undefined, ['ready'])).toEqual({ code: 0, output: 'Ready.\n' });
  // The address of a rebuild cannot have this name.
  const { code, output } = await ops(undefined, ['rebuild', 'No-View']);
  expect(output).toMatch(/^There is no read model No-View\. Choose from user, .*sales-dashboard\.\n$/);
  expect(code).toBe(1);
});

test('npm run ops prints which field the API refuses', async () => {
  const { code, output } = await ops(undefined, ['events', '--request', 'r'.repeat(65)]);
  expect(output).toMatch(/^The query string is not valid.*\n {2}\S*request: \S.*\n$/);
  expect(code).toBe(1);
});

describe('the shop on the command line (product 12.1, 12.2)', () => {
  let client: Client;

  beforeAll(async () => {
    client = await signIn(admin.FIRST_ADMIN_EMAIL, admin.FIRST_ADMIN_PASSWORD);
  });

  const password = 'correct horse battery';
  const register = async (name: string, email: string) =>
    (await (await createClient(url).api.users.$post({ json: { name, email, password } })).json()).id;

  test('an admin finds people, makes one of them an agent, and locks another one out and in', async () => {
    const id = await register('Grace Hopper', 'grace@example.com');
    await register('Gracie Allen', 'grace@example.com.au');
    expect(await shell(client, 'users', 'role', 'Grace@example.com', 'agent')).toMatchObject({ code: 0 });
    const { output } = await shell(client, 'users', 'find', 'grac');
    expect(output).toMatch(new RegExp(`^  ${id}  agent +grace@example\\.com +Grace Hopper$`, 'm'));
    expect(output).toMatch(/ {2}customer {2}grace@example\.com\.au {2}Gracie Allen$/m);
    expect((await shell(client, 'users', 'deactivate', 'grace@example.com')).code).toBe(0);
    expect((await shell(client, 'users', 'show', id)).output).toMatch(
      /^Grace Hopper\n[\s\S]*e-mail: {5}grace@example\.com, not confirmed\n {2}role: {7}agent, deactivated\n/,
    );
    expect((await shell(client, 'users', 'reactivate', 'grace@example.com', '--json')).output).toMatch(
      new RegExp(`^{"id":"${id}","version":\\d+}$`),
    );
    // An address that is the beginning of others is nobody's.
    expect(await shell(client, 'users', 'show', 'grace@example.co')).toEqual({
      code: 1,
      output: 'No account has the e-mail address grace@example.co.',
    });
  });

  test('an agent ships an order by its number, and is told why another step is refused', async () => {
    await register('Ada Byron', 'ada@example.com');
    const ada = await signIn('ada@example.com', password);
    const item = { title: 'Teapot', price: { amount: 1999, currency: 'EUR' } };
    const { id: itemId } = await (await client.api.items.$post({ json: item })).json();
    const shippingAddress = { name: 'Ada', line1: '1 Quay', postalCode: '1', city: 'London', country: 'GB' };
    await ada.api.orders.$post({ json: { items: [{ itemId, quantity: 2 }], shippingAddress } });
    const refused = await shell(client, 'orders', 'deliver', '1001', '--json');
    expect([refused.code, JSON.parse(refused.output)]).toMatchObject([1, { status: 409, code: expect.any(String) }]);
    expect(await shell(client, 'orders', 'ship', '1001')).toEqual({
      code: 0,
      output: 'The order No. 1001 is shipped.',
    });
    expect((await shell(client, 'orders', 'show', '1001')).output).toMatch(
      /^Order No\. 1001\n[\s\S]*status: {5}shipped\n[\s\S]*total: {6}€39\.98\n\n {2}pieces {2}price {3}item\n {7}2 {2}€19\.99 {2}Teapot$/,
    );
    const mine = await shell(client, 'orders', 'list', '--customer', 'ada@example.com', '--json');
    expect(JSON.parse(mine.output).data).toMatchObject([{ number: 1001, status: 'shipped' }]);
    expect(await shell(client, 'orders', 'ship', '999')).toEqual({ code: 1, output: 'There is no order No. 999.' });
    expect((await shell(client, 'items', 'list', '--active', 'true')).output).toContain('for sale  €19.99  Teapot');
    expect((await shell(client, 'dashboard', 'sales')).output).toMatch(
      /^Orders by status\n[\s\S]* {2}shipped {4}█+ {2}1$/m,
    );
  });

  test('an agent takes a ticket, answers it, adds a note and closes it', async () => {
    const customerId = await register('Radia Perlman', 'radia@example.com');
    const json = { customerId, subject: 'Late', message: 'Where is it?\nIt is late.' };
    const { id } = await (await client.api.tickets.$post({ json })).json();
    expect((await shell(client, 'tickets', 'assign', id, 'me')).code).toBe(0);
    const taken = await shell(client, 'tickets', 'list', '--assignee', 'me', '--sort', 'updated');
    expect(taken.output).toMatch(new RegExp(`^  ${id}  open    customer  [\\d-]{10} [\\d:]{5}  Late$`, 'm'));
    expect((await shell(client, 'tickets', 'reply', id, 'It has left.')).code).toBe(0);
    expect((await shell(client, 'tickets', 'note', id, 'The carrier lost one.')).code).toBe(0);
    expect((await shell(client, 'tickets', 'status', id, 'closed')).code).toBe(0);
    const conversation = (await shell(client, 'tickets', 'show', id)).output.replaceAll(/[\d-]{10} [\d:]{5}/g, 'TIME');
    expect(conversation).toMatch(/^Late\n[\s\S]*status: {5}closed\n/);
    expect(conversation.slice(conversation.indexOf('Message'))).toBe(`Message, TIME
    Where is it?
    It is late.

The staff, TIME
    It has left.

Note, hidden from the customer, TIME
    The carrier lost one.`);
    expect((await shell(client, 'tickets', 'assign', id, 'none')).output).toBe(`Nobody has the ticket ${id}.`);
    expect((await shell(client, 'tickets', 'list', '--assignee', 'me')).output).toBe('There are none.');
    expect((await shell(client, 'dashboard', 'tickets')).output).toMatch(/^ {2}closed {3}█+ {2}1$/m);

    // A script has a token in the environment, and the text on its standard input.
    const env = { FRONTDESK_URL: url, FRONTDESK_TOKEN: client.accessToken(), FIRST_ADMIN_EMAIL: undefined };
    const args = ['tickets', 'reply', id, '-', '--json'];
    const { code, output } = await runScript('scripts/ops.ts', args, folder, env, 'Here it is:\nNo. 7\n');
    expect([code, JSON.parse(output)]).toEqual([0, { id, version: expect.any(Number) }]);
    // A command after it brings this client's Consistency-Token beyond it.
    await shell(client, 'tickets', 'note', id, 'Done.');
    expect((await shell(client, 'tickets', 'show', id)).output).toContain('    Here it is:\n    No. 7\n');
  });
});

/** A program in the place of wrangler, which has this database changed and not the local one of a folder. */
async function standInForWrangler(database: D1Database) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const server = createServer((request, response) => {
    text(request)
      .then((sql) => database.batch(sql.split(/;\s+/).map((statement) => database.prepare(statement))))
      .then(
        () => response.end(),
        (error) => response.writeHead(500).end(`${error}`),
      );
  });
  await once(server.listen(0, 'localhost'), 'listening');
  const { port } = server.address() as AddressInfo;
  const program = `#!/usr/bin/env node
const [command, ...args] = process.argv.slice(2);
if (command !== 'd1' || !args.includes('--local')) process.exit(9);
fetch('http://localhost:${port}', { method: 'POST', body: args.at(-1) }).then(async (answer) => {
  console.log(await answer.text());
  process.exit(answer.ok ? 0 : 1);
});
`;
  writeFileSync(join(bin, 'wrangler'), program, { mode: 0o700 });
  return { path: `${bin}${delimiter}${process.env.PATH}`, close: () => server.close() };
}

describe('npm run demo (product 12.4)', () => {
  let output: string;
  let client: Client;

  beforeAll(async () => {
    // `npm run dev` of the folder: what its Worker prints, and the file that says where it listens.
    writeFileSync(join(folder, configName(Number(new URL(url).port))), '');
    const { DB } = (await harness.getWorker().getEnv()) as { DB: D1Database };
    const wrangler = await standInForWrangler(DB);
    const keepLine = createEmailKeeper(join(folder, '.wrangler/dev-emails.txt'));
    let kept = 0;
    const keeping = setInterval(() => {
      const logs = harness.getLogs();
      for (const { message } of logs.slice(kept)) for (const line of message.split('\n')) keepLine(line);
      kept = logs.length;
    }, 50);
    const args = ['--customers', '3', '--orders', '2'];
    const env = { ...admin, FRONTDESK_URL: undefined, PORT: undefined, PATH: wrangler.path };
    const told = await runScript('scripts/demo.ts', args, folder, env);
    clearInterval(keeping);
    wrangler.close();
    output = told.output;
    expect(told).toMatchObject({ code: 0 });
    client = await signIn(admin.FIRST_ADMIN_EMAIL, admin.FIRST_ADMIN_PASSWORD);
  });

  test('tells a day in which customers follow the links of their e-mails, and draws both dashboards', () => {
    expect(output).toMatch(
      /2 confirm the address with its link: “Welcome to Frontdesk” \(1\), “Willkommen bei Frontdesk” \(1\)\./,
    );
    expect(output).toMatch(/ ends these e-mails with the link in “Ihre .*”, .*: emailNotifications is false now\.$/m);
    expect(output).toMatch(/^The post of the day: \d+ e-mails, [1-9]\d* in English and [1-9]\d* in German\.$/m);
    const [, dashboards = ''] = output.split(/^The support desk$/m);
    for (const bar of ['opened', 'reopened', 'closed'])
      expect(dashboards).toMatch(new RegExp(`^  \\S+ ${bar} +█+.*  \\d+$`, 'm'));
    expect(dashboards).toMatch(/^ {2}\S+ {2}█+ {2}€[\d,.]+ of \d+ orders$/m);
    expect(dashboards).toMatch(/^ {2}Teapot No\. 2 +█+\S? {2}\d+$/m);
  });

  test('leaves a ticket that nobody has taken, an open one that somebody has, and an order to ship', async () => {
    const { tickets, orders } = client.api;
    const open = async (assignee: 'none' | undefined) =>
      (await (await tickets.$get({ query: { status: 'open', assignee } })).json()).data.length;
    expect(await open('none')).toBe(1);
    expect(await open(undefined)).toBeGreaterThan(1);
    expect((await (await orders.$get({ query: { status: 'placed' } })).json()).data.length).toBeGreaterThan(0);
  });

  test('leaves a document that is late because its newest event is a dead letter, and a later demo heals it', async () => {
    const [, number, key = ''] =
      /^ {2}Order No\. (\d+) is shipped, but .* Why\? \S+\/console\/read-models\/order\/(\S+)$/m.exec(output) ?? [];
    const { orders, operations } = client.api;
    expect(await (await orders[':id'].$get({ param: { id: key } })).json()).toMatchObject({ number: Number(number) });
    const param = { view: 'order', key };
    const inspected = async () => (await operations.projections[':view'].keys[':key'].$get({ param })).json();
    expect(await inspected()).toMatchObject({
      verdict: { code: 'event-dead' },
      isSame: false,
      kv: { document: { data: { status: 'placed' } } },
      database: { document: { data: { status: 'shipped' } } },
      deliveries: [{ type: 'OrderShipped', lastError: 'TypeError', status: 'dead' }],
    });
    await endEarlierIncident(client);
    await vi.waitUntil(async () => (await inspected()).isSame, { timeout: 30_000 });
  });

  test('leaves dead letters of e-mails, whose replay succeeds', async () => {
    expect(output).toMatch(/ replay 2 e-mails at \S+\/console\/dead-letters$/m);
    const letters = client.api.operations['dead-letters'];
    const { data } = await (await letters.$get({ query: { subscription: 'emails' } })).json();
    expect(data.map(({ type, lastError, fault }) => [type, lastError, fault])).toEqual(
      Array(2).fill(['OrderPlaced', 'EmailError: SMTP_AUTH_535', 'system']),
    );
    const positions = data.map(({ position }) => position);
    const { code } = await shell(client, 'replay', '--all', '--subscription', 'emails');
    expect(code).toBe(0);
    for (const position of positions) {
      const work = async () =>
        (await (await client.api.operations.events[':position'].$get({ param: { position: `${position}` } })).json())
          .work;
      await vi.waitUntil(
        async () => (await work()).some(({ subscription, state }) => subscription === 'emails' && state === 'done'),
        { timeout: 30_000 },
      );
    }
  });
});
