import * as z from 'zod';
import { countedPageFields, pageFields } from '../cqrs/reading/pages';
import { count } from '../platform/numbers';
import { uuid } from '../platform/uuid';
import { speakers, ticketStatuses } from './ticket-status';

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
export const replyToTicket = z
  .strictObject({ message: text(20_000) })
  .meta({ ref: 'ReplyToTicket', examples: [{ message: 'It has arrived. Thank you!' }] });
export const assignTicket = z
  .strictObject({
    assigneeId: uuid
      .nullable()
      .meta({ description: 'An active agent or admin, who can be yourself; null to release the ticket.' }),
  })
  .meta({ ref: 'AssignTicket', examples: [{ assigneeId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11' }] });

const lastSpeaker = z
  .enum(speakers)
  .meta({ description: 'Who wrote the newest text: the customer, or an agent or admin.' });
const assigneeId = uuid.nullable().meta({ description: 'The agent or admin who works on the ticket.' });

const subject = z.string().meta({ examples: ['My parcel is late'] });

const common = {
  id: ticketId,
  customerId: uuid,
  orderId: uuid.nullable(),
  subject,
  status,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
};

/** A reply as the ticket's customer sees it. */
export const ticketReplyDetail = z
  .object({
    id: uuid,
    by: z.enum(speakers),
    message: z.string().meta({ examples: ['It has arrived. Thank you!'] }),
    createdAt: z.iso.datetime(),
  })
  .meta({
    ref: 'TicketReplyDetail',
    title: 'Reply, for the ticket’s customer',
    description: 'A reply as the customer reads it, without who of the staff wrote it.',
  });
export type TicketReplyDetail = z.infer<typeof ticketReplyDetail>;

/** A reply as agents and admins see it. */
export const staffReply = ticketReplyDetail.extend({ authorId: uuid }).meta({
  ref: 'StaffReply',
  title: 'Reply, for agents and admins',
  description: 'A reply as agents and admins read it, with its author.',
});
export type StaffReply = z.infer<typeof staffReply>;

const ticketReplyRow = z.union([staffReply, ticketReplyDetail]).meta({
  ref: 'TicketReplyRow',
  description: 'Customers get a TicketReplyDetail; agents and admins get a StaffReply.',
});

export const ticketReplyPage = z
  .object({
    data: z.array(ticketReplyRow),
    ...pageFields,
  })
  .meta({ ref: 'TicketReplyPage' });

const replyCount = count.meta({ description: 'How many replies the ticket has.' });
const newestReplies =
  'The newest replies, newest first: 10, or fewer if they are long. `/v1/tickets/{id}/replies` has all of them.';

/** A ticket as its customer sees it; no field depends on notes or on who works on it. */
export const ticketDetail = z
  .object({
    ...common,
    message: z.string().meta({ examples: ['I ordered a teapot two weeks ago. Where is it?'] }),
    replyCount,
    replies: z.array(ticketReplyDetail).meta({ description: newestReplies }),
  })
  .meta({
    ref: 'TicketDetail',
    title: 'Ticket, for its customer',
    description: 'A ticket as its customer reads it, without a trace of notes.',
  });
export type TicketDetail = z.infer<typeof ticketDetail>;

export const ticketNoteDetail = z
  .object({
    id: uuid,
    authorId: uuid,
    note: z.string().meta({ examples: ['The carrier says that it is on its way.'] }),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'TicketNoteDetail' });
export type TicketNoteDetail = z.infer<typeof ticketNoteDetail>;

export const ticketNotePage = z
  .object({ data: z.array(ticketNoteDetail), ...pageFields })
  .meta({ ref: 'TicketNotePage' });

/** A ticket as agents and admins see it. */
export const staffTicket = ticketDetail
  .extend({
    assigneeId,
    replies: z.array(staffReply).meta({ description: newestReplies }),
    noteCount: count.meta({ description: 'How many notes the ticket has.' }),
    notes: z
      .array(ticketNoteDetail)
      .meta({ description: 'The 10 newest notes, newest first. `/v1/tickets/{id}/notes` has all of them.' }),
  })
  .meta({
    ref: 'StaffTicket',
    title: 'Ticket, for agents and admins',
    description: 'A ticket as agents and admins read it, with the newest notes.',
  });
export type StaffTicket = z.infer<typeof staffTicket>;

// The form for agents and admins has all fields of the customer's, so it comes first: readers that take the first form that
// fits must find it.

/** A ticket; the role of the caller decides which of the two it is. */
export const ticket = z.union([staffTicket, ticketDetail]).meta({
  ref: 'Ticket',
  description: 'Customers get a TicketDetail; agents and admins get a StaffTicket.',
});

export const ticketSummary = z
  .object({
    id: ticketId,
    subject,
    status,
    preview: z.string().meta({ examples: ['I ordered a teapot two weeks ago. Where…'] }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime().meta({ description: 'The time of the last activity that you can see.' }),
    lastSpeaker,
  })
  .meta({
    ref: 'TicketSummary',
    title: 'Row of tickets, for their customer',
    description: 'A row of the list that customers read.',
  });
export type TicketSummary = z.infer<typeof ticketSummary>;

export const staffTicketSummary = ticketSummary
  .extend({
    customerId: uuid,
    assigneeId,
    hasNote: z.boolean(),
    notePreview: z
      .string()
      .nullable()
      .meta({ examples: ['The carrier says…'] }),
  })
  .meta({
    ref: 'StaffTicketSummary',
    title: 'Row of tickets, for agents and admins',
    description: 'A row of the list that agents and admins read.',
  });
export type StaffTicketSummary = z.infer<typeof staffTicketSummary>;

const ticketRow = z.union([staffTicketSummary, ticketSummary]).meta({
  ref: 'TicketRow',
  description: 'Customers get a TicketSummary; agents and admins get a StaffTicketSummary.',
});

export const ticketPage = z.object({ data: z.array(ticketRow), ...countedPageFields }).meta({ ref: 'TicketPage' });

export const ticketDashboard = z
  .object({
    counts: z.object({ open: count, triaged: count, closed: count }),
    days: z.array(z.object({ date: z.iso.date(), opened: count, reopened: count, closed: count })).meta({
      description:
        'The last 30 days in UTC, oldest first; the last one is today. `reopened` counts closed tickets on which customers replied.',
    }),
    oldestOpenAt: z.iso.datetime().nullable(),
    oldestOpenSeconds: count.nullable(),
    medianTriageSeconds: count
      .nullable()
      .meta({ description: 'The median of the 1,000 tickets that were triaged last.' }),
  })
  .meta({ ref: 'TicketDashboard' });
export type TicketDashboard = z.infer<typeof ticketDashboard>;
