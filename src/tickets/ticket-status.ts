/** Every status of a ticket; tables, events, schemas and rules use this list. */
export const ticketStatuses = ['open', 'triaged', 'closed'] as const;
export type TicketStatus = (typeof ticketStatuses)[number];

/** Who can speak on a ticket: its customer, and everybody else who may, which are agents and admins. */
export const speakers = ['customer', 'staff'] as const;
export type Speaker = (typeof speakers)[number];
