import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config';
import { encodePayload, readUnverified } from '../../src/cqrs/log/consistency-token';
import { errorCatalogue } from '../../src/domains';
import { createConsistencyTokens } from '../../src/http/consistency-tokens';
import { continueTrace } from '../../src/http/tracing';
import { brokenConstraint, foreignKey } from '../../src/platform/d1';
import { DomainError, defineError } from '../../src/platform/errors';
import { money } from '../../src/platform/money';
import { verifyPassword } from '../../src/platform/password';

describe('a consistency token (product 6.7, 7.4)', () => {
  const [oldSecret, newSecret] = ['the-old-secret-0123456789-abcdefgh', 'the-new-secret-0123456789-abcdefgh'];
  const tokens = createConsistencyTokens([oldSecret]);
  const token = { position: 3, bookmark: '0000-0001-abc', epoch: '1' };
  const refusal = expect.objectContaining({ kind: 'bad-request', code: 'http.invalid-consistency-token' });

  test.each([token, { ...token, bookmark: null }, { ...token, position: 0 }])(
    'a consistency token is the same after it was encoded and decoded: %j',
    (original) => {
      expect(tokens.decode(tokens.encode(original))).toEqual(original);
    },
  );

  test('a consistency token shows clients, who have no secret, its position and its epoch', () => {
    expect(readUnverified(tokens.encode(token))).toEqual(token);
  });

  const [payload = '', mac = ''] = tokens.encode(token).split('.');
  const other = tokens.encode({ ...token, position: 4 }).split('.');

  test.each([
    ['is empty', ''],
    ['is not base64url', 'ö'],
    ['is not JSON', 'x'],
    ['has no field', `e30.${mac}`],
    ['has no MAC', payload],
    ['has no MAC after its dot', `${payload}.`],
    ['has the MAC of another token', `${payload}.${other[1]}`],
    ['has the position of another token', `${other[0]}.${mac}`],
    ['has a MAC that is cut', `${payload}.${mac.slice(0, -2)}`],
    ['has a longer MAC', `${payload}.${mac}AA`],
    ['has its MAC in another spelling', `${payload}.${mac}=`],
    ['has a third part', `${payload}.${mac}.${mac}`],
    ['has a MAC by another secret', createConsistencyTokens([newSecret]).encode(token)],
    ['has a bookmark that D1 would not make', tokens.encode({ ...token, bookmark: "'; DROP" })],
    ['has a negative position', tokens.encode({ ...token, position: -1 })],
    ['has a position that is no whole number', tokens.encode({ ...token, position: 0.5 })],
    ['is too long', tokens.encode({ ...token, bookmark: 'a'.repeat(200), epoch: '€'.repeat(64) })],
    ['is a payload of an earlier release', encodePayload(token)],
  ])('a consistency token that %s is refused', (_, text) => {
    expect(() => tokens.decode(text)).toThrow(refusal);
  });

  test('a consistency token is valid as long as its secret is the current or the previous one', () => {
    const rotated = createConsistencyTokens([newSecret, oldSecret]);
    expect(rotated.decode(tokens.encode(token))).toEqual(token);
    expect(() => tokens.decode(rotated.encode(token))).toThrow(refusal);
    expect(() => createConsistencyTokens([newSecret]).decode(tokens.encode(token))).toThrow(refusal);
  });
});

describe('a traceparent (product 8.3)', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';

  test.each(['00', '01'])('a valid traceparent is continued with a new span and its flags %s', (flags) => {
    const continued = continueTrace(`00-${trace}-00f067aa0ba902b7-${flags}`);
    expect(continued).toMatch(new RegExp(`^00-${trace}-(?!00f067aa0ba902b7)[0-9a-f]{16}-${flags}$`));
  });

  test.each([
    undefined,
    'x',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `ff-${trace}-00f067aa0ba902b7-01`,
  ])('a traceparent that is not valid is replaced by a new one: %s', (header) => {
    expect(continueTrace(header)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(continueTrace(header)).not.toContain(trace);
  });
});

describe('the configuration (product 8.4)', () => {
  const good = {
    ISSUER: 'https://frontdesk.example',
    AUDIENCE: 'frontdesk',
    EPOCH: '1',
    TOKEN_SECRET: 'q8GZr1yT0wXk3VbN5mLp7sDf9hJc2uAe',
    EMAIL_TRANSPORT: 'console',
    EMAIL_FROM: 'Frontdesk <hello@frontdesk.example>',
    PASSWORD_RESET_URL: 'https://frontdesk.example/reset',
  };

  test('the configuration is read from variables and secrets', () => {
    expect(loadConfig({ ...good })).toMatchObject({
      epoch: '1',
      tokenSecrets: [good.TOKEN_SECRET],
      email: { transport: 'console', from: { name: 'Frontdesk', email: 'hello@frontdesk.example' } },
      firstAdmin: undefined,
    });
  });

  test('without other values only the staff sells, and orders are numbered from 1001 (product 3.5, 4.5)', () => {
    expect(loadConfig({ ...good })).toMatchObject({ sellers: 'staff', firstOrderNumber: 1001 });
    const others = { SELLERS: 'everyone', FIRST_ORDER_NUMBER: '50000' };
    expect(loadConfig({ ...good, ...others })).toMatchObject({ sellers: 'everyone', firstOrderNumber: 50_000 });
    expect(loadConfig({ ...good, FIRST_ORDER_NUMBER: 7 })).toMatchObject({ firstOrderNumber: 7 });
  });

  test('without another value the acceptable lag is 30 seconds (product 8.8)', () => {
    expect(loadConfig({ ...good }).lagTargetSeconds).toBe(30);
    for (const value of ['1', '10', '299', 45])
      expect(loadConfig({ ...good, LAG_TARGET_SECONDS: value }).lagTargetSeconds).toBe(Number(value));
  });

  test('without the name of a shop it is Frontdesk; the sender has its own name, or that of the shop (product 2.9)', () => {
    const named = { ...good, BRAND: ' The Tea Shop ', EMAIL_FROM: 'tea@example.com' };
    expect(loadConfig({ ...good })).toMatchObject({ brand: 'Frontdesk' });
    expect(loadConfig(named)).toMatchObject({ brand: 'The Tea Shop', email: { from: { name: 'The Tea Shop' } } });
    expect(loadConfig({ ...named, EMAIL_FROM: 'Ada <tea@example.com>' }).email.from.name).toBe('Ada');
  });

  test.each([
    [{}, 'https://frontdesk.example', 'https://frontdesk.example/reset-password'],
    [{ PUBLIC_URL: 'http://localhost:9000/' }, 'http://localhost:9000', 'http://localhost:9000/reset-password'],
    [
      { PUBLIC_URL: 'https://api.example', PASSWORD_RESET_URL: 'https://shop.example/account/reset' },
      'https://api.example',
      'https://shop.example/account/reset',
    ],
  ])('with %j clients reach the API at %s, and reset links lead to %s (product 2.9)', (vars, url, page) => {
    const { PASSWORD_RESET_URL: _, ...rest } = good;
    expect(loadConfig({ ...rest, ...vars })).toMatchObject({ publicUrl: url, passwordResetUrl: page });
  });

  test('the configuration lists the current secret first, and the previous secret after it', () => {
    const previous = 'another secret with thirty-two characters';
    const { tokenSecrets } = loadConfig({ ...good, TOKEN_SECRET_PREVIOUS: previous });
    expect(tokenSecrets).toEqual([good.TOKEN_SECRET, previous]);
  });

  test.each([
    [{ TOKEN_SECRET: undefined }, /TOKEN_SECRET is missing/],
    [{ TOKEN_SECRET: 'q8GZr1yT0wXk3VbN5mLp7sDf9hJc2uA' }, /TOKEN_SECRET must have at least 32/],
    [{ TOKEN_SECRET: 'a'.repeat(40) }, /TOKEN_SECRET is too weak/],
    [{ TOKEN_SECRET_PREVIOUS: 'short' }, /TOKEN_SECRET_PREVIOUS must have at least 32/],
    [{ EMAIL_TRANSPORT: 'pigeon' }, /EMAIL_TRANSPORT must be "cloudflare" or "smtp" or "console"/],
    [{ EMAIL_TRANSPORT: undefined, ISSUER: 'no-uri-at-all' }, /ISSUER must be a URI.*EMAIL_TRANSPORT must be/],
    [{ EMAIL_TRANSPORT: 'smtp' }, /SMTP_HOST is missing; SMTP_PORT must be a port/],
    [{ EMAIL_TRANSPORT: 'smtp', AUDIENCE: '' }, /AUDIENCE must not be empty; SMTP_HOST is missing/],
    [{ CORS_ORIGINS: 'foo' }, /CORS_ORIGINS must be origins/],
    [{ CORS_ORIGINS: 'https://a.example,https://b.example/' }, /CORS_ORIGINS must be origins/],
    [{ METRICS_TOKEN: 'abc' }, /METRICS_TOKEN must have at least 32 characters$/],
    [{ EMAIL_FROM: 'no address' }, /EMAIL_FROM/],
    [{ SELLERS: 'nobody' }, /SELLERS must be "everyone" or "staff"/],
    [{ SELLERS: '' }, /SELLERS must be "everyone" or "staff"/],
    [{ FIRST_ORDER_NUMBER: '0' }, /FIRST_ORDER_NUMBER/],
    [{ FIRST_ORDER_NUMBER: 'one' }, /FIRST_ORDER_NUMBER/],
    [{ FIRST_ORDER_NUMBER: '' }, /FIRST_ORDER_NUMBER must be a whole number from 1 to 999999999/],
    [{ FIRST_ORDER_NUMBER: '0x10' }, /FIRST_ORDER_NUMBER must be a whole number/],
    ...['0', '300', '030', '2.5', '', 'one', -5].map((value): [object, RegExp] => [
      { LAG_TARGET_SECONDS: value },
      /LAG_TARGET_SECONDS must be a whole number from 1 to 299/,
    ]),
    [{ BRAND: '  ' }, /BRAND must have 1 to 50 characters/],
    [{ BRAND: 'a'.repeat(51) }, /BRAND/],
    [{ BRAND: 'Shop\r\nBcc: all@example.com' }, /BRAND must be a single line/],
    [{ BRAND: 'Shop\u2028Bcc' }, /BRAND must be a single line/],
    [{ BRAND: 'Shop\u202e' }, /BRAND must be a single line/],
    [{ PUBLIC_URL: 'api.example' }, /PUBLIC_URL must be a URL that starts with https/],
    [{ PUBLIC_URL: 'https://api.example/base/' }, /PUBLIC_URL must have no path/],
    [{ PUBLIC_URL: 'https://api.example?a=1' }, /PUBLIC_URL must have no path/],
    [{ ISSUER: 'urn:frontdesk' }, /PUBLIC_URL must be set, because ISSUER/],
    [{ METRICS_TOKEN: good.TOKEN_SECRET }, /METRICS_TOKEN must be another secret/],
    [{ PASSWORD_RESET_URL: 'javascript:alert(1)' }, /PASSWORD_RESET_URL must be a URL that starts with https/],
    [{ FIRST_ADMIN_EMAIL: 'a@example.com' }, /FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD/],
    [{ FIRST_ADMIN_PASSWORD: 'a long password' }, /FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD/],
  ])('the error for a missing or weak variable names the variable and never its value: %j', (wrong, message) => {
    expect(() => loadConfig({ ...good, ...wrong })).toThrow(message);
    for (const value of Object.values(wrong)) {
      if (value) expect(() => loadConfig({ ...good, ...wrong })).not.toThrow(value);
    }
  });
});

describe('verifying a password', () => {
  test('a password is hashed also where there is no account, and is never accepted then (product 2.2)', async () => {
    expect(await verifyPassword('anything', undefined)).toEqual({ ok: false, needsRehash: false });
    // Parameters that scrypt does not take show that it is asked to hash, with the parameters of new hashes.
    await expect(verifyPassword('anything', undefined, { ln: 0, r: 8, p: 5 })).rejects.toThrow();
  });

  test('a stored hash that is no scrypt hash is refused', async () => {
    await expect(verifyPassword('anything', 'plain text')).rejects.toThrow();
  });
});

describe('an error of D1', () => {
  const wrap = (message: string) => new Error('Failed query: insert …', { cause: new Error(message) });

  test.each([
    ['D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT', 'users.email'],
    [
      'D1_ERROR: UNIQUE constraint failed: events.stream_type, events.stream_id, events.version: SQLITE_CONSTRAINT',
      'events.stream_type, events.stream_id, events.version',
    ],
    ['D1_ERROR: CHECK constraint failed: items_stock: SQLITE_CONSTRAINT', 'items_stock'],
    ['D1_ERROR: NOT NULL constraint failed: users.name: SQLITE_CONSTRAINT', 'users.name'],
    ['UNIQUE constraint failed: users.email', 'users.email'],
    ['D1_ERROR: no such table: nothing: SQLITE_ERROR', undefined],
  ])('the D1 error “%s” names the constraint %s', (message, name) => {
    expect(brokenConstraint(new Error(message))).toBe(name);
    expect(brokenConstraint(wrap(message))).toBe(name);
  });

  test('a broken foreign key is recognised, although SQLite does not name it', () => {
    expect(brokenConstraint(new Error('D1_ERROR: FOREIGN KEY constraint failed'))).toBe(foreignKey);
  });
});

describe('an error of the catalogue', () => {
  const tooMany = defineError({
    code: 'test.too-many',
    kind: 'too-many',
    meaning: 'Too many.',
    remedy: 'Wait.',
    text: ({ seconds }: { seconds: number }) => `Wait for ${seconds} s.`,
  });

  test('an error of the catalogue makes an occurrence with its code, kind, details and the text for the details', () => {
    const cause = new Error('why');
    const errors = [{ pointer: '/a', detail: 'b', code: 'c' }];
    const occurrence = tooMany({ seconds: 7 }, { cause, errors });
    expect(occurrence).toBeInstanceOf(DomainError);
    expect(occurrence).toMatchObject({
      code: 'test.too-many',
      kind: 'too-many',
      message: 'Wait for 7 s.',
      details: { seconds: 7 },
      errors,
      cause,
    });
  });

  test('an error of the catalogue has a code that no other error has', () => {
    const codes = errorCatalogue.map(({ code }) => code);
    expect(codes).toEqual([...new Set(codes)]);
  });

  test.each(errorCatalogue.map(({ code, meaning, remedy }) => [code, meaning, remedy]))(
    'the error %s says what it means and what to do',
    (code, meaning, remedy) => {
      expect(code).toMatch(/^(internal|[a-z-]+\.[a-z-]+)$/);
      expect([meaning, remedy].filter((text) => !/^[A-Z`].*[.!]$/s.test(text ?? ''))).toEqual([]);
    },
  );
});

describe('an amount of money (product 3.1)', () => {
  test.each([
    [{ amount: 0, currency: 'EUR' }, true],
    [{ amount: 1_000_000_000, currency: 'JPY' }, true],
    [{ amount: 1_000_000_001, currency: 'EUR' }, false],
    [{ amount: -1, currency: 'EUR' }, false],
    [{ amount: 0.5, currency: 'EUR' }, false],
    [{ amount: 1, currency: 'eur' }, false],
    [{ amount: 1, currency: 'ABC' }, false],
    [{ amount: 1 }, false],
  ])('the amount of money %j is accepted: %s', (value, expected) =>
    expect(money.safeParse(value).success).toBe(expected),
  );
});
