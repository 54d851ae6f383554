import { env } from 'cloudflare:workers';
import type { Size } from './figures';

/** What is filled already. */
export interface Filled extends Size {
  items: number;
  tickets: number;
}

export const nothing: Filled = { events: 0, orders: 0, accounts: 0, items: 0, tickets: 0 };

const rowsAtOnce = 50_000;
const tables = ['users', 'items', 'orders', 'tickets'];

/** An id like a UUIDv7 that is older than every id of the commands, so that ids have the order of the numbers. */
const id = (kind: string, n = 'i') => `printf('01900000-${kind}-7000-8000-%012d', ${n})`;
const at = `'2026-01-01T00:00:00.000Z'`;

async function insert(from: number, to: number, sql: string): Promise<void> {
  for (let start = from; start < to; start += rowsAtOnce) {
    const end = Math.min(to, start + rowsAtOnce);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT ${start + 1} UNION ALL SELECT i + 1 FROM n WHERE i < ${end}) ${sql}`,
    ).run();
  }
}

/** The triggers that keep counts, which would take most of the time. The counts are made afterwards. */
async function withoutTriggers(work: () => Promise<void>): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (${tables.map((name) => `'${name}'`).join()})`,
  ).all<{ name: string; sql: string }>();
  for (const { name } of results) await env.DB.prepare(`DROP TRIGGER ${name}`).run();
  await work();
  const count = (list: string, table: string, filter: string, owned?: { owner: string; filter: string }) =>
    env.DB.prepare(
      `INSERT INTO list_counts (list, owner, counts)
       SELECT '${list}', owner, json_group_object(filter, number) FROM (
         SELECT owner, filter, count(*) AS number FROM (
           SELECT '' AS owner, ${filter} AS filter FROM ${table}
           ${owned ? `UNION ALL SELECT ${owned.owner}, ${owned.filter} FROM ${table} WHERE ${owned.owner} IS NOT NULL` : ''})
         GROUP BY owner, filter ORDER BY owner, filter) GROUP BY owner`,
    ).run();
  await env.DB.prepare('DELETE FROM list_counts').run();
  const activity = "iif(is_active, 'true', 'false')";
  await count('users', 'users', "'all'");
  await count('items', 'items', activity, { owner: 'owner_id', filter: activity });
  await count('orders', 'orders', 'status', { owner: 'customer_id', filter: 'status' });
  const note = "status || ':' || iif(has_note, 'true', 'false')";
  await count('tickets', 'tickets', note, { owner: 'customer_id', filter: 'status' });
  for (const { sql } of results) await env.DB.prepare(sql).run();
}

/**
 * Adds rows until the database has a size.
 * @param owner the customer who gets a fifth of the new orders
 * @param itemId an item that the new orders contain
 */
export async function fill(before: Filled, size: Size, owner: string, itemId: string): Promise<Filled> {
  const after: Filled = { ...size, items: size.accounts / 10, tickets: size.orders / 10 };
  const ofOwner = (kind: string) => `iif(i % 5 = 0, '${owner}', ${id(kind, `1 + i % ${size.accounts}`)})`;
  const address = `'{"name":"Ada Lovelace","line1":"12 Long Street","postalCode":"12345","city":"Berlin","country":"DE"}'`;
  const lines = `'[{"itemId":"${itemId}","title":"Rope","quantity":1,"price":{"amount":500,"currency":"EUR"},"tookStock":true}]'`;
  const metadata = `json_object('commandId', ${id('cccc')}, 'actorId', ${id('aaaa', `1 + i % ${size.accounts}`)}, 'requestId', ${id('dddd')})`;
  await withoutTriggers(async () => {
    await insert(
      before.accounts,
      after.accounts,
      `INSERT INTO users
      SELECT ${id('aaaa')}, 1, 'Ada Lovelace', 'ada' || i || '@example.com', 'scrypt', 'customer', 1, 1, ${at}, ${at}, NULL FROM n`,
    );
    await insert(
      before.accounts,
      after.accounts,
      `INSERT INTO settings
      SELECT ${id('aaaa')}, 1, 'en', 'UTC', 1, ${at} FROM n`,
    );
    await insert(
      before.accounts,
      after.accounts,
      `INSERT INTO sessions (id, user_id, version, created_at)
      SELECT ${id('5555')}, ${id('aaaa')}, 1, ${at} FROM n`,
    );
    await insert(
      before.accounts,
      after.accounts,
      `INSERT INTO refresh_tokens (hash, session_id, expires_at)
      SELECT 'token' || i, ${id('5555')}, 4000000000000 FROM n`,
    );
    await insert(
      before.items,
      after.items,
      `INSERT INTO items
      (id, version, owner_id, title, amount, currency, stock, stock_version, is_active, created_at, updated_at)
      SELECT ${id('1111')}, 1, '${owner}', 'Rope ' || i, 500, 'EUR', 9, 0, 1, ${at}, ${at} FROM n`,
    );
    await insert(
      before.orders,
      after.orders,
      `INSERT INTO orders
      (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at, shipping_address)
      SELECT ${id('0000')}, 1, ${before.orders * 1_000} + i, ${ofOwner('aaaa')}, iif(i % 50 = 0, 'placed', 'delivered'), ${lines}, 1, 500, 'EUR', ${at}, ${at}, ${address} FROM n`,
    );
    await insert(
      before.tickets,
      after.tickets,
      `INSERT INTO tickets
      (id, version, customer_id, subject, message, preview, has_note, status, created_at, updated_at, triage_seconds, triaged_at,
       customer_version, customer_updated_at)
      SELECT ${id('7777')}, 1, ${ofOwner('aaaa')}, 'Late', 'Where is it?', 'Where is it?', 0,
        iif(i % 10 = 0, 'open', 'closed'), ${at}, ${at}, iif(i % 10 = 0, NULL, 60), iif(i % 10 = 0, NULL, ${at}), 1, ${at} FROM n`,
    );
  });
  await insert(
    before.events,
    after.events,
    `INSERT INTO events
    (id, stream_type, stream_id, version, type, schema_version, data, metadata, occurred_at)
    SELECT ${id('eeee')}, 'order', ${id('9999')}, 1, 'OrderDelivered', 1,
      json_object('customerId', ${id('aaaa', `1 + i % ${size.accounts}`)}, 'items', json('[]')), ${metadata}, ${at} FROM n`,
  );
  await insert(
    before.events,
    after.events,
    `INSERT OR IGNORE INTO projections (view, key, position, claimed_until)
    SELECT 'order@2', ${id('0000')}, 1, 0 FROM n WHERE i <= ${after.orders}`,
  );
  return after;
}
