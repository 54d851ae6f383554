import { expect, test } from 'vitest';
import { lettersOf, logPath, shortId, subjectsOf } from '../../console/src/screens/events/links';

test('a link to the event log has the names of the API, and leaves out what is not filtered', () => {
  expect(logPath({ stream: 'ticket/1', actor: undefined, request: '' })).toBe('/console/events?stream=ticket%2F1');
  expect(logPath({})).toBe('/console/events');
});

test('an event leads to the screens of the things that it is about, to each once', () => {
  const data = { customerId: 'c', ticketId: 't', orderId: null, constructor: 'x', status: 'closed' };
  expect(subjectsOf({ streamType: 'ticket-reply', streamId: 'r', data })).toEqual([
    ['customer', '/console/people/c'],
    ['ticket', '/console/tickets/t'],
  ]);
  expect(subjectsOf({ streamType: 'user', streamId: 'u', data: { userId: 'u' } })).toEqual([
    ['user', '/console/people/u'],
  ]);
  expect(subjectsOf({ streamType: 'session', streamId: 's', data: null })).toEqual([]);
});

test('a short id is the end of the id, because its beginning is its time', () => {
  expect(shortId('0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11')).toBe('…5f0f2b11');
  expect(shortId('all')).toBe('all');
});

test('the dead letters that an event of operators names are found, and nothing in other events', () => {
  expect(lettersOf({ letters: [{ position: 42, subscription: 'emails' }] })).toEqual(['42-emails']);
  for (const data of [null, {}, { letters: 'of the alphabet' }, { letters: [7, null] }])
    expect(lettersOf(data)).toEqual([]);
});
