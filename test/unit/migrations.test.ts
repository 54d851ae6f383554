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
