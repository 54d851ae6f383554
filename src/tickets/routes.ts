import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { authenticate } from '../http/authentication';
import { type AppEnv, commandContext, requireCaller } from '../http/context';
import { describe } from '../http/openapi';
import { answerList, pageQuery } from '../http/pagination';
import { answerCommand, commandAnswer, present, readAs, setReadHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { isStaff, requireStaff } from '../users/user';
import { dashboardKey, dashboardView, presentDashboard } from './dashboard';
import * as schemas from './schemas';
import { ticketNotFound, ticketStatuses } from './ticket';
import * as views from './views';

const idParam = z.object({ id: schemas.ticketId });
const listQuery = pageQuery.extend({
  status: z.enum(ticketStatuses).optional(),
  hasNote: z.enum(['true', 'false']).optional().meta({ description: 'For agents and admins.' }),
});
type ListQuery = z.infer<typeof listQuery>;
const tags = ['Tickets'];
const changed = { tags, body: commandAnswer };

/** The role in a token is the account's: changing it revokes the token, which `readAs` sees. */
function isCustomer(c: Context<AppEnv>): boolean {
  return requireCaller(c).role === 'customer';
}

/** Which tickets have notes is not a customer's to ask. */
async function listOwn(c: Context<AppEnv>, { status, hasNote, ...page }: ListQuery) {
  const filter = { customer: requireCaller(c).userId, status };
  const { standing, result } = await readAs(c, { view: views.ticketListView, key: views.ticketListKey(filter) });
  if (hasNote !== undefined) requireStaff(standing);
  return answerList(c, result, page, (db, limit, after) => views.ticketListQuery(db, filter, limit, after));
}

async function listCases(c: Context<AppEnv>, { status, hasNote, ...page }: ListQuery) {
  const filter = { status, hasNote: hasNote === undefined ? undefined : hasNote === 'true' };
  const wanted = { view: views.ticketCaseListView, key: views.ticketCaseListKey(filter) };
  const { standing, result } = await readAs(c, wanted);
  requireStaff(standing);
  return answerList(c, result, page, (db, limit, after) => views.ticketCaseListQuery(db, filter, limit, after));
}

async function readOwn(c: Context<AppEnv>, id: string) {
  const { standing, result } = await readAs(c, { view: views.ticketView, key: id });
  if (result.document?.data.customerId !== standing.id) throw ticketNotFound();
  return present(c, result, ticketNotFound);
}

async function readCase(c: Context<AppEnv>, id: string) {
  const { standing, result } = await readAs(c, { view: views.ticketCaseView, key: id });
  if (!isStaff(standing)) throw ticketNotFound();
  return present(c, result, ticketNotFound);
}

/** The support desk: opened by customers, worked on by agents. */
export const ticketRoutes = new Hono<AppEnv>()
  .post(
    '/',
    describe({ summary: 'Open a ticket', ...changed, status: 201, problems: [400, 409, 413, 415, 422] }),
    authenticate,
    validate('json', schemas.openTicket),
    async (c) => {
      const outcome = await c.var.services.commands.execute('OpenTicket', c.req.valid('json'), commandContext(c));
      c.header('Location', `/v1/tickets/${outcome.result.id}`);
      return c.json(answerCommand(c, outcome), 201);
    },
  )
  .get(
    '/',
    describe({
      summary: 'List tickets, newest first',
      description: 'A customer sees their own; agents and admins see all, with what is noted.',
      tags,
      kind: 'read',
      body: schemas.ticketPage,
      problems: [400, 403],
    }),
    authenticate,
    validate('query', listQuery),
    async (c) => {
      const query = c.req.valid('query');
      return c.json(isCustomer(c) ? await listOwn(c, query) : await listCases(c, query), 200);
    },
  )
  .get(
    '/:id',
    describe({
      summary: 'Read a ticket',
      description: 'A customer reads their own; agents and admins read all, with the notes.',
      tags,
      kind: 'read',
      body: z.union([schemas.ticketCase, schemas.ticketDetail]),
      problems: [400, 404],
    }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(isCustomer(c) ? await readOwn(c, id) : await readCase(c, id), 200);
    },
  )
  .post(
    '/:id/status',
    describe({ summary: 'Change the status (agent)', ...changed, problems: [400, 403, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.changeTicketStatus),
    async (c) => {
      const payload = { ticketId: c.req.valid('param').id, ...c.req.valid('json') };
      const outcome = await c.var.services.commands.execute('ChangeTicketStatus', payload, commandContext(c));
      return c.json(answerCommand(c, outcome), 200);
    },
  )
  .post(
    '/:id/notes',
    describe({ summary: 'Add a note (agent)', ...changed, problems: [400, 403, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.addTicketNote),
    async (c) => {
      const payload = { ticketId: c.req.valid('param').id, ...c.req.valid('json') };
      const outcome = await c.var.services.commands.execute('AddTicketNote', payload, commandContext(c));
      return c.json(answerCommand(c, outcome), 200);
    },
  );

/** What the support desk looks at first. */
export const dashboardRoutes = new Hono<AppEnv>().get(
  '/tickets',
  describe({
    summary: 'The ticket dashboard (agent)',
    tags,
    kind: 'read',
    body: schemas.ticketDashboard,
    problems: [400, 403],
  }),
  authenticate,
  async (c) => {
    const { standing, result } = await readAs(c, { view: dashboardView, key: dashboardKey });
    requireStaff(standing);
    setReadHeaders(c, result);
    return c.json(presentDashboard(result.document?.data, c.var.services.clock.now()), 200);
  },
);
