import type { SQLInputValue } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { asRowsOf } from '../../src/cqrs/reading/keyed-query';
import { openSession, runBatch } from '../../src/platform/d1';
import { dashboardView } from '../../src/tickets/dashboard';
import { bindCopy } from '../simulation/d1-binding';
import { Copy, kindOf } from '../simulation/sqlite';
import { createdAt } from '../support/factories';

/** The dashboard’s own statement on SQLite, after rows that the test inserts. */
function given() {
  const copy = Copy.open();
  const query = (text: string, ...params: SQLInputValue[]) => copy.batch([{ kind: kindOf(text), params }]);
  query(
    `INSERT INTO users (id, version, name, email, password_hash, role, is_active, token_generation, created_at, updated_at)
     VALUES ('ada', 1, 'Ada', 'ada@example.com', '', 'customer', 1, 1, ?, ?)`,
    createdAt,
    createdAt,
  );
  let count = 0;
  /** Adds the next ticket; ids have the order in which tickets were opened. */
  function addTicket(row: { status: string; createdAt?: string; triagedAt?: string; triageSeconds?: number }): void {
    const id = `t${String(++count).padStart(6, '0')}`;
    query(
      `INSERT INTO tickets (id, version, customer_id, subject, message, preview, has_note, status, created_at, updated_at,
         triage_seconds, triaged_at, customer_version, customer_updated_at)
       VALUES (?, 1, 'ada', '', '', '', 0, ?, ?, ?, ?, ?, 1, '')`,
      id,
      row.status,
      row.createdAt ?? createdAt,
      createdAt,
      row.triageSeconds ?? null,
      row.triagedAt ?? null,
    );
  }
  async function find(key: string) {
    const { db } = openSession(bindCopy(copy), 'first-primary');
    const [rows] = await runBatch(db, [dashboardView.query(db, [key])]);
    return dashboardView.toDocument(asRowsOf(rows), key)?.data;
  }
  async function read() {
    const data = await find('all');
    copy.close();
    if (!data) throw new Error('The dashboard has no document.');
    return data;
  }
  return { addTicket, find, query, read };
}

describe('the median time to triage (product 5.5)', () => {
  test.each<[string, number[], number | null]>([
    ['of no ticket is unknown', [], null],
    ['of one ticket is its own', [7], 7],
    ['of two tickets is in the middle', [10, 30], 20],
    ['of three tickets is that of the second', [90, 10, 20], 20],
    ['of four tickets is in the middle of the second and the third', [1, 10, 20, 900], 15],
    ['of five tickets is that of the third', [5, 4, 300, 2, 1], 4],
  ])('%s', async (_, seconds, expected) => {
    const { addTicket, read } = given();
    for (const triageSeconds of seconds) addTicket({ status: 'triaged', triagedAt: createdAt, triageSeconds });
    addTicket({ status: 'open' });
    expect((await read()).medianTriageSeconds).toBe(expected);
  });

  test('is that of the thousand tickets that were triaged last', async () => {
    const { addTicket, read } = given();
    const triage = (triagedAt: string, triageSeconds: number) =>
      addTicket({ status: 'triaged', triagedAt, triageSeconds });
    for (let index = 0; index < 600; index++) {
      // The newer ticket of each pair was triaged earlier.
      triage('2026-03-02T00:00:00.000Z', 5);
      triage('2026-03-01T00:00:00.000Z', 900);
    }
    for (let index = 0; index < 400; index++) triage('2026-03-02T00:00:00.000Z', 5);
    expect((await read()).medianTriageSeconds).toBe(5);
  });
});

test('the dashboard has the last thirty days on which something happened, newest first (product 5.5)', async () => {
  const { query, read } = given();
  const dates = Array.from({ length: 40 }, (_, index) =>
    new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10),
  );
  // The order of the rows in the table is not that of the days.
  for (const date of dates.toSorted((a, b) => a.slice(-1).localeCompare(b.slice(-1)))) {
    query('INSERT INTO ticket_days (date, opened, closed) VALUES (?, 1, 2)', date);
  }
  const { days } = await read();
  expect(days.map(({ date }) => date)).toEqual(dates.slice(10).reverse());
  expect(days[0]).toEqual({ date: '2026-02-09', opened: 1, reopened: 0, closed: 2 });
});

test('a key of nobody has no figures, because no ticket would bring them up to date', async () => {
  const { addTicket, find } = given();
  addTicket({ status: 'open' });
  expect(await find('ada')).toBeUndefined();
});

describe('the oldest open ticket (product 5.5)', () => {
  test('is the first of those that are open, and not of all', async () => {
    const { addTicket, read } = given();
    addTicket({ status: 'closed', createdAt: '2026-01-01T00:00:00.000Z' });
    addTicket({ status: 'triaged', createdAt: '2026-01-02T00:00:00.000Z' });
    addTicket({ status: 'open', createdAt: '2026-01-03T00:00:00.000Z' });
    addTicket({ status: 'open', createdAt: '2026-01-04T00:00:00.000Z' });
    expect((await read()).oldestOpenAt).toBe('2026-01-03T00:00:00.000Z');
  });

  test('is unknown when none is open', async () => {
    const { addTicket, read } = given();
    addTicket({ status: 'closed' });
    expect((await read()).oldestOpenAt).toBeNull();
  });
});
