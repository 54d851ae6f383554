import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { isPlatformFailure } from '../../src/platform/failure';
import { isSameJson } from '../../src/platform/json';

describe('a failure', () => {
  const zodError = z.string().safeParse(1).error;
  const timeout = Object.assign(new Error('The operation timed out.'), { name: 'TimeoutError' });
  test.each<[string, unknown]>([
    ['D1 that lost the connection', new Error('D1_ERROR: Network connection lost.')],
    ['D1 that is overloaded', new Error('D1 DB is overloaded. Requests queued for too long.')],
    ['D1, inside of an error of the query builder', new Error('Failed query', { cause: new Error('D1_ERROR: reset') })],
    ['KV that is away', new Error('KV GET failed: 500 Internal Server Error')],
    ['KV that refuses a second write', new Error('KV PUT failed: 429 Too Many Requests')],
    ['KV that timed out', new Error('KV PUT failed: 408 Request Timeout')],
    ['a time-out', timeout],
    ['an error nobody knows', new Error('Something went wrong.')],
    ['something that is no error object', 'a text'],
  ])('of %s is one of the platform', (_, error) => expect(isPlatformFailure(error)).toBe(true));

  test.each<[string, unknown]>([
    ['of a schema', zodError],
    ['of JSON', new SyntaxError('Unexpected token')],
    ['of the code', new TypeError('undefined is not a function')],
    ['of a range', new RangeError('Invalid time value')],
    ['of a name', new ReferenceError('x is not defined')],
    ['of a statement', new Error('D1_ERROR: malformed JSON: SQLITE_ERROR')],
    [
      'of a statement, inside of an error of the query builder',
      new Error('Failed query', { cause: new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG') }),
    ],
    ['of a value that KV does not take', new Error('KV PUT failed: 413 Value length exceeds limit')],
  ])('%s is an own one', (_, error) => expect(isPlatformFailure(error)).toBe(false));
});

test.each<[unknown, unknown, boolean]>([
  [{ a: 1, b: { c: [1, 2], d: null } }, { b: { d: null, c: [1, 2] }, a: 1 }, true],
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 2 }, false],
  [{ a: 1 }, { a: '1' }, false],
  [{ a: 1 }, { b: 1 }, false],
  [{ a: null }, {}, false],
  [[1, 2], [2, 1], false],
  [[1], { 0: 1 }, false],
  [[{ a: 1, b: 2 }], [{ b: 2, a: 1 }], true],
  [undefined, undefined, true],
  [undefined, null, false],
])('%j and %j have the same JSON: %s', (a, b, expected) => expect(isSameJson(a, b)).toBe(expected));
