import * as z from 'zod';
import { scopes } from '../access/scopes';
import { count, ordinal } from '../platform/numbers';

/** A date or a time with its offset, as the same time in UTC; a date is its first moment in UTC. */
const time = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], 'must be a date or a time of ISO 8601, with its offset')
  .transform((text) => new Date(text).toISOString());

const moment = (description: string) =>
  time.optional().meta({ type: 'string', anyOf: undefined, description, examples: ['2026-03-01'] });

export const exportRequest = z
  .object({
    from: moment('The first moment of the span, in UTC where it has no offset; without it, the span has no beginning.'),
    to: moment('The first moment after the span; without it, the span has no end.'),
    format: z.enum(['ndjson', 'csv']).optional().meta({ description: 'Counts before `Accept`; `ndjson` by default.' }),
    include: z.literal('personal').optional().meta({ description: 'Adds names, addresses and texts.' }),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    error: 'must be later than from',
  });

const id = z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] });
const dateTime = z.iso.datetime();
const personal = (example: string) =>
  z
    .string()
    .nullable()
    .optional()
    .meta({ examples: [example] });
const currency = z.string().meta({ examples: ['EUR'] });
const status = (example: string) => z.string().meta({ examples: [example] });

/** Who the customer is, in exports with personal data; null once the account is deleted. */
const customer = { customerName: personal('Ada Byron'), customerEmail: personal('ada@example.com') };

const line = z.object({
  itemId: id,
  title: z.string().meta({ examples: ['Teapot'] }),
  quantity: ordinal,
  price: z.object({ amount: count, currency }),
});

const address = z
  .record(z.string(), z.unknown())
  .nullable()
  .meta({ examples: [{ name: 'Ada Byron', city: 'Ghent' }] });

export const exportedOrder = z
  .object({
    id,
    number: ordinal,
    status: status('placed'),
    customerId: id.nullable(),
    lineCount: count,
    amount: count,
    currency,
    lines: z.array(line),
    createdAt: dateTime,
    updatedAt: dateTime,
    ...customer,
    shippingAddress: address.optional(),
  })
  .meta({ ref: 'ExportedOrder' });
export type ExportedOrder = z.infer<typeof exportedOrder>;

const exportedReply = z.object({
  id,
  by: status('customer'),
  authorId: id,
  createdAt: dateTime,
  message: z
    .string()
    .optional()
    .meta({ examples: ['It has come.'] }),
});
export type ExportedReply = z.infer<typeof exportedReply>;

export const exportedTicket = z
  .object({
    id,
    status: status('open'),
    customerId: id,
    orderId: id.nullable(),
    hasNote: z.boolean(),
    createdAt: dateTime,
    updatedAt: dateTime,
    triagedAt: dateTime.nullable(),
    triageSeconds: count.nullable(),
    ...customer,
    subject: z
      .string()
      .optional()
      .meta({ examples: ['My parcel is late'] }),
    message: z
      .string()
      .optional()
      .meta({ examples: ['It was to come on Monday.'] }),
    replies: z.array(exportedReply),
  })
  .meta({ ref: 'ExportedTicket' });
export type ExportedTicket = z.infer<typeof exportedTicket>;

/** An event as the feed has it. */
export const exportedEvent = z
  .object({
    specversion: z.literal('1.0'),
    id,
    source: z.string().meta({ examples: ['https://frontdesk.example'] }),
    type: z.string().meta({ examples: ['frontdesk.OrderShipped'] }),
    subject: z.string().meta({ examples: ['order/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    time: dateTime,
    datacontenttype: z.literal('application/json'),
    dataschema: z.url(),
    data: z.unknown().meta({ examples: [{ customerId: '0198c79f-0c52-7e11-8a50-93b1d0c7e6a4' }] }),
    position: ordinal,
    streamversion: ordinal,
    schemaversion: ordinal,
    epoch: z.string().meta({ examples: ['1'] }),
    commandid: id,
    requestid: id,
    actorid: id.optional(),
    keyid: id.optional(),
    traceparent: z
      .string()
      .optional()
      .meta({ examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'] }),
  })
  .meta({ ref: 'ExportedEvent' });
export type ExportedEvent = z.infer<typeof exportedEvent>;

/** CSV (RFC 4180) with a header. */
export const csv = z
  .string()
  .meta({ ref: 'Csv', examples: ['id,status\r\n0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11,placed\r\n'] });

const text = (example: string) => z.string().meta({ examples: [example] });

export const accountExport = z
  .object({
    exportedAt: dateTime,
    account: z.object({
      id,
      name: text('Ada Byron'),
      email: text('ada@example.com'),
      emailConfirmedAt: dateTime.nullable(),
      role: text('customer'),
      isActive: z.boolean(),
      createdAt: dateTime,
      updatedAt: dateTime,
      lastLoginAt: dateTime.nullable(),
    }),
    settings: z
      .object({
        locale: text('en'),
        timezone: text('Europe/Brussels'),
        emailNotifications: z.boolean(),
        updatedAt: dateTime,
      })
      .nullable(),
    items: z.array(
      z.object({
        id,
        title: text('Teapot'),
        description: text('Holds a litre.').nullable(),
        amount: count,
        currency,
        stock: count.nullable(),
        isActive: z.boolean(),
        createdAt: dateTime,
        updatedAt: dateTime,
      }),
    ),
    orders: z.array(
      exportedOrder
        .pick({
          id: true,
          number: true,
          status: true,
          lines: true,
          amount: true,
          currency: true,
          createdAt: true,
          updatedAt: true,
        })
        .extend({ shippingAddress: address }),
    ),
    tickets: z.array(
      z.object({
        id,
        orderId: id.nullable(),
        status: status('open'),
        subject: text('My parcel is late'),
        message: text('It was to come on Monday.'),
        createdAt: dateTime,
        updatedAt: dateTime,
      }),
    ),
    replies: z
      .array(z.object({ id, ticketId: id, by: text('customer'), message: text('It has come.'), createdAt: dateTime }))
      .meta({ description: 'The replies on these tickets.' }),
    apiKeys: z
      .array(
        z.object({
          id,
          name: text('Warehouse scanner'),
          scopes: z.array(z.enum(scopes)),
          createdAt: dateTime,
          expiresAt: dateTime.nullable(),
          lastUsedAt: dateTime.nullable(),
        }),
      )
      .meta({ description: 'The API keys, without the keys themselves.' }),
    emailConfirmations: z
      .array(
        z.object({
          kind: text('registration'),
          email: text('ada@example.com'),
          previousEmail: text('byron@example.com').nullable(),
          expiresAt: dateTime,
          usedAt: dateTime.nullable(),
        }),
      )
      .meta({ description: 'The links that confirm addresses; an unused `change` is a pending new address.' }),
    sessions: z.array(z.object({ createdAt: dateTime, revokedAt: dateTime.nullable() })),
    activity: z
      .array(
        z.object({
          time: dateTime,
          type: text('OrderPlaced'),
          subject: text('order/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'),
        }),
      )
      .meta({ description: 'The events that the account has caused.' }),
  })
  .meta({ ref: 'AccountExport' });
