import * as z from 'zod';
import { defineEvent, upcaster } from '../cqrs/log/event';
import { speakers, ticketStatuses } from './ticket-status';

const status = z.enum(ticketStatuses);
const customerId = z.uuid();

export const TicketOpened = defineEvent({
  type: 'TicketOpened',
  streamType: 'ticket',
  schema: z.strictObject({ customerId, orderId: z.uuid().nullable() }),
});

/** Version 2 adds `from`, the status before the change. In events of version 1 that status is unknown (null). */
export const TicketStatusChanged = defineEvent({
  type: 'TicketStatusChanged',
  streamType: 'ticket',
  schema: z.strictObject({ customerId, from: status.nullable(), to: status }),
  upcasters: [
    upcaster(z.strictObject({ customerId, status }), ({ status: to, ...rest }) => ({ ...rest, from: null, to })),
  ],
});

/** A note, as it was recorded in the ticket's stream up to version 0.3.0. The log has such events, and none is added. */
export const TicketNoteAdded = defineEvent({
  type: 'TicketNoteAdded',
  streamType: 'ticket',
  schema: z.strictObject({ noteId: z.uuid(), status }),
});

/**
 * A note. Each note is a stream of its own, so that two notes on one ticket never take each other's version. `status` is
 * that of the ticket, on whose lists the note shows.
 */
export const TicketNoteWritten = defineEvent({
  type: 'TicketNoteWritten',
  streamType: 'ticket-note',
  schema: z.strictObject({ ticketId: z.uuid(), status }),
});

/**
 * A reply. Each reply is a stream of its own, as a note is. `status` is that of the ticket after the reply, on whose lists the
 * reply counts as activity.
 */
export const TicketReplied = defineEvent({
  type: 'TicketReplied',
  streamType: 'ticket-reply',
  schema: z.strictObject({ ticketId: z.uuid(), customerId, by: z.enum(speakers), status }),
});

/** The customer replied on a ticket that was not open, and so opened it again. The commit also has the reply. */
export const TicketReopened = defineEvent({
  type: 'TicketReopened',
  streamType: 'ticket',
  schema: z.strictObject({ customerId, from: status.exclude(['open']) }),
});

/** An agent or admin works on the ticket from now on; null for nobody. Customers see nothing of it. */
export const TicketAssigned = defineEvent({
  type: 'TicketAssigned',
  streamType: 'ticket',
  schema: z.strictObject({ customerId, assigneeId: z.uuid().nullable() }),
});

/** The customer's account was deleted, and the ticket with it. */
export const TicketDeleted = defineEvent({
  type: 'TicketDeleted',
  streamType: 'ticket',
  schema: z.strictObject({ customerId }),
});

export const ticketEvents = [
  TicketOpened,
  TicketStatusChanged,
  TicketNoteAdded,
  TicketNoteWritten,
  TicketReplied,
  TicketReopened,
  TicketAssigned,
  TicketDeleted,
];
