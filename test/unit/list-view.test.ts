import type { SQLInputValue } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { asRowsOf } from '../../src/cqrs/reading/keyed-query';
import { everybodyKey, type ListView } from '../../src/cqrs/reading/list-view';
import { cursors, newestFirst, type Sort } from '../../src/cqrs/reading/page-request';
import { pickCells, type Slice, toFirstPage, toListRows, toPage } from '../../src/cqrs/reading/pages';
import { itemCells, itemListKey, itemListQuery, itemListView } from '../../src/items/views';
import { orderStatuses } from '../../src/orders/order-status';
import { orderCells, orderListKey, orderListQuery, orderListView } from '../../src/orders/views';
import { type Database, openSession, runBatch, type Statement } from '../../src/platform/d1';
import { limits } from '../../src/platform/limits';
import { staffTicketCells, staffTicketListQuery, staffTicketListView } from '../../src/tickets/staff-views';
import { ticketStatuses } from '../../src/tickets/ticket-status';
import { ticketCells, ticketListQuery, ticketListView } from '../../src/tickets/views';
import { userListQuery, userListView } from '../../src/users/views';
import { bindCopy } from '../simulation/d1-binding';
import { Copy, kindOf } from '../simulation/sqlite';
import { createdAt } from '../support/factories';

// The statements of the lists on SQLite. Two of three rows are Ada's, and most have the first status, so that some cells
// have more rows than a page, others fewer, and Grace has no row in one of them.

const copy = Copy.open();
afterAll(() => copy.close());
const { db } = openSession(bindCopy(copy), 'first-primary');
const run = (text: string, ...params: SQLInputValue[]) => copy.batch([{ kind: kindOf(text), params }]);
const idOf = (row: number) => `0198c7a2-5b0e-7c3a-9d43-${String(row).padStart(12, '0')}`;
const timeOf = (minute: number) => new Date(Date.parse(createdAt) + minute * 60_000).toISOString();
const accounts = { ada: idOf(1), grace: idOf(2) };

for (const [name, id] of Object.entries(accounts)) {
  run(
    `INSERT INTO users (id, version, name, email, password_hash, role, is_active, token_generation, created_at, updated_at)
     VALUES (?, 1, ?, ?, '', 'customer', 1, 1, ?, ?)`,
    ...[id, name, `${name}@example.com`, createdAt, createdAt],
  );
}

for (let row = 100; row < 250; row++) {
  const owner = row % 3 === 0 ? accounts.grace : accounts.ada;
  const isRare = row % 7 === 0;
  const order = isRare && owner === accounts.ada ? orderStatuses.at(row % orderStatuses.length) : orderStatuses[0];
  run(
    `INSERT INTO orders (id, version, number, customer_id, status, lines, line_count, amount, currency, created_at, updated_at)
     VALUES (?, 1, ?, ?, ?, '[]', 1, ?, 'EUR', ?, ?)`,
    ...[idOf(row), row, owner, order ?? '', row, createdAt, createdAt],
  );
  run(
    `INSERT INTO items (id, version, owner_id, title, amount, currency, stock_version, is_active, created_at, updated_at)
     VALUES (?, 1, ?, 'Teapot', ?, 'EUR', 0, ?, ?, ?)`,
    ...[idOf(row), owner, row, isRare ? 0 : 1, createdAt, createdAt],
  );
  run(
    `INSERT INTO tickets (id, version, customer_id, subject, message, preview, has_note, status, created_at, updated_at,
       customer_version, customer_updated_at) VALUES (?, 1, ?, '', '', '', ?, ?, ?, ?, 1, ?)`,
    ...[idOf(row), owner, row % 5 === 0 ? 1 : 0, ticketStatuses[isRare ? row % 3 : 0] ?? '', createdAt],
    // Neither has the order of the ids, and some times are equal.
    ...[timeOf((row * 37) % 101), timeOf((row * 53) % 97)],
  );
}

interface List {
  view: ListView<{ id: string }>;
  key: string;
  cells: readonly string[] | undefined;
  query(database: Database, slice: Slice): Statement;
}

const customers = [undefined, ...Object.values(accounts)];
const notes = [undefined, true, false];
const lists: [string, List][] = [
  ...customers.flatMap((customer) =>
    [undefined, ...orderStatuses].map((status): [string, List] => [
      `the ${status ?? ''} orders of ${customer ?? 'all'}`,
      {
        view: orderListView,
        key: orderListKey({ customer }),
        cells: orderCells({ status }),
        query: (database, slice) => orderListQuery(database, { customer, status }, slice),
      },
    ]),
  ),
  ...customers.flatMap((owner) =>
    notes.map((isActive): [string, List] => [
      `the items of ${owner ?? 'all'}, for sale: ${isActive}`,
      {
        view: itemListView,
        key: itemListKey({ owner }),
        cells: itemCells({ isActive }),
        query: (database, slice) => itemListQuery(database, { owner, isActive }, slice),
      },
    ]),
  ),
  ...Object.values(accounts).flatMap((customer) =>
    [undefined, ...ticketStatuses].map((status): [string, List] => [
      `the ${status ?? ''} tickets of ${customer}`,
      {
        view: ticketListView,
        key: customer,
        cells: ticketCells({ status }),
        query: (database, slice) => ticketListQuery(database, { customer, status }, slice),
      },
    ]),
  ),
  ...[undefined, ...ticketStatuses].flatMap((status) =>
    notes.map((hasNote): [string, List] => [
      `the ${status ?? ''} tickets for agents, with a note: ${hasNote}`,
      {
        view: staffTicketListView,
        key: everybodyKey,
        cells: staffTicketCells({ status, hasNote }),
        query: (database, slice) => staffTicketListQuery(database, { status, hasNote }, slice),
      },
    ]),
  ),
  ['the users', { view: userListView, key: everybodyKey, cells: undefined, query: userListQuery }],
];

/** The document of a list, loaded by one statement together with those of other owners. */
async function documentOf({ view, key }: List) {
  const [result] = await runBatch(db, [view.query(db, [...Object.values(accounts), everybodyKey, idOf(9)])]);
  const document = view.toDocument(asRowsOf(result), key);
  if (!document) throw new Error('A list always has a document.');
  return document.data;
}

const freshness = { consistency: 'eventual', ageSeconds: 0, source: 'kv' } as const;

const sortsOf = ({ name }: ListView<{ id: string }>): Sort[] =>
  /ticket/.test(name) ? ['created', 'updated'] : ['created'];

const assignees: readonly (string | null)[] = [accounts.ada, accounts.grace, null];

describe('the pages of a list by activity have every row once, in the order of the times (product 5.12)', () => {
  for (let row = 100; row < 250; row++) {
    run('UPDATE tickets SET assignee_id = ? WHERE id = ?', assignees[row % assignees.length] ?? null, idOf(row));
  }
  const byActivity: [string, List['query']][] = [
    ...lists
      .filter(([, { view }]) => view === ticketListView)
      .map(([name, { query }]): [string, List['query']] => [name, query]),
    ...[undefined, ...ticketStatuses].flatMap((status) => [
      ...notes.map((hasNote): [string, List['query']] => [
        `the ${status ?? ''} tickets with a note: ${hasNote}`,
        (database, slice) => staffTicketListQuery(database, { status, hasNote }, slice),
      ]),
      ...assignees.map((assignee): [string, List['query']] => [
        `the ${status ?? ''} tickets of the assignee ${assignee}`,
        (database, slice) => staffTicketListQuery(database, { status, assignee }, slice),
      ]),
    ]),
  ];

  test.each(byActivity)('%s', async (_, query) => {
    const rowsOf = async (slice: Slice) => {
      const [result] = await runBatch(db, [query(db, slice)]);
      return toListRows(result, staffTicketListView).rows;
    };
    for (const sort of ['created', 'updated'] as const) {
      const all = await rowsOf({ limit: 1000 });
      const expected = all.toSorted(newestFirst(sort)).map(({ id }) => id);
      for (const order of ['newest', 'oldest'] as const) {
        const seen: string[] = [];
        let page = await rowsOf({ limit: 7, order, sort });
        while (page.length > 0) {
          seen.push(...page.map(({ id }) => id));
          const { id: after = '', updatedAt: afterUpdatedAt } = page.at(-1) ?? {};
          page = await rowsOf({ limit: 7, order, sort, after, afterUpdatedAt });
        }
        expect(seen).toEqual(order === 'newest' ? expected : expected.toReversed());
      }
    }
  });
});

describe('the first page from a document is the one that D1 has, with its total (product 5.12, 6.8, 6.10)', () => {
  test.each(lists)('of %s', async (_, list) => {
    const data = await documentOf(list);
    for (const sort of sortsOf(list.view)) {
      const picked = pickCells(data, list.view, list.cells, sort);
      for (const limit of [1, limits.firstPageSize - 1]) {
        const [result] = await runBatch(db, [list.query(db, { limit: limit + 1, sort })]);
        const stored = toListRows(result, list.view);
        const expected = toPage(stored.rows, limit, cursors[sort].newest.keyOf);
        const { data: rows, nextCursor, total } = toFirstPage({ ...picked, freshness }, { limit, sort });
        expect({ rows, nextCursor, total }).toEqual({
          rows: expected.data,
          nextCursor: expected.nextCursor,
          total: stored.total,
        });
      }
    }
  });
});

describe('a document of a list', () => {
  test.each([...new Set(lists.map(([, { view }]) => view))].map((view) => [view.name, view] as const))(
    '%s has each row once, and at most one row more than a page of each cell in each sort',
    async (_, view) => {
      const key = view.name === ticketListView.name ? accounts.ada : everybodyKey;
      const { rows, counts } = await documentOf({ view, key, cells: undefined, query: userListQuery });
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
      const shown = Map.groupBy(rows, (row) => view.cellOf(row));
      const sorts = sortsOf(view);
      for (const [cell, count] of Object.entries(counts)) {
        const some = shown.get(cell)?.length ?? 0;
        expect(some).toBeGreaterThanOrEqual(Math.min(count, limits.firstPageSize));
        expect(some).toBeLessThanOrEqual(Math.min(count, sorts.length * limits.firstPageSize));
      }
      const most = Math.max(...Array.from(shown.values(), ({ length }) => length));
      expect(most > limits.firstPageSize).toBe(sorts.length > 1);
    },
  );

  test('of an owner without rows is empty', async () => {
    const list = { view: orderListView, key: idOf(9), cells: undefined, query: userListQuery };
    expect(await documentOf(list)).toEqual({ rows: [], counts: {} });
  });
});
