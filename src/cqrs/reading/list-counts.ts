import { type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type Database, openSession, runBatch } from '../../platform/d1';
import { limits } from '../../platform/limits';

// How many rows each list has is kept in the table list_counts, so that no read counts rows. Triggers of the database keep
// it, because they see every write: of this version of the Worker, of the one before it, and of a foreign key. A row has the
// counts of one owner by filter as a JSON object, so that a change of a status writes one row and not two.

/** A list whose rows are counted. Its triggers are in the migrations. */
export interface CountedList {
  /** The name in `list_counts`. */
  name: string;
  table: SQLiteTable;
  /** The filter by which a row counts among all rows. */
  filter: SQL;
  /** The owner of a row, and the filter by which the row counts among those of its owner. */
  owned?: { owner: SQLiteColumn; filter: SQL };
}

/** The owner of the counts of all rows. */
export const everybody = '';

/**
 * The expression for the kept number of rows in a list.
 * @param owner the owner whose rows count, or {@link everybody}
 * @param filters the filters whose rows count; without them, all rows count
 */
export function keptCount({ name }: CountedList, owner: string | SQL, filters?: readonly string[]): SQL<number> {
  const isWanted = filters ? sql` AND key IN (SELECT value FROM json_each(${JSON.stringify(filters)}))` : sql``;
  return sql<number>`(SELECT coalesce(sum(value), 0) FROM list_counts, json_each(counts)
    WHERE list = ${name} AND owner = ${owner}${isWanted})`;
}

/** The rows of a table with the owner and the filter by which each counts, for these owners. */
function countedRows({ table, filter, owned }: CountedList, owners: string): SQL {
  if (owners === everyOwner) return sql`SELECT '' AS owner, ${filter} AS filter, 1 AS rows FROM ${table}`;
  if (!owned) return sql`SELECT NULL AS owner, NULL AS filter, 0 AS rows WHERE false`;
  return sql`SELECT ${owned.owner} AS owner, ${owned.filter} AS filter, 1 AS rows FROM ${table}
    WHERE ${owned.owner} IN (SELECT value FROM json_each(${owners}))`;
}

const everyOwner = JSON.stringify([everybody]);

/** The statement that counts the rows of owners, corrects the kept counts that differ, and returns their owners. */
function repairCounts(db: Database, list: CountedList, owners: string) {
  const counted = sql`
    SELECT owner, json_group_object(filter, rows) AS counts FROM (
      SELECT owner, filter, sum(rows) AS rows FROM (${countedRows(list, owners)}) GROUP BY owner, filter ORDER BY owner, filter)
    GROUP BY owner`;
  return db.all<{ owner: string }>(sql`
    INSERT INTO list_counts (list, owner, counts)
    SELECT ${list.name}, wanted.value, coalesce(counted.counts, '{}')
    FROM json_each(${owners}) AS wanted LEFT JOIN (${counted}) AS counted ON counted.owner = wanted.value
    WHERE counted.owner IS NOT NULL
      OR EXISTS (SELECT 1 FROM list_counts WHERE list = ${list.name} AND owner = wanted.value)
    ON CONFLICT (list, owner) DO UPDATE SET counts = excluded.counts WHERE counts <> excluded.counts
    RETURNING owner`);
}

/** A kept count that was wrong, and is right now. */
export interface RepairedCount {
  list: string;
  owner: string;
}

/** The accounts that one run compares: as many as have `limits.rowsCountedPerRun` rows together, and one at least. */
function takeWithinLimit(accounts: readonly { id: string; rows: number }[]): string[] {
  let rows = 0;
  const taken = accounts.filter((account, index) => {
    rows += account.rows;
    return index === 0 || rows <= limits.rowsCountedPerRun;
  });
  return taken.map(({ id }) => id);
}

/**
 * Compares kept counts with the rows, and corrects those that differ. Each run takes the next accounts of a walk; at the
 * start of a walk it also compares the counts of all rows.
 */
export async function compareListCounts(
  database: D1Database,
  lists: readonly CountedList[],
  accounts: SQLiteTable & { id: SQLiteColumn },
): Promise<{ accounts: number; repaired: RepairedCount[] }> {
  const { db } = openSession(database, 'first-primary');
  await db.run(sql`INSERT INTO reconciliation (id, view, key) VALUES (1, '', '') ON CONFLICT (id) DO NOTHING`);
  const [progress] = await db.all<{ after: string }>(
    sql`SELECT coalesce(counts_after, '') AS after FROM reconciliation`,
  );
  const after = progress?.after ?? '';
  const next = await db.all<{ id: string; rows: number }>(sql`
    SELECT ${accounts.id} AS id, (SELECT coalesce(sum(value), 0) FROM list_counts, json_each(counts)
      WHERE list IN (SELECT value FROM json_each(${JSON.stringify(lists.map(({ name }) => name))}))
        AND owner = ${accounts.id}) AS rows
    FROM ${accounts} WHERE ${accounts.id} > ${after} ORDER BY ${accounts.id} LIMIT ${limits.accountsComparedPerRun}`);
  const taken = takeWithinLimit(next);
  const parts = [JSON.stringify(taken), ...(after === '' ? [everyOwner] : [])];
  const compared = parts.flatMap((owners) => lists.map((list) => ({ list, owners })));
  const results = await runBatch(
    db,
    compared.map(({ list, owners }) => repairCounts(db, list, owners)),
  );
  const isLast = taken.length === next.length && next.length < limits.accountsComparedPerRun;
  await db.run(sql`UPDATE reconciliation SET counts_after = ${isLast ? null : taken.at(-1)}`);
  const repaired = compared.flatMap(({ list }, index) =>
    (results[index] ?? []).map(({ owner }) => ({ list: list.name, owner })),
  );
  return { accounts: taken.length, repaired };
}
