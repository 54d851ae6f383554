import { env } from 'cloudflare:workers';
import { type Schema, Validator } from '@cfworker/json-schema';
import { expect, test } from 'vitest';
import type { Envelope } from '../../src/cqrs/log/envelope';
import { createSystem } from '../support/system';

/** A system with the optional events queue for other teams. The queue fails while `state.isDown` is true. */
function given() {
  const received: Envelope[] = [];
  const state = { isDown: false };
  const queue = {
    sendBatch: async (messages: Iterable<MessageSendRequest<Envelope>>) => {
      if (state.isDown) throw new Error('Queue send failed: 503');
      for (const { body } of messages) received.push(structuredClone(body));
    },
  };
  // The binding is optional, so the generated type does not have it. Dispatch calls no other method.
  const bindings = { EVENTS_QUEUE: queue } as unknown as Partial<Env>;
  return { ...createSystem(bindings), received, state };
}

async function countPending() {
  const { results } = await env.DB.prepare("SELECT * FROM deliveries WHERE subscription = 'events'").all();
  return results.length;
}

test('the events queue receives every event as CloudEvents 1.0, in the shape that the published catalogue describes', async () => {
  const { received, register, request, send } = given();
  const { id, bearer } = await register();
  await send('POST', '/v1/tickets', { subject: 'a', message: 'b' }, bearer);
  await send('PATCH', `/v1/users/${id}`, { name: 'Other' }, bearer);
  expect(received.map(({ type }) => type)).toEqual([
    'frontdesk.UserRegistered',
    'frontdesk.SessionStarted',
    'frontdesk.TicketOpened',
    'frontdesk.UserUpdated',
  ]);
  expect(received[0]).toMatchObject({
    specversion: '1.0',
    source: '/frontdesk',
    subject: `user/${id}`,
    datacontenttype: 'application/json',
    streamversion: 1,
    data: { role: 'customer' },
  });
  expect(received[0]).not.toHaveProperty('subscription');
  expect(await countPending()).toBe(0);
  const catalogue = await request('/v1/events/catalogue');
  const { data } = await catalogue.json<{ data: { type: string; schemaVersion: number; dataSchema: Schema }[] }>();
  for (const event of received) {
    const entry = data.find(({ type }) => type === event.type);
    expect(entry?.schemaVersion).toBe(event.schemaversion);
    expect(new Validator(entry?.dataSchema ?? false, '2020-12').validate(event.data).errors).toEqual([]);
  }
  expect(data.find(({ type }) => type === 'frontdesk.TicketStatusChanged')?.schemaVersion).toBe(2);
});

test('events that the queue refused while it was down are sent later by the relay (product 7.1)', async () => {
  const { clock, received, register, services, state } = given();
  state.isDown = true;
  await register();
  expect(await countPending()).toBe(2);
  state.isDown = false;
  clock.advance(60_000);
  await services().relay();
  expect(received).toHaveLength(2);
  expect(await countPending()).toBe(0);
});

test('without the binding of the events queue no deliveries are stored for it', async () => {
  const { register } = createSystem();
  await register();
  expect(await countPending()).toBe(0);
});
