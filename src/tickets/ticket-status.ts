/** Every status of a ticket; tables, events, schemas and rules use this list. */
export const ticketStatuses = ['open', 'triaged', 'closed'] as const;
export type TicketStatus = (typeof ticketStatuses)[number];
