import { env } from 'cloudflare:workers';
import { beforeEach, expect, test } from 'vitest';
import { markKeys, projectMarked } from '../../src/cqrs/reading/repair';
import { openSession } from '../../src/platform/d1';
import { createLogger } from '../../src/platform/logger';

const key = { view: 'ticket@1', key: 'a' };
const marked = 1000;

/** Saves the state of the key. */
const save = (columns: { claimedBy: string | null; error: string | null; recheckAt: number | null }) =>
  env.DB.prepare(
    `INSERT OR REPLACE INTO projections (view, key, position, claimed_until, claimed_by, error, recheck_at)
     VALUES (?, ?, 0, 0, ?, ?, ?)`,
  )
    .bind(key.view, key.key, columns.claimedBy, columns.error, columns.recheckAt)
    .run();

const recheckAt = () =>
  env.DB.prepare('SELECT recheck_at FROM projections WHERE view = ? AND key = ?')
    .bind(key.view, key.key)
    .first('recheck_at');

const open = () => openSession(env.DB, 'first-primary').db;

beforeEach(() => env.DB.prepare('DELETE FROM projections').run());

test('a mark does not bring forward the time until which an earlier put may arrive (product 7.6)', async () => {
  await save({ claimedBy: null, error: null, recheckAt: marked + 30_000 });
  await open().run(markKeys([key], marked));
  expect(await recheckAt()).toBe(marked + 30_000);
});

test.each([
  ['loses its mark', { claimedBy: null, error: 'TypeError' }, null],
  ['keeps its mark while another run holds it', { claimedBy: 'other', error: 'TypeError' }, marked],
  ['keeps its mark if the failure was not its own', { claimedBy: null, error: null }, marked],
])('a key that could not be projected %s (product 7.6)', async (_, row, left) => {
  await save({ ...row, recheckAt: marked });
  const projector = { projectAgain: async () => ({ put: new Set<string>(), errors: new Map() }) };
  const found = await projectMarked(open(), { logger: createLogger({}, () => {}), projector }, [key], marked);
  expect([found, await recheckAt()]).toEqual([{ repaired: 0, failed: 1 }, left]);
});
