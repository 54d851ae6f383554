import { DrizzleQueryError } from 'drizzle-orm';
import { describe, expect, test, vi } from 'vitest';
import { systemWait } from '../../src/platform/clock';
import {
  brokenConstraint,
  type Database,
  DatabaseFailure,
  findDatabaseFailure,
  isRefusedByD1,
  openSession,
  runBatch,
  withDeadlines,
} from '../../src/platform/d1';
import { withDeadline } from '../../src/platform/deadline';
import { backoffMs, retry } from '../../src/platform/retry';
import { documentedErrors } from '../support/faulty-d1';
import { createDeadlines, createTime } from '../support/wait';

const late = () => new Error('It took too long.');
const forEver = () => new Promise<never>(() => {});

describe('work with a deadline', () => {
  test('work that is done in time has its result, and leaves no timer', async () => {
    const { left, wait } = createDeadlines(() => {});
    expect(await withDeadline(1000, wait, async () => 'done', late)).toBe('done');
    expect(left()).toBe(0);
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('its own error'))],
    [
      'throws at once',
      () => {
        throw new Error('its own error');
      },
    ],
  ])('work that %s fails with its own error, and leaves no timer', async (_, run) => {
    const { left, wait } = createDeadlines(() => {});
    await expect(withDeadline(1000, wait, run, late)).rejects.toThrow('its own error');
    expect(left()).toBe(0);
  });

  test('work that takes too long fails', async () => {
    const { expire, newest, wait } = createDeadlines(() => {});
    const work = withDeadline(1000, wait, forEver, late);
    expire(newest());
    await expect(work).rejects.toThrow('It took too long.');
  });

  test('the timer of a deadline is removed when the work is done, and ends work that is not', async () => {
    vi.useFakeTimers();
    try {
      expect(await withDeadline(1000, systemWait, async () => 'done', late)).toBe('done');
      expect(vi.getTimerCount()).toBe(0);
      const work = withDeadline(1000, systemWait, forEver, late);
      vi.advanceTimersByTime(1000);
      await expect(work).rejects.toThrow('It took too long.');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('D1 with deadlines (product 6.5, 6.6)', () => {
  /** D1 on whose sessions every call does what `run` does. */
  function given(run: () => Promise<unknown>) {
    const time = createDeadlines(() => {});
    const statement: object = { bind: () => statement, all: run, raw: run, run };
    const binding = { withSession: () => ({ prepare: () => statement, batch: run, getBookmark: () => 'a' }) };
    const database = withDeadlines(binding as unknown as D1Database, time.wait, () => 5_000);
    return { ...time, db: openSession(database, 'first-primary').db };
  }

  const calls: [string, (db: Database) => PromiseLike<unknown>][] = [
    ['all', (db) => db.all('SELECT 1')],
    ['run', (db) => db.run('SELECT 1')],
    ['values', (db) => db.values('SELECT 1')],
    ['a batch', (db) => runBatch(db, [db.all('SELECT 1')])],
  ];

  test.each(calls)('a call of %s that never ends is given up', async (_, run) => {
    const { db, expire, newest } = given(forEver);
    const call = Promise.resolve(run(db));
    await Promise.resolve();
    expire(newest());
    const error = await call.catch((caught) => caught);
    expect(findDatabaseFailure(error)).toMatchObject({ code: 'TIMED_OUT' });
  });

  test.each(documentedErrors)('“%s” is no sure refusal, whatever the error around it says', async (message) => {
    const { db, left } = given(() => Promise.reject(new Error(message)));
    const error = await Promise.resolve(db.all('SELECT 1')).catch((caught) => caught);
    const code = message.includes('overloaded') ? 'OVERLOADED' : 'FAILED';
    expect(findDatabaseFailure(error)).toMatchObject({ name: 'DatabaseFailure', code });
    expect([isRefusedByD1(error), isRefusedByD1(new Error(message)), left()]).toEqual([false, false, 0]);
  });

  test('what a person typed, which the query builder adds to its message, is no reason of D1', () => {
    const typed = 'SQLITE_CONSTRAINT, UNIQUE constraint failed: users.email, D1_TYPE_ERROR';
    const error = new DrizzleQueryError('INSERT', [typed], new Error('D1_ERROR: Network connection lost.'));
    expect(error.message).toContain(typed);
    expect([isRefusedByD1(error), brokenConstraint(error)]).toEqual([false, undefined]);
  });

  test.each([
    'D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT',
    'D1_ERROR: FOREIGN KEY constraint failed',
    'D1_ERROR: near "INSERTZ": syntax error: SQLITE_ERROR',
    'D1_ERROR: string or blob too big: SQLITE_TOOBIG',
    "D1_TYPE_ERROR: Type 'object' not supported for value '[object Object]'",
    'D1_COLUMN_NOTFOUND: Column not found (missing)',
  ])('“%s” is a sure refusal', async (message) => {
    const { db } = given(() => Promise.reject(new Error(message)));
    const error = await Promise.resolve(db.all('SELECT 1')).catch((caught) => caught);
    expect([isRefusedByD1(error), findDatabaseFailure(error)]).toEqual([true, undefined]);
  });

  test('a failure of D1 is none of the code, also when the platform throws a TypeError', async () => {
    const { db } = given(() => Promise.reject(new TypeError('fetch failed')));
    const error = await Promise.resolve(db.all('SELECT 1')).catch((caught) => caught);
    expect(findDatabaseFailure(error)).toBeInstanceOf(DatabaseFailure);
  });
});

describe('a retry', () => {
  const pauses = { firstMs: 100, longestMs: 1_000 };

  test('pauses double up to the longest one, and their upper half is random', () => {
    const range = (attempt: number) => [backoffMs(attempt, pauses, () => 0), backoffMs(attempt, pauses, () => 1)];
    expect([1, 2, 3, 4, 5, 20].map(range)).toEqual([
      [50, 100],
      [100, 200],
      [200, 400],
      [400, 800],
      [500, 1_000],
      [500, 1_000],
    ]);
  });

  test.each([
    ['a failure that can pass', true, 3],
    ['a failure that cannot pass', false, 1],
  ])('work is tried again after %s: %s', async (_, passes, tries) => {
    const { pauses: waited, wait } = createTime();
    let tried = 0;
    const run = () => {
      tried++;
      return Promise.reject(new Error('failed'));
    };
    await expect(retry(run, { tries: 3, pauses, wait, mayPass: () => passes })).rejects.toThrow('failed');
    expect([tried, waited.length]).toEqual([tries, tries - 1]);
  });
});
