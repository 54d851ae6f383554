import { z } from 'zod';
import { defineEvent } from '../cqrs/log/event';

const ownerId = z.uuid();

export const ItemCreated = defineEvent({
  type: 'ItemCreated',
  streamType: 'item',
  schema: z.strictObject({ ownerId }),
});

/** Names the fields, not their values. */
export const ItemChanged = defineEvent({
  type: 'ItemChanged',
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

export const itemEvents = [ItemCreated, ItemChanged, ItemDeleted];
