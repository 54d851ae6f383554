import { defineError } from '../platform/errors';

/** The errors of the support desk. */
export const ticketErrors = {
  notFound: defineError({
    code: 'tickets.not-found',
    kind: 'not-found',
    meaning: 'No ticket has this id, or the ticket belongs to another customer.',
    remedy: 'Check the id. A customer sees their own tickets only.',
    text: ({ ticketId }: { ticketId: string }) => `There is no ticket ${ticketId} that you may see. Check the id.`,
  }),
  closed: defineError({
    code: 'tickets.closed',
    kind: 'conflict',
    meaning: 'The ticket is closed, and the status of a closed ticket cannot change. Notes can still be added.',
    remedy: 'Add a note, or ask the customer to open a new ticket.',
    text: ({ ticketId }: { ticketId: string }) =>
      `The ticket ${ticketId} is closed, so its status cannot change. Add a note, or open a new ticket.`,
  }),
  unknownOrder: defineError({
    code: 'tickets.unknown-order',
    kind: 'invalid',
    meaning: 'The order that the ticket names does not exist, or it is not the caller’s order.',
    remedy: 'Send the id of one of your own orders, or leave `orderId` out.',
    text: ({ orderId }: { orderId: string }) =>
      `The order ${orderId} is not one of your orders. Send the id of your own order, or none.`,
  }),
};
