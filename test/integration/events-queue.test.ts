import { env } from 'cloudflare:workers';
import { type Schema, Validator } from '@cfworker/json-schema';
import { expect, test } from 'vitest';
import type { Envelope } from '../../src/cqrs/log/envelope';
import { cloudEventSchema } from '../support/cloud-event';
import { createSystem } from '../support/system';

interface Catalogue {
  data: { type: string; schemaVersion: number; dataSchema: Schema }[];
  extensions: { name: string; required: boolean }[];
}

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
  // Dispatch calls no other method.
  const bindings = { EVENTS_QUEUE: queue, PUBLIC_URL: 'https://api.shop.example' } as unknown as Partial<Env>;
  return { ...createSystem(bindings), received, state };
}

async function countPending() {
  const { results } = await env.DB.prepare("SELECT * FROM deliveries WHERE subscription = 'events'").all();
  return results.length;
}

/** The attributes of CloudEvents itself; all others are extensions. */
const ownAttributes = Object.keys(cloudEventSchema.properties);

test('the events queue receives every event as CloudEvents 1.0, in the shape that the published catalogue describes (product 7.8)', async () => {
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
    source: env.ISSUER,
    subject: `user/${id}`,
    datacontenttype: 'application/json',
    streamversion: 1,
    data: { role: 'customer' },
  });
  expect(received[0]).not.toHaveProperty('subscription');
  expect(await countPending()).toBe(0);
  const catalogue = await request('/v1/events/catalogue');
  const { data, extensions } = await catalogue.json<Catalogue>();
  expect(JSON.stringify(data), 'zod gives every whole number bounds that say nothing').not.toContain(
    '9007199254740991',
  );
  for (const event of received) {
    const entry = data.find(({ type }) => type === event.type);
    expect(entry?.schemaVersion).toBe(event.schemaversion);
    expect(new Validator(entry?.dataSchema ?? false, '2020-12').validate(event.data).errors).toEqual([]);
    const { dataschema = '' } = event;
    expect(dataschema.startsWith('https://api.shop.example/v1/')).toBe(true);
    const published = await request(new URL(dataschema).pathname);
    expect(await published.json()).toEqual(entry?.dataSchema);
    expect(new Validator(cloudEventSchema, '7').validate(event).errors).toEqual([]);
    const isSent = (name: string) => Object.hasOwn(event, name);
    expect(extensions.filter(({ required }) => required).every(({ name }) => isSent(name))).toBe(true);
    const described = [...ownAttributes, ...extensions.map(({ name }) => name)];
    expect(Object.keys(event).filter((name) => !described.includes(name))).toEqual([]);
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

test('every version of an event has its schema, and a version that there never was gets 404 (product 7.8)', async () => {
  const { request } = createSystem();
  const schemaOf = (version: string) => request(`/v1/events/schemas/frontdesk.TicketStatusChanged/${version}`);
  const [first, second] = [await schemaOf('1'), await schemaOf('2')];
  const old = { customerId: crypto.randomUUID(), status: 'open' };
  expect(new Validator(await first.json<Schema>(), '2020-12').validate(old).valid).toBe(true);
  expect(new Validator(await second.json<Schema>(), '2020-12').validate(old).valid).toBe(false);
  for (const version of ['0', '3', 'x']) {
    const refused = { status: 404, code: 'event-schemas.not-found', details: { catalogue: '/v1/events/catalogue' } };
    expect(await (await schemaOf(version)).json()).toMatchObject(refused);
  }
  const unknown = await request('/v1/events/schemas/frontdesk.Unknown/1');
  expect(await unknown.json()).toMatchObject({ status: 404, code: 'event-schemas.not-found' });
});
