import { expect, test } from 'vitest';
import { lettersOf, logPath, shortId, subjectPath } from '../../console/src/screens/events/links';

test('a link to the event log has the names of the API, and leaves out what is not filtered', () => {
  expect(logPath({ stream: 'ticket/1', actor: undefined, request: '' })).toBe('/console/events?stream=ticket%2F1');
  expect(logPath({})).toBe('/console/events');
});

test('an event leads to the screen of its thing, if there is one', () => {
  expect(subjectPath('order', '7')).toBe('/console/orders/7');
  expect(subjectPath('user', '7')).toBe('/console/people/7');
  expect(subjectPath('session', '7')).toBeUndefined();
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
