import * as z from 'zod';
import { countedPageFields } from '../cqrs/reading/pages';
import { money } from '../platform/money';
import { count } from '../platform/numbers';
import { uuid } from '../platform/uuid';

export const itemId = uuid.meta({ description: 'The item’s id, a UUIDv7.' });

const title = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .meta({ examples: ['Teapot'] });
const description = z.string().trim().max(5000);
const stock = z.int().min(0).max(1_000_000_000).meta({ description: 'Pieces left; absent or null means unlimited.' });

export const createItem = z
  .strictObject({ title, description: description.optional(), price: money, stock: stock.optional() })
  .meta({
    ref: 'CreateItem',
    examples: [{ title: 'Teapot', description: 'Round, blue', price: { amount: 1999, currency: 'EUR' }, stock: 5 }],
  });

export const updateItem = z
  .strictObject({
    title: title.optional(),
    description: description.nullable().optional(),
    price: money.optional(),
    stock: stock.nullable().optional(),
    isActive: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'nothing to change was sent' })
  .meta({ ref: 'UpdateItem', examples: [{ price: { amount: 1499, currency: 'EUR' }, stock: 10 }] });

export const itemDetail = z
  .object({
    id: itemId,
    ownerId: uuid,
    title: z.string().meta({ examples: ['Teapot'] }),
    description: z
      .string()
      .nullable()
      .meta({ examples: ['Round, blue'] }),
    price: money,
    stock: count.nullable().meta({ description: 'Pieces left; null means unlimited.', examples: [5] }),
    isActive: z.boolean().meta({ description: 'Whether the item is for sale.' }),
    takenDown: z.boolean().meta({
      description: 'Whether an agent or an admin took the item off sale, so that its owner cannot put it back.',
    }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'ItemDetail' });
export type ItemDetail = z.infer<typeof itemDetail>;

export const itemSummary = itemDetail
  .pick({ id: true, ownerId: true, title: true, price: true, isActive: true, takenDown: true })
  .meta({ ref: 'ItemSummary' });
export type ItemSummary = z.infer<typeof itemSummary>;

export const itemPage = z.object({ data: z.array(itemSummary), ...countedPageFields }).meta({ ref: 'ItemPage' });
