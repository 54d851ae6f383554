import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { createFaultyD1, type D1Call, documentedErrors } from '../support/faulty-d1';
import { createSystem } from '../support/system';

/** What happens to the next calls of D1; calls after the last one are sent as they are. */
type Fault = (call: D1Call) => Promise<unknown>;

const before =
  (message: string): Fault =>
  () =>
    Promise.reject(new Error(message));
const after =
  (message: string): Fault =>
  (call) =>
    call.send().then(() => Promise.reject(new Error(message)));

/** A system whose D1 meets `faults` on its next calls that `meets` selects. */
function given(meets: (call: D1Call) => boolean = ({ isCommit }) => isCommit) {
  const faults: Fault[] = [];
  const calls: string[] = [];
  const database = createFaultyD1(env.DB, (call) => {
    calls.push(call.sql);
    return (meets(call) ? faults.shift() : undefined)?.(call) ?? call.send();
  });
  const system = createSystem({ DB: database });
  return { ...system, calls, faults };
}

const healthy = createSystem();
const item = (title: string) => ({ title, price: { amount: 100, currency: 'EUR' } });
let bearer: { Authorization: string };

beforeAll(async () => {
  ({ bearer } = await healthy.register());
});

async function countItems(title: string): Promise<{ items: number; events: number }> {
  const sql = `SELECT count(*) AS items, (SELECT count(*) FROM events WHERE stream_type = 'item'
    AND stream_id IN (SELECT id FROM items WHERE title = ?)) AS events FROM items WHERE title = ?`;
  return (await env.DB.prepare(sql).bind(title, title).first<{ items: number; events: number }>()) ?? never();
}

function never(): never {
  throw new Error('A query that counts has one row.');
}

const moments = { before, after };

describe.each(documentedErrors)('a commit that meets “%s”', (message) => {
  describe.each(['before', 'after'] as const)('%s the write', (moment) => {
    test.each([
      ['on the first try', []],
      ['on the second try', [before('D1_ERROR: Network connection lost.')]],
      ['on the second try, after the first one was applied', [after('D1_ERROR: Network connection lost.')]],
      ['on every try', Array.from({ length: 50 }, () => moments[moment](message))],
    ])('%s is applied once, and answered with 201 or an honest 503 (product 6.5)', async (_, earlier) => {
      const { faults, send } = given();
      const title = crypto.randomUUID();
      const key = { 'Idempotency-Key': crypto.randomUUID() };
      faults.push(...earlier, moments[moment](message));
      const response = await send('POST', '/v1/items', item(title), { ...bearer, ...key });
      const counted = await countItems(title);
      if (response.status === 201) expect(counted).toEqual({ items: 1, events: 1 });
      else {
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({ code: 'concurrency.outcome-unknown' });
        expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0);
        expect(counted.items).toBeLessThanOrEqual(1);
      }
      // What the answer advises: the same key again.
      faults.length = 0;
      const repeated = await send('POST', '/v1/items', item(title), { ...bearer, ...key });
      expect(repeated.status).toBe(201);
      expect(await countItems(title)).toEqual({ items: 1, events: 1 });
    });
  });
});
