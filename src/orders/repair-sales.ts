import { type SQL, sql } from 'drizzle-orm';
import { type Database, openSession, removeInSlices } from '../platform/d1';
import { limits } from '../platform/limits';

const dayMs = 86_400_000;
/** How far the time of an order's id may be from the time of its command, which is taken a little earlier. */
const idSlackMs = 3_600_000;
/** The rows of so many days are kept; the dashboard shows those of 30. */
const keptDays = 40;
/** The largest number that is exact in JSON, at which the triggers stop too. */
const most = Number.MAX_SAFE_INTEGER;

/** What one run has done. */
export interface SalesRepair {
  /** How many days the run compared. */
  days: number;
  /** The figures that were wrong, and are right now. */
  repaired: { date: string; of: string }[];
  /** The days that failed. */
  failures: { date: string; error: unknown }[];
}

/** The first id (UUIDv7, RFC 9562) of a millisecond. */
function firstIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}

/**
 * The orders of a day. There is no index by the time, but the ids begin with it: those of the day, and of an hour before and
 * after it, are read.
 */
function isOfDay(id: SQL, date: string): SQL {
  const begin = Date.parse(date);
  return sql`${id} >= ${firstIdAt(begin - idSlackMs)} AND ${id} < ${firstIdAt(begin + dayMs + idSlackMs)}`;
}

/** The figures of a day as its orders say, where the kept ones differ. A kept row without an order becomes zero. */
const differing = (date: string) => ({
  sales: sql`
    SELECT date, currency, sum(orders) AS orders, CAST(min(total(revenue), ${most}) AS INTEGER) AS revenue FROM (
      SELECT substr(created_at, 1, 10) AS date, currency, status <> 'cancelled' AS orders,
        iif(status <> 'cancelled', amount, 0) AS revenue
      FROM orders WHERE ${isOfDay(sql`id`, date)} AND substr(created_at, 1, 10) = ${date}
      UNION ALL SELECT date, currency, 0, 0 FROM sales_days WHERE date = ${date})
    GROUP BY currency
    EXCEPT SELECT date, currency, orders, revenue FROM sales_days WHERE date = ${date}`,
  items: sql`
    SELECT date, item_id, title, pieces FROM (
      SELECT date, item_id, title, max(number), sum(pieces) AS pieces FROM (
        SELECT date, item_id, title, number, iif(status <> 'cancelled', pieces, 0) AS pieces
        FROM order_lines WHERE ${isOfDay(sql`order_id`, date)} AND date = ${date}
        UNION ALL SELECT date, item_id, title, -1, 0 FROM item_sales WHERE date = ${date})
      GROUP BY item_id)
    EXCEPT SELECT date, item_id, title, pieces FROM item_sales WHERE date = ${date}`,
});

/** Counts and corrects in one statement each, so that no command can change an order between the two. */
async function correct(db: Database, date: string): Promise<string[]> {
  const { items, sales } = differing(date);
  const days = await db.all<{ of: string }>(sql`
    INSERT INTO sales_days (date, currency, orders, revenue) SELECT * FROM (${sales}) WHERE true
    ON CONFLICT (date, currency) DO UPDATE SET orders = excluded.orders, revenue = excluded.revenue
    RETURNING currency AS "of"`);
  const pieces = await db.all<{ of: string }>(sql`
    INSERT INTO item_sales (date, item_id, title, pieces) SELECT * FROM (${items}) WHERE true
    ON CONFLICT (date, item_id) DO UPDATE SET title = excluded.title, pieces = excluded.pieces
    RETURNING item_id AS "of"`);
  return [...days, ...pieces].map((row) => row.of);
}

/** Whether the nearest replica sees a difference; only then the primary counts, whose commands would wait. */
async function differs(database: D1Database, date: string): Promise<boolean> {
  const { db } = openSession(database, 'first-unconstrained');
  const { items, sales } = differing(date);
  const [found] = await db.all<{ differs: number }>(sql`
    SELECT EXISTS (SELECT 1 FROM (${sales})) OR EXISTS (SELECT 1 FROM (${items})) AS differs`);
  return found?.differs === 1;
}

/**
 * Takes the next days of the walk: as many as have `limits.rowsCountedPerRun` orders together, and one at least. The progress
 * is saved before they are compared, so none can hold up the walk.
 */
async function takeDays(db: Database, now: number): Promise<string[]> {
  const dates = Array.from({ length: limits.salesDaysCompared }, (_, index) =>
    new Date(now - (limits.salesDaysCompared - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
  await db.run(sql`INSERT INTO reconciliation (id, view, key) VALUES (1, '', '') ON CONFLICT (id) DO NOTHING`);
  const [progress] = await db.all<{ after: string }>(
    sql`SELECT coalesce(sales_after, '') AS after FROM reconciliation`,
  );
  const kept = await db.all<{ date: string; orders: number }>(sql`
    SELECT date, sum(orders) AS orders FROM sales_days WHERE date >= ${dates[0]} GROUP BY date`);
  const left = dates.filter((date) => date > (progress?.after ?? ''));
  let orders = 0;
  const taken = left.filter((date, index) => {
    orders += kept.find((day) => day.date === date)?.orders ?? 0;
    return index === 0 || orders <= limits.rowsCountedPerRun;
  });
  const isLast = taken.length === left.length;
  await db.run(sql`UPDATE reconciliation SET sales_after = ${isLast ? null : taken.at(-1)}`);
  return taken;
}

/** Compares the kept sales figures of the next days with their orders, and corrects those that differ. */
export async function repairSales(database: D1Database, now: number): Promise<SalesRepair> {
  const { db } = openSession(database, 'first-primary');
  const dates = await takeDays(db, now);
  const done: SalesRepair = { days: dates.length, repaired: [], failures: [] };
  for (const date of dates) {
    try {
      if (!(await differs(database, date))) continue;
      done.repaired.push(...(await correct(db, date)).map((of) => ({ date, of })));
    } catch (error) {
      done.failures.push({ date, error });
    }
  }
  return done;
}

/** Deletes the pieces of days that the dashboard does not show any more. The sums by day and currency stay. */
export async function removeOldSales(database: D1Database) {
  const { db } = openSession(database, 'first-primary');
  const itemSales = await removeInSlices(async () => {
    const removed = await db.all(sql`
      DELETE FROM item_sales WHERE (date, item_id) IN (
        SELECT date, item_id FROM item_sales
        WHERE date < (SELECT date(max(date), ${`-${keptDays} days`}) FROM sales_days WHERE orders > 0)
        ORDER BY date, item_id LIMIT ${limits.expiredRowsPerSlice})
      RETURNING 1`);
    return removed.length;
  });
  return { itemSales };
}
