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
  unknownCustomer: defineError({
    code: 'tickets.unknown-customer',
    kind: 'invalid',
    meaning: 'The user for whom the ticket is opened does not exist, or is deactivated.',
    remedy: 'Send the id of an active account, or leave `customerId` out to open a ticket of your own.',
    text: ({ customerId }: { customerId: string }) =>
      `There is no active account ${customerId}. Send the id of an active account as customerId.`,
  }),
  unknownOrder: defineError({
    code: 'tickets.unknown-order',
    kind: 'invalid',
    meaning: 'The order that the ticket names does not exist, or it is not an order of the ticket’s customer.',
    remedy: 'Send the id of one of the customer’s orders, or leave `orderId` out.',
    text: ({ orderId }: { orderId: string }) =>
      `The order ${orderId} is not an order of the ticket’s customer. Send the id of one of their orders, or none.`,
  }),
};
