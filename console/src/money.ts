import { minorDigits } from '../../src/platform/minor-digits';

/** Writes an amount for a field: without its currency, and with the decimal sign of the locale. */
export function writeAmount({ amount, currency }: { amount: number; currency: string }, locale: string): string {
  const digits = minorDigits(currency);
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const format = new Intl.NumberFormat(locale, { numberingSystem: 'latn', useGrouping: false, ...fraction });
  return format.format(amount / 10 ** digits);
}

/**
 * Reads an amount that somebody typed in the way of the locale, in minor units; undefined if it is none. It guesses nothing:
 * a point where the locale has a comma would make the price a hundred times higher or lower.
 */
export function readAmount(typed: string, currency: string, locale: string): number | undefined {
  const parts = new Intl.NumberFormat(locale, { numberingSystem: 'latn' }).formatToParts(1_234_567.8);
  const sign = (type: 'decimal' | 'group') => parts.find((part) => part.type === type)?.value ?? '';
  const [whole = '', fraction = '', ...others] = typed.replace(/[\s'’]/g, '').split(sign('decimal'));
  const group = sign('group').replace(/[\s'’]/g, '');
  const digits = minorDigits(currency);
  // A sign between groups of digits stands before two or three of them, and the last group has three.
  const plain = group === '' ? whole : whole.replace(new RegExp(`[${group}](?=(\\d{2,3}[${group}])*\\d{3}$)`, 'g'), '');
  if (others.length > 0 || !/^\d+$/.test(plain) || !/^\d*$/.test(fraction) || fraction.length > digits)
    return undefined;
  return Number(plain + fraction.padEnd(digits, '0'));
}
