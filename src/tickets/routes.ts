import { Hono } from 'hono';
import * as z from 'zod';
import { pageLimit, pageRequest, sortedListRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describeQuery } from '../http/openapi';
import {
  commandResult,
  sendAdded,
  sendCreated,
  sendDocument,
  sendPage,
  sendResult,
  setFreshness,
} from '../http/responses';
import { validate } from '../http/validation';
import { limits } from '../platform/limits';
import { uuid } from '../platform/uuid';
import type { TicketCommands } from './commands';
import type { TicketQueries } from './queries';
import * as schemas from './schemas';
import { ticketStatuses } from './ticket-status';

type TicketEnv = RouteEnv<TicketCommands, TicketQueries>;

const idParam = z.object({ id: schemas.ticketId });
const listQuery = sortedListRequest
  .extend({
    status: z.enum(ticketStatuses).optional(),
    hasNote: z.enum(['true', 'false']).optional().meta({ description: 'For agents and admins; not with `customer`.' }),
    customer: uuid
      .optional()
      .meta({ description: 'For agents and admins: the tickets of this user; not with `sort=updated`.' }),
    assignee: z
      .string()
      .refine((who) => ['me', 'none'].includes(who) || uuid.safeParse(who).success, {
        error: 'must be me, none or the id of an account',
      })
      .transform((who) => who.toLowerCase())
      .optional()
      .meta({
        description:
          'For agents and admins: the tickets on which you (`me`), nobody (`none`), or this agent or admin works; not with `customer` or `hasNote`.',
        examples: ['me'],
      }),
  })
  // No index serves these.
  .refine(({ customer, hasNote }) => customer === undefined || hasNote === undefined, {
    path: ['hasNote'],
    error: 'cannot be combined with customer',
  })
  .refine(({ assignee, customer, hasNote }) => assignee === undefined || (customer ?? hasNote) === undefined, {
    path: ['assignee'],
    error: 'cannot be combined with customer or hasNote',
  })
  .refine(({ customer, sort }) => customer === undefined || sort === 'created', {
    path: ['sort'],
    error: 'cannot be updated together with customer',
  });
const repliesQuery = pageRequest.extend({
  limit: pageLimit(limits.repliesInTicket, limits.repliesInTicket),
});
/** Notes can be long, so a page of them is shorter than a page of another list. */
const notesQuery = pageRequest.extend({
  limit: pageLimit(limits.notesInTicket, limits.notesInTicket),
});
const tags = ['Tickets'];
const changed = { tags, body: commandResult };

/** The support desk: customers open tickets, and agents work on them. */
export const ticketRoutes = new Hono<TicketEnv>()
  .post(
    '/',
    describeCommand<TicketCommands>('OpenTicket', {
      summary: 'Open a ticket',
      description: 'Agents and admins can open a ticket for a customer, who then sees it as their own.',
      ...changed,
      status: 201,
      problems: [403],
    }),
    authenticate,
    validate('json', schemas.openTicket),
    async (c) => sendCreated(c, await c.var.commands.OpenTicket(c.req.valid('json'))),
  )
  .get(
    '/',
    describeQuery<TicketQueries>('ListTickets', {
      summary: 'List tickets',
      description: 'A customer sees their own tickets; agents and admins see all, with note previews.',
      tags,
      body: schemas.ticketPage,
      problems: [403],
    }),
    authenticate,
    validate('query', listQuery),
    async (c) => {
      const { hasNote, ...query } = c.req.valid('query');
      const hasNoteFilter = hasNote === undefined ? undefined : hasNote === 'true';
      return sendPage(c, await c.var.queries.ListTickets({ ...query, hasNote: hasNoteFilter }));
    },
  )
  .get(
    '/:id',
    describeQuery<TicketQueries>('GetTicket', {
      summary: 'Read a ticket',
      description:
        'A customer reads their own tickets; agents and admins read all. The newest replies and notes are in it.',
      tags,
      body: schemas.ticket,
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetTicket(c.req.valid('param'))),
  )
  .post(
    '/:id/status',
    describeCommand<TicketCommands>('ChangeTicketStatus', {
      summary: 'Change the status (agent)',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.changeTicketStatus),
    async (c) =>
      sendResult(
        c,
        await c.var.commands.ChangeTicketStatus({ ticketId: c.req.valid('param').id, ...c.req.valid('json') }),
      ),
  )
  .post(
    '/:id/assignee',
    describeCommand<TicketCommands>('AssignTicket', {
      summary: 'Take, give or release a ticket (agent)',
      description:
        'The customer sees nothing of it. To take a ticket only if nobody else has taken it, send `If-Match`.',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.assignTicket),
    async (c) =>
      sendResult(c, await c.var.commands.AssignTicket({ ticketId: c.req.valid('param').id, ...c.req.valid('json') })),
  )
  .post(
    '/:id/replies',
    describeCommand<TicketCommands>('ReplyToTicket', {
      summary: 'Reply on a ticket',
      description:
        'For the ticket’s customer, agents and admins. A reply of the customer opens a triaged or closed ticket again. The result has the id and the version of the ticket.',
      ...changed,
      status: 201,
    }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.replyToTicket),
    async (c) =>
      sendAdded(c, await c.var.commands.ReplyToTicket({ ticketId: c.req.valid('param').id, ...c.req.valid('json') })),
  )
  .get(
    '/:id/replies',
    describeQuery<TicketQueries>('ListTicketReplies', {
      summary: 'List the replies of a ticket, newest first',
      description:
        'For the ticket’s customer, agents and admins. Only agents and admins see who of them wrote a reply.',
      tags,
      body: schemas.ticketReplyPage,
    }),
    authenticate,
    validate('param', idParam),
    validate('query', repliesQuery),
    async (c) =>
      sendPage(c, await c.var.queries.ListTicketReplies({ ...c.req.valid('param'), ...c.req.valid('query') })),
  )
  .post(
    '/:id/notes',
    describeCommand<TicketCommands>('AddTicketNote', { summary: 'Add a note (agent)', ...changed, problems: [403] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.addTicketNote),
    async (c) =>
      sendResult(c, await c.var.commands.AddTicketNote({ ticketId: c.req.valid('param').id, ...c.req.valid('json') })),
  )
  .get(
    '/:id/notes',
    describeQuery<TicketQueries>('ListTicketNotes', {
      summary: 'List the notes of a ticket, newest first (agent)',
      tags,
      body: schemas.ticketNotePage,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    validate('query', notesQuery),
    async (c) => sendPage(c, await c.var.queries.ListTicketNotes({ ...c.req.valid('param'), ...c.req.valid('query') })),
  );

/** The figures of the support desk. */
export const dashboardRoutes = new Hono<TicketEnv>().get(
  '/tickets',
  describeQuery<TicketQueries>('GetTicketDashboard', {
    summary: 'The ticket dashboard (agent)',
    tags,
    body: schemas.ticketDashboard,
    problems: [403],
  }),
  authenticate,
  async (c) => {
    const { dashboard, ...freshness } = await c.var.queries.GetTicketDashboard();
    setFreshness(c, freshness);
    return c.json(dashboard, 200);
  },
);

/** Whom each route of tickets serves. */
export const ticketAccess: AccessRules<typeof ticketRoutes> = {
  'POST /': 'account',
  'GET /': 'account',
  'GET /:id': 'owner or staff',
  'POST /:id/status': 'staff',
  'POST /:id/assignee': 'staff',
  'GET /:id/replies': 'owner or staff',
  'POST /:id/replies': 'owner or staff',
  'GET /:id/notes': 'staff',
  'POST /:id/notes': 'staff',
};

/** Whom the dashboard serves. */
export const dashboardAccess: AccessRules<typeof dashboardRoutes> = {
  'GET /tickets': 'staff',
};
