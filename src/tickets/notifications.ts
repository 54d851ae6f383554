import type { Reaction } from '../notifications/reaction';
import { TicketReplied, TicketStatusChanged } from './events';

/** Tells the customer that the staff has replied. What customers write themselves, and notes, are told to nobody. */
export const tellOnTicketReplied: Reaction = ({ data }) => {
  const { by, customerId, ticketId } = TicketReplied.schema.parse(data);
  return by === 'staff' ? { userId: customerId, kind: 'ticket-replied', facts: { ticketId } } : undefined;
};

/** Tells the customer that the ticket was closed. Another status is the desk's own business. */
export const tellOnTicketClosed: Reaction = ({ data, streamId }) => {
  const { customerId, to } = TicketStatusChanged.schema.parse(data);
  return to === 'closed' ? { userId: customerId, kind: 'ticket-closed', facts: { ticketId: streamId } } : undefined;
};
