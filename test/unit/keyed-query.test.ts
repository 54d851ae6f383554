import { sql } from 'drizzle-orm';
import { afterAll, expect, test } from 'vitest';
import { asRowsOf, defineKeyedQuery, limitOf, wantedKeys } from '../../src/cqrs/reading/keyed-query';
import { type Database, openSession, runBatch } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { bindCopy } from '../simulation/d1-binding';
import { Copy } from '../simulation/sqlite';

const copy = Copy.open();
const usual = { ...limits };
afterAll(() => {
  copy.close();
  Object.assign(limits, usual);
});
const open = () => openSession(bindCopy(copy), 'first-primary').db;

let built = 0;
const query = defineKeyedQuery((db: Database) => {
  built++;
  const limit = sql<number>`${limitOf('firstPageSize')}`.as('row_limit');
  const json = sql`wanted.value || '}'`.mapWith(JSON.parse).as('json');
  return db.select({ key: sql`wanted.value`.as('key'), limit, json }).from(sql`json_each(${wantedKeys}) AS wanted`);
}, 'key');

test('the text of a query is made once for all sessions, and its keys and limits are those of the moment', async () => {
  for (const firstPageSize of [3, 7]) {
    Object.assign(limits, { firstPageSize });
    const db = open();
    const [result] = await runBatch(db, [query(db, ['{"a":1', '{"b":2'])]);
    expect(asRowsOf(result)('{"b":2')).toEqual([{ key: '{"b":2', limit: firstPageSize, json: { b: 2 } }]);
    expect(asRowsOf(result)('another')).toEqual([]);
  }
  expect(built).toBe(1);
});

test('a row that cannot be decoded fails when the rows of its key are asked for, and no other key', async () => {
  const db = open();
  const [result] = await runBatch(db, [query(db, ['{"a":1', 'no JSON'])]);
  expect(asRowsOf(result)('{"a":1')).toHaveLength(1);
  expect(() => asRowsOf(result)('no JSON')).toThrow(SyntaxError);
});
