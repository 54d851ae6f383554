import { onForCustomer } from '../notifications/reaction';
import { TicketReplied, TicketStatusChanged } from './events';

/** Tells the customer that the staff has replied. Nobody is told of what the customer writes, or of a note. */
export const notifyOfReply = onForCustomer(
  TicketReplied,
  () =>
    ({ data }) => {
      const { customerId, ticketId } = TicketReplied.schema.parse(data);
      return { userId: customerId, kind: 'ticket-replied', facts: { ticketId } };
    },
  ({ by }) => by === 'staff',
);

/** Tells the customer that the ticket was closed. Another status is the desk's own business. */
export const notifyOfClosing = onForCustomer(
  TicketStatusChanged,
  () =>
    ({ data, streamId }) => {
      const { customerId } = TicketStatusChanged.schema.parse(data);
      return { userId: customerId, kind: 'ticket-closed', facts: { ticketId: streamId } };
    },
  ({ to }) => to === 'closed',
);
