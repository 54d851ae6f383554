import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { slicesPerRun } from '../../src/cqrs/reading/reconciler-rounds';
import { watermarkKey } from '../../src/cqrs/reading/watermark';
import { userView } from '../../src/domains';
import type { Projection } from '../../src/operations/schemas';
import { newId } from '../../src/platform/ids';
import { deadlines, limits } from '../../src/platform/limits';
import { settingsView } from '../../src/users/views';
import { deleteDeliveries } from '../support/document-watch';
import { address } from '../support/factories';
import { type Given, given, openTicket, read } from '../support/operations';

interface Progress {
  view: string;
  key: string;
  documents_after: string | null;
}

const original = { ...limits };
const readProgress = () => env.DB.prepare('SELECT * FROM reconciliation').first<Progress>();
/** The keys of KV without the watermark, which is no document. */
const countDocuments = async () => (await env.VIEWS.list()).keys.filter(({ name }) => name !== watermarkKey).length;
const readDocument = (key: string) => env.VIEWS.get<{ asOf: number; data: unknown }>(key, 'json');
const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();
const readRow = (view: string, key: string) =>
  env.DB.prepare('SELECT * FROM projections WHERE view = ? AND key = ?').bind(view, key).first();

/** KV with some methods replaced. */
function replaceKv(methods: Partial<Record<'get' | 'put' | 'delete' | 'list', unknown>>): KVNamespace {
  return new Proxy(env.VIEWS, {
    get: (kv, name) => Reflect.get(methods, name) ?? Reflect.get(kv, name).bind(kv),
  });
}

/** Runs the reconciler until both walks have reached their ends, and returns the sums of its figures. */
async function reconcileAll(system: Given) {
  await run('DELETE FROM reconciliation');
  const sum = { checked: 0, repaired: 0, failed: 0 };
  let [hasReadRows, hasReadKeys] = [false, false];
  for (let slices = 0; !hasReadRows || !hasReadKeys; slices++) {
    if (slices > 200) throw new Error('The reconciler has not reached the end after 200 slices.');
    const result = await system.services().reconcile();
    sum.checked += result.checked;
    sum.repaired += result.repaired;
    sum.failed += result.failed;
    const progress = await readProgress();
    hasReadRows ||= progress?.view === '' && progress.key === '';
    hasReadKeys ||= progress?.documents_after === null;
  }
  return sum;
}

/** Lets time pass until no key counts as written recently. */
const letTimePass = ({ clock }: Given) => clock.advance(130_000);

/** A system whose documents are all correct, and the only one with documents. */
async function givenHealthy(bindings: Partial<Env> = {}) {
  for (const table of ['projections', 'shapes', 'reconciliation']) await run(`DELETE FROM ${table}`);
  for (const { name } of (await env.VIEWS.list()).keys) await env.VIEWS.delete(name);
  const system = await given(bindings);
  letTimePass(system);
  return system;
}

let shared: Promise<Given> | undefined;

/** The system of the tests that leave every document correct. These tests stand first in this file. */
function shareHealthy(): Promise<Given> {
  shared ??= givenHealthy();
  return shared;
}

afterEach(() => void Object.assign(limits, original));

/** Gives the customer a new name, which changes two documents, and delivers nothing. */
async function rename({ customer, send, sent, signIn }: Given) {
  const { bearer } = await signIn(customer.email);
  sent.projections.length = 0;
  await deleteDeliveries();
  const response = await send('PATCH', `/v1/users/${customer.id}`, { name: newId() }, bearer);
  expect(response.status).toBe(200);
}

async function deleteAccount({ request, deliverQueues, clock }: Given, account: { id: string; bearer: HeadersInit }) {
  await request(`/v1/users/${account.id}`, { method: 'DELETE', headers: account.bearer });
  clock.advance(2000);
  await deliverQueues();
}

describe('the reconciler repairs', () => {
  const user = ({ customer }: Given) => userView.kvKey(customer.id);
  async function putUser(system: Given, changes: object) {
    await env.VIEWS.put(user(system), JSON.stringify({ ...(await readDocument(user(system))), ...changes }));
  }

  test.each<[string, (system: Given) => Promise<unknown>]>([
    ['is missing', (system) => env.VIEWS.delete(user(system))],
    ['is not JSON', (system) => env.VIEWS.put(user(system), '{"version":1,')],
    ['is no document', (system) => env.VIEWS.put(user(system), '{"no":"document"}')],
    ['is of another epoch', (system) => putUser(system, { epoch: 'old' })],
    ['has other data under the same position', (system) => putUser(system, { data: { id: system.customer.id } })],
    ['has another version', (system) => putUser(system, { version: 7 })],
    ['has another revision', (system) => putUser(system, { revision: '9.9.9' })],
    ['has an older position', (system) => putUser(system, { asOf: 1 })],
    ['has a position that the log has not reached', (system) => putUser(system, { asOf: 1_000_000 })],
    [
      'is behind the log because its projection is dead',
      async (system) => {
        await rename(system);
        await run("UPDATE deliveries SET status = 'dead' WHERE subscription = 'projections'");
      },
    ],
    [
      'is behind the log because its projection was discarded',
      async (system) => {
        await rename(system);
        await run("DELETE FROM deliveries WHERE subscription = 'projections'");
      },
    ],
    [
      'has lost its row',
      (system) => run('DELETE FROM projections WHERE view = ? AND key = ?', userView.id, system.customer.id),
    ],
  ])('a document that %s (product 7.6)', async (name, damage) => {
    const system = await shareHealthy();
    await damage(system);
    const { repaired, failed } = await reconcileAll(system);
    // A new name also changes the list of users.
    expect({ repaired, failed }).toEqual({ repaired: name.startsWith('is behind') ? 2 : 1, failed: 0 });
    const { data: account } = (await readDocument(user(system))) ?? {};
    const { results } = await env.DB.prepare('SELECT name FROM users WHERE id = ?').bind(system.customer.id).all();
    expect(account).toMatchObject({ id: system.customer.id, ...results[0] });
    letTimePass(system);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
  });

  test('the documents of a shape that missed an event, because no reader takes them (product 7.6)', async () => {
    const system = await shareHealthy();
    await rename(system);
    await deleteDeliveries();
    await run('UPDATE shapes SET missed = (SELECT max(position) FROM events) WHERE view = ?', userView.id);
    const below = 'SELECT count(*) AS n FROM projections JOIN shapes USING (view) WHERE view = ? AND position < missed';
    const count = async () => Number((await env.DB.prepare(below).bind(userView.id).first<{ n: number }>())?.n);
    const before = await count();
    expect(before).toBeGreaterThan(1);
    // The new name changes the list of users, too.
    expect(await reconcileAll(system)).toMatchObject({ repaired: before + 1, failed: 0 });
    expect(await count()).toBe(0);
    letTimePass(system);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
  });

  test.each([
    ['a document', JSON.stringify({ version: 1, asOf: 1, projectedAt: 1, epoch: '1', data: {} })],
    ['a document of another epoch', JSON.stringify({ version: 1, asOf: 1, projectedAt: 1, epoch: 'old', data: {} })],
    ['a value that is not JSON', '{'],
  ])('%s that the write model does not have, with and without a row (product 7.6)', async (_, value) => {
    const system = await shareHealthy();
    const [known, stray] = [newId(), newId()];
    await run('INSERT INTO projections (view, key, position, claimed_until) VALUES (?, ?, 1, 0)', userView.id, known);
    const keys = [userView.kvKey(known), settingsView.kvKey(stray)];
    for (const key of keys) await env.VIEWS.put(key, value);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 2, failed: 0 });
    for (const key of keys) expect(await env.VIEWS.get(key)).toBeNull();
    letTimePass(system);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
  });

  test('the error of a key that the write model does not have any more (product 7.6)', async () => {
    const system = await shareHealthy();
    await run(
      "INSERT INTO projections (view, key, position, claimed_until, error) VALUES (?, 'gone', 1, 0, 'ZodError')",
      userView.id,
    );
    expect(await reconcileAll(system)).toMatchObject({ repaired: 1, failed: 0 });
    expect(await readRow(userView.id, 'gone')).toMatchObject({ error: null });
  });

  test('documents of views that no version knows, and of a registered shape those without a row (product 7.6)', async () => {
    const system = await shareHealthy();
    await run("INSERT INTO shapes (view, name, types, since) VALUES ('user@7', 'user', '[]', 1)");
    const kept = ['user@7:with-row', 'watermark', 'watermark:1', 'user@x:1', 'User@1:1'];
    const removed = ['gone@1:with-row', 'gone@1:without-row', 'gone@1:', 'user@6:a:b\nc', 'user@7:without-row'];
    for (const key of [...kept, ...removed]) await env.VIEWS.put(key, '{}');
    for (const view of ['user@7', 'gone@1']) {
      await run("INSERT INTO projections (view, key, position, claimed_until) VALUES (?, 'with-row', 1, 0)", view);
    }
    expect(await reconcileAll(system)).toMatchObject({ repaired: 5, failed: 0 });
    for (const key of kept) expect([key, await env.VIEWS.get(key)]).toEqual([key, '{}']);
    for (const key of removed) expect([key, await env.VIEWS.get(key)]).toEqual([key, null]);
    expect([await readRow('user@7', 'with-row'), await readRow('gone@1', 'with-row')]).toEqual([
      expect.anything(),
      null,
    ]);
  });
});

describe('the reconciler leaves out', () => {
  test.each<[string, string, number]>([
    ['a key that is claimed', "claimed_by = 'other', claimed_until = ?1 + 1", 0],
    ['a key that is to be rechecked', 'recheck_at = 1', 0],
    ['a key that was written in the last two minutes', 'claimed_until = ?1 - 119000', 0],
    ['no key that was written before', 'claimed_until = ?1 - 121000', 1],
  ])('%s (product 7.6)', async (_, assignment, repaired) => {
    const system = await shareHealthy();
    await env.VIEWS.delete(userView.kvKey(system.customer.id));
    await env.VIEWS.put('gone@1:key', '{}');
    await run("INSERT INTO projections (view, key, position, claimed_until) VALUES ('gone@1', 'key', 1, 0)");
    await run(
      `UPDATE projections SET ${assignment} WHERE ?1 > 0 AND key IN (?2, 'key') AND view IN ('gone@1', ?3)`,
      system.clock.now(),
      system.customer.id,
      userView.id,
    );
    expect(await reconcileAll(system)).toMatchObject({ repaired: 2 * repaired, failed: 0 });
    await run('UPDATE projections SET claimed_by = NULL, claimed_until = 0, recheck_at = NULL');
    expect(await reconcileAll(system)).toMatchObject({ repaired: 2 - 2 * repaired, failed: 0 });
  });

  test('no key whose claim ran out two minutes ago, because nobody else looks for it (product 7.6)', async () => {
    const system = await shareHealthy();
    await env.VIEWS.delete(userView.kvKey(system.customer.id));
    const claim = "UPDATE projections SET claimed_by = 'dead', claimed_until = ? WHERE key = ? AND view = ?";
    await run(claim, system.clock.now() - 119_000, system.customer.id, userView.id);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
    await run(claim, system.clock.now() - 121_000, system.customer.id, userView.id);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 1, failed: 0 });
  });

  test('a document that a pending event touches, because its projection follows (product 7.6)', async () => {
    const system = await givenHealthy();
    await rename(system);
    // An event that cannot be read stands before it.
    await run("UPDATE events SET data = '{}' WHERE type = 'SessionStarted'");
    await run(`INSERT INTO deliveries (position, subscription, available_at)
      SELECT min(position), 'projections', 0 FROM events WHERE type = 'SessionStarted'`);
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
    limits.pendingEventsPerReconcilerRun = 1;
    expect(await reconcileAll(system)).toMatchObject({ repaired: 2, failed: 0 });
  });

  test('a key that KV still lists although its document is deleted (product 7.6)', async () => {
    const late = replaceKv({
      list: async () => ({ keys: [{ name: userView.kvKey('deleted') }, { name: 'gone@1:key' }], list_complete: true }),
    });
    const system = await givenHealthy({ VIEWS: late });
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
    expect(await readRow(userView.id, 'deleted')).toBeNull();
  });
});

describe('the reconciler does', () => {
  test('nothing, and writes nothing, while every document is correct (product 7.6)', async () => {
    const operations: string[] = [];
    const counted = new Proxy(env.VIEWS, {
      get: (kv, name) =>
        Reflect.get(kv, name) instanceof Function
          ? (...parameters: unknown[]) => {
              operations.push(String(name));
              return Reflect.get(kv, name).apply(kv, parameters);
            }
          : Reflect.get(kv, name),
    });
    const system = await givenHealthy({ VIEWS: counted });
    await openTicket(system);
    await deleteAccount(system, system.customer);
    letTimePass(system);
    operations.length = 0;
    const { results } = await env.DB.prepare('SELECT count(*) AS count FROM projections').all<{ count: number }>();
    const keys = await countDocuments();
    expect(await reconcileAll(system)).toEqual({ checked: (results[0]?.count ?? 0) + keys, repaired: 0, failed: 0 });
    // The second lookup is for the account that was deleted: it has rows, and no documents.
    expect(operations.sort()).toEqual(['get', 'get', 'list']);
    expect(system.logs.filter((line) => line.includes('reconciler.failed'))).toEqual([]);
  });
});

describe('what cannot be repaired stops nothing', () => {
  /** An order whose lines in D1 cannot be decoded, and which is behind the log. */
  async function givenBrokenOrder() {
    const system = await givenHealthy();
    const { bearer } = system.customer;
    const item = { title: 'Rope', price: { amount: 100, currency: 'EUR' } };
    const { id: itemId } = await (await system.send('POST', '/v1/items', item, bearer)).json<{ id: string }>();
    const order = { items: [{ itemId, quantity: 1 }], shippingAddress: address };
    const { id } = await (await system.send('POST', '/v1/orders', order, bearer)).json<{ id: string }>();
    system.clock.advance(2000);
    await system.deliverQueues();
    letTimePass(system);
    const { results } = await env.DB.prepare('SELECT lines FROM orders WHERE id = ?').bind(id).all();
    await run("UPDATE orders SET lines = '[{' WHERE id = ?", id);
    const correct = () => run('UPDATE orders SET lines = ? WHERE id = ?', results[0]?.lines, id);
    return { ...system, orderId: id, itemId, correct };
  }

  const failuresOf = ({ logs }: Given) =>
    logs.map((line) => JSON.parse(line)).filter(({ event }) => event === 'reconciler.failed');

  test.each([['with a row'], ['without a row']])(
    'an undecodable row of D1 is reported, its key is listed, and the keys around it are repaired, %s (product 7.6)',
    async (name) => {
      const system = await givenBrokenOrder();
      if (name === 'without a row') await run('DELETE FROM projections WHERE key = ?', system.orderId);
      await env.VIEWS.delete(`item@2:${system.itemId}`);
      await env.VIEWS.delete(userView.kvKey(system.customer.id));
      expect(await reconcileAll(system)).toMatchObject({ repaired: 2, failed: 1 });
      const [failure, ...others] = failuresOf(system);
      expect([failure.view, failure.error, others]).toEqual(['order@3', 'SyntaxError', []]);
      expect(JSON.stringify(failure)).not.toContain(system.orderId);
      const { data } = await read<{ data: Projection[] }>(system, 'projections');
      expect(data.find(({ view }) => view === 'order')).toMatchObject({
        failedKeys: 1,
        failures: [{ key: system.orderId, error: 'SyntaxError' }],
      });
      expect(data.find(({ view }) => view === 'user')).toMatchObject({ failedKeys: 0, failures: [] });
      await system.correct();
      letTimePass(system);
      expect(await reconcileAll(system)).toMatchObject({ repaired: 1, failed: 0 });
      expect(await readRow('order@3', system.orderId)).toMatchObject({ error: null, recheck_at: null });
      letTimePass(system);
      expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 0 });
    },
  );

  test.each([
    ['refuses the put', 'KV PUT failed: 429 Too Many Requests'],
    ['fails unclearly', 'KV PUT failed: Network connection lost.'],
  ])(
    'a document is not reported as repaired when KV %s, and the relay repairs it later (product 7.6)',
    async (_, text) => {
      let isFailing = false;
      const failing = replaceKv({
        put: (key: string, value: string) => (isFailing ? Promise.reject(new Error(text)) : env.VIEWS.put(key, value)),
      });
      const system = await givenHealthy({ VIEWS: failing });
      const key = userView.kvKey(system.customer.id);
      await env.VIEWS.delete(key);
      isFailing = true;
      expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 1 });
      expect(failuresOf(system)).toMatchObject([{ view: userView.id, error: 'Error' }]);
      isFailing = false;
      system.clock.advance(31_000);
      await system.services().relay();
      expect(await readDocument(key)).toMatchObject({ data: { id: system.customer.id } });
    },
  );

  test('a document of an unknown view is not reported as removed when KV fails, and keeps its row', async () => {
    const failing = replaceKv({ delete: () => Promise.reject(new Error('KV DELETE failed: 500')) });
    const system = await givenHealthy({ VIEWS: failing });
    await env.VIEWS.put('gone@1:key', '{}');
    await run("INSERT INTO projections (view, key, position, claimed_until) VALUES ('gone@1', 'key', 1, 0)");
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 1 });
    expect(await readRow('gone@1', 'key')).not.toBeNull();
    expect(failuresOf(system)).toMatchObject([{ view: 'gone@1', error: 'Error' }]);
  });

  test('a document without a row of another version’s shape is removed by the relay after KV refused it', async () => {
    let refusals = 1;
    const refusing = replaceKv({
      delete: (key: string) =>
        refusals-- > 0 ? Promise.reject(new Error('KV DELETE failed: 429 Too Many Requests')) : env.VIEWS.delete(key),
    });
    const system = await givenHealthy({ VIEWS: refusing });
    await run("INSERT INTO shapes (view, name, types, since) VALUES ('user@7', 'user', '[]', 1)");
    await env.VIEWS.put('user@7:key', '{}');
    expect(await reconcileAll(system)).toMatchObject({ repaired: 0, failed: 1 });
    system.clock.advance(2_000);
    await system.services().relay();
    expect([await env.VIEWS.get('user@7:key'), await readRow('user@7', 'key')]).toEqual([null, null]);
  });

  test('a slice that fails by its own fault is reported, and the walk continues behind it', async () => {
    let failures = 1;
    const failing = replaceKv({
      async get(keys: string[], options: { type: 'text' }) {
        if (keys.length > 1 && failures-- > 0) throw new TypeError('This cannot be read.');
        return env.VIEWS.get(keys, options);
      },
    });
    limits.keysPerReconcilerSlice = 3;
    const system = await givenHealthy({ VIEWS: failing });
    failures = 1;
    const first = await system.services().reconcile();
    expect(first).toMatchObject({ repaired: 0, failed: 3 });
    expect(failuresOf(system)).toMatchObject([{ error: 'TypeError', keys: 3 }]);
    expect((await readProgress())?.view).not.toBe('');
  });

  test('a run fails while the platform is away, and the next run takes the same slice', async () => {
    let isAway = false;
    const failing = replaceKv({
      get: (keys: string[], options: { type: 'text' }) =>
        isAway ? Promise.reject(new Error('KV GET failed: 500')) : env.VIEWS.get(keys, options),
    });
    limits.keysPerReconcilerSlice = 3;
    limits.documentsPerReconcilerSlice = 3;
    const system = await givenHealthy({ VIEWS: failing });
    await system.services().reconcile();
    const before = await readProgress();
    isAway = true;
    await expect(system.services().reconcile()).rejects.toThrow('KV GET failed');
    const after = await readProgress();
    expect(after).toMatchObject({ view: before?.view, key: before?.key });
    // The other walk went on.
    expect(after?.documents_after).not.toBe(before?.documents_after);
    expect(failuresOf(system)).toEqual([]);
  });

  test('while D1 is away, a run does not load the keys of a slice one by one', async () => {
    let calls: number | undefined;
    const away = {
      withSession(from: string) {
        const session = env.DB.withSession(from);
        return {
          prepare: session.prepare.bind(session),
          getBookmark: session.getBookmark.bind(session),
          batch(statements: D1PreparedStatement[]) {
            if (calls === undefined) return session.batch(statements);
            calls++;
            throw new Error('D1_ERROR: Network connection lost.');
          },
        };
      },
      // The system opens sessions only.
    } as unknown as D1Database;
    const system = await givenHealthy({ DB: away });
    calls = 0;
    await expect(system.services().reconcile()).rejects.toThrow();
    expect(calls).toBe(1);
  });
});

describe('the walks of the reconciler', () => {
  test('visit every row and every key once, slice by slice, and start again (product 7.6)', async () => {
    limits.keysPerReconcilerSlice = 3;
    limits.documentsPerReconcilerSlice = 4;
    const system = await givenHealthy();
    const { results } = await env.DB.prepare('SELECT count(*) AS count FROM projections').all<{ count: number }>();
    const rows = results[0]?.count ?? 0;
    const keys = await countDocuments();
    expect([rows, keys]).toEqual([7, 7]);
    let checked = 0;
    for (let slice = 0; slice < 2; slice++) checked += (await system.services().reconcile()).checked;
    // The walk through KV has reached its end, and the walk through the rows has one row left.
    expect(checked).toBe(6 + 7);
    // The walk through KV rests until a day has passed since its round began.
    expect((await system.services().reconcile()).checked).toBe(1);
    expect(await readProgress()).toMatchObject({ view: '', key: '', documents_after: null });
    expect((await system.services().reconcile()).checked).toBe(0);
    system.clock.advance(limits.reconcilerRoundMs);
    expect((await system.services().reconcile()).checked).toBe(3 + 4);
    const stray = userView.kvKey(newId());
    await env.VIEWS.put(stray, '{}');
    await env.VIEWS.delete(userView.kvKey(system.customer.id));
    let repaired = 0;
    for (let slice = 0; slice < 5; slice++) repaired += (await system.services().reconcile()).repaired;
    expect(repaired).toBe(2);
    expect(await env.VIEWS.get(stray)).toBeNull();
  });

  test('say when each of them last came to its end (product 7.6)', async () => {
    limits.keysPerReconcilerSlice = 4;
    const system = await givenHealthy();
    const readRounds = async () => {
      const response = await system.request('/v1/operations/projections', { headers: system.admin.bearer });
      return (await response.json<{ reconciliation: unknown }>()).reconciliation;
    };
    const none = { startedAt: null, finishedAt: null };
    expect(await readRounds()).toEqual({ documents: none, keys: none });
    const before = new Date(system.clock.now()).toISOString();
    await system.services().reconcile();
    const startedAt = expect.any(String);
    expect(await readRounds()).toEqual({
      documents: { startedAt, finishedAt: null },
      keys: { startedAt, finishedAt: expect.any(String) },
    });
    await system.services().reconcile();
    const rounds = await readRounds();
    expect(rounds).toMatchObject({ documents: { finishedAt: expect.any(String) } });
    expect(
      JSON.stringify(rounds)
        .match(/20\d\d-[^"]*/g)
        ?.filter((time) => time < before),
    ).toEqual([]);
    // The next round, and a run that rests, do not forget when the last one ended.
    system.clock.advance(limits.reconcilerRoundMs);
    await system.services().reconcile();
    expect(await readProgress()).toMatchObject({ rows_finished_at: expect.any(Number) });
  });

  test('begin a new round at once in a new epoch, as after a restore (product 7.6)', async () => {
    const system = await givenHealthy();
    expect((await system.services().reconcile()).checked).toBe(7 + 7);
    expect((await system.services().reconcile()).checked).toBe(0);
    await run("UPDATE reconciliation SET epoch = 'another'");
    expect((await system.services().reconcile()).checked).toBe(7 + 7);
  });

  test('a round of many keys takes several slices in a run, until keys have to be repaired (product 7.6)', async () => {
    Object.assign(limits, { keysPerReconcilerSlice: 2, reconcilerRoundMs: 2 * 60_000 });
    const system = await givenHealthy();
    // A round of seven keys in five sixths of two minutes: three slices of two in a run.
    expect((await system.services().reconcile()).checked).toBe(6 + 7);
    await run('DELETE FROM reconciliation');
    const { reconcilerMs } = deadlines;
    deadlines.reconcilerMs = 0;
    expect((await system.services().reconcile()).checked).toBe(2 + 7);
    deadlines.reconcilerMs = reconcilerMs;
    await run('DELETE FROM reconciliation');
    for (const { name } of (await env.VIEWS.list()).keys) await env.VIEWS.delete(name);
    const { checked, repaired } = await system.services().reconcile();
    expect([checked, repaired]).toEqual([2, 2]);
    expect(slicesPerRun(120_000)).toBeLessThanOrEqual(limits.reconcilerSlicesPerRun);
    Object.assign(limits, original);
    expect([0, 120_000, 120_001, 1_000_000, 10 ** 8].map(slicesPerRun)).toEqual([1, 1, 2, 9, 10]);
  });

  test('a place in the list that KV has forgotten lets the walk through KV start again (product 7.6)', async () => {
    limits.documentsPerReconcilerSlice = 1;
    const forgetful = replaceKv({
      list: async (options: KVNamespaceListOptions) => {
        if (options.cursor) throw new Error('KV LIST failed: unknown cursor');
        return env.VIEWS.list(options);
      },
    });
    const system = await givenHealthy({ VIEWS: forgetful });
    await system.services().reconcile();
    expect((await readProgress())?.documents_after).not.toBeNull();
    await expect(system.services().reconcile()).rejects.toThrow('unknown cursor');
    expect((await readProgress())?.documents_after).toBeNull();
    await system.services().reconcile();
  });
});
