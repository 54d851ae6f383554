import * as z from 'zod';
import { defineEvent } from '../cqrs/log/event';

const ownerId = z.uuid();

export const ItemCreated = defineEvent({
  type: 'ItemCreated',
  streamType: 'item',
  schema: z.strictObject({ ownerId }),
});

/** The event names the fields that changed, and not their values. */
export const ItemUpdated = defineEvent({
  type: 'ItemUpdated',
  streamType: 'item',
  schema: z.strictObject({
    ownerId,
    fields: z.array(z.enum(['title', 'description', 'price', 'stock', 'isActive'])),
  }),
});

export const ItemDeleted = defineEvent({
  type: 'ItemDeleted',
  streamType: 'item',
  schema: z.strictObject({ ownerId }),
});

export const itemEvents = [ItemCreated, ItemUpdated, ItemDeleted];
