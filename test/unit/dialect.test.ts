import { and, count, desc, eq, exists, inArray, isNull, notInArray, type Query, StringChunk, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { alias, customType, integer, sqliteTable, sqliteView, text, unionAll } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import { items } from '../../src/items/tables';
import type { Database } from '../../src/platform/d1';
import { createDatabase } from '../../src/platform/dialect';

const client = { prepare: () => undefined } as unknown as D1Database;
const other = alias(items, 'other');
/** Its values are written by an expression. */
const lowerCase = customType<{ data: string }>({ dataType: () => 'text', toDriver: (value) => sql`lower(${value})` });
const coded = sqliteTable('cod"ed', {
  id: text().primaryKey(),
  lines: text('order_lines', { mode: 'json' }),
  at: integer({ mode: 'timestamp_ms' }),
  isNew: integer('is_new', { mode: 'boolean' }),
  name: lowerCase(),
});
const values = { id: '1', lines: [{ "it's": null }], at: new Date(5), isNew: true, name: 'A' };
const view = sqliteView('activeItems').as((builder) =>
  builder.select({ id: items.id, both: sql`${items.id} || ${items.title}`.as('both') }).from(items),
);
const ids = Array.from({ length: 99 }, (_, index) => `${index}`);

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
  'an insert with encoded values, which replaces a row': (db) =>
    db
      .insert(coded)
      .values([values, { ...values, id: '2', lines: null, at: null }])
      .onConflictDoUpdate({
        target: coded.id,
        set: { lines: sql`excluded.${sql.identifier('order_lines')}`, isNew: false, name: 'B' },
        setWhere: sql`${coded.at} < excluded.at`,
      })
      .returning({ id: coded.id }),
  'an insert of what a select finds': (db) =>
    db.insert(coded).select(db.select().from(coded).where(eq(coded.isNew, true))),
  'a removal': (db) =>
    db
      .delete(coded)
      .where(and(eq(coded.lines, values.lines), eq(coded.at, values.at), eq(coded.name, 'C')))
      .returning(),
  lists: (db) =>
    db
      .selectDistinct()
      .from(items)
      .where(and(inArray(items.id, ids), notInArray(items.isActive, [true]), inArray(items.title, []))),
  groups: (db) =>
    db
      .select({ owner: items.ownerId, many: count(), most: sql`max(${items.amount})`.mapWith(Number) })
      .from(items)
      .leftJoin(coded, eq(coded.id, items.id))
      .groupBy(items.ownerId)
      .having(({ many }) => sql`${many} > ${1}`)
      .orderBy(desc(items.ownerId), sql.raw('2 DESC')),
  'a select with a name': (db) => {
    const named = db.$with('na"med').as(db.select({ id: items.id, one: sql`${1}`.as('one') }).from(items));
    const counted = db.$count(items, eq(items.stock, 3));
    return db
      .with(named)
      .select({ id: named.id, one: named.one, counted })
      .from(named)
      .innerJoin(other, eq(other.id, named.id));
  },
  'a union': (db) => {
    const [first, second] = [db.select({ id: items.id }).from(items), db.select({ id: coded.id }).from(coded)];
    return unionAll(first.where(exists(second)), second)
      .orderBy(({ id }) => id)
      .limit(2)
      .offset(1);
  },
  'a view': (db) => db.select({ a: view.id, b: view.both }).from(view).innerJoin(items, eq(items.id, view.id)),
  'an update': (db) =>
    db
      .update(items)
      .set({ isActive: sql.placeholder('active') as never, takenDownBy: null })
      .where(eq(items.id, '1')),
  'a text': (db) =>
    db.all(sql`SELECT ${1}, ${null}, ${undefined}, ${['a', 2]} FROM ${items} -- ${sql.identifier('a"b')}`),
  'parts in parts': (db) => {
    const parts = [
      sql`a = ${1}`,
      sql.empty(),
      sql`${sql`b = ${'x'}`.if(true)}${sql`c`.if(false)}`,
      sql.raw('d'),
      sql`${new StringChunk(['e', ' = f'])}`,
    ];
    const select = db.select({ id: items.id }).from(items).where(eq(items.stock, 4));
    return db.all(
      sql`SELECT ${sql.join(parts, sql` OR `)}, ${select}, ${select.as('named')}, ${sql`${5}`.as('five')}, ${[sql`${6}`, [7]]}`.append(
        sql` FROM ${items} JOIN ${other} ON ${other.id} = ${items.ownerId} OR ${view} = ${view.id}`,
      ),
    );
  },
  'values of each type': (db) =>
    db.all(
      sql`${true}, ${1n}, ${new Date(1)}, ${new Uint8Array(2)}, ${{ a: 1 }}, ${''}, ${Number.NaN},
        ${sql.param(values.lines, coded.lines)}, ${sql.param(null, coded.lines)}, ${sql.param(undefined)},
        ${sql.param('D', coded.name)}, ${sql.param(sql`${8}`)}`,
    ),
  'values in the text': (db) =>
    db.all(
      sql`SELECT ${sql`${"it's"}, ${5}`.inlineParams()}, ${sql.placeholder('later')}${sql.param(sql`${9}`.inlineParams())}`,
    ),
};

test.each(Object.entries(statements))('the dialect writes %s as drizzle does', (_, make) => {
  const [expected, found] = [drizzle(client), createDatabase(client)].map((db) => {
    const statement = make(db as Database);
    const { sql: text, params } = ('toSQL' in statement ? statement.toSQL() : statement.getQuery()) as Query;
    return { text, params };
  });
  expect(found).toStrictEqual(expected);
});
