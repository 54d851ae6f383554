import { z } from 'zod';

/** An amount in the currency's minor units (cents) with its ISO 4217 code. */
export interface Money {
  amount: number;
  currency: string;
}

const currencies = new Set(Intl.supportedValuesOf('currency'));

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
      .refine((code) => currencies.has(code), { error: 'must be an ISO 4217 code' })
      .meta({ examples: ['EUR'] }),
  })
  .meta({ ref: 'Money' });
