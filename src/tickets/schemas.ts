import { z } from 'zod';
import { countedPageFields, pageFields } from '../cqrs/reading/pages';
import { uuid } from '../platform/uuid';
import { ticketStatuses } from './ticket-status';

export const ticketId = uuid.meta({ description: 'The ticket’s id, a UUIDv7.' });
const status = z.enum(ticketStatuses);
const text = (max: number) => z.string().trim().min(1).max(max);

export const openTicket = z
  .strictObject({
    subject: text(200),
    message: text(20_000),
    orderId: uuid.optional().meta({ description: 'One of the customer’s orders.' }),
    customerId: uuid
      .optional()
      .meta({ description: 'For agents and admins: the user whose ticket it is. Without it, it is your own ticket.' }),
  })
  .meta({
    ref: 'OpenTicket',
    examples: [{ subject: 'My parcel is late', message: 'I ordered a teapot two weeks ago. Where is it?' }],
  });

export const changeTicketStatus = z
  .strictObject({ status })
  .meta({ ref: 'ChangeTicketStatus', examples: [{ status: 'triaged' }] });
export const addTicketNote = z
  .strictObject({ note: text(20_000) })
  .meta({ ref: 'AddTicketNote', examples: [{ note: 'The carrier says that it is on its way.' }] });

const common = {
  id: ticketId,
  customerId: uuid,
  orderId: uuid.nullable(),
  subject: z.string(),
  status,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
};

/** A ticket as its customer sees it; no field depends on notes. */
export const ticketDetail = z.object({ ...common, message: z.string() }).meta({
  ref: 'TicketDetail',
  title: 'For the customer',
  description: 'A ticket as its customer reads it, without a trace of notes.',
  // A staff ticket has all of these fields, and only one side of a `oneOf` may fit.
  not: { required: ['notes'] },
});
export type TicketDetail = z.infer<typeof ticketDetail>;

export const ticketNoteDetail = z
  .object({ id: uuid, authorId: uuid, note: z.string(), createdAt: z.iso.datetime() })
  .meta({ ref: 'TicketNoteDetail' });
export type TicketNoteDetail = z.infer<typeof ticketNoteDetail>;

export const ticketNotePage = z
  .object({ data: z.array(ticketNoteDetail), ...pageFields })
  .meta({ ref: 'TicketNotePage' });

/** A ticket as agents and admins see it. */
export const staffTicket = ticketDetail
  .extend({
    noteCount: z.int().meta({ description: 'How many notes the ticket has.' }),
    notes: z
      .array(ticketNoteDetail)
      .meta({ description: 'The 10 newest notes, newest first. `/v1/tickets/{id}/notes` has all of them.' }),
  })
  .meta({
    ref: 'StaffTicket',
    title: 'For agents and admins',
    description: 'A ticket as agents and admins read it, with the newest notes.',
  });
export type StaffTicket = z.infer<typeof staffTicket>;

/** A ticket; the role of the caller decides which of the two it is. */
export const ticket = z.xor([ticketDetail, staffTicket]).meta({
  ref: 'Ticket',
  description: 'Customers get a TicketDetail; agents and admins get a StaffTicket.',
});

export const ticketSummary = z
  .object({
    id: ticketId,
    subject: z.string(),
    status,
    preview: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({
    ref: 'TicketSummary',
    title: 'For the customer',
    description: 'A row of the list that customers read.',
    not: { required: ['hasNote'] },
  });
export type TicketSummary = z.infer<typeof ticketSummary>;

export const staffTicketSummary = ticketSummary
  .extend({ customerId: uuid, hasNote: z.boolean(), notePreview: z.string().nullable() })
  .meta({
    ref: 'StaffTicketSummary',
    title: 'For agents and admins',
    description: 'A row of the list that agents and admins read.',
  });
export type StaffTicketSummary = z.infer<typeof staffTicketSummary>;

const ticketRow = z.xor([ticketSummary, staffTicketSummary]).meta({
  ref: 'TicketRow',
  description: 'Customers get a TicketSummary; agents and admins get a StaffTicketSummary.',
});

export const ticketPage = z.object({ data: z.array(ticketRow), ...countedPageFields }).meta({ ref: 'TicketPage' });

export const ticketDashboard = z
  .object({
    counts: z.object({ open: z.int(), triaged: z.int(), closed: z.int() }),
    days: z
      .array(z.object({ date: z.iso.date(), opened: z.int(), closed: z.int() }))
      .meta({ description: 'The last 30 days in UTC, oldest first; the last one is today.' }),
    oldestOpenAt: z.iso.datetime().nullable(),
    oldestOpenSeconds: z.int().nullable(),
    medianTriageSeconds: z
      .int()
      .nullable()
      .meta({ description: 'The median of the 1,000 tickets that were triaged last.' }),
  })
  .meta({ ref: 'TicketDashboard' });
export type TicketDashboard = z.infer<typeof ticketDashboard>;
