import { describe, expect, test } from 'vitest';
import { isReplayRisky, remedyOf } from '../../console/src/screens/dead-letters/remedy';

const remedyOfEmail = (error: string) => remedyOf({ subscription: 'emails', error, fault: 'system' });

describe('what a dead letter means', () => {
  test.each([
    ['EmailError: SMTP_HOST_NOT_FOUND', 'unreachable'],
    ['EmailError: SMTP_AUTH_UNSUPPORTED', 'unreachable'],
    ['EmailError: TIMED_OUT', 'unreachable'],
    ['EmailError: SMTP_AUTH_535_5.7.8', 'signIn'],
    ['EmailError: SMTP_AUTH_454', 'later'],
    ['EmailError: SMTP_MAIL_550', 'sender'],
    ['EmailError: SMTP_MAIL_451_4.7.1', 'later'],
    ['EmailError: INVALID_ADDRESS', 'sender'],
    ['EmailError: E_SENDER_NOT_VERIFIED', 'sender'],
    ['EmailError: SMTP_RCPT_554_5.7.1', 'policy'],
    ['EmailError: SMTP_MESSAGE_552', 'policy'],
    ['EmailError: SMTP_GREETING_554', 'policy'],
    ['EmailError: E_RECIPIENT_NOT_ALLOWED', 'restricted'],
    ['EmailError: E_VALIDATION_ERROR', 'message'],
    ['EmailError: E_RATE_LIMIT_EXCEEDED', 'later'],
    ['UnclearEmailError: SMTP_CONNECTION_LOST', 'unclear'],
    ['UnclearEmailError: TIMED_OUT', 'unclear'],
    ['ZodError', 'shape'],
    ['SyntaxError', 'defect'],
    ['unknown error', 'defect'],
  ])('%s: %s', (error, remedy) => {
    expect(remedyOfEmail(error)).toBe(remedy);
  });

  test('an address that takes nothing is no fault of the system, whatever the code', () => {
    expect(remedyOf({ subscription: 'emails', error: 'EmailError: SMTP_RCPT_550_5.1.1', fault: 'recipient' })).toBe(
      'recipient',
    );
  });

  test('a plain error is about a document only where documents are made', () => {
    expect(remedyOf({ subscription: 'projections', error: 'Error', fault: 'system' })).toBe('document');
    expect(remedyOfEmail('Error')).toBe('defect');
  });

  test('a dead letter without an error has an explanation too', () => {
    expect(remedyOf({ subscription: 'events', error: null, fault: 'system' })).toBe('defect');
  });
});

test('whoever replays is warned where people may get an e-mail twice, or a server has refused for good', () => {
  expect(isReplayRisky('unclear')).toBe(true);
  expect(isReplayRisky('recipient')).toBe(true);
  expect(isReplayRisky('signIn')).toBe(false);
});
