import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type * as z from 'zod';
import type { rebuild } from '../../src/operations/schemas';
import { deleteDeliveries } from './document-watch';
import { forEachFile } from './each-file';
import { createSystem } from './system';

type Rebuild = z.infer<typeof rebuild>;

/** How many tests of a file have begun. */
let started: number;

forEachFile(() => {
  started = 0;
});

/**
 * A system with an admin and a customer. The tests of a file share one database, so each test starts without deliveries
 * and without running rebuilds, and later than every claim of the tests before it.
 */
export async function given(bindings: Partial<Env> = {}) {
  const system = createSystem(bindings);
  system.clock.advance(++started * 400_000);
  await deleteDeliveries();
  await env.DB.prepare("UPDATE rebuilds SET status = 'cancelled' WHERE status = 'running'").run();
  const admin = await system.register({ role: 'admin' });
  const customer = await system.register();
  system.clock.advance(2000);
  await system.deliverQueues();
  return { ...system, admin, customer };
}

export type Given = Awaited<ReturnType<typeof given>>;

export async function read<Body>({ request, admin }: Given, path: string): Promise<Body> {
  const response = await request(`/v1/operations/${path}`, { headers: admin.bearer });
  expect(response.status).toBe(200);
  return response.json<Body>();
}

export function post({ request, admin }: Given, path: string, body?: object) {
  const json = body && { body: JSON.stringify(body) };
  const headers = { ...admin.bearer, ...(body && { 'Content-Type': 'application/json' }) };
  return request(`/v1/operations/${path}`, { method: 'POST', headers, ...json });
}

export async function openTicket({ send, customer }: Given): Promise<string> {
  const response = await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, customer.bearer);
  return (await response.json<{ id: string }>()).id;
}

/** Delivers the messages of rebuilds one after the other until no message is left. */
export async function runRebuilds({ clock, deliver, rebuildMessages }: Given, afterStep = async () => {}) {
  for (let step = 0; rebuildMessages.length > 0; step++) {
    if (step > 200) throw new Error('The rebuild has not ended after 200 steps.');
    await deliver('rebuilds', rebuildMessages.splice(0, 1));
    await afterStep();
    clock.advance(2000);
  }
}

export async function startRebuild(system: Given, view: string): Promise<string> {
  const response = await post(system, `projections/${view}/rebuild`);
  expect(response.status).toBe(202);
  const { id } = await response.json<{ id: string }>();
  expect(response.headers.get('Location')).toBe(`/v1/operations/rebuilds/${id}`);
  return id;
}

export const readRebuild = (system: Given, id: string) => read<Rebuild>(system, `rebuilds/${id}`);
