import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { hourlyTasks } from '../../src/domains';
import type { QueueBacklog, ScheduledTask } from '../../src/operations/inspection-schemas';
import { findQueues } from '../../src/operations/queue-backlogs';
import { openSession } from '../../src/platform/d1';
import type { Turns } from '../../src/platform/turns';
import { runSchedule, tasks } from '../../src/schedule';
import { cheapParameters } from '../support/factories';
import { createSystem } from '../support/system';
import { createDeadlines } from '../support/wait';

const eventsOf = (logs: readonly string[]) => logs.map((line) => JSON.parse(line).event);

test('a cron trigger without tasks throws, so that a forgotten registration is visible', async () => {
  const { logs, services } = createSystem();
  await expect(runSchedule(services(), '5 * * * *')).rejects.toThrow('cron trigger "5 * * * *"');
  expect(logs).toEqual([]);
});

test('the trigger of every minute runs the relay and the reconciler (product 7.1, 7.6)', async () => {
  const { logs, services } = createSystem();
  await runSchedule(services(), '* * * * *');
  expect(eventsOf(logs)).toEqual(expect.arrayContaining(['relay.ran', 'reconciler.ran']));
  expect(eventsOf(logs)).not.toContain('schedule.failed');
});

test('the trigger of every minute removes the documents of another version that missed an event (product 7.5)', async () => {
  const { clock, logs, services } = createSystem();
  clock.advance(600_000);
  await env.DB.batch([
    env.DB.prepare("INSERT INTO shapes (view, name, types, since, missed) VALUES ('legacy@1', 'legacy', '[]', 0, 7)"),
    env.DB.prepare("INSERT INTO projections (view, key, position, claimed_until) VALUES ('legacy@1', 'k', 6, 0)"),
  ]);
  await env.VIEWS.put('legacy@1:k', '{}');
  await runSchedule(services(), '* * * * *');
  expect(eventsOf(logs)).toContain('obsolete-documents.removed');
  expect(await env.VIEWS.get('legacy@1:k')).toBeNull();
  await env.DB.prepare('DELETE FROM shapes').run();
});

test('the trigger of every hour runs each task that a domain has registered', async () => {
  const { logs, services } = createSystem();
  await runSchedule(services(), '0 * * * *');
  expect(eventsOf(logs).sort()).toEqual(Object.keys(hourlyTasks).sort());
});

test('a task that fails is logged and does not keep the other tasks from running', async () => {
  const { deliverQueues, register } = createSystem();
  await register();
  await deliverQueues();
  // The reconciler reads documents; no other task of this trigger reads KV.
  const failing = { get: () => Promise.reject(new Error('KV is down.')) } as unknown as KVNamespace;
  const { clock, logs, services } = createSystem({ VIEWS: failing });
  // A reconciler that has ended its round of the day reads nothing.
  clock.advance(86_400_000);
  await runSchedule(services(), '* * * * *');
  expect(eventsOf(logs)).toEqual(expect.arrayContaining(['relay.ran', 'schedule.failed']));
  expect(eventsOf(logs)).not.toContain('reconciler.ran');
});

describe('the first admin (product 2.8)', () => {
  const email = 'first-admin@example.com';
  const configured = { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: 'the configured password' };

  function given(bindings: object = {}) {
    const counter = { count: 0 };
    const turns: Turns = {
      async run(_, work) {
        counter.count++;
        return { result: await work() };
      },
      waiting: () => 0,
    };
    const system = createSystem(bindings as Partial<Env>, { hashing: { turns, parameters: cheapParameters } });
    /** Runs the tasks of a minute, and returns what they log about the admin. */
    const run = async () => {
      system.logs.splice(0);
      await runSchedule(system.services(), '* * * * *');
      return eventsOf(system.logs).filter((event) => /^(first-admin|schedule)\./.test(event));
    };
    return { ...system, counter, run };
  }

  beforeEach(async () => {
    await env.DB.prepare("UPDATE users SET role = 'customer' WHERE role = 'admin'").run();
    await env.DB.prepare('DELETE FROM users WHERE email = ?').bind(email).run();
  });

  const signInWith = async ({ request }: Pick<ReturnType<typeof createSystem>, 'request'>, secret: string) => {
    const body = new URLSearchParams({ grant_type: 'password', username: email, password: secret });
    return (await request('/v1/auth/token', { method: 'POST', body })).status;
  };

  test('the schedule creates the admin that the configuration names, and hashes once and not each minute', async () => {
    const system = given(configured);
    expect(await system.run()).toEqual(['first-admin.created']);
    expect(system.counter.count).toBe(1);
    for (let minute = 0; minute < 3; minute++) expect(await system.run()).toEqual([]);
    expect(system.counter.count).toBe(1);
    expect(await signInWith(system, configured.FIRST_ADMIN_PASSWORD)).toBe(200);
  });

  test('the schedule makes an account with the address an active admin with the configured password', async () => {
    const system = given(configured);
    const stranger = { name: 'Eve', email, password: 'the password of a stranger' };
    const { id } = await (await system.send('POST', '/v1/users', stranger)).json<{ id: string }>();
    const body = new URLSearchParams({ grant_type: 'password', username: email, password: stranger.password });
    const signedIn = await system.request('/v1/auth/token', { method: 'POST', body });
    const tokens = await signedIn.json<{ access_token: string; refresh_token: string }>();
    expect(await system.run()).toEqual(['first-admin.restored']);
    const bearer = { Authorization: `Bearer ${tokens.access_token}` };
    expect((await system.send('PATCH', `/v1/users/${id}`, { name: 'X' }, bearer)).status).toBe(401);
    const refresh = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
    expect((await system.request('/v1/auth/token', { method: 'POST', body: refresh })).status).toBe(400);
    expect(await signInWith(system, stranger.password)).toBe(400);
    expect(await signInWith(system, configured.FIRST_ADMIN_PASSWORD)).toBe(200);
    const row = await env.DB.prepare('SELECT role, is_active FROM users WHERE id = ?').bind(id).first();
    expect(row).toEqual({ role: 'admin', is_active: 1 });
    expect(await system.run()).toEqual([]);
  });

  test('without a configured admin the schedule says in one line that nobody can administer, and hashes nothing', async () => {
    const system = given();
    expect(await system.run()).toEqual(['first-admin.missing']);
    await system.register({ role: 'admin' });
    system.counter.count = 0;
    expect(await system.run()).toEqual([]);
    expect(system.counter.count).toBe(0);
  });

  test('what the schedule cannot do it says in one line, and tries again a minute later', async () => {
    const refusing: Turns = { run: async () => undefined, waiting: () => 8 };
    const busy = createSystem(configured as unknown as Partial<Env>, { hashing: { turns: refusing } });
    await runSchedule(busy.services(), '* * * * *');
    const lines = busy.logs.map((line) => JSON.parse(line)).filter(({ level }) => level !== 'info');
    expect(lines).toMatchObject([{ event: 'schedule.failed', level: 'error' }]);
    expect(await given(configured).run()).toEqual(['first-admin.created']);
  });
});

test('an admin sees the last run of each task, and when a task that fails was last carried out (product 8.15)', async () => {
  const system = createSystem();
  const admin = await system.register({ role: 'admin' });
  const read = async () => {
    const response = await system.request('/v1/operations/schedule', { headers: admin.bearer });
    return (await response.json<{ data: ScheduledTask[] }>()).data;
  };
  const first = new Date(system.clock.now()).toISOString();
  await runSchedule(system.services(), '* * * * *');
  await runSchedule(system.services(), '0 * * * *');
  const tasksOf = (data: ScheduledTask[], cron: string) =>
    data.filter((one) => one.cron === cron).map(({ task }) => task);
  const before = await read();
  expect(tasksOf(before, '0 * * * *')).toEqual(Object.keys(tasks['0 * * * *'] ?? {}));
  const minute = tasksOf(before, '* * * * *');
  expect([...minute].sort()).toEqual(Object.keys(tasks['* * * * *'] ?? {}).sort());
  const relay = before.find(({ task }) => task === 'relay');
  expect(relay).toMatchObject({ outcome: 'done', error: null, succeededAt: relay?.startedAt });
  expect(first <= (relay?.startedAt ?? '')).toBe(true);

  system.clock.advance(60_000);
  const broken = { ...system.services(), relay: () => Promise.reject(new TypeError('a message')) };
  await runSchedule(broken, '* * * * *');
  const after = (await read()).find(({ task }) => task === 'relay');
  expect(after).toMatchObject({ outcome: 'failed', error: 'TypeError', succeededAt: relay?.startedAt });
  expect((after?.startedAt ?? '') > (relay?.startedAt ?? '')).toBe(true);
  await runSchedule(system.services(), '* * * * *');
  expect((await read()).find(({ task }) => task === 'relay')).toMatchObject({ outcome: 'done', error: null });
  // A task of another version is not shown.
  await env.DB.prepare("UPDATE schedule_runs SET tasks = json_set(tasks, '$.gone', json(?))")
    .bind(JSON.stringify({ startedAt: 1, ms: 1, succeededAt: 1 }))
    .run();
  expect((await read()).map(({ task }) => task)).not.toContain('gone');
});

test('an admin sees what waits in each queue, also what only the platform knows (product 8.16)', async () => {
  const oldestMessageTimestamp = new Date(0);
  const metrics = async () => ({ backlogCount: 3, backlogBytes: 99, oldestMessageTimestamp });
  // The test sends nothing to these queues.
  const PROJECTIONS_QUEUE = { sendBatch: async () => {}, metrics } as unknown as Queue;
  const REBUILDS_QUEUE = { metrics: () => Promise.reject(new Error('No metrics.')) } as unknown as Queue;
  const system = createSystem({ PROJECTIONS_QUEUE, REBUILDS_QUEUE });
  const admin = await system.register({ role: 'admin' });
  const response = await system.request('/v1/operations/queues', { headers: admin.bearer });
  const { data } = await response.json<{ data: QueueBacklog[] }>();
  const of = (name: string) => data.find(({ queue }) => queue === name);
  expect(of('projections')).toMatchObject({
    backlog: { messages: 3, bytes: 99, oldestAt: '1970-01-01T00:00:00.000Z' },
    deliveries: { dead: 0 },
  });
  expect(of('projections')?.deliveries?.pending).toBeGreaterThan(0);
  // A queue without metrics tells nothing, and has no deliveries.
  expect(of('rebuilds')).toEqual({ queue: 'rebuilds', backlog: null, deliveries: null });
  expect(of('emails')).toMatchObject({ backlog: null, deliveries: { dead: 0 } });
});

test('a queue that never answers does not hold up the list (product 8.16)', async () => {
  const { expire, newest, wait } = createDeadlines(() => {});
  const emails = { metrics: () => new Promise<never>(() => {}) };
  const found = findQueues(openSession(env.DB, 'first-primary').db, { emails }, 0, wait);
  expire(newest());
  const deliveries = expect.objectContaining({ dead: 0 });
  expect(await found).toEqual({ data: [{ queue: 'emails', backlog: null, deliveries }] });
});
