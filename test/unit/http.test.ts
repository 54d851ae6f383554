import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { RequestContext } from '../../src/http/context';
import { describeIssue, toFieldErrors, unstorableTexts } from '../../src/http/field-errors';
import { formatEntityTag, type KeyedHashes, readConditions } from '../../src/http/preconditions';
import { problemResponse } from '../../src/http/problem';
import { isEncodedUtf8, pathReference } from '../../src/http/uri';
import { DomainError } from '../../src/platform/errors';

const hashesWith =
  (...secrets: [string, ...string[]]): KeyedHashes =>
  (text) => {
    const hash = (secret: string) => createHmac('sha256', secret).update(text).digest('hex');
    const [current, ...previous] = secrets;
    return [hash(current), ...previous.map(hash)];
  };

describe('the path of a problem as a URI reference', () => {
  test.each([
    ['http://a/v1/users', '/v1/users'],
    ['http://a/v1/a b', '/v1/a%20b'],
    ['http://a/%zz', '/%25zz'],
    ['http://a/%', '/%25'],
    ['http://a/%41%c3%a9', '/%41%c3%a9'],
    ['http://a/[x]|^`{y}', '/%5Bx%5D%7C%5E%60%7By%7D'],
    ['http://a//evil.example/x', '/.//evil.example/x'],
    ['http://a/é?q=1#f', '/%C3%A9'],
  ])('the path of %s is %s', (url, reference) => {
    expect(pathReference(url)).toBe(reference);
    expect(new URL(reference, 'http://a').host).toBe('a');
  });
});

test.each([
  ['', true],
  ['a=%C3%A9&b=é', true],
  ['a=%zz&b=%', true],
  ['%00', true],
  ['%FF', false],
  ['%C3', false],
  ['%C3x%A9', false],
  ['%ED%A0%80', false],
  ['%C0%80', false],
  ['ok&%F0%9F%98', false],
])('whether the encoded bytes of "%s" are UTF-8: %s', (text, expected) => expect(isEncodedUtf8(text)).toBe(expected));

describe('the preconditions of a command (product 6.3)', () => {
  const hashes = hashesWith('secret');
  const match = (ifMatch?: string, ifNoneMatch?: string) => readConditions({ ifMatch, ifNoneMatch }, hashes);

  test.each<[string | undefined, number[] | undefined]>([
    [undefined, undefined],
    ['*', undefined],
    [' * ', undefined],
    ['"7"', [7]],
    ['"7", "8"', [7, 8]],
    [',"7",,W/"8" , "9",', [7, 9]],
    ['"7","a,b"', [7]],
  ])('If-Match %s allows the versions %j', (field, expectedVersion) => {
    expect(match(field)).toEqual(expectedVersion === undefined ? {} : { expectedVersion });
  });

  test.each([
    '',
    ',',
    '7',
    '"7',
    'W/"7"',
    '"x"',
    '"7"x',
    '"7" "8"',
    '*, "7"',
    '"7", x',
    '"7-1.4.0"',
    '"-7"',
    '"7.0"',
    '"07 "',
    `"${'9'.repeat(16)}"`,
  ])('If-Match %s allows no version', (field) => expect(match(field)).toBeUndefined());

  test('If-None-Match * is false for every command, and a list refuses its versions, also in weak tags', () => {
    expect(match(undefined, '*')).toBeUndefined();
    expect(match(undefined, 'W/"7", "8", "x"')).toEqual({ unexpectedVersions: [7, 8] });
    expect(match('"7"', 'no tags')).toEqual({ expectedVersion: [7] });
    expect(match(undefined, '"x"')).toEqual({});
  });

  test('a tag with a revision is accepted as it was made, also after a change of the secret', () => {
    const tag = formatEntityTag(7, '1.4.0', hashes);
    expect(tag).toMatch(/^"7-1\.4\.0-[\da-f]{16}"$/);
    expect(match(tag)).toEqual({ expectedVersion: [7] });
    expect(readConditions({ ifMatch: tag, ifNoneMatch: undefined }, hashesWith('new', 'secret'))).toBeDefined();
    expect(readConditions({ ifMatch: tag, ifNoneMatch: undefined }, hashesWith('new'))).toBeUndefined();
    for (const invented of [tag.replace('7-', '8-'), tag.replace('1.4.0', '1.4.1'), tag.replace(/.(?="$)/, 'x')]) {
      expect(match(invented)).toBeUndefined();
    }
    expect(formatEntityTag(7, undefined, hashes)).toBe('"7"');
  });
});

describe('the wrong fields of an input (product 6.1)', () => {
  const schema = z.strictObject({
    text: z.string().min(2).max(3),
    number: z.int().min(1).max(9),
    list: z.array(z.strictObject({ id: z.uuid() })).max(3),
    word: z.enum(['a', 'b']),
    mail: z.email(),
    own: z.string().regex(/^x$/, 'must be x'),
  });
  const errorsOf = (input: unknown) => {
    const { error } = schema.safeParse(input, { error: describeIssue });
    return toFieldErrors(error?.issues ?? []);
  };

  test('each has a text of our own, in which nothing of the input is repeated', () => {
    const input = {
      text: 'secret',
      number: 0.5,
      list: [{ id: 'secret' }, {}, 1],
      word: 'secret',
      mail: 'secret',
      own: 'secret',
      more: 1,
    };
    const errors = errorsOf(input);
    expect(Object.fromEntries(errors.map(({ pointer, detail }) => [pointer, detail]))).toEqual({
      '/text': 'must have at most 3 characters',
      '/number': 'must be a whole number',
      '/list/0/id': 'must be a UUID',
      '/list/1/id': 'is missing',
      '/list/2': 'must be an object',
      '/word': 'must be one of: a, b',
      '/mail': 'must be an e-mail address',
      '/own': 'must be x',
      '/more': 'is not a known field',
    });
    expect(JSON.stringify(errors)).not.toContain('secret');
    const [, , tooMany] = errorsOf({ text: '', number: 0, list: [1, 2, 3, 4] });
    expect(tooMany).toEqual({ pointer: '/list', detail: 'must have at most 3 entries', code: 'too_big' });
  });

  test('there are twenty at most, with the pointer of a value around a field whose own pointer is too long', () => {
    const unknown = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`${'~'.repeat(index * 5)}${index}`, 1]),
    );
    const errors = errorsOf(unknown);
    expect(errors).toHaveLength(20);
    expect(errors.every(({ pointer }) => pointer.length <= 200 && !/~(?![01])/.test(pointer))).toBe(true);
    const path = ['a', 'b'.repeat(300), 'c'];
    expect(toFieldErrors([{ code: 'custom', path, message: 'x', input: undefined }])[0]?.pointer).toBe('/a');
  });

  test('texts that cannot be stored are found at any depth, in values and in names', () => {
    const pathsOf = (input: unknown) => unstorableTexts(input).map(({ path }) => path.join('/'));
    expect(pathsOf({ a: ['ok', 'x\0'], b: { '\ud800': 1, c: '\udc00' }, d: '😀\u0001' })).toEqual([
      'a/1',
      'b/\ud800',
      'b/c',
    ]);
    expect(pathsOf('\0')).toEqual(['']);
    const deep = JSON.parse(`${'['.repeat(30_000)}"\\u0000"${']'.repeat(30_000)}`);
    expect(unstorableTexts(deep)).toHaveLength(1);
    expect(unstorableTexts(Array.from({ length: 100 }, () => '\0'))).toHaveLength(20);
  });
});

describe('a problem (product 6.1)', () => {
  /** The body of a problem, and its size. */
  async function answer(error: DomainError, url = 'http://a/v1/users') {
    const c = {
      req: { url, path: new URL(url).pathname },
      var: { requestId: 'r' },
      body: (body: string, status: number, headers: Record<string, string>) => new Response(body, { status, headers }),
    };
    // problemResponse uses no other part of a context.
    const text = await problemResponse(c as unknown as RequestContext, error).text();
    return { size: new TextEncoder().encode(text).length, body: JSON.parse(text) as Record<string, unknown> };
  }

  const long = '€'.repeat(10_000);
  const errors = Array.from({ length: 500 }, () => ({ pointer: '/a', detail: 'x', code: 'c' }));
  const fieldOf = (pointer: string) => ({ pointer, detail: 'x', code: 'c' });

  test.each<[string, DomainError, string]>([
    ['details that are too large', new DomainError('invalid', 'a.b', 'x', { long }), 'http://a/x'],
    [
      'fields that are too large',
      new DomainError('invalid', 'a.b', 'x', { small: 1 }, { errors: [fieldOf(long)] }),
      'http://a/x',
    ],
    ['a text that is too large', new DomainError('invalid', 'a.b', long, {}), 'http://a/x'],
    ['a long path', new DomainError('invalid', 'a.b', 'x', {}), `http://a/${'x'.repeat(3000)}`],
    ['a long host', new DomainError('invalid', 'a.b', 'x', {}), `http://${'a.'.repeat(10_000)}b/`],
  ])('with %s has 16 KB at most', async (_, error, url) => {
    const { size, body } = await answer(error, url);
    expect(size).toBeLessThanOrEqual(16 * 1024);
    expect(body).toMatchObject({ status: 422, code: 'a.b', requestId: 'r', title: 'Unprocessable Content' });
    expect(String(body.instance ?? '').length).toBeLessThanOrEqual(2000);
  });

  test('with many fields has the first twenty, and keeps what is small', async () => {
    const error = new DomainError('invalid', 'a.b', 'x', { small: 1 }, { errors });
    const { body } = await answer(error);
    expect(body).toMatchObject({ instance: '/v1/users', details: { small: 1 }, errors: errors.slice(0, 20) });
    expect(body.errors).toHaveLength(20);
  });
});
