import * as z from 'zod';
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
      z.object({
        itemId: uuid,
        title: z.string().meta({ examples: ['Teapot'] }),
        quantity: ordinal,
        price: money,
        tookStock: z.boolean().meta({
          description: 'Whether the order took its pieces from a stock, to which a cancellation returns them.',
        }),
      }),
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

const currency = money.shape.currency;

/** The sales figures. `OrderPlaced`, cancellations, and both steps of the delivery change them. */
export const salesDashboard = z
  .object({
    counts: z
      .object({ placed: count, shipped: count, delivered: count, cancelled: count })
      .meta({ description: 'All orders there ever were, by their status.' }),
    days: z
      .array(
        z.object({
          date: z.iso.date(),
          sales: z.array(
            z.object({
              currency,
              orders: ordinal,
              revenue: count.meta({ description: 'The sum of the totals in minor units.', examples: [3998] }),
            }),
          ),
        }),
      )
      .meta({
        description:
          'The last 30 days in UTC, oldest first; the last one is today. An order counts on the day on which it was placed, and no more once it is cancelled.',
      }),
    averages: z
      .array(z.object({ currency, amount: count.meta({ examples: [1999] }) }))
      .meta({ description: 'The average order of these days in minor units, rounded.' }),
    otherCurrencies: count.meta({
      description: 'How many currencies are left out: the figures show the ten with the most orders.',
      examples: [0],
    }),
    bestSellers: z
      .array(z.object({ itemId: uuid, title: z.string().meta({ examples: ['Teapot'] }), quantity: ordinal }))
      .meta({
        description:
          'The ten items with the most pieces in the 30 days that end with the last order, of the 50 best-selling items of each day. The title is that of the newest order.',
      }),
  })
  .meta({ ref: 'SalesDashboard' });
export type SalesDashboard = z.infer<typeof salesDashboard>;
