import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, test } from 'vitest';
import { rowsWithoutEvents } from '../../src/domains';
import { limits } from '../../src/platform/limits';
import { runSchedule } from '../../src/schedule';
import { createEraser } from '../../src/users/eraser';
import { excuseDocuments } from '../support/document-watch';
import { address, password } from '../support/factories';
import { createFaultyD1 } from '../support/faulty-d1';
import { createRequestPreparer } from '../support/prepared-requests';
import { operationsOf } from '../support/routes';
import { createSystem } from '../support/system';
import { tablesOf } from '../support/tables';
import { createTyping } from '../support/typed-texts';

// An account does everything that the API offers and is deleted. After that nothing that belongs to it may be left
// anywhere, apart from these places. A new domain is searched without an entry here: its tables are those of the database,
// and its requests those of the OpenAPI document.

/** What may be left, by the place, each with its reason. */
const mayRemain: Readonly<Record<string, string>> = {
  'id in events.stream_id': 'The log is history: its events have ids and facts, and no text that a person wrote.',
  'id in events.data': 'The log is history: its events have ids and facts, and no text that a person wrote.',
  'id in events.metadata': 'The audit trail says which account sent a command.',
  'id in projections.key': 'The row of a removed document says which event removed it.',
  'id in a key of KV': 'A list of the account stays under its key, and is empty.',
  'typed in orders.lines': 'An order keeps the titles of its items, because it is a record of what was sold.',
  'typed in KV order': 'An order keeps the titles of its items, because it is a record of what was sold.',
  'typed in item_sales.title': 'The titles of what was sold stay for 40 days, for the best-selling items.',
  'typed in KV sales-dashboard': 'The titles of what was sold stay for 40 days, for the best-selling items.',
  'id in queue projections': 'A message is an event, so that its consumer can remove the documents of the account.',
  'id in queue emails': 'A message is an event.',
};

/** Where each text is found: as `table.column`, as `KV view`, as `a key of KV`, or as `queue name`. */
async function search(system: ReturnType<typeof createSystem>, texts: Readonly<Record<string, readonly string[]>>) {
  const found = new Set<string>();
  const look = (place: string, value: unknown) => {
    const content = typeof value === 'string' ? value : JSON.stringify(value);
    for (const [kind, list] of Object.entries(texts)) {
      if (list.some((text) => content?.includes(text))) found.add(`${kind} in ${place}`);
    }
  };
  for (const { name } of await tablesOf(env.DB)) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${name}`).all<Record<string, unknown>>();
    for (const row of results) for (const [column, value] of Object.entries(row)) look(`${name}.${column}`, value);
  }
  const { keys } = await env.VIEWS.list();
  for (const { name } of keys) {
    look('a key of KV', name);
    look(`KV ${name.split('@')[0]}`, await env.VIEWS.get(name));
  }
  for (const [queue, messages] of Object.entries(system.sent)) look(`queue ${queue}`, messages);
  return [...found].sort();
}

test('an account that did everything is deleted, and leaves nothing behind but what is declared (product 1.5, 9.5)', async () => {
  const system = createSystem();
  const { changeEmail, clock, deliverQueues, mailedToken, register, request, send, services } = system;
  const [account] = [await register({ role: 'admin' }), await register({ role: 'admin' })];
  const { id, email, bearer, refreshToken } = account;
  const typed: string[] = [];
  const type = await createTyping(system, () => {
    typed.push(`Typed${typed.length}by${id.slice(-6)}`);
    return typed.at(-1) ?? '';
  });

  /** Sends a body with as many typed texts as the API takes: an optional password, for example, must be the right one. */
  const sendTyped: typeof send = async (method, path, body, headers) => {
    for (const also of ['optional fields', 'no other'] as const) {
      const before = typed.length;
      const response = await send(method, path, type(method, path, body, also), headers);
      if (response.status < 400) return response;
      typed.length = before;
    }
    return send(method, path, body, headers);
  };
  const isOfOthers = (path: string) => /^\/v1\/(?:users|auth|service-accounts)\b/.test(path);
  const prepare = createRequestPreparer({ ...system, send: sendTyped }, account);
  for (const { method, path } of await operationsOf(system)) {
    // What an admin writes about another account belongs to that account.
    if (!['POST', 'PATCH'].includes(method) || isOfOthers(path)) continue;
    const { sendWith } = await prepare(method, path);
    const { status } = await sendWith({ ...bearer, 'Idempotency-Key': crypto.randomUUID() });
    expect([method, path, status < 300]).toEqual([method, path, true]);
  }
  await sendTyped('PATCH', `/v1/users/${id}`, { name: 'Changed' }, bearer);
  await send('PATCH', `/v1/users/${id}/settings`, { locale: 'de' }, bearer);
  // The account has had an address, has another one, and a third one waits to be confirmed. Each contains the first one.
  const currentEmail = `current-${email}`;
  expect((await changeEmail(account, currentEmail)).status).toBe(204);
  const pending = await send(
    'PATCH',
    `/v1/users/${id}`,
    { email: `pending-${email}`, currentPassword: password },
    bearer,
  );
  expect(pending.status).toBe(200);
  await send('POST', '/v1/auth/password-reset', { email: currentEmail });
  clock.advance(2000);
  await deliverQueues();
  const resetToken = mailedToken(currentEmail, 'reset-password');
  const accessToken = bearer.Authorization.replace('Bearer ', '');
  const secrets = [password, refreshToken, accessToken, resetToken];
  expect(secrets.every((secret) => secret.length > 8)).toBe(true);
  const texts = { id: [id], email: [email], typed, secret: secrets };

  const before = await search(system, texts);
  expect(typed.length).toBeGreaterThan(10);
  expect(before.filter((place) => place.startsWith('secret'))).toEqual([]);
  // Otherwise the search would prove nothing.
  expect(before).toEqual(
    expect.arrayContaining([
      'email in users.email',
      'email in email_confirmations.email',
      'email in email_confirmations.previous_email',
      'typed in users.name',
    ]),
  );
  expect(before.filter((place) => /^typed in (?!KV|users)/.test(place)).length).toBeGreaterThan(5);
  expect(before.filter((place) => place.startsWith('typed in KV')).length).toBeGreaterThan(3);

  const removed = await request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer });
  expect(removed.status).toBe(204);
  for (let round = 0; round < 3; round++) {
    // A key that was written within the last second is projected later; the relay sends its event again.
    clock.advance(120_000);
    await services().relay();
    const left = { ...system, sent: structuredClone(system.sent) };
    expect((await search(left, texts)).filter((place) => /^(?!id).* in queue/.test(place))).toEqual([]);
    await deliverQueues();
  }
  const undeclared = (await search(system, texts)).filter((place) => !(place in mayRemain));
  const remedy =
    'A handler in onAccountDeleted of src/domains.ts must delete or anonymise these rows, and a view must have a trigger ' +
    'for its event. What is meant to stay needs a reason in mayRemain.';
  expect(undeclared, remedy).toEqual([]);
  const personal = [email, ...typed, ...secrets].filter((text) => system.logs.some((line) => line.includes(text)));
  expect(personal, 'The log has texts of a person.').toEqual([]);
});

describe('the erasure of an account that owns more than one commit takes (product 1.10)', () => {
  const real = { ...limits };
  afterEach(() => {
    Object.assign(limits, real);
  });

  /** A seller and customer with three items, five orders, of which one is shipped, and three tickets with a note each. */
  async function given(bindings: Partial<Env> = {}) {
    const system = createSystem(bindings);
    const { register, send } = system;
    const [shop, agent] = [await register(), await register({ role: 'admin' })];
    const account = await register();
    const create = async (path: string, body: object, by = account.bearer) => {
      const response = await send('POST', path, body, by);
      expect([path, response.status]).toEqual([path, 201]);
      return (await response.json<{ id: string }>()).id;
    };
    const price = { amount: 500, currency: 'EUR' };
    const bought = await create('/v1/items', { title: 'Rope', price, stock: 50 }, shop.bearer);
    const items = [];
    for (const title of ['One', 'Two', 'Three']) items.push(await create('/v1/items', { title, price, stock: 9 }));
    const orders = [];
    for (const quantity of [1, 2, 3, 4, 5]) {
      orders.push(await create('/v1/orders', { items: [{ itemId: bought, quantity }], shippingAddress: address }));
    }
    await send('POST', `/v1/orders/${orders[0]}/ship`, {}, agent.bearer);
    for (const subject of ['a', 'b', 'c']) {
      const ticket = await create('/v1/tickets', { subject, message: 'Where is it?' });
      await send('POST', `/v1/tickets/${ticket}/notes`, { note: 'A note' }, agent.bearer);
    }
    await system.signIn(account.email);
    limits.rowsPerErasureStep = 2;
    limits.sessionsPerErasureStep = 2;
    limits.notesPerErasureStep = 2;
    const remove = () => system.request(`/v1/users/${account.id}`, { method: 'DELETE', headers: account.bearer });
    return { ...system, account, agent, bought, items, orders, remove, shop };
  }

  const left = async (id: string) => {
    const owned = {
      items: 'owner_id',
      orders: 'customer_id',
      tickets: 'customer_id',
    };
    const counts: Record<string, number> = {};
    for (const [table, owner] of Object.entries({ ...owned, sessions: 'user_id', erasures: 'user_id', users: 'id' })) {
      const row = await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${owner} = ?`)
        .bind(id)
        .first<{ n: number }>();
      counts[table] = row?.n ?? 0;
    }
    // An order without a customer has no address.
    const kept = env.DB.prepare(
      'SELECT count(*) AS n FROM orders WHERE customer_id IS NULL AND shipping_address IS NOT NULL',
    );
    counts.addresses = (await kept.first<number>('n')) ?? 0;
    return counts;
  };
  const nothing = { items: 0, orders: 0, addresses: 0, tickets: 0, sessions: 0, erasures: 0, users: 0 };

  /** Delivers the steps one after the other. Returns how many there were. */
  async function finish({ deliver, rebuildMessages }: Awaited<ReturnType<typeof given>>, afterStep = async () => {}) {
    let steps = 0;
    for (; rebuildMessages.length > 0; steps++) {
      if (steps > 50) throw new Error('The erasure has not ended after 50 steps.');
      await deliver('rebuilds', rebuildMessages.splice(0, 1));
      await afterStep();
    }
    return steps;
  }

  test('the account is gone in the commit that answers, and what it owned follows in bounded commits', async () => {
    const system = await given();
    const { account, agent, bought, items, orders, remove, request, send } = system;
    expect((await remove()).status).toBe(204);
    expect(await left(account.id)).toMatchObject({ users: 0, erasures: 1, orders: 5 });
    const signIn = new URLSearchParams({ grant_type: 'password', username: account.email, password });
    expect((await request('/v1/auth/token', { method: 'POST', body: signIn })).status).toBe(400);
    expect((await request('/v1/users/me', { headers: account.bearer })).status).toBe(401);
    const refresh = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: account.refreshToken });
    expect((await request('/v1/auth/token', { method: 'POST', body: refresh })).status).toBe(400);
    const order = { items: [{ itemId: items[2], quantity: 1 }], shippingAddress: address };
    const refused = await send('POST', '/v1/orders', order, agent.bearer);
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([422, 'orders.item-unavailable']);
    const shown = await (await request('/v1/operations/erasures', { headers: agent.bearer })).json<{
      data: { rows: number; rowsLeft: number }[];
    }>();
    expect(shown.data).toMatchObject([{ userId: account.id, steps: 1, attempts: 0, lastError: null }]);
    const metrics = await (await request('/v1/operations/metrics', { headers: agent.bearer })).text();
    expect(metrics).toContain('\nfrontdesk_running_erasures 1\n');

    const [{ rows, rowsLeft } = { rows: 0, rowsLeft: 0 }] = shown.data;
    const totals: unknown[] = [];
    const progress: number[][] = [];
    await finish(system, async () => {
      const { results } = await env.DB.prepare('SELECT id FROM orders WHERE customer_id = ?').bind(account.id).all();
      const counted = await env.DB.prepare(
        "SELECT sum(value) AS n FROM list_counts, json_each(counts) WHERE list = 'orders' AND owner = ?",
      )
        .bind(account.id)
        .first<{ n: number | null }>();
      totals.push([results.length, counted?.n ?? 0]);
      const answer = await request('/v1/operations/erasures', { headers: agent.bearer });
      const [now] = (await answer.json<typeof shown>()).data;
      if (now) progress.push([now.rows, now.rowsLeft]);
    });
    // What is left becomes less by what a step erases, so their sum is a total that stays.
    expect(progress.map(([erased = 0, rest = 0]) => erased + rest)).toEqual(progress.map(() => rows + rowsLeft));
    expect(progress.at(-1)?.[1]).toBeLessThan(rowsLeft);
    expect(rowsLeft).toBeGreaterThan(5);
    for (const [rows, counted] of totals as number[][]) expect(counted).toBe(rows);
    expect(await left(account.id)).toEqual(nothing);
    expect(
      await env.DB.prepare('SELECT count(*) AS n FROM list_counts WHERE owner = ?').bind(account.id).first(),
    ).toEqual({ n: 0 });
    const read = async (id = '') => (await request(`/v1/orders/${id}`, { headers: agent.bearer })).json<object>();
    await system.deliverQueues();
    system.clock.advance(120_000);
    await system.services().relay();
    await system.deliverQueues();
    expect(await read(orders[0])).toMatchObject({ customerId: null, shippingAddress: null, status: 'shipped' });
    expect(await read(orders[4])).toMatchObject({ customerId: null, shippingAddress: null, status: 'cancelled' });
    const stock = await env.DB.prepare('SELECT stock FROM items WHERE id = ?').bind(bought).first();
    expect(stock).toEqual({ stock: 49 });
    const { results } = await env.DB.prepare(
      "SELECT count(*) AS n FROM events WHERE metadata ->> 'requestId' LIKE ? GROUP BY metadata ->> 'requestId'",
    )
      .bind(`erasure:${account.id}:%`)
      .all<{ n: number }>();
    expect(results.length).toBeGreaterThan(3);
    // Two orders that were placed, with two events each.
    expect(Math.max(...results.map(({ n }) => n))).toBeLessThanOrEqual(4);
  });

  test('a step that is delivered twice, also at the same time, is carried out once', async () => {
    const system = await given();
    const { account, deliver, rebuildMessages, remove } = system;
    await remove();
    while (rebuildMessages.length > 0) {
      const steps = rebuildMessages.splice(0);
      const before = (await left(account.id)).orders ?? 0;
      await Promise.all([...steps, ...steps].map((step) => deliver('rebuilds', [step])));
      await deliver('rebuilds', steps);
      expect(before - ((await left(account.id)).orders ?? 0)).toBeLessThanOrEqual(4);
    }
    expect(await left(account.id)).toEqual(nothing);
    const stock = await env.DB.prepare('SELECT stock FROM items WHERE id = ?').bind(system.bought).first();
    expect(stock).toEqual({ stock: 49 });
  });

  test('a step that began before a restore of the database deletes nothing of the account, which is there again', async () => {
    const { account, clock, remove } = await given();
    await remove();
    const before = await left(account.id);
    // The restore happens after the step has seen its erasure, and takes the erasure away.
    const database = createFaultyD1(env.DB, async ({ sql, send }) => {
      if (sql.includes('DELETE')) await env.DB.exec('DELETE FROM erasures');
      return send();
    });
    const eraser = createEraser({ database, clock, rowsWithoutEvents });
    expect(await eraser.run({ userId: account.id, step: 1 }, async () => undefined)).toBeUndefined();
    expect(before.sessions).toBeGreaterThan(0);
    expect(await left(account.id)).toEqual({ ...before, erasures: 0 });
  });

  test('a step that commits after a restore of the database takes nothing of the account, which is there again', async () => {
    let isRestored = false;
    const DB = createFaultyD1(env.DB, async ({ isCommit, send }) => {
      if (isCommit && isRestored) await env.DB.exec('DELETE FROM erasures');
      return send();
    });
    const system = await given({ DB });
    const { account, deliver, rebuildMessages, remove } = system;
    limits.sessionsPerErasureStep = limits.notesPerErasureStep = 1_000;
    await remove();
    const { items, orders } = await left(account.id);
    isRestored = true;
    await deliver('rebuilds', rebuildMessages.splice(0, 1));
    expect(await left(account.id)).toMatchObject({ items, orders, erasures: 0 });
    expect(rebuildMessages).toEqual([]);
  });

  test('a session that is signed out while a large account is deleted is revoked before, or not at all', async () => {
    let meanwhile = async () => {};
    const DB = createFaultyD1(env.DB, async ({ isCommit, send }) => {
      const run = meanwhile;
      if (isCommit) meanwhile = async () => {};
      if (isCommit) await run();
      return send();
    });
    const system = await given({ DB });
    const { account, remove, send } = system;
    meanwhile = async () => void (await remove());
    const signedOut = await send('POST', '/v1/auth/logout', { refreshToken: account.refreshToken });
    expect([signedOut.status, (await left(account.id)).users]).toEqual([204, 0]);
    const revoked = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE type = 'SessionRevoked'").first();
    expect(revoked).toEqual({ n: 0 });
    await finish(system);
    expect(await left(account.id)).toEqual(nothing);
  });

  test.each([
    ['sessions', 3, 1],
    ['refresh tokens', 1, 3],
  ])(
    'an account with many %s loses them in slices, and its erasure has made progress with each',
    async (_, sessions, tokens) => {
      const system = createSystem();
      const { clock, deliver, rebuildMessages, register, request } = system;
      const { bearer, id } = await register();
      const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n';
      await env.DB.batch([
        env.DB.prepare('DELETE FROM sessions'),
        env.DB.prepare(
          `INSERT INTO sessions (id, user_id, version, created_at) SELECT 's' || i, ?2, 1, '' FROM (${numbers.replace('?', '?1')})`,
        ).bind(sessions, id),
        env.DB.prepare(
          `INSERT INTO refresh_tokens (hash, session_id, expires_at)
         SELECT s.id || n.i, s.id, 9e15 FROM sessions AS s CROSS JOIN (${numbers}) AS n`,
        ).bind(tokens),
      ]);
      limits.sessionsPerErasureStep = 2;
      expect((await request(`/v1/users/${id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);
      expect(await left(id)).toMatchObject({ users: 0, erasures: 1, sessions });
      clock.advance(100_000);
      const before = clock.now();
      await deliver('rebuilds', rebuildMessages.splice(0, 1));
      const progress = await env.DB.prepare('SELECT progressed_at AS at FROM erasures').first<{ at: number }>();
      expect(progress?.at).toBeGreaterThanOrEqual(before);
      while (rebuildMessages.length > 0) await deliver('rebuilds', rebuildMessages.splice(0, 1));
      expect(await left(id)).toEqual(nothing);
    },
  );

  test('few notes stay with their tickets until these are deleted', async () => {
    const system = await given();
    const { account, remove } = system;
    limits.notesPerErasureStep = 3;
    await remove();
    const seen = new Set<number>();
    await finish(system, async () => {
      const { results } = await env.DB.prepare(
        `SELECT (SELECT count(*) FROM ticket_notes AS n WHERE n.ticket_id = t.id) AS notes
         FROM tickets AS t WHERE customer_id = ?`,
      )
        .bind(account.id)
        .all<{ notes: number }>();
      for (const { notes } of results) seen.add(notes);
    });
    expect([...seen]).toEqual([1]);
  });

  test.each([0, 2])(
    'a last step with %i rows ends no erasure that a restore has brought back to an earlier step',
    async (rows) => {
      const { account, clock, remove } = await given();
      await remove();
      await env.DB.exec('UPDATE erasures SET steps = 7; DELETE FROM sessions; DELETE FROM ticket_notes');
      const eraser = createEraser({ database: env.DB, clock, rowsWithoutEvents });
      const erase = (restored: number) =>
        eraser.run({ userId: account.id, step: 7 }, async () => {
          await env.DB.exec(`UPDATE erasures SET steps = ${restored}`);
          return { rows, isFinished: true };
        });
      await erase(1);
      expect((await left(account.id)).erasures).toBe(1);
      await env.DB.exec('UPDATE erasures SET steps = 7');
      await erase(rows > 0 ? 8 : 7);
      expect((await left(account.id)).erasures).toBe(0);
    },
  );

  test('erasures that fail for ever do not keep the schedule from the others', async () => {
    const { clock } = createSystem();
    const insert = `INSERT INTO erasures (user_id, steps, rows, attempts, started_at, progressed_at)`;
    await env.DB.exec(
      `${insert} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
       SELECT 'failing ' || i, 1, 0, 7, '', i FROM n`.replaceAll('\n', ' '),
    );
    await env.DB.exec(`${insert} VALUES ('lost', 4, 0, 0, '', 1000)`);
    const found = await createEraser({ database: env.DB, clock, rowsWithoutEvents }).findStalled();
    await env.DB.exec('DELETE FROM erasures');
    expect(found[0]).toEqual({ userId: 'lost', step: 4 });
  });

  test('the schedule sends a step again whose message is lost, and readiness says when there is no progress', async () => {
    const system = await given();
    const { account, clock, deliver, rebuildMessages, remove, request, services } = system;
    await remove();
    await deliver('rebuilds', rebuildMessages.splice(0, 1));
    const [lost] = rebuildMessages.splice(0);
    await runSchedule(services(), '* * * * *');
    expect(rebuildMessages).toEqual([]);
    clock.advance(61_000);
    await runSchedule(services(), '* * * * *');
    expect(rebuildMessages).toEqual([lost]);
    clock.advance(600_000);
    const ready = await (await request('/v1/health/ready')).json<{ issues: { code: string }[] }>();
    expect(ready.issues.map(({ code }) => code)).toContain('erasures-stalled');
    await finish(system);
    expect(await left(account.id)).toEqual(nothing);
  });

  test('a step that fails keeps its error, changes nothing, and succeeds when its cause is gone', async () => {
    const system = await given();
    const { account, agent, clock, deliver, orders, rebuildMessages, remove, request, services } = system;
    await remove();
    const lines = await env.DB.prepare('SELECT lines FROM orders WHERE id = ?')
      .bind(orders[1])
      .first<{ lines: string }>();
    excuseDocuments('The lines of an order are broken and corrected without an event.');
    await env.DB.prepare("UPDATE orders SET lines = 'broken' WHERE id = ?").bind(orders[1]).run();
    for (let tries = 0; tries < 8 && rebuildMessages.length > 0; tries++)
      await deliver('rebuilds', rebuildMessages.splice(0, 1));
    const list = await (await request('/v1/operations/erasures', { headers: agent.bearer })).json<{ data: object[] }>();
    expect(list.data).toMatchObject([{ userId: account.id, attempts: 1, lastError: expect.stringContaining('Error') }]);
    expect((await left(account.id)).tickets).toBe(3);
    await env.DB.prepare('UPDATE orders SET lines = ? WHERE id = ?').bind(lines?.lines, orders[1]).run();
    clock.advance(61_000);
    await runSchedule(services(), '* * * * *');
    await deliver('rebuilds', rebuildMessages.splice(0, 1));
    const corrected = await request('/v1/operations/erasures', { headers: agent.bearer });
    expect((await corrected.json<{ data: object[] }>()).data).toMatchObject([{ attempts: 0, lastError: null }]);
    await finish(system);
    expect(await left(account.id)).toEqual(nothing);
  });

  test('what an agent does to the rest of an account meanwhile fails no step, and is erased as well', async () => {
    const system = await given();
    const { account, agent, orders, remove, request, send } = system;
    await remove();
    expect((await send('POST', `/v1/orders/${orders[4]}/ship`, {}, agent.bearer)).status).toBe(200);
    const { results } = await env.DB.prepare('SELECT id FROM tickets WHERE customer_id = ?')
      .bind(account.id)
      .all<{ id: string }>();
    for (const { id } of results) {
      expect((await send('POST', `/v1/tickets/${id}/notes`, { note: 'About a person' }, agent.bearer)).status).toBe(
        200,
      );
    }
    const opened = { subject: 's', message: 'm', customerId: account.id };
    expect((await send('POST', '/v1/tickets', opened, agent.bearer)).status).toBe(422);
    await finish(system);
    expect(await left(account.id)).toEqual(nothing);
    const notes = await env.DB.prepare("SELECT count(*) AS n FROM ticket_notes WHERE note = 'About a person'").first();
    expect(notes).toEqual({ n: 0 });
    await system.deliverQueues();
    const kept = await (await request(`/v1/orders/${orders[4]}`, { headers: agent.bearer })).json<object>();
    expect(kept).toMatchObject({ status: 'shipped', customerId: null });
  });

  test('the deletion by a version without erasures takes everything at once', async () => {
    const { account } = await given();
    excuseDocuments('The account is deleted without an event.');
    await env.DB.prepare('DELETE FROM items WHERE owner_id = ?').bind(account.id).run();
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(account.id).run();
    expect(await left(account.id)).toEqual(nothing);
  });
});
