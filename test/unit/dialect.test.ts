import { and, eq, isNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { alias } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import { items } from '../../src/items/tables';
import type { Database } from '../../src/platform/d1';
import { createDatabase } from '../../src/platform/dialect';

const client = { prepare: () => undefined } as unknown as D1Database;
const other = alias(items, 'other');

/** Every kind of part that a statement can have. */
const statements: Readonly<Record<string, (db: Database) => { getQuery(): unknown } | { toSQL(): unknown }>> = {
  'a select with encoded values': (db) =>
    db
      .select({ id: items.id, doubled: sql<number>`${items.stock} * ${2}`.as('doubled') })
      .from(items)
      .where(and(eq(items.isActive, true), isNull(items.takenDownBy)))
      .limit(3),
  'another name of a table': (db) => db.select({ id: other.id }).from(items).innerJoin(other, eq(other.id, items.id)),
  'a select in another one': (db) => {
    const inner = db.select({ id: items.id }).from(items).where(eq(items.stock, 0)).as('inner');
    return db.select({ id: inner.id }).from(inner);
  },
  'an insert with placeholders and an expression': (db) =>
    db.insert(items).values({
      id: sql.placeholder('id'),
      isActive: sql.placeholder('active'),
      stock: sql`${1} + ${items.stock}`,
      takenDownBy: null,
    } as never),
  'an update': (db) =>
    db
      .update(items)
      .set({ isActive: sql.placeholder('active') as never, takenDownBy: null })
      .where(eq(items.id, '1')),
  'a text': (db) =>
    db.all(sql`SELECT ${1}, ${null}, ${undefined}, ${['a', 2]} FROM ${items} -- ${sql.identifier('a"b')}`),
  'values in the text': (db) => db.all(sql`SELECT ${sql`${"it's"}, ${5}`.inlineParams()}, ${sql.placeholder('later')}`),
};

test.each(Object.entries(statements))('the dialect writes %s as drizzle does', (_, make) => {
  const [expected, found] = [drizzle(client), createDatabase(client)].map((db) => {
    const statement = make(db as Database);
    return 'toSQL' in statement ? statement.toSQL() : statement.getQuery();
  });
  const { sql: text, params } = expected as { sql: string; params: unknown[] };
  expect(found).toMatchObject({ sql: text, params });
});
