import { describe, expect, test } from 'vitest';
import { SessionStarted } from '../../src/auth/events';
import type { EventDefinition, NewEvent, RecordedEvent } from '../../src/cqrs/log/event';
import { targetsOf } from '../../src/cqrs/reading/view';
import { views } from '../../src/domains';
import { ItemCreated, ItemDeleted, ItemUpdated } from '../../src/items/events';
import { OrderAnonymised, OrderCancelled, OrderDelivered, OrderPlaced, OrderShipped } from '../../src/orders/events';
import {
  TicketDeleted,
  TicketNoteAdded,
  TicketNoteWritten,
  TicketOpened,
  TicketStatusChanged,
} from '../../src/tickets/events';
import {
  SettingsUpdated,
  UserDeactivated,
  UserDeleted,
  UserPasswordChanged,
  UserReactivated,
  UserRegistered,
  UserRoleChanged,
  UserSignedIn,
  UserUpdated,
} from '../../src/users/events';

/** A document by the name of its view and its key; the number of the shape may change. */
const nameOf = ({ view, key }: { view: string; key: string }) => `${view.replace(/@\d+$/, '')} ${key}`;

function recorded(event: NewEvent): RecordedEvent {
  const metadata = { commandId: 'c', requestId: 'r' };
  return { ...event, id: 'e', position: 7, metadata, occurredAt: '2026-01-01T00:00:00.000Z' };
}

/** The documents that an event touches, each once. */
function touched(event: NewEvent): string[] {
  return [...new Set(targetsOf(views, recorded(event)).map(nameOf))].sort();
}

const each = (view: string, keys: readonly string[]) => keys.map((key) => `${view} ${key}`);
const facts = { customerId: 'ada', items: [{ itemId: 'pot', quantity: 1 }] };
const ticket = { customerId: 'ada', orderId: null };

// A document that an event should touch, and does not, stays old for ever: no other test looks at every pair of them.
describe('an event touches every document that shows its effect, and no other (product 6.10, 7.4)', () => {
  test.each<[string, NewEvent, string[]]>([
    [
      'a registration',
      UserRegistered.create('ada', 1, { role: 'customer' }),
      ['access ada', 'settings ada', 'user ada', 'user-list all'],
    ],
    ['a new name', UserUpdated.create('ada', 2, { fields: ['name'] }), ['user ada', 'user-list all']],
    ['a new e-mail address', UserUpdated.create('ada', 2, { fields: ['email'] }), ['user ada']],
    ['a new password', UserPasswordChanged.create('ada', 2, { by: 'change' }), ['access ada', 'user ada']],
    ['a new role', UserRoleChanged.create('ada', 2, { role: 'agent' }), ['access ada', 'user ada']],
    ['a deactivation', UserDeactivated.create('ada', 2, {}), ['access ada', 'user ada']],
    ['a reactivation', UserReactivated.create('ada', 2, {}), ['access ada', 'user ada']],
    [
      'a deleted account',
      UserDeleted.create('ada', 2, {}),
      ['access ada', 'settings ada', 'user ada', 'user-list all'],
    ],
    ['changed settings', SettingsUpdated.create('ada', 2, { fields: ['locale'] }), ['settings ada']],
    [
      'a new item, which is for sale',
      ItemCreated.create('pot', 1, { ownerId: 'ada' }),
      ['item pot', ...each('item-lists', ['all', 'ada']), 'user ada'],
    ],
    ...(['title', 'price', 'isActive'] as const).map((field): [string, NewEvent, string[]] => [
      `an item with another ${field}`,
      ItemUpdated.create('pot', 2, { ownerId: 'ada', fields: [field] }),
      ['item pot', ...each('item-lists', ['all', 'ada'])],
    ]),
    ['an item with another stock', ItemUpdated.create('pot', 2, { ownerId: 'ada', fields: ['stock'] }), ['item pot']],
    [
      'a deleted item',
      ItemDeleted.create('pot', 2, { ownerId: 'ada' }),
      ['item pot', ...each('item-lists', ['all', 'ada']), 'user ada'],
    ],
    [
      'a placed order',
      OrderPlaced.create('o', 1, { ...facts, total: null }),
      ['item pot', 'order o', ...each('order-lists', ['all', 'ada']), 'sales-dashboard all', 'user ada'],
    ],
    [
      'a shipped order',
      OrderShipped.create('o', 2, facts),
      ['order o', ...each('order-lists', ['all', 'ada']), 'sales-dashboard all'],
    ],
    [
      'a delivered order',
      OrderDelivered.create('o', 3, facts),
      ['order o', ...each('order-lists', ['all', 'ada']), 'sales-dashboard all'],
    ],
    [
      'a cancelled order',
      OrderCancelled.create('o', 2, facts),
      ['item pot', 'order o', ...each('order-lists', ['all', 'ada']), 'sales-dashboard all'],
    ],
    [
      'an order of a deleted account',
      OrderAnonymised.create('o', 2, { customerId: 'ada' }),
      ['order o', ...each('order-lists', ['all', 'ada'])],
    ],
    [
      'a new ticket',
      TicketOpened.create('t', 1, ticket),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada', 'user ada'],
    ],
    [
      'a triaged ticket',
      TicketStatusChanged.create('t', 2, { customerId: 'ada', from: 'open', to: 'triaged' }),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada', 'user ada'],
    ],
    [
      'a reopened ticket',
      TicketStatusChanged.create('t', 2, { customerId: 'ada', from: 'triaged', to: 'open' }),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada', 'user ada'],
    ],
    [
      'a ticket that is closed after its triage, which was not open',
      TicketStatusChanged.create('t', 3, { customerId: 'ada', from: 'triaged', to: 'closed' }),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada'],
    ],
    [
      'a change of an old release, which does not say the status before',
      TicketStatusChanged.create('t', 2, { customerId: 'ada', from: null, to: 'closed' }),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada', 'user ada'],
    ],
    [
      'a note, of which no document of the customer may show a trace',
      TicketNoteWritten.create('n', 1, { ticketId: 't', status: 'triaged' }),
      ['staff-ticket t', 'staff-ticket-lists all'],
    ],
    [
      'a note of an old release, which was an event of its ticket',
      TicketNoteAdded.create('t', 2, { noteId: 'n', status: 'triaged' }),
      ['staff-ticket t', 'staff-ticket-lists all'],
    ],
    [
      // Only the deletion of its customer deletes a ticket, and that event touches the account.
      'a deleted ticket',
      TicketDeleted.create('t', 2, { customerId: 'ada' }),
      ['staff-ticket t', 'staff-ticket-lists all', 'ticket t', 'ticket-dashboard all', 'ticket-lists ada'],
    ],
  ])('%s', (_, event, expected) => {
    expect(touched(event)).toEqual([...expected].sort());
  });

  test('an order of a deleted customer touches the lists of all orders, and no account', () => {
    const shipped = OrderShipped.create('o', 2, { ...facts, customerId: null });
    expect(touched(shipped)).toEqual(['order o', 'order-lists all', 'sales-dashboard all'].sort());
  });

  test.each([
    ['a sign-in', SessionStarted.create('s', 1, { userId: 'ada' })],
    ['a sign-in of an old release', UserSignedIn.create('ada', 2, { sessionId: 's' })],
  ])('%s touches the account, and not the access document', (_, event) => {
    expect(touched(event)).toEqual(['user ada']);
  });
});

describe('a command projects the access document before its response (product 1.7)', () => {
  const inlineViews = ({ type }: EventDefinition) =>
    views.filter(({ inlineOn }) => inlineOn.includes(type)).map(({ name }) => name);

  test.each<[string, EventDefinition, string[]]>([
    ['a new password', UserPasswordChanged, ['access']],
    ['a new role', UserRoleChanged, ['access']],
    ['a deactivation', UserDeactivated, ['access']],
    ['a reactivation', UserReactivated, ['access']],
    ['a deletion', UserDeleted, ['access']],
    // A new account has no token that could be revoked, and its owner should not wait.
    ['a registration', UserRegistered, []],
    ['a new name', UserUpdated, []],
  ])('%s', (_, definition, expected) => {
    expect(inlineViews(definition)).toEqual(expected);
  });
});
