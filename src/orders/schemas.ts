import { z } from 'zod';
import { countedPageFields } from '../cqrs/reading/pages';
import { isCountry } from '../platform/codes';
import { money } from '../platform/money';
import { count, ordinal } from '../platform/numbers';
import { uuid } from '../platform/uuid';
import { orderStatuses } from './order-status';

export const orderId = uuid.meta({ description: 'The order’s id, a UUIDv7.' });

const line = (max: number) => z.string().trim().min(1).max(max);

export const shippingAddress = z
  .strictObject({
    name: line(100).meta({ examples: ['Ada Byron'] }),
    line1: line(200).meta({ examples: ['12 St James’s Square'] }),
    line2: line(200)
      .optional()
      .meta({ examples: ['2nd floor'] }),
    postalCode: line(20).meta({ examples: ['SW1Y 4JH'] }),
    city: line(100).meta({ examples: ['London'] }),
    country: z
      .string()
      .refine(isCountry, { error: 'must be an ISO 3166-1 alpha-2 code' })
      .meta({ pattern: '^[A-Z]{2}$', examples: ['GB'] }),
  })
  .meta({ ref: 'ShippingAddress' });

const requestedLine = z.strictObject({ itemId: uuid, quantity: z.int().min(1).max(1000) });

export const placeOrder = z
  .strictObject({
    items: z
      .array(requestedLine)
      .min(1)
      .max(50)
      .refine((lines) => new Set(lines.map(({ itemId }) => itemId)).size === lines.length, {
        error: 'each item may be on one line only',
      }),
    shippingAddress,
  })
  .meta({
    ref: 'PlaceOrder',
    examples: [
      {
        items: [{ itemId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11', quantity: 2 }],
        shippingAddress: {
          name: 'Ada Byron',
          line1: '12 St James’s Square',
          postalCode: 'SW1Y 4JH',
          city: 'London',
          country: 'GB',
        },
      },
    ],
  });

const number = ordinal.meta({ description: 'A short number for people, sequential in this shop.', examples: [1001] });

/** The number in a query string: decimal digits, because `Number` would also read ` 5`, `0x5` and `1e1`. */
export const numberQuery = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number in decimal digits')
  .transform(Number)
  .pipe(z.int().min(1))
  .meta({ type: 'integer', pattern: undefined, minimum: 1, description: 'The short number of one order.' });

export const orderDetail = z
  .object({
    id: orderId,
    number,
    customerId: uuid.nullable().meta({ description: 'Null once the customer’s account is deleted.' }),
    status: z.enum(orderStatuses),
    lines: z.array(
      z.object({ itemId: uuid, title: z.string().meta({ examples: ['Teapot'] }), quantity: ordinal, price: money }),
    ),
    total: money,
    shippingAddress: shippingAddress.nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'OrderDetail' });
export type OrderDetail = z.infer<typeof orderDetail>;

export const orderSummary = z
  .object({
    id: orderId,
    number,
    customerId: uuid.nullable().meta({ description: 'Null for an order whose customer has deleted the account.' }),
    status: z.enum(orderStatuses),
    total: money,
    lineCount: count,
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'OrderSummary' });
export type OrderSummary = z.infer<typeof orderSummary>;

export const orderPage = z.object({ data: z.array(orderSummary), ...countedPageFields }).meta({ ref: 'OrderPage' });
