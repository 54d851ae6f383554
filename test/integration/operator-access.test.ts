import { env } from 'cloudflare:workers';
import type { SQL } from 'drizzle-orm';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { describe, expect, test } from 'vitest';
import { scopes } from '../../src/access/scopes';
import { views } from '../../src/domains';
import { inspectionQueries } from '../../src/operations/inspected-key';
import type { ProjectedKey } from '../../src/operations/key-schemas';
import { address, password } from '../support/factories';
import { given, read } from '../support/operations';
import { createRequestPreparer } from '../support/prepared-requests';
import { operationsOf } from '../support/routes';
import { createSystem } from '../support/system';
import { tablesOf } from '../support/tables';

// What somebody gets out of the operators' API who should not have it: an API key with one scope, and an admin session that
// was stolen.

const system = createSystem();
const operators = (await operationsOf(system)).filter(
  ({ path }) => path.startsWith('/v1/operations/') || path.includes('/sessions'),
);

describe('an API key of an admin (product 8.13, 9.2)', () => {
  test('does what operators do with the scope for it alone, and sees neither documents nor sessions', async () => {
    const admin = await system.register({ role: 'admin' });
    const prepare = createRequestPreparer(system, admin);
    const keys = new Map<string, Record<string, string>>();
    for (const scope of scopes) {
      const created = await system.send('POST', '/v1/api-keys', { name: scope, scopes: [scope] }, admin.bearer);
      keys.set(scope, { Authorization: `Bearer ${(await created.json<{ key: string }>()).key}` });
    }
    const served: string[] = [];
    for (const { method, path, operation } of operators) {
      for (const [scope, bearer] of keys) {
        const { sendWith } = await prepare(method, path);
        const { status } = await sendWith(bearer);
        if (status < 300) served.push(`${scope}: ${operation.operationId}`);
        else expect([scope, path, status]).toEqual([scope, path, 403]);
      }
    }
    const isRead = (method: string) => method === 'GET';
    const expected = operators
      .filter(({ path }) => path.startsWith('/v1/operations/'))
      .filter(({ operation }) => operation.operationId !== 'getProjectedKey')
      .map(({ method, operation }) => `operations:${isRead(method) ? 'read' : 'write'}: ${operation.operationId}`);
    expect(served.sort()).toEqual(expected.sort());
    expect(served.length).toBeGreaterThan(15);
  });
});

/** An account that has one of each secret that the database keeps a hash of, and texts that people wrote. */
async function givenSecrets() {
  const shop = await given();
  const texts = {
    name: 'Zipporah Quillfeather',
    email: `${crypto.randomUUID()}@secret.example`,
    pending: `${crypto.randomUUID()}@pending.example`,
    subject: 'Unmistakable subject',
    message: 'Unmistakable message',
    note: 'Unmistakable note',
    reply: 'Unmistakable reply',
    street: 'Unmistakable Street 7',
  };
  const { admin, deliverQueues, mailedToken, send } = shop;
  const registered = await send('POST', '/v1/users', { name: texts.name, email: texts.email, password });
  const { id } = await registered.json<{ id: string }>();
  const { bearer, refreshToken } = await shop.signIn(texts.email);
  const price = { amount: 1, currency: 'EUR' };
  const created = await send('POST', '/v1/items', { title: 'a', price }, admin.bearer);
  const { id: itemId } = await created.json<{ id: string }>();
  const shippingAddress = { ...address, line1: texts.street };
  await send('POST', '/v1/orders', { items: [{ itemId, quantity: 1 }], shippingAddress }, bearer);
  const { subject, message } = texts;
  const opened = await send('POST', '/v1/tickets', { subject, message }, bearer);
  const { id: ticket } = await opened.json<{ id: string }>();
  await send('POST', `/v1/tickets/${ticket}/notes`, { note: texts.note }, admin.bearer);
  await send('POST', `/v1/tickets/${ticket}/replies`, { message: texts.reply }, admin.bearer);
  await send('PATCH', `/v1/users/${id}`, { email: texts.pending, currentPassword: password }, bearer);
  await send('POST', '/v1/auth/password-reset', { email: texts.email });
  const key = await send('POST', '/v1/api-keys', { name: 'a', scopes: ['orders:read'] }, bearer);
  const keyText = (await key.json<{ key: string }>()).key;
  await deliverQueues();
  await env.DB.prepare(
    `INSERT INTO deliveries (position, subscription, available_at, status, last_error)
       SELECT position, 'emails', 0, 'dead', 'EmailError: E_UNKNOWN' FROM events`,
  ).run();
  const mailed = [mailedToken(texts.pending, 'confirm-email'), mailedToken(texts.email, 'reset-password')];
  const secrets = [refreshToken, keyText, ...mailed, password];
  expect(secrets).not.toContain('');
  return { ...shop, texts, id, secrets };
}

/** Every value of a column whose name speaks of a hash. */
async function readHashes(): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await tablesOf(env.DB)) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${name}`).all<Record<string, unknown>>();
    for (const row of results)
      for (const [column, value] of Object.entries(row))
        if (/hash/i.test(column) && typeof value === 'string') found.push(value);
  }
  return found;
}

test('no answer to an operator has a secret, and none but the look into a document has what people wrote (product 8.13, 1.3)', async () => {
  const shop = await givenSecrets();
  const hashes = await readHashes();
  expect(hashes.length).toBeGreaterThan(5);
  const answers = new Map<string, string>();
  const look = async (path: string) => {
    const response = await shop.request(path, { headers: shop.admin.bearer });
    if (response.status < 300) answers.set(path, await response.text());
  };
  const prepare = createRequestPreparer(shop, shop.admin);
  for (const { method, path } of operators) {
    if (method === 'GET' && !path.includes('/keys/')) await look((await prepare(method, path)).path);
  }
  await look(`/v1/users/${shop.id}/sessions`);
  const { results } = await env.DB.prepare('SELECT position FROM events').all<{ position: number }>();
  for (const { position } of results) {
    await look(`/v1/operations/events/${position}`);
    await look(`/v1/operations/dead-letters/${position}-emails`);
  }
  await look('/v1/operations/events?limit=100');
  expect([...answers.keys()].filter((path) => path.includes('dead-letters/')).length).toBeGreaterThan(0);
  for (const [path, text] of answers)
    for (const [what, typed] of Object.entries(shop.texts))
      expect([path, what, text.includes(typed)]).toEqual([path, what, false]);

  const documents = await env.DB.prepare('SELECT view, key FROM projections').all<{ view: string; key: string }>();
  const inspected: ProjectedKey[] = [];
  for (const { view: shape, key } of documents.results) {
    const view = views.find(({ id }) => id === shape);
    if (!view) continue;
    const found = await read<ProjectedKey>(shop, `projections/${view.name}/keys/${key}`);
    inspected.push(found);
    answers.set(`${view.name}/${key}`, JSON.stringify(found));
  }
  // The looks did see documents, also those with what checks tokens and keys.
  const shown = JSON.stringify(inspected);
  expect(shown).toContain(shop.texts.note);
  expect(new Set(inspected.map(({ view }) => view)).size).toBeGreaterThan(8);
  for (const [path, text] of answers)
    for (const secret of [...hashes, ...shop.secrets]) expect([path, text.includes(secret)]).toEqual([path, false]);
});

test('the look into a document reads by indexes, whatever waits (product 8.13)', async () => {
  const plan = async (query: SQL) => {
    const { sql, params } = new SQLiteSyncDialect().sqlToQuery(query);
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    return results.map(({ detail }) => detail);
  };
  for (const view of views) {
    for (const query of Object.values(inspectionQueries(view, 'a'))) {
      const steps = (await plan(query)).filter((step) => /\b(?:deliveries|p|events|shapes)\b/.test(step));
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps)
        expect(step).toMatch(/^SEARCH|^SCAN shapes|^SCAN deliveries USING .*INDEX deliveries_(?:due|dead)/);
    }
  }
});
