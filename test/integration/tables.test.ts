import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { tablesOf } from '../support/tables';

// Read from the migrated database, because a file shows what one migration wrote, and not what all of them have left.

test('every table is STRICT, so that no column takes a value of another type', async () => {
  const tables = await tablesOf(env.DB);
  expect(tables.length).toBeGreaterThan(20);
  const loose = tables.filter(({ isStrict }) => !isStrict).map(({ name }) => name);
  expect(loose, 'A migration must end each CREATE TABLE with ") STRICT;"; drizzle-kit does not write it.').toEqual([]);
});
