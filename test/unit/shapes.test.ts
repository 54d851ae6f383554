import { expect, test } from 'vitest';
import { SessionStarted } from '../../src/auth/events';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { targetsOf } from '../../src/cqrs/reading/view';
import { eventCatalogue, views } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { UserSignedIn } from '../../src/users/events';

/**
 * The shapes of the read models, each with the types of events that touch it. A version that runs beside this one, or
 * that a rollback brings back, handles the events of a shape that it knows by its own list.
 */
const released: Readonly<Record<string, readonly string[]>> = {
  'user@4': [
    'EmailChangeExpired',
    'EmailConfirmationRequested',
    'ItemCreated',
    'ItemDeleted',
    'OrderPlaced',
    'SessionStarted',
    'TicketOpened',
    'TicketReopened',
    'TicketStatusChanged',
    'UserDeactivated',
    'UserDeleted',
    'UserEmailConfirmed',
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
  'user-list@3': ['UserDeleted', 'UserRegistered', 'UserUpdated'],
  'item@2': ['ItemCreated', 'ItemDeleted', 'ItemUpdated', 'OrderCancelled', 'OrderPlaced'],
  'api-keys@1': ['ApiKeyCreated', 'ApiKeyRevoked', 'UserDeleted'],
  'item-lists@1': ['ItemCreated', 'ItemDeleted', 'ItemUpdated'],
  'order@3': ['OrderAnonymised', 'OrderCancelled', 'OrderDelivered', 'OrderPlaced', 'OrderShipped'],
  'order-lists@1': ['OrderAnonymised', 'OrderCancelled', 'OrderDelivered', 'OrderPlaced', 'OrderShipped'],
  'sales-dashboard@1': ['OrderCancelled', 'OrderDelivered', 'OrderPlaced', 'OrderShipped'],
  'ticket@2': ['TicketDeleted', 'TicketOpened', 'TicketReopened', 'TicketReplied', 'TicketStatusChanged'],
  'staff-ticket@4': [
    'TicketAssigned',
    'TicketDeleted',
    'TicketNoteAdded',
    'TicketNoteWritten',
    'TicketOpened',
    'TicketReopened',
    'TicketReplied',
    'TicketStatusChanged',
  ],
  'ticket-lists@2': ['TicketDeleted', 'TicketOpened', 'TicketReopened', 'TicketReplied', 'TicketStatusChanged'],
  'staff-ticket-lists@2': [
    'TicketAssigned',
    'TicketDeleted',
    'TicketNoteAdded',
    'TicketNoteWritten',
    'TicketOpened',
    'TicketReopened',
    'TicketReplied',
    'TicketStatusChanged',
  ],
  'ticket-dashboard@3': ['TicketDeleted', 'TicketOpened', 'TicketReopened', 'TicketStatusChanged'],
};

test('a shape that exists keeps its types of events: another list needs a higher shapeVersion (product 7.5)', () => {
  const hint = 'Add a new view to `released` in this test.';
  expect(Object.fromEntries(views.map((view) => [view.id, view.types])), hint).toEqual(released);
});

test('a sign-in touches the account, in the form of today and in that of before 0.4.0 (product 2.5)', () => {
  const [userId, sessionId] = [newId(), newId()];
  const recorded = { position: 1, id: newId(), metadata: { commandId: 'c', requestId: 'r' }, occurredAt: '' };
  for (const event of [
    SessionStarted.create(sessionId, 1, { userId }),
    UserSignedIn.create(userId, 2, { sessionId }),
  ]) {
    const read = upcast(eventCatalogue, { ...recorded, ...event } as RecordedEvent);
    expect(targetsOf(views, read).map(({ key, view }) => [view, key])).toEqual([['user@4', userId]]);
  }
});
