import { defineError } from '../platform/errors';

/** The errors of the catalogue of items. */
export const itemErrors = {
  notFound: defineError({
    code: 'items.not-found',
    kind: 'not-found',
    meaning: 'No item has this id, or you want to change an item that belongs to somebody else.',
    remedy: 'Check the id. Only the owner and admins change an item.',
    text: ({ itemId }: { itemId: string }) => `There is no item ${itemId}, or it is not yours to change. Check the id.`,
  }),
};
