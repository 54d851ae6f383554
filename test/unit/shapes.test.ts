import { expect, test } from 'vitest';
import { typesOf } from '../../src/cqrs/reading/view';
import { views } from '../../src/domains';

/**
 * The shapes of the read models, each with the types of events that touch it. A version that runs beside this one, or
 * that a rollback brings back, handles the events of a shape that it knows by its own list.
 */
const released: Readonly<Record<string, readonly string[]>> = {
  'user@2': [
    'ItemCreated',
    'ItemDeleted',
    'OrderPlaced',
    'TicketOpened',
    'TicketStatusChanged',
    'UserDeactivated',
    'UserDeleted',
    'UserPasswordChanged',
    'UserReactivated',
    'UserRegistered',
    'UserRoleChanged',
    'UserSignedIn',
    'UserUpdated',
  ],
  'access@2': [
    'UserDeactivated',
    'UserDeleted',
    'UserPasswordChanged',
    'UserReactivated',
    'UserRegistered',
    'UserRoleChanged',
  ],
  'settings@1': ['SettingsUpdated', 'UserDeleted', 'UserRegistered'],
  'user-list@1': ['UserDeleted', 'UserRegistered', 'UserUpdated'],
  'item@1': ['ItemCreated', 'ItemDeleted', 'ItemUpdated', 'OrderCancelled', 'OrderPlaced'],
  'item-list@1': ['ItemCreated', 'ItemDeleted', 'ItemUpdated'],
  'order@1': ['OrderAnonymised', 'OrderCancelled', 'OrderDelivered', 'OrderPlaced', 'OrderShipped'],
  'order-list@1': ['OrderAnonymised', 'OrderCancelled', 'OrderDelivered', 'OrderPlaced', 'OrderShipped'],
  'ticket@1': ['TicketDeleted', 'TicketOpened', 'TicketStatusChanged'],
  'staff-ticket@3': ['TicketDeleted', 'TicketNoteAdded', 'TicketNoteWritten', 'TicketOpened', 'TicketStatusChanged'],
  'ticket-list@1': ['TicketDeleted', 'TicketOpened', 'TicketStatusChanged'],
  'staff-ticket-list@2': [
    'TicketDeleted',
    'TicketNoteAdded',
    'TicketNoteWritten',
    'TicketOpened',
    'TicketStatusChanged',
  ],
  'ticket-dashboard@1': ['TicketDeleted', 'TicketOpened', 'TicketStatusChanged'],
};

test('a shape that exists keeps its types of events: another list needs a higher shapeVersion (product 7.5)', () => {
  expect(Object.fromEntries(views.map((view) => [view.id, typesOf(view)]))).toEqual(released);
});
