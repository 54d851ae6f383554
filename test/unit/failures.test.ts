import { DrizzleQueryError } from 'drizzle-orm/errors';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { toFailure } from '../../src/consumers/failures';
import { UnreadableEventError } from '../../src/cqrs/log/event';
import { EmailError, UnclearEmailError } from '../../src/email/email-sender';
import { DomainError } from '../../src/platform/errors';
import { DefectError, describeError } from '../../src/platform/failure';

const queryError = (message: string) => new DrizzleQueryError('SELECT 1', [], new Error(message));

describe('the classes of failures (product 7.3)', () => {
  test.each([
    ['data that does not fit its schema', z.string().safeParse(1).error],
    ['a defect', new TypeError('x is not a function')],
    ['any error of code that only computes', new DefectError(new Error('A rule.'))],
    ['a number out of range', new RangeError('Invalid time value')],
    ['a value that is not JSON', new SyntaxError('Unexpected token')],
    ['a name that does not exist', new ReferenceError('x is not defined')],
    ['a defect that another error wraps', new Error('failed', { cause: new TypeError('x') })],
    ['a row that is not JSON', queryError('D1_ERROR: malformed JSON: SQLITE_ERROR')],
    ['a value that breaks a constraint', queryError('D1_ERROR: CHECK constraint failed: x: SQLITE_CONSTRAINT')],
    ['a value that is too large for D1', queryError('D1_ERROR: string or blob too big: SQLITE_TOOBIG')],
    ['a value that is too large for KV', new Error('KV PUT failed: 413 Value length exceeds the limit')],
    ['a refusal of an e-mail for good', new EmailError('SMTP_550', 'for-good')],
  ])('%s is a fault of its own', (_, error) => {
    expect(toFailure(error).fault).toBe('own');
  });

  test.each([
    ['an error that nobody knows', new Error('Something')],
    ['an event of a newer version', new UnreadableEventError('unknown')],
    ['what is not an error', 'text'],
    ['D1 that is away', queryError('D1_ERROR: Network connection lost.')],
    ['D1 that is overloaded', queryError('D1_ERROR: D1 DB is overloaded. Too many requests queued.')],
    ['a key of KV that is busy', new Error('KV PUT failed: 429 Too Many Requests')],
    ['KV that is away', new Error('KV PUT failed: 503 Service Unavailable')],
    ['a refusal of an e-mail for now', new EmailError('SMTP_451', 'for-now')],
    [
      'an e-mail without an answer',
      new UnclearEmailError('SMTP_CONNECTION_LOST', new TypeError('The stream is closed.')),
    ],
    ['a refusal of the catalogue', new DomainError('conflict', 'a.b', 'text', {})],
  ])('%s is a fault of the platform', (_, error) => {
    expect(toFailure(error).fault).toBe('platform');
  });

  test('an address that does not take an e-mail is the fault of its owner (product 7.7)', () => {
    expect(toFailure(new EmailError('SMTP_RCPT_550_5.1.1', 'recipient'))).toEqual({
      error: 'EmailError: SMTP_RCPT_550_5.1.1',
      fault: 'recipient',
    });
  });

  test.each([
    [new TypeError('ada@example.com'), 'TypeError'],
    [Object.assign(new Error('ada@example.com'), { code: 'E_AWAY' }), 'Error: E_AWAY'],
    ['ada@example.com', 'unknown error'],
    [new DefectError(new TypeError('ada@example.com')), 'TypeError'],
  ])('an error is described by its class and code, and never by its message: %s', (error, expected) => {
    expect(describeError(error)).toBe(expected);
  });
});
