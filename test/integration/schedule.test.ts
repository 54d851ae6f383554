import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { hourlyTasks } from '../../src/domains';
import { runSchedule } from '../../src/schedule';
import { createSystem } from '../support/system';

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
  clock.advance(300_000);
  await runSchedule(services(), '* * * * *');
  expect(eventsOf(logs)).toEqual(expect.arrayContaining(['relay.ran', 'schedule.failed']));
  expect(eventsOf(logs)).not.toContain('reconciler.ran');
});
