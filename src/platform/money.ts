import * as z from 'zod';
import { isCurrency } from './codes';
import { minorDigits } from './minor-digits';

/** An amount in the currency's minor units (cents) with its ISO 4217 code. */
export interface Money {
  amount: number;
  currency: string;
}

/** Money as it crosses HTTP. */
export const money = z
  .strictObject({
    amount: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .meta({ description: 'The amount in minor units, for example cents.', examples: [1999] }),
    currency: z
      .string()
      .refine(isCurrency, { error: 'must be a current ISO 4217 code of a currency with minor units' })
      .meta({ pattern: '^[A-Z]{3}$', examples: ['EUR'] }),
  })
  .meta({ ref: 'Money' });

/**
 * Writes money for people.
 * @param locale a BCP 47 tag that the runtime knows
 */
export function formatMoney({ amount, currency }: Money, locale: string): string {
  const count = minorDigits(currency);
  const options = { style: 'currency', currency, minimumFractionDigits: count, maximumFractionDigits: count } as const;
  return new Intl.NumberFormat(locale, options).format(amount / 10 ** count);
}
