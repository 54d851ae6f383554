import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openSession, runBatch } from '../../src/platform/d1';
import { defineInsert, prepareOnce } from '../../src/platform/prepared';
import { bindCopy } from '../simulation/d1-binding';
import { Copy } from '../simulation/sqlite';

const copy = Copy.open();
const open = () => openSession(bindCopy(copy), 'first-primary').db;

const parcels = sqliteTable('parcels', {
  id: text().primaryKey(),
  isOpen: integer('is_open', { mode: 'boolean' }),
  content: text({ mode: 'json' }),
  weight: integer(),
});
const insertParcel = defineInsert(parcels);

beforeAll(async () => {
  await open().run('CREATE TABLE parcels (id TEXT PRIMARY KEY, is_open INTEGER, content TEXT, weight INTEGER)');
});
afterAll(() => copy.close());

test('a row is inserted as drizzle itself would encode it, also one without values', async () => {
  const rows = [
    { id: 'a', isOpen: true, content: { pieces: [1, 2] }, weight: 7 },
    { id: 'b', isOpen: false, content: 'null', weight: 0 },
    { id: 'c', isOpen: null, content: null, weight: null },
  ];
  const db = open();
  await runBatch(
    db,
    rows.map((row) => insertParcel(db, row)),
  );
  expect(await db.select().from(parcels).orderBy(parcels.id)).toEqual(rows);
  const stored = await db.all("SELECT is_open, content, weight FROM parcels WHERE id = 'c'");
  expect(stored).toEqual([{ is_open: null, content: null, weight: null }]);
});

test('the text of a statement is made at its first use, and once', () => {
  let built = 0;
  const prepared = prepareOnce((db: Database) => {
    built++;
    return db.select().from(parcels);
  });
  expect(built).toBe(0);
  expect(prepared().getQuery().sql).toBe(prepared().getQuery().sql);
  expect(built).toBe(1);
});
