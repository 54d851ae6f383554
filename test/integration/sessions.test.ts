import { env } from 'cloudflare:workers';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import type * as z from 'zod';
import { openSessionsQuery } from '../../src/auth/open-sessions';
import type { session as sessionSchema } from '../../src/auth/schemas';
import { password } from '../support/factories';
import { createSystem } from '../support/system';

type Session = z.infer<typeof sessionSchema>;
type System = ReturnType<typeof createSystem>;
type Account = Awaited<ReturnType<System['register']>>;

interface Page {
  data: Session[];
  nextCursor: string | null;
}

async function list(system: System, { id }: Pick<Account, 'id'>, by: Pick<Account, 'bearer'>, query = '') {
  const response = await system.request(`/v1/users/${id}/sessions${query}`, { headers: by.bearer });
  expect(response.status).toBe(200);
  return response.json<Page>();
}

/** Signs in once more, and returns the tokens. */
async function signIn(system: System, { email }: Pick<Account, 'email'>) {
  const response = await system.request('/v1/auth/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', username: email, password }),
  });
  return response.json<{ access_token: string; refresh_token: string }>();
}

const refresh = (system: System, refreshToken: string) =>
  system.request('/v1/auth/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  });

test('an account sees its open sessions, newest first, when each was used, and which is its own (product 2.11)', async () => {
  const system = createSystem();
  const account = await system.register();
  const [first] = (await list(system, account, account)).data;
  expect(first?.isCurrent).toBe(true);
  const signedInMs = Date.parse(first?.lastUsedAt ?? '') - Date.parse(first?.startedAt ?? '');
  expect(signedInMs).toBeGreaterThanOrEqual(0);
  expect(signedInMs).toBeLessThan(60_000);
  system.clock.advance(60_000);
  const other = await signIn(system, account);
  const bearer = { Authorization: `Bearer ${other.access_token}` };
  const both = (await list(system, account, { bearer })).data;
  expect(both.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
  expect(both[1]?.id).toBe(first?.id);
  system.clock.advance(60_000);
  await refresh(system, account.refreshToken);
  const [, used] = (await list(system, account, account)).data;
  expect(Date.parse(used?.lastUsedAt ?? '') - Date.parse(used?.startedAt ?? '')).toBeGreaterThanOrEqual(120_000);
  expect(Date.parse(used?.expiresAt ?? '') - Date.parse(used?.lastUsedAt ?? '')).toBe(30 * 86_400_000);
  // One after the other, in the same order.
  const page = await list(system, account, account, '?limit=1');
  const next = await list(system, account, account, `?limit=1&cursor=${page.nextCursor}`);
  expect([...page.data, ...next.data].map(({ id }) => id)).toEqual(both.map(({ id }) => id));
  expect(next.nextCursor).toBeNull();
});

test('a revoked session gets no new tokens, and is gone from the list; the event says who revoked it (product 2.11)', async () => {
  const system = createSystem();
  const [account, admin] = [await system.register(), await system.register({ role: 'admin' })];
  const other = await signIn(system, account);
  const revoke = (id: string | undefined, by: Account, owner = account) =>
    system.request(`/v1/users/${owner.id}/sessions/${id}`, { method: 'DELETE', headers: by.bearer });
  const [newest, oldest] = (await list(system, account, account)).data;
  expect((await revoke(newest?.id, account)).status).toBe(204);
  expect((await refresh(system, other.refresh_token)).status).toBe(400);
  const { data: left } = await list(system, account, admin);
  expect(left.map(({ id, isCurrent }) => [id, isCurrent])).toEqual([[oldest?.id, false]]);
  // The session of another account, and one that is revoked already.
  expect((await revoke(oldest?.id, admin, admin)).status).toBe(404);
  const again = await revoke(newest?.id, account);
  expect([again.status, (await again.json<{ code: string }>()).code]).toEqual([404, 'sessions.not-found']);
  expect((await revoke(oldest?.id, admin)).status).toBe(204);
  expect((await refresh(system, account.refreshToken)).status).toBe(400);
  const { results } = await env.DB.prepare(
    "SELECT data ->> 'reason' AS reason FROM events WHERE type = 'SessionRevoked' ORDER BY position DESC LIMIT 2",
  ).all();
  expect(results).toEqual([{ reason: 'admin' }, { reason: 'owner' }]);
});

test('nobody but the account and admins sees or revokes its sessions (product 2.11)', async () => {
  const system = createSystem();
  const [account, stranger] = [await system.register(), await system.register()];
  const agent = await system.register({ role: 'agent' });
  const [session] = (await list(system, account, account)).data;
  const path = `/v1/users/${account.id}/sessions`;
  for (const { bearer } of [stranger, agent]) {
    expect((await system.request(path, { headers: bearer })).status).toBe(403);
    const revoked = await system.request(`${path}/${session?.id}`, { method: 'DELETE', headers: bearer });
    expect(revoked.status).toBe(403);
  }
  expect((await refresh(system, account.refreshToken)).status).toBe(200);
});

test('a page of sessions and the last use of each are found by an index (product 2.11)', async () => {
  for (const before of [undefined, 'b']) {
    const { sql, params } = new SQLiteSyncDialect().sqlToQuery(openSessionsQuery('a', before, 20));
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>();
    const plan = results.map(({ detail }) => detail);
    expect(plan.filter((step) => step.startsWith('SCAN') || step.includes('TEMP B-TREE'))).toEqual([]);
    expect(plan.join(';')).toMatch(/SEARCH s USING (COVERING )?INDEX sessions_open \(user_id=\?/);
  }
});
