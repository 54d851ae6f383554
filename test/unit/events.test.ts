import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { fromEnvelope, parseEnvelope, toEnvelope } from '../../src/cqrs/log/envelope';
import {
  createEventCatalogue,
  defineEvent,
  type RecordedEvent,
  requireValidEvent,
  schemaOf,
  upcast,
  upcaster,
} from '../../src/cqrs/log/event';
import { eventCatalogue, onlyIfWantedBy, ownSubscriptionsOf } from '../../src/domains';
import { newId } from '../../src/platform/ids';

const event: RecordedEvent = {
  position: 7,
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  type: 'Renamed',
  streamType: 'thing',
  streamId: 'a/b',
  version: 2,
  schemaVersion: 1,
  data: { label: 'x' },
  metadata: { commandId: 'c', requestId: 'r', actorId: undefined, traceparent: undefined },
  occurredAt: '2026-01-01T00:00:00.000Z',
};

/** An event type in its third version: a label, then a list of labels, then a list of names. */
const Renamed = defineEvent({
  type: 'Renamed',
  streamType: 'thing',
  schema: z.strictObject({ names: z.array(z.string()) }),
  upcasters: [
    upcaster(z.object({ label: z.string() }), ({ label }) => ({ labels: [label] })),
    upcaster(z.object({ labels: z.array(z.string()) }), ({ labels }) => ({ names: labels })),
  ],
});
const catalogue = createEventCatalogue([Renamed]);

describe('an event type', () => {
  test('an event type makes events of its newest version (product 6.4)', () => {
    expect(Renamed.create('a', 4, { names: ['x'] })).toEqual({
      type: 'Renamed',
      streamType: 'thing',
      streamId: 'a',
      version: 4,
      schemaVersion: 3,
      data: { names: ['x'] },
    });
  });
});

test.each([
  [1, { label: 'x' }],
  [2, { labels: ['x'] }],
  [3, { names: ['x'] }],
])('version %i of an event has the schema of its own data (product 7.8)', (version, data) => {
  const fitting = [1, 2, 3].filter((other) => schemaOf(Renamed, other)?.safeParse(data).success);
  expect(fitting).toEqual([version]);
  expect(schemaOf(Renamed, 4)).toBeUndefined();
});

describe('an event of the log', () => {
  test.each([
    [1, { label: 'x' }],
    [2, { labels: ['x'] }],
    [3, { names: ['x'] }],
  ])('an event of version %i is converted to the newest shape when it is read (product 6.4)', (schemaVersion, data) => {
    const read = upcast(catalogue, { ...event, schemaVersion, data });
    expect(read).toEqual({ ...event, schemaVersion: 3, data: { names: ['x'] } });
  });

  test.each([
    ['of an unknown type', { type: 'Unknown' }],
    ['of a version that this release does not know', { schemaVersion: 4, data: { names: ['x'] } }],
    ['of version 0', { schemaVersion: 0 }],
    ['whose data does not fit its version', { data: { nothing: 1 } }],
    ['whose data does not fit the newest version', { schemaVersion: 3, data: { names: 'x' } }],
  ])('an event %s is refused when it is read', (_, wrong) => {
    expect(() => upcast(catalogue, { ...event, ...wrong })).toThrow();
  });
});

describe('an event that a command records', () => {
  test('an event that a command records is accepted when its data fits', () => {
    requireValidEvent(catalogue, Renamed.create('a', 1, { names: [] }));
  });

  test.each([
    ['data of an older version', { data: { labels: ['x'] } }],
    ['a field too many', { data: { names: [], label: 'x' } }],
    ['no data', { data: undefined }],
    ['a type that the catalogue does not know', { type: 'Unknown' }],
  ])('an event that a command records with %s is refused', (_, wrong) => {
    const recorded = Renamed.create('a', 1, { names: [] });
    expect(() => requireValidEvent(catalogue, { ...recorded, ...wrong })).toThrow();
  });

  test('an event of an unknown type is refused with the name of the type and the file that registers types', () => {
    const recorded = { ...Renamed.create('a', 1, { names: [] }), type: 'Unknown' };
    expect(() => requireValidEvent(catalogue, recorded)).toThrow(/Unknown.*domains\.ts/);
  });
});

describe('the catalogue of events', () => {
  test('the catalogue of events has each type under its own name', () => {
    for (const [name, { type }] of eventCatalogue) expect(name).toBe(type);
    expect(eventCatalogue.size).toBe(new Set([...eventCatalogue.values()].map(({ type }) => type)).size);
  });

  const subscriptionsOf = (type: string, data: object = { fields: [] }) =>
    ownSubscriptionsOf({ type, streamType: 's', streamId: 'a', version: 1, schemaVersion: 1, data }).toSorted();

  test('the event of a registration goes to e-mails and the read models (product 1.2)', () => {
    expect(subscriptionsOf('UserRegistered')).toEqual(['emails', 'projections']);
  });

  test('the event of a request for a password reset leads to an e-mail (product 2.6)', () => {
    expect(subscriptionsOf('PasswordResetRequested')).toEqual(['emails', 'projections']);
  });

  test.each([
    ['OrderPlaced', { customerId: 'a' }, true],
    ['OrderCancelled', { customerId: null }, false],
    ['TicketStatusChanged', { to: 'closed' }, true],
    ['TicketStatusChanged', { to: 'triaged' }, false],
    ['TicketReplied', { by: 'staff' }, true],
    ['TicketReplied', { by: 'customer' }, false],
    ['TicketNoteWritten', {}, false],
    ['TicketOpened', {}, false],
    ['UserRoleChanged', {}, false],
    ['SettingsUpdated', {}, false],
    ['EmailConfirmationRequested', {}, true],
    ['UserEmailConfirmed', { by: 'change' }, true],
    ['UserEmailConfirmed', { by: 'registration' }, false],
    ['UserUpdated', { fields: ['email'] }, true],
    ['UserUpdated', { fields: ['name'] }, false],
  ])('whether an event %s with %j costs a delivery for e-mails: %s (product 11.1)', (type, data, expected) => {
    expect(subscriptionsOf(type, data).includes('emails')).toBe(expected);
  });

  test('only what the customer of an order or a ticket is told of needs their wish (product 11.2)', () => {
    const customerId = newId();
    const told = [...eventCatalogue.keys()].filter((type) => {
      const data = { customerId, by: 'staff', to: 'closed', fields: ['email'] };
      const event = { type, streamType: 's', streamId: 'a', version: 1, schemaVersion: 1, data };
      return onlyIfWantedBy(event) === customerId;
    });
    const orders = ['OrderPlaced', 'OrderCancelled', 'OrderShipped', 'OrderDelivered'];
    expect(told.toSorted()).toEqual([...orders, 'TicketReplied', 'TicketStatusChanged'].toSorted());
  });

  test('the projections receive every type of event, because a view of another version may list it (product 7.5)', () => {
    // The data of an event of which nobody is told.
    const data = { fields: [] };
    for (const type of eventCatalogue.keys()) expect(subscriptionsOf(type, data)).toContain('projections');
  });
});

const origin = { epoch: '7', source: 'https://shop.example', publicUrl: 'https://api.shop.example' };

describe('the envelope of an event', () => {
  test('the envelope of an event is a CloudEvent 1.0, from which the event comes back unchanged', () => {
    const envelope = toEnvelope(event, origin);
    expect(envelope).toMatchObject({
      specversion: '1.0',
      source: 'https://shop.example',
      type: 'frontdesk.Renamed',
      subject: 'thing/a/b',
      dataschema: 'https://api.shop.example/v1/events/schemas/frontdesk.Renamed/1',
      epoch: '7',
    });
    expect(fromEnvelope(parseEnvelope(JSON.parse(JSON.stringify(envelope))))).toEqual(event);
  });

  test('the envelope of an event carries the account and the trace where there are any (product 8.3)', () => {
    const metadata = { commandId: 'c', requestId: 'r', actorId: 'a', traceparent: 't' };
    const envelope = toEnvelope({ ...event, metadata }, origin);
    expect(envelope).toMatchObject({ commandid: 'c', requestid: 'r', actorid: 'a', traceparent: 't' });
    expect(fromEnvelope(parseEnvelope(JSON.parse(JSON.stringify(envelope)))).metadata).toEqual(metadata);
  });

  test('the envelope of version 0.4.0, which is on its way during an upgrade, is read', () => {
    const { dataschema: _, ...envelope } = toEnvelope(event, origin);
    expect(fromEnvelope(parseEnvelope({ ...envelope, source: '/frontdesk' }))).toEqual(event);
  });

  test.each([
    ['another version of CloudEvents', { specversion: '2.0' }],
    ['a type of another application', { type: 'other.Renamed' }],
    ['a subject without a stream', { subject: 'thing' }],
    ['no position', { position: undefined }],
    ['position 0', { position: 0 }],
  ])('an envelope with %s is refused', (_, wrong) => {
    expect(() => parseEnvelope({ ...toEnvelope(event, origin), ...wrong })).toThrow();
  });
});
