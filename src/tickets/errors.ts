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
    meaning:
      'The ticket is closed, and agents cannot set the status of a closed ticket. A reply of its customer reopens it.',
    remedy: 'Add a reply or a note, or ask the customer to reply.',
    text: ({ ticketId }: { ticketId: string }) =>
      `The ticket ${ticketId} is closed, so you cannot set its status. A reply of its customer reopens it.`,
  }),
  unknownAssignee: defineError({
    code: 'tickets.unknown-assignee',
    kind: 'invalid',
    meaning:
      'The account that is to work on the ticket does not exist, is deactivated, or is not that of an agent or admin.',
    remedy: 'Send the id of an active agent or admin, or null to release the ticket.',
    text: ({ assigneeId }: { assigneeId: string }) =>
      `There is no active agent or admin ${assigneeId}. Send the id of one as assigneeId, or null to release the ticket.`,
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
