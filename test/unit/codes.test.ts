import { describe, expect, test } from 'vitest';
import { isCountry, isCurrency } from '../../src/platform/codes';
import { isTimeZone } from '../../src/platform/time-zones';

/** Codes that the runtime still knows although they were withdrawn from ISO 4217. */
const withdrawn = ['ANG', 'BGN', 'CUC', 'HRK', 'SLL', 'ZWL'];

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const pairs = letters.flatMap((first) => letters.map((second) => first + second));

describe('the currencies (product 3.1)', () => {
  test.each(['EUR', 'USD', 'JPY', 'XCG', 'ZWG', 'SLE', 'VED', 'XOF', 'CLF', 'XAD'])('%s is accepted', (code) => {
    expect(isCurrency(code)).toBe(true);
  });

  test.each([...withdrawn, 'DEM', 'ABC', 'eur', 'EU', 'EURO', '', 'XXX', 'XTS', 'XAU', 'XDR', ' EUR', 'EUR '])(
    '"%s" is refused',
    (code) => expect(isCurrency(code)).toBe(false),
  );

  test('there are 165 currencies, and among them every one that the runtime knows and ISO has not withdrawn', () => {
    const all = pairs.flatMap((pair) => letters.map((letter) => pair + letter)).filter(isCurrency);
    expect(all).toHaveLength(165);
    const known = Intl.supportedValuesOf('currency').filter((code) => !withdrawn.includes(code));
    // Units of account have no minor unit.
    expect(known.filter((code) => !isCurrency(code) && !['XDR', 'XSU'].includes(code))).toEqual([]);
  });
});

describe('the countries', () => {
  test.each(['DE', 'GB', 'US', 'TW', 'PS', 'AX', 'SS', 'BQ'])('%s is accepted', (code) => {
    expect(isCountry(code)).toBe(true);
  });

  test.each(['ZZ', 'AA', 'XX', 'XK', 'UK', 'EU', 'AN', 'SU', 'de', 'D', 'DEU', ''])('"%s" is refused', (code) => {
    expect(isCountry(code)).toBe(false);
  });

  test('there are 249 countries', () => expect(pairs.filter(isCountry)).toHaveLength(249));
});

describe('the time zones (product 1.6)', () => {
  test.each([
    'UTC',
    'GMT',
    'Europe/Berlin',
    'Europe/Kyiv',
    'Europe/Kiev',
    'America/Argentina/ComodRivadavia',
    'America/Coyhaique',
    'Etc/GMT+12',
    'US/Eastern',
    'EST5EDT',
  ])('%s is accepted', (name) => expect(isTimeZone(name)).toBe(true));

  test.each([
    '+01:00',
    'UTC+1',
    'europe/berlin',
    'Europe',
    'Berlin',
    'Europe/',
    '/Europe',
    'Factory',
    'Etc/Unknown',
    '',
    ':',
  ])('"%s" is refused', (name) => expect(isTimeZone(name)).toBe(false));

  test('every time zone that the runtime knows is in the list', () => {
    expect(Intl.supportedValuesOf('timeZone').filter((name) => !isTimeZone(name))).toEqual([]);
  });
});
