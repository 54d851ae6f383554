import { Hono } from 'hono';
import { z } from 'zod';
import { listRequest, pageLimit, pageRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describeQuery } from '../http/openapi';
import { commandResult, sendCreated, sendDocument, sendPage, sendResult, setFreshness } from '../http/responses';
import { validate } from '../http/validation';
import { limits } from '../platform/limits';
import { uuid } from '../platform/uuid';
import type { TicketCommands } from './commands';
import type { TicketQueries } from './queries';
import * as schemas from './schemas';
import { ticketStatuses } from './ticket-status';

type TicketEnv = RouteEnv<TicketCommands, TicketQueries>;

const idParam = z.object({ id: schemas.ticketId });
const listQuery = listRequest
  .extend({
    status: z.enum(ticketStatuses).optional(),
    hasNote: z.enum(['true', 'false']).optional().meta({ description: 'For agents and admins; not with `customer`.' }),
    customer: uuid.optional().meta({ description: 'For agents and admins: the tickets of this user.' }),
  })
  .refine(({ customer, hasNote }) => customer === undefined || hasNote === undefined, {
    path: ['hasNote'],
    error: 'cannot be combined with customer',
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
      description: 'A customer reads their own tickets; agents and admins read all, with the newest notes.',
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
  'GET /:id/notes': 'staff',
  'POST /:id/notes': 'staff',
};

/** Whom the dashboard serves. */
export const dashboardAccess: AccessRules<typeof dashboardRoutes> = {
  'GET /tickets': 'staff',
};
