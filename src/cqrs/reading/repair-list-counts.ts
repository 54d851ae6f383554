import { type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type Database, openSession } from '../../platform/d1';
import { limits } from '../../platform/limits';
import { type CountedList, everybody } from './list-counts';

/** The least time between two counts of all rows of one list, because such a count reads an entry for every row. */
const fullCountEveryMs = 86_400_000;

/** A kept count that was wrong, and is right now. */
export interface RepairedCount {
  list: string;
  /** The account, or {@link everybody}. */
  owner: string;
}

/** What one run has done. */
export interface ListCountRepair {
  /** How many accounts the run took. */
  accounts: number;
  /** The list whose rows were all counted; absent when none was due. */
  countedInFull?: string;
  repaired: RepairedCount[];
  /** The parts that failed; `list` is absent when the accounts could not be taken, or no list could be chosen. */
  failures: { list?: string; error: unknown }[];
}

/** The rows of owners, each with its owner and the filter by which it counts. */
interface CountedRows {
  list: string;
  owners: readonly string[];
  rows: SQL;
}

const allRows = ({ name, table, filter, where }: CountedList): CountedRows => ({
  list: name,
  owners: [everybody],
  rows: sql`SELECT ${everybody} AS owner, ${filter} AS filter FROM ${table}${where && sql` WHERE ${where}`}`,
});

const rowsOf = (owners: readonly string[], { name, table, owned }: CountedList): CountedRows[] =>
  owned
    ? [
        {
          list: name,
          owners,
          rows: sql`SELECT ${owned.owner} AS owner, ${owned.filter} AS filter FROM ${table}
            WHERE ${owned.owner} IN (SELECT value FROM json_each(${JSON.stringify(owners)}))`,
        },
      ]
    : [];

/** The query for the owners whose kept counts differ from their rows, with the counts of the rows. */
function differingCounts({ list, owners, rows }: CountedRows): SQL {
  return sql`
    SELECT ${list} AS list, owner, counts FROM (
      SELECT wanted.value AS owner, coalesce(counted.counts, '{}') AS counts, coalesce(kept.counts, '{}') AS kept
      FROM json_each(${JSON.stringify(owners)}) AS wanted
        LEFT JOIN (
          SELECT owner, json_group_object(filter, number) AS counts FROM (
            SELECT owner, filter, count(*) AS number FROM (${rows}) GROUP BY owner, filter ORDER BY owner, filter)
          GROUP BY owner) AS counted ON counted.owner = wanted.value
        LEFT JOIN list_counts AS kept ON kept.list = ${list} AND kept.owner = wanted.value)
    WHERE counts <> kept`;
}

/** Counts and corrects in one statement, so that no command can change a row between the two. */
function repair(db: Database, rows: CountedRows): Promise<RepairedCount[]> {
  return db.all<RepairedCount>(sql`
    INSERT INTO list_counts (list, owner, counts) SELECT * FROM (${differingCounts(rows)}) WHERE true
    ON CONFLICT (list, owner) DO UPDATE SET counts = excluded.counts RETURNING list, owner`);
}

/**
 * Corrects the counts of all rows of a list. The comparison is one query, so the nearest replica can answer it without a
 * delay for commands; only a difference is counted again on the primary, and corrected there.
 */
async function repairTotals(database: D1Database, db: Database, list: CountedList): Promise<RepairedCount[]> {
  const nearest = openSession(database, 'first-unconstrained').db;
  const differing = await nearest.all(differingCounts(allRows(list)));
  return differing.length === 0 ? [] : repair(db, allRows(list));
}

/** The first accounts that have `limits.rowsCountedPerRun` rows together, and one at least. */
function takeWithinLimit(accounts: readonly { id: string; rows: number }[]): string[] {
  let rows = 0;
  const taken = accounts.filter((account, index) => {
    rows += account.rows;
    return index === 0 || rows <= limits.rowsCountedPerRun;
  });
  return taken.map(({ id }) => id);
}

/** Takes the next accounts of the walk. The progress is saved before they are compared, so none can hold up the walk. */
async function takeAccounts(db: Database, lists: readonly CountedList[], accounts: Accounts): Promise<string[]> {
  const [progress] = await db.all<{ after: string }>(
    sql`SELECT coalesce(counts_after, '') AS after FROM reconciliation`,
  );
  const next = await db.all<{ id: string; rows: number }>(sql`
    SELECT ${accounts.id} AS id, (SELECT coalesce(sum(value), 0) FROM list_counts, json_each(counts)
      WHERE list IN (SELECT value FROM json_each(${JSON.stringify(lists.map(({ name }) => name))}))
        AND owner = ${accounts.id}) AS rows
    FROM ${accounts} WHERE ${accounts.id} > ${progress?.after ?? ''}
    ORDER BY ${accounts.id} LIMIT ${limits.accountsComparedPerRun}`);
  const taken = takeWithinLimit(next);
  const isLast = taken.length === next.length && next.length < limits.accountsComparedPerRun;
  await db.run(sql`UPDATE reconciliation SET counts_after = ${isLast ? null : taken.at(-1)}`);
  return taken;
}

/**
 * Takes the list whose full count is the longest ago, if it is due. The time is saved before the count, so a list that is
 * too large to be counted holds up no other list, and is tried once a day like the others.
 */
async function takeDueList(db: Database, lists: readonly CountedList[], now: number): Promise<CountedList | undefined> {
  const [progress] = await db.all<{ counted: string }>(
    sql`SELECT coalesce(lists_counted, '{}') AS counted FROM reconciliation`,
  );
  // The update below writes this JSON.
  const counted = JSON.parse(progress?.counted ?? '{}') as Record<string, number>;
  const timeOf = ({ name }: CountedList) => counted[name] ?? 0;
  const [first] = lists.toSorted((a, b) => timeOf(a) - timeOf(b));
  if (!first || timeOf(first) > now - fullCountEveryMs) return undefined;
  await db.run(sql`
    UPDATE reconciliation SET lists_counted = json_set(coalesce(lists_counted, '{}'), ${`$.${first.name}`}, ${now})`);
  return first;
}

type Accounts = SQLiteTable & { id: SQLiteColumn };

/**
 * Compares kept counts with the rows, and corrects those that differ. Each run takes the next accounts of a walk, and then
 * one list whose counts of all rows are due. A part that fails stops no other, and is left behind until its next turn.
 */
export async function repairListCounts(
  database: D1Database,
  lists: readonly CountedList[],
  accounts: Accounts,
  now: number,
): Promise<ListCountRepair> {
  const { db } = openSession(database, 'first-primary');
  const done: ListCountRepair = { accounts: 0, repaired: [], failures: [] };
  async function attempt<Result>(run: () => Promise<Result>, list?: string): Promise<Result | undefined> {
    try {
      return await run();
    } catch (error) {
      done.failures.push({ ...(list !== undefined && { list }), error });
      return undefined;
    }
  }
  await db.run(sql`INSERT INTO reconciliation (id, view, key) VALUES (1, '', '') ON CONFLICT (id) DO NOTHING`);

  const owners = (await attempt(() => takeAccounts(db, lists, accounts))) ?? [];
  done.accounts = owners.length;
  for (const rows of lists.flatMap((list) => rowsOf(owners, list))) {
    done.repaired.push(...((await attempt(() => repair(db, rows), rows.list)) ?? []));
  }

  const due = await attempt(() => takeDueList(db, lists, now));
  if (!due) return done;
  done.countedInFull = due.name;
  done.repaired.push(...((await attempt(() => repairTotals(database, db, due), due.name)) ?? []));
  return done;
}
