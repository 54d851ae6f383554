import { describe, expect, test } from 'vitest';
import { readAmount, writeAmount } from '../../console/src/money';

describe('amounts in the fields of the console', () => {
  test.each([
    ['en-GB', 'EUR', '12.50', 1250],
    ['en-GB', 'EUR', '1,234.5', 123_450],
    ['en-IN', 'INR', '1,23,456', 12_345_600],
    ['de-DE', 'EUR', '12,5', 1250],
    ['de-DE', 'EUR', '1.234,50', 123_450],
    ['de-DE', 'EUR', '1.234', 123_400],
    ['de-CH', 'CHF', "1'234.50", 123_450],
    ['fr-FR', 'EUR', ' 1 234,50 ', 123_450],
    ['ja-JP', 'JPY', '1,250', 1250],
    ['en-GB', 'KWD', '1.25', 1250],
    ['ar-EG', 'IQD', '1.250', 1250],
  ])('are read as the locale %s writes them: %s %s', (locale, currency, typed, amount) => {
    expect(readAmount(typed, currency, locale)).toBe(amount);
  });

  test.each([
    ['de-DE', 'EUR', '12.50'],
    ['en-GB', 'EUR', '12,50'],
    ['en-GB', 'EUR', '1.234'],
    ['en-GB', 'EUR', '1.2.3'],
    ['ja-JP', 'JPY', '12.5'],
    ['en-GB', 'EUR', '-1'],
    ['en-GB', 'EUR', '1e3'],
    ['en-GB', 'EUR', ''],
    ['en-GB', 'EUR', '.5'],
  ])('are no amount where the locale %s writes no such number: %s %s', (locale, currency, typed) => {
    expect(readAmount(typed, currency, locale)).toBeUndefined();
  });

  test.each(['en-GB', 'de-DE', 'fr-FR', 'de-CH', 'en-IN', 'ar-EG', 'pl-PL', 'pt-PT'])(
    'are read as they are written in %s',
    (locale) => {
      for (const currency of ['EUR', 'JPY', 'KWD', 'CLF', 'IQD'])
        for (const amount of [0, 1, 1999, 123_456_789, 1_000_000_000])
          expect(readAmount(writeAmount({ amount, currency }, locale), currency, locale)).toBe(amount);
    },
  );
});
