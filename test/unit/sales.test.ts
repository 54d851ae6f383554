import type { SQLInputValue } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { asRowsOf } from '../../src/cqrs/reading/keyed-query';
import { removeOldSales, repairSales } from '../../src/orders/repair-sales';
import { presentSales, salesKey, salesView } from '../../src/orders/sales';
import { openSession, runBatch } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { Chance } from '../simulation/chance';
import { bindCopy } from '../simulation/d1-binding';
import { Copy, kindOf } from '../simulation/sqlite';

const dayMs = 86_400_000;
const now = Date.parse('2026-03-31T12:00:00.000Z');
const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

interface Line {
  itemId: string;
  title: string;
  quantity: number;
}

/** An order as the test knows it: the source of truth for the counting. */
interface Placed {
  id: string;
  date: string;
  currency: string;
  amount: number;
  lines: readonly Line[];
  isCancelled: boolean;
}

/** The tables after all migrations, with orders that the test writes as the Worker does. */
function given() {
  const copy = Copy.open();
  const query = <Row = Record<string, unknown>>(text: string, ...params: SQLInputValue[]) =>
    copy.batch([{ kind: kindOf(text), params }])[0] as Row[];
  const database = bindCopy(copy);
  const placed: Placed[] = [];

  /** @param idAt the time of the id, which is a little later than that of the command */
  function place(at: number, currency: string, amount: number, lines: readonly Line[], idAt = at): Placed {
    const serial = String(placed.length).padStart(12, '0');
    const hex = idAt.toString(16).padStart(12, '0');
    const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${serial}`;
    const order = { id, date: dateOf(at), currency, amount, lines, isCancelled: false };
    placed.push(order);
    const time = new Date(at).toISOString();
    query(
      `INSERT INTO orders (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
       VALUES (?, 1, ?, NULL, 'placed', ?, ?, ?, ?, ?, ?)`,
      ...[id, 1000 + placed.length, JSON.stringify(lines), lines.length, amount, currency, time, time],
    );
    return order;
  }

  function setStatus(order: Placed, status: string): void {
    order.isCancelled = status === 'cancelled';
    query('UPDATE orders SET status = ? WHERE id = ?', status, order.id);
  }

  async function read() {
    const { db } = openSession(database, 'first-primary');
    const [rows] = await runBatch(db, [salesView.query(db, [salesKey])]);
    const data = salesView.toDocument(asRowsOf(rows), salesKey)?.data;
    if (!data) throw new Error('The dashboard has no document.');
    return data;
  }

  const kept = () => ({
    days: query('SELECT * FROM sales_days ORDER BY date, currency'),
    items: query('SELECT * FROM item_sales ORDER BY date, item_id'),
  });
  return { database, kept, place, placed, query, read, setStatus };
}

/** What the tables must have, counted in the orders one by one. */
function count(placed: readonly Placed[]) {
  const days = Map.groupBy(placed, ({ date, currency }) => `${date} ${currency}`);
  const lines = placed.flatMap(({ date, isCancelled, lines: own }) =>
    own.map((line) => ({ ...line, date, isCancelled })),
  );
  const items = Map.groupBy(lines, ({ date, itemId }) => `${date} ${itemId}`);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const inOrder = <Row>(rows: Map<string, Row>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return {
    days: inOrder(days).map((own) => {
      const valid = own.filter(({ isCancelled }) => !isCancelled);
      const { date, currency } = own[0] as Placed;
      return { date, currency, orders: valid.length, revenue: sum(valid.map(({ amount }) => amount)) };
    }),
    items: inOrder(items).map((own) => {
      const { date, itemId, title } = own.at(-1) as (typeof own)[number];
      const valid = own.filter(({ isCancelled }) => !isCancelled);
      return { date, item_id: itemId, title, pieces: sum(valid.map(({ quantity }) => quantity)) };
    }),
  };
}

/** The dashboard, counted in the orders one by one. */
function countDashboard(placed: readonly Placed[]) {
  const { days } = count(placed);
  const last = days.filter(({ orders }) => orders > 0).at(-1)?.date ?? '';
  const first = dateOf(Date.parse(last) - 29 * dayMs);
  const items = Map.groupBy(
    count(placed).items.filter(({ date, pieces }) => date >= first && pieces > 0),
    ({ item_id }) => item_id,
  );
  return {
    days: days.filter(({ date, orders }) => date >= first && orders > 0),
    bestSellers: [...items]
      .map(([itemId, own]) => ({
        itemId,
        title: own.at(-1)?.title,
        quantity: own.reduce((total, { pieces }) => total + pieces, 0),
      }))
      .sort((a, b) => b.quantity - a.quantity || (a.itemId < b.itemId ? -1 : 1))
      .slice(0, 10),
  };
}

/** Forty-five days of orders, of which some are shipped, delivered and cancelled, in an order that a seed decides. */
function generate(seed: number, shop: ReturnType<typeof given>): void {
  const chance = new Chance(seed);
  const below = (end: number) => chance.between(0, end - 1);
  for (let step = 0; step < 400; step++) {
    const at = now - Math.floor((45 * (400 - step) * dayMs) / 400) + below(3_600_000);
    const items = new Set(Array.from({ length: 1 + below(4) }, () => below(25)));
    const lines = [...items].map((item) => ({
      itemId: `item-${String(item).padStart(2, '0')}`,
      title: `Item ${item}, named ${Math.floor(step / 90)}`,
      quantity: 1 + below(5),
    }));
    shop.place(at, ['CHF', 'EUR', 'EUR', 'USD'][below(4)] ?? 'EUR', below(10_000), lines);
    const order = shop.placed[below(shop.placed.length)];
    if (order && !order.isCancelled)
      shop.setStatus(order, ['shipped', 'delivered', 'cancelled'][below(3)] ?? 'shipped');
  }
}

test('a key of nobody has no figures, because no order would bring them up to date', async () => {
  const shop = given();
  shop.place(now, 'EUR', 100, []);
  const { db } = openSession(shop.database, 'first-primary');
  const [rows] = await runBatch(db, [salesView.query(db, ['ada', salesKey])]);
  expect(salesView.toDocument(asRowsOf(rows), 'ada')).toBeUndefined();
  expect(salesView.toDocument(asRowsOf(rows), salesKey)?.data.days).toHaveLength(1);
});

describe('the kept sales figures (product 8.7)', () => {
  test.each([1, 2, 3])('are equal to counting the orders of a generated history (%i)', async (seed) => {
    const shop = given();
    generate(seed, shop);
    expect(shop.kept()).toEqual(count(shop.placed));
    const { counts, otherCurrencies, ...figures } = await shop.read();
    expect(figures).toEqual(countDashboard(shop.placed));
    expect(otherCurrencies).toBe(0);
    const byStatus = shop.query<{ status: string; count: number }>(
      'SELECT status, count(*) AS count FROM orders GROUP BY status',
    );
    expect(counts).toEqual(Object.fromEntries(byStatus.map((row) => [row.status, row.count])));
  });

  test('take a cancelled order back from the day on which it was placed', async () => {
    const { kept, place, read, setStatus } = given();
    const line = { itemId: 'a', title: 'Teapot', quantity: 2 };
    const order = place(now - 3 * dayMs, 'EUR', 500, [line]);
    place(now, 'EUR', 700, [{ ...line, quantity: 1 }]);
    setStatus(order, 'shipped');
    setStatus(order, 'cancelled');
    expect(kept().days.map(({ date, orders, revenue }) => [date, orders, revenue])).toEqual([
      ['2026-03-28', 0, 0],
      ['2026-03-31', 1, 700],
    ]);
    expect((await read()).bestSellers).toEqual([{ itemId: 'a', title: 'Teapot', quantity: 1 }]);
  });

  test('stop at the largest exact number, so that no sum can refuse an order', () => {
    const { kept, place } = given();
    for (let index = 0; index < 3; index++) place(now, 'EUR', Number.MAX_SAFE_INTEGER - 1, []);
    expect(kept().days).toMatchObject([{ orders: 3, revenue: Number.MAX_SAFE_INTEGER }]);
  });

  test('lose no order whose lines cannot be read, and count its total', () => {
    const { kept, query } = given();
    const insert = `INSERT INTO orders (id, version, status, lines, line_count, amount, currency, created_at, updated_at)
      VALUES (?, 1, 'placed', ?, 1, 5, 'EUR', '2026-03-31T00:00:00.000Z', '')`;
    for (const [index, lines] of ['no JSON', '["text", 5, {"itemId": 5}, {"itemId": "a"}]', '{}'].entries())
      query(insert, `${index}`, lines);
    expect(kept()).toMatchObject({ days: [{ orders: 3, revenue: 15 }], items: [] });
    query("UPDATE orders SET status = 'cancelled'");
    expect(kept()).toMatchObject({ days: [{ orders: 0, revenue: 0 }] });
    query('DELETE FROM orders');
    expect(kept()).toMatchObject({ days: [{ orders: 0, revenue: 0 }] });
  });

  test('lose an order that a person deletes', () => {
    const { kept, place, query } = given();
    place(now, 'EUR', 5, [{ itemId: 'a', title: 'Teapot', quantity: 1 }]);
    query('DELETE FROM orders');
    expect(kept()).toMatchObject({ days: [{ orders: 0, revenue: 0 }], items: [{ pieces: 0 }] });
  });
});

describe('the sales dashboard (product 8.7)', () => {
  test('shows the ten currencies with the most orders, and says how many it leaves out', async () => {
    const { place, read } = given();
    const currencies = Array.from({ length: 13 }, (_, index) => `A${String.fromCharCode(65 + index)}A`);
    for (const [index, currency] of currencies.entries()) {
      for (let order = 0; order <= index; order++) place(now - order * dayMs, currency, 10_000 >> index, []);
    }
    const { days, otherCurrencies } = await read();
    expect(otherCurrencies).toBe(3);
    expect([...new Set(days.map(({ currency }) => currency))].sort()).toEqual(currencies.slice(3));
  });

  test('ranks the best-selling items of each day alone, so that its query is bounded', async () => {
    const { place, read } = given();
    const [spoon, kettle] = [
      { itemId: 'z', title: 'Spoon', quantity: 4 },
      { itemId: 'a', title: 'Kettle', quantity: 9 },
    ];
    for (const day of [0, 1, 2]) {
      const others = Array.from({ length: limits.itemsRankedPerDay - 1 }, (_, index) => ({
        ...{ itemId: `b${day}-${index}`, title: 'Pot', quantity: 5 },
      }));
      place(now - day * dayMs, 'EUR', 1, [spoon, kettle, ...others]);
    }
    // Twelve spoons are more than five pots, but on each day fifty items sell better than spoons.
    const { bestSellers } = await read();
    expect(bestSellers[0]).toEqual({ itemId: 'a', title: 'Kettle', quantity: 27 });
    expect(bestSellers.map(({ quantity }) => quantity).slice(1)).toEqual(Array.from({ length: 9 }, () => 5));
  });

  const figures = {
    counts: { placed: 1, cancelled: 2 },
    days: [
      { date: '2026-03-01', currency: 'EUR', orders: 9, revenue: 9 },
      { date: '2026-03-02', currency: 'EUR', orders: 1, revenue: 100 },
      { date: '2026-03-31', currency: 'EUR', orders: 2, revenue: 201 },
      { date: '2026-03-31', currency: 'CHF', orders: 1, revenue: 50 },
    ],
    otherCurrencies: 0,
    bestSellers: [],
  };

  test('has thirty days with today, and averages of these days alone', () => {
    const shown = presentSales(figures, now);
    expect(shown.days).toHaveLength(30);
    expect([shown.days[0], shown.days[1], shown.days[29]]).toEqual([
      { date: '2026-03-02', sales: [{ currency: 'EUR', orders: 1, revenue: 100 }] },
      { date: '2026-03-03', sales: [] },
      {
        date: '2026-03-31',
        sales: [
          { currency: 'EUR', orders: 2, revenue: 201 },
          { currency: 'CHF', orders: 1, revenue: 50 },
        ],
      },
    ]);
    expect(shown.averages).toEqual([
      { currency: 'CHF', amount: 50 },
      { currency: 'EUR', amount: 100 },
    ]);
    expect(shown.counts).toEqual({ placed: 1, shipped: 0, delivered: 0, cancelled: 2 });
  });

  test('exists for a shop that never had an order', async () => {
    const empty = await given().read();
    expect(empty).toMatchObject({ days: [], bestSellers: [], otherCurrencies: 0 });
    expect(presentSales(undefined, now)).toMatchObject({ averages: [], bestSellers: [], otherCurrencies: 0 });
  });
});

describe('the hourly comparison of the sales figures (product 8.7)', () => {
  const damage = [
    'UPDATE sales_days SET orders = orders + 1',
    'UPDATE sales_days SET revenue = revenue - 1',
    'DELETE FROM sales_days',
    "INSERT INTO sales_days VALUES ('2026-03-31', 'XAF', 5, 5)",
    'UPDATE item_sales SET pieces = pieces + 1',
    "UPDATE item_sales SET title = 'Another'",
    'DELETE FROM item_sales',
    "INSERT INTO item_sales VALUES ('2026-03-31', 'nothing', 'Nothing', 7)",
  ];

  test.each(damage)('corrects what %s does, and nothing else', async (sql) => {
    const shop = given();
    generate(4, shop);
    const { kept } = shop;
    const shown = ({ date }: Record<string, unknown>) => String(date) >= '2026-03-01';
    const isCounted = (row: Record<string, unknown>) => row.currency !== 'XAF' && row.item_id !== 'nothing';
    const before = kept();
    expect(await repairSales(shop.database, now)).toEqual({ days: 31, repaired: [], failures: [] });
    shop.query(sql);
    const { failures, repaired } = await repairSales(shop.database, now);
    expect(failures).toEqual([]);
    expect(repaired.length).toBeGreaterThan(0);
    const after = kept();
    expect(after.days.filter(shown).filter(isCounted)).toEqual(before.days.filter(shown));
    expect(after.items.filter(shown).filter(isCounted)).toEqual(before.items.filter(shown));
    for (const row of [...after.days, ...after.items].filter((one) => !isCounted(one)))
      expect([row.orders, row.revenue, row.pieces].filter((figure) => figure !== undefined)).not.toContain(5);
    expect((await repairSales(shop.database, now)).repaired).toEqual([]);
  });

  test('takes as many days as have the rows of one run, at least one, and goes on where it stopped', async () => {
    const { database, place, query } = given();
    for (const day of [0, 1, 30]) for (let index = 0; index < 3; index++) place(now - day * dayMs, 'EUR', 1, []);
    query('UPDATE sales_days SET orders = 4');
    query("UPDATE sales_days SET orders = 7 WHERE date = '2026-03-30'");
    const usual = limits.rowsCountedPerRun;
    limits.rowsCountedPerRun = 5;
    try {
      const runs = [];
      for (let run = 0; run < 4; run++) runs.push(await repairSales(database, now));
      expect(runs.map(({ days, repaired }) => [days, repaired.map(({ date }) => date)])).toEqual([
        [29, ['2026-03-01']],
        [1, ['2026-03-30']],
        [1, ['2026-03-31']],
        [29, []],
      ]);
    } finally {
      limits.rowsCountedPerRun = usual;
    }
  });

  test('finds an order whose id is of the next day', async () => {
    const { database, kept, place } = given();
    place(Date.parse('2026-03-29T23:59:59.900Z'), 'EUR', 5, [], Date.parse('2026-03-30T00:00:04.000Z'));
    expect((await repairSales(database, now)).repaired).toEqual([]);
    expect(kept().days).toEqual([{ date: '2026-03-29', currency: 'EUR', orders: 1, revenue: 5 }]);
  });

  test('reads the orders of a day by their ids, and no others', () => {
    const { query } = given();
    const plan = query<{ detail: string }>(
      "EXPLAIN QUERY PLAN SELECT item_id FROM order_lines WHERE order_id >= 'a' AND order_id < 'b' AND date = 'c'",
    );
    expect(plan[0]?.detail).toContain('SEARCH orders USING PRIMARY KEY (id>? AND id<?)');
  });
});

test('the pieces of days that nobody sees any more are removed, and no cancellation brings them back (product 8.7)', async () => {
  const { database, kept, place, setStatus } = given();
  const line = { itemId: 'a', title: 'Teapot', quantity: 2 };
  const old = place(now - 41 * dayMs, 'EUR', 500, [line]);
  place(now - 40 * dayMs, 'EUR', 500, [line]);
  place(now, 'EUR', 500, [line]);
  expect(await removeOldSales(database)).toEqual({ itemSales: 1 });
  setStatus(old, 'cancelled');
  expect(kept().items.map(({ date }) => date)).toEqual(['2026-02-19', '2026-03-31']);
  expect(kept().days).toMatchObject([{ orders: 0 }, { orders: 1 }, { orders: 1 }]);
});
