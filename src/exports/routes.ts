import { type Context, Hono, type TypedResponse } from 'hono';
import { accepts } from 'hono/accepts';
import * as z from 'zod';
import type { Committed } from '../cqrs/writing/unit-of-work';
import type { AccessRules } from '../http/access';
import { authenticateForRecord } from '../http/authentication';
import { ignoreConditions, type RequestContext, type RouteEnv } from '../http/context';
import { describeUnstoredQuery } from '../http/openapi';
import { limitCaller } from '../http/rate-limits';
import { sendStream } from '../http/streams';
import { validate } from '../http/validation';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import type { ExportCommands } from './commands';
import type { ExportKind } from './export-kind';
import { type Format, mediaTypes, toAccountDocument, toReport } from './formats';
import type { Export, ExportQueries } from './queries';
import type { ReportRequest } from './reports';
import * as schemas from './schemas';

type ExportEnv = RouteEnv<ExportCommands, ExportQueries>;

const tags = ['Exports'];

const describeReport = (name: keyof ExportQueries & string, what: string, body: z.ZodType) =>
  describeUnstoredQuery<ExportQueries>(name, {
    summary: `Export ${what} (admin)`,
    description:
      'Sent page by page, in the order of creation. If something fails meanwhile, the body is cut off. The audit trail says who has exported what.',
    tags,
    body,
    mediaType: mediaTypes.ndjson,
    alternatives: { 'text/csv': schemas.csv },
    problems: [403],
  });

/** The format of an export: the parameter `format`, or what `Accept` prefers (RFC 9110, 12.5.1). */
function formatOf(c: RequestContext, asked: Format | undefined): Format {
  if (asked) return asked;
  const { ndjson } = mediaTypes;
  // The library reads nothing of the context but this header.
  const context = c as unknown as Context;
  return accepts(context, { header: 'Accept', supports: [ndjson, 'text/csv'], default: ndjson }) === ndjson
    ? 'ndjson'
    : 'csv';
}

type Row = Readonly<Record<string, unknown>>;

/** The members of a row that are personal data, and are missing unless they are asked for. */
const personalColumns = ['customerName', 'customerEmail', 'shippingAddress', 'subject', 'message'];

/** Records an export, and returns its id. The response to a HEAD has no row, so nobody was given anything. */
async function recordUnlessHead(c: RequestContext, record: () => Promise<Committed<{ id: string }>>): Promise<string> {
  return c.req.method === 'HEAD' ? newId() : (await record()).result.id;
}

/** Sends an export for reporting, after it is in the audit trail. */
async function sendReport(
  c: RequestContext & { var: Pick<ExportEnv['Variables'], 'commands'> },
  kind: Exclude<ExportKind, 'account'>,
  { include, format, ...span }: z.output<typeof schemas.exportRequest>,
  { schema, open }: { schema: z.ZodObject; open(request: ReportRequest): Promise<Export<Row>> },
) {
  const includesPersonal = include === 'personal';
  const { freshness, pages, parts } = await open({ ...span, includesPersonal });
  const id = await recordUnlessHead(c, () => c.var.commands.RecordExport({ kind, ...span, includesPersonal }));
  const chosen = formatOf(c, format);
  // The subject of an event is no personal data.
  const isShown = (column: string) => includesPersonal || kind === 'events' || !personalColumns.includes(column);
  const columns = Object.keys(schema.shape).filter((column) => isShown(column) && column !== parts?.name);
  const about = { freshness, id, mediaType: mediaTypes[chosen], filename: `${kind}.${chosen}` };
  return sendStream(c, toReport(chosen, { pages, parts }, columns), about) as Response &
    TypedResponse<string, 200, 'text'>;
}

/** The exports for reporting. */
export const exportRoutes = new Hono<ExportEnv>()
  .get(
    '/orders',
    describeReport('ExportOrders', 'the orders of a span of time', schemas.exportedOrder),
    authenticateForRecord,
    limitCaller('export'),
    ignoreConditions,
    validate('query', schemas.exportRequest),
    (c) =>
      sendReport(c, 'orders', c.req.valid('query'), {
        schema: schemas.exportedOrder,
        open: (request) => c.var.queries.ExportOrders(request),
      }),
  )
  .get(
    '/tickets',
    describeReport('ExportTickets', 'the tickets of a span of time', schemas.exportedTicket),
    authenticateForRecord,
    limitCaller('export'),
    ignoreConditions,
    validate('query', schemas.exportRequest),
    (c) =>
      sendReport(c, 'tickets', c.req.valid('query'), {
        schema: schemas.exportedTicket,
        open: (request) => c.var.queries.ExportTickets(request),
      }),
  )
  .get(
    '/events',
    describeReport('ExportEvents', 'the events of a span of time', schemas.exportedEvent),
    authenticateForRecord,
    limitCaller('export'),
    ignoreConditions,
    validate('query', schemas.exportRequest),
    (c) =>
      sendReport(c, 'events', c.req.valid('query'), {
        schema: schemas.exportedEvent,
        open: (request) => c.var.queries.ExportEvents(request),
      }),
  );

/** The export of all that is stored about one account. */
export const accountExportRoutes = new Hono<ExportEnv>().get(
  '/:id/export',
  describeUnstoredQuery<ExportQueries>('ExportAccount', {
    summary: 'Export all that is stored about an account',
    description:
      'For the account itself and for admins (GDPR, articles 15 and 20). Internal notes are not a part of it. The document is sent page by page; ' +
      'if something fails meanwhile, it is cut off, and is no JSON.',
    tags,
    body: schemas.accountExport,
    problems: [403],
  }),
  authenticateForRecord,
  limitCaller('export'),
  ignoreConditions,
  validate('param', z.object({ id: uuid })),
  async (c) => {
    const { id } = c.req.valid('param');
    const { freshness, ...exported } = await c.var.queries.ExportAccount({ id });
    const exportId = await recordUnlessHead(c, () => c.var.commands.RecordAccountExport({ userId: id }));
    const about = { freshness, id: exportId, mediaType: 'application/json', filename: 'account.json' };
    const response = sendStream(c, toAccountDocument(exported), about);
    return response as Response & TypedResponse<z.infer<typeof schemas.accountExport>, 200, 'json'>;
  },
);

/** Whom the exports for reporting serve. */
export const exportAccess: AccessRules<typeof exportRoutes> = {
  'GET /orders': 'admin',
  'GET /tickets': 'admin',
  'GET /events': 'admin',
};

/** Whom the export of an account serves. */
export const accountExportAccess: AccessRules<typeof accountExportRoutes> = { 'GET /:id/export': 'owner or admin' };
