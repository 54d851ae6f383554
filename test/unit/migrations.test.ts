import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';

const folder = resolve(import.meta.dirname, '../../migrations');
const scripts = readdirSync(folder)
  .filter((name) => name.endsWith('.sql'))
  .sort()
  .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('--> statement-breakpoint', ''));

/** Inserts orders as the Worker from before this migration does. */
function insertOrders(db: DatabaseSync, ids: readonly string[]): void {
  const statement = db.prepare(
    `INSERT INTO orders (id, version, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
     VALUES (?, 1, NULL, 'placed', '[]', 0, 0, 'EUR', '', '')`,
  );
  for (const id of ids) statement.run(id);
}

test('the migration numbers the orders that exist by their ids, and later ones of an older Worker (product 4.5)', () => {
  const first = scripts.findIndex((script) => script.includes('`orders_number`'));
  expect(first).toBeGreaterThan(0);
  const db = new DatabaseSync(':memory:');
  for (const script of scripts.slice(0, first)) db.exec(script);
  insertOrders(db, ['b', 'a', 'c']);
  for (const script of scripts.slice(first)) db.exec(script);
  insertOrders(db, ['0', 'd']);
  expect(db.prepare('SELECT id, number FROM orders ORDER BY number').all()).toEqual(
    ['a', 'b', 'c', '0', 'd'].map((id, index) => ({ id, number: 1001 + index })),
  );
  expect(() => db.exec("UPDATE orders SET number = 1001 WHERE id = 'd'")).toThrow(/UNIQUE/);
  db.close();
});

/** The rows of each table with their columns' names, without the columns that a migration has added. */
function dump(db: DatabaseSync, columns?: ReadonlyMap<string, readonly string[]>) {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  return new Map(
    tables.map(({ name }) => {
      const known =
        columns?.get(`${name}`) ??
        db
          .prepare(`PRAGMA table_info(${name})`)
          .all()
          .map((one) => `${one.name}`);
      const list = known.map((column) => `"${column}"`).join(', ');
      return [`${name}`, { columns: known, rows: db.prepare(`SELECT ${list} FROM ${name} ORDER BY ${list}`).all() }];
    }),
  );
}

test('the migration to tables without rowids keeps every row, reference and trigger, and what a deletion removes', () => {
  const first = scripts.findIndex((script) => script.includes('WITHOUT ROWID;') && script.includes('__new_users'));
  const db = new DatabaseSync(':memory:');
  for (const script of scripts.slice(0, first)) db.exec(script);
  db.exec(`
    INSERT INTO users VALUES ('u', 1, 'N', 'u@e', 'h', 'customer', 1, 1, '', '', NULL), ('v', 1, 'N', 'v@e', 'h', 'admin', 1, 1, '', '', NULL);
    INSERT INTO settings VALUES ('u', 1, 'en', 'UTC', 1, '');
    INSERT INTO sessions VALUES ('s', 'u', 1, '', NULL, 'n');
    INSERT INTO refresh_tokens VALUES ('h1', 's', 5, NULL), ('h2', 's', 6, 1);
    INSERT INTO password_resets VALUES ('r', 'u', 't', 5, NULL);
    INSERT INTO limited_emails VALUES ('a', 'm', 5);
    INSERT INTO items VALUES ('i', 1, 'u', 'T', NULL, 1, 'EUR', 2, 0, 1, '', '', NULL);
    INSERT INTO orders (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
      VALUES ('o', 1, 1001, 'u', 'placed', '[]', 1, 1, 'EUR', '', '');
    INSERT INTO shipping_addresses VALUES ('o', 'u', '{}');
    INSERT INTO tickets VALUES ('t', 1, 'u', 'o', 'S', 'M', 'P', NULL, 0, 'open', '', '', NULL, NULL, 1, '');
    INSERT INTO ticket_notes VALUES ('n2', 't', 'v', 'B', ''), ('n1', 't', 'v', 'A', '');
    INSERT INTO ticket_days VALUES ('2026-01-01', 1, 0);
    INSERT INTO idempotency_keys VALUES ('k', 'h', '{}', 1, 5);
    INSERT INTO events VALUES (3, 'e', 's', 'x', 1, 'T', 1, '{}', '{"commandId":"c","requestId":"r"}', '');
    INSERT INTO deliveries (position, subscription, available_at, status) VALUES (3, 'emails', 1, 'dead'), (3, 'analytics', 1, 'pending');
    INSERT INTO projections VALUES ('user@1', 'u', 3, 'claim', 9, NULL, NULL);
    INSERT INTO rebuilds (id, version, view, status, target, checkpoint, steps, keys, attempts, started_at, progressed_at)
      VALUES ('b', 1, 'user', 'running', 3, 1, 1, 1, 0, '', 0);
    INSERT INTO shapes VALUES ('user@1', 'user', '[]', 0, 0);`);
  const triggers = () =>
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
      .all()
      .map(({ name }) => `${name}`);
  const before = dump(db);
  const triggersBefore = triggers();
  const [script = '', ...later] = scripts.slice(first);
  db.exec(`PRAGMA foreign_keys = on; BEGIN; ${script}; COMMIT`);
  const after = dump(db, new Map([...before].map(([name, { columns }]) => [name, columns])));
  expect(after.get('erasures')?.rows).toEqual([]);
  after.delete('erasures');
  expect(after).toEqual(before);
  const added = ['erasures_deleted', 'orders_released', 'users_deleted_rows'];
  expect(triggers().filter((name) => !added.includes(name))).toEqual(triggersBefore);
  expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE instr(sql, '__new_')").all()).toEqual([]);
  // The statements of a Worker from before the migration find rows by their rowid.
  db.exec("DELETE FROM deliveries WHERE rowid IN (SELECT rowid FROM deliveries WHERE subscription = 'analytics')");
  db.exec('DELETE FROM refresh_tokens WHERE rowid IN (SELECT rowid FROM refresh_tokens WHERE expires_at <= 5)');
  const left = (table: string) => db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count;
  expect([left('deliveries'), left('refresh_tokens')]).toEqual([1, 1]);
  for (const more of later) db.exec(more);
  db.exec("DELETE FROM users WHERE id = 'u'");
  const owned = [
    'settings',
    'sessions',
    'refresh_tokens',
    'password_resets',
    'shipping_addresses',
    'tickets',
    'ticket_notes',
  ];
  expect(owned.filter((table) => left(table) !== 0)).toEqual([]);
  expect(db.prepare('SELECT customer_id FROM orders').all()).toEqual([{ customer_id: null }]);
  db.close();
});

test('addresses become a part of their orders, and version 0.7.0 still finds, adds and deletes them', () => {
  const first = scripts.findIndex((script) => script.includes('`shipping_address`'));
  expect(first).toBeGreaterThan(0);
  const db = new DatabaseSync(':memory:');
  for (const script of scripts.slice(0, first)) db.exec(script);
  const addOrder = (id: string, number: number) =>
    db.exec(`
      INSERT INTO orders (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
      VALUES ('${id}', 1, ${number}, 'u', 'placed', '[]', 1, 1, 'EUR', '', '')`);
  addOrder('a', 1);
  addOrder('b', 2);
  db.exec(`INSERT INTO shipping_addresses (order_id, customer_id, address) VALUES ('a', 'u', '{"city":"A"}')`);
  const before = db.prepare('SELECT * FROM list_counts').all();
  for (const script of scripts.slice(first)) db.exec(script);
  expect(db.prepare('SELECT * FROM list_counts').all()).toEqual(before);
  const addresses = () => db.prepare('SELECT order_id, customer_id, address FROM shipping_addresses ORDER BY 1').all();
  const columns = () => db.prepare('SELECT id, shipping_address AS address FROM orders ORDER BY id').all();
  expect(addresses()).toEqual([{ order_id: 'a', customer_id: 'u', address: '{"city":"A"}' }]);
  addOrder('c', 3);
  db.prepare('insert into "shipping_addresses" ("order_id", "customer_id", "address") values (?, ?, ?)').run(
    'c',
    'u',
    '{}',
  );
  expect(columns()).toEqual([
    { id: 'a', address: '{"city":"A"}' },
    { id: 'b', address: null },
    { id: 'c', address: '{}' },
  ]);
  // Version 0.7.0 takes the customer from the order first.
  db.exec("UPDATE orders SET customer_id = NULL WHERE id = 'a'");
  const remove = `delete from "shipping_addresses"
    where "shipping_addresses"."order_id" IN (SELECT value FROM json_each(?))`;
  db.prepare(remove).run('["a"]');
  expect(addresses()).toEqual([{ order_id: 'c', customer_id: 'u', address: '{}' }]);
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${remove}`).all('[]');
  expect(plan.map(({ detail }) => detail)).toContain('SEARCH orders USING PRIMARY KEY (id=?)');
  db.close();
});

test('the migration to sales figures counts the orders that exist as it counts later ones (product 8.7)', () => {
  const first = scripts.findIndex((script) => script.includes('`sales_days`'));
  expect(first).toBeGreaterThan(0);
  const tables = [true, false].map((isBefore) => {
    const db = new DatabaseSync(':memory:');
    const migrate = (list: readonly string[]) => list.map((script) => db.exec(script));
    migrate(isBefore ? scripts.slice(0, first) : scripts);
    const insert = db.prepare(
      `INSERT INTO orders (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
       VALUES (?, 1, ?, NULL, 'placed', ?, 1, ?, ?, ?, '')`,
    );
    const setStatus = db.prepare('UPDATE orders SET status = ? WHERE id = ?');
    for (let order = 0; order < 60; order++) {
      const line = { itemId: `item-${order % 4}`, title: `Title ${order % 7}`, quantity: 1 + (order % 3) };
      const date = `2026-03-${String(1 + Math.floor(order / 2)).padStart(2, '0')}T10:00:00.000Z`;
      insert.run(`o${order}`, order, JSON.stringify([line]), 100 + order, order % 5 ? 'EUR' : 'USD', date);
      setStatus.run(order % 6 ? 'shipped' : 'cancelled', `o${order}`);
    }
    if (isBefore) migrate(scripts.slice(first));
    const all = ['sales_days', 'item_sales'].map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
    db.close();
    return all;
  });
  expect(tables[0]).toEqual(tables[1]);
  expect(tables[0]?.map((rows) => rows.length)).toEqual([42, 60]);
});
