import { Hono } from 'hono';
import * as z from 'zod';
import { pageRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate, authenticateMonitor } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describePlain } from '../http/openapi';
import { commandResult, sendAccepted, sendPage, sendResult } from '../http/responses';
import { validate } from '../http/validation';
import { formatMetrics, metricsMediaType } from '../platform/metrics';
import { uuid } from '../platform/uuid';
import { version } from '../platform/version';
import type { OperationsCommands } from './commands';
import { operationsErrors } from './errors';
import { cataloguePath, eventCatalogueSchema, jsonSchema } from './event-catalogue';
import type { OperationsQueries } from './queries';
import * as schemas from './schemas';

type OperationsEnv = RouteEnv<OperationsCommands, OperationsQueries>;

const tags = ['Operations'];
const read = { tags, problems: [403] as const };
const viewParam = z.object({ view: schemas.viewName });
const idParam = z.object({ id: uuid });
const deliveryQuery = pageRequest.extend({ subscription: schemas.subscription.optional() });

const auditQuery = pageRequest.extend({
  stream: z
    .string()
    .toLowerCase()
    .regex(/^[a-z-]{1,32}\/[\w-]{1,64}$/)
    .optional()
    .meta({ description: 'Type and id of a stream.', examples: ['ticket/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
  actor: uuid.optional(),
  key: uuid.optional(),
  command: z.string().toLowerCase().min(1).max(64).optional(),
  request: z.string().min(1).max(64).optional(),
  type: z
    .string()
    .regex(/^[A-Za-z]{1,64}$/)
    .optional()
    .meta({
      description:
        'Only events of this type. A page searches 5,000 events for it, so it may be short or empty and name a next one.',
      examples: ['TicketOpened'],
    }),
});

function parseStream(text: string | undefined) {
  const [type, id] = text?.split('/') ?? [];
  return type && id ? { type, id } : undefined;
}

/** The operations API. */
export const operationsRoutes = new Hono<OperationsEnv>()
  .get(
    '/metrics',
    describePlain<OperationsQueries>('GetMetrics', {
      summary: 'Figures in the text format of Prometheus (admin)',
      description:
        'A monitor may read them too: it sends the secret `METRICS_TOKEN` of the configuration as its Bearer credential. The HELP texts tell the ' +
        'figures of the whole system from those of the isolate that answers.',
      ...read,
      body: schemas.metricsText,
      mediaType: 'text/plain',
    }),
    authenticateMonitor,
    async (c) => {
      const { metrics } = await c.var.queries.GetMetrics();
      return c.body(formatMetrics(metrics), 200, { 'Content-Type': metricsMediaType });
    },
  )
  .get(
    '/projections',
    describePlain<OperationsQueries>('ListProjections', {
      summary: 'The progress of the read models (admin)',
      ...read,
      body: schemas.projectionList,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.ListProjections(), 200),
  )
  .post(
    '/projections/:view/rebuild',
    describeCommand<OperationsCommands>('StartRebuild', {
      summary: 'Rebuild a read model from the event log (admin)',
      ignoresIfMatch: true,
      tags,
      status: 202,
      body: commandResult,
      problems: [403],
    }),
    authenticate,
    validate('param', viewParam),
    async (c) => sendAccepted(c, await c.var.commands.StartRebuild(c.req.valid('param')), '/v1/operations/rebuilds'),
  )
  .get(
    '/rebuilds',
    describePlain<OperationsQueries>('ListRebuilds', {
      summary: 'The latest rebuilds (admin)',
      ...read,
      body: schemas.rebuildList,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.ListRebuilds(), 200),
  )
  .get(
    '/erasures',
    describePlain<OperationsQueries>('ListErasures', {
      summary: 'Deleted accounts of which something is left (admin)',
      ...read,
      body: schemas.erasureList,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.ListErasures(), 200),
  )
  .get(
    '/rebuilds/:id',
    describePlain<OperationsQueries>('GetRebuild', {
      summary: 'The progress of a rebuild (admin)',
      ...read,
      body: schemas.rebuild,
    }),
    authenticate,
    validate('param', idParam),
    async (c) => c.json(await c.var.queries.GetRebuild(c.req.valid('param')), 200),
  )
  .post(
    '/rebuilds/:id/cancel',
    describeCommand<OperationsCommands>('CancelRebuild', {
      summary: 'Cancel a rebuild (admin)',
      tags,
      body: commandResult,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.CancelRebuild({ rebuildId: c.req.valid('param').id })),
  )
  .get(
    '/deliveries',
    describePlain<OperationsQueries>('ListWaitingDeliveries', {
      summary: 'List the deliveries that wait, oldest first (admin)',
      ...read,
      body: schemas.waitingDeliveryPage,
    }),
    authenticate,
    validate('query', deliveryQuery),
    async (c) => sendPage(c, await c.var.queries.ListWaitingDeliveries(c.req.valid('query'))),
  )
  .get(
    '/events',
    describePlain<OperationsQueries>('ListEvents', {
      summary: 'The audit trail: the event log, newest first (admin)',
      ...read,
      body: schemas.auditPage,
    }),
    authenticate,
    validate('query', auditQuery),
    async (c) => {
      const { stream, ...query } = c.req.valid('query');
      return sendPage(c, await c.var.queries.ListEvents({ ...query, stream: parseStream(stream) }));
    },
  );

const schemaParam = z.object({
  type: z.string().meta({ description: 'The CloudEvents `type`.', examples: ['frontdesk.TicketOpened'] }),
  version: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .transform(Number)
    .meta({ type: 'integer', pattern: undefined, minimum: 1, description: 'The `schemaversion`.' }),
});

/** The event catalogue, for other teams that receive the events. */
export const eventRoutes = new Hono<OperationsEnv>()
  .get(
    '/catalogue',
    describePlain<OperationsQueries>('GetEventCatalogue', {
      summary: 'The catalogue of events',
      description:
        'Every type of event that the optional events queue receives, as CloudEvents 1.0, and the extension attributes ' +
        'of each event. An event can arrive more than once and in any order.',
      tags: ['Events'],
      body: eventCatalogueSchema,
    }),
    (c) => c.json(c.var.queries.GetEventCatalogue(), 200),
  )
  .get(
    '/schemas/:type/:version',
    describePlain<OperationsQueries>('GetEventSchema', {
      summary: 'The JSON Schema of an event',
      description:
        'The schema of `data` in one version; the `dataschema` of an event is the address of this operation.',
      tags: ['Events'],
      body: jsonSchema,
    }),
    validate('param', schemaParam, () => operationsErrors.eventSchemaNotFound({ catalogue: cataloguePath })),
    (c) => c.json(c.var.queries.GetEventSchema(c.req.valid('param')), 200),
  );

/** Two checks for monitors: the Worker runs, and the system can do its work. */
export const healthRoutes = new Hono<OperationsEnv>()
  .get('/', describePlain('GetHealth', { summary: 'Whether the Worker runs', tags, body: schemas.health }), (c) => {
    c.header('ETag', `"${version}"`);
    return c.json({ status: 'ok' as const, version }, 200);
  })
  .get(
    '/ready',
    describePlain<OperationsQueries>('GetReadiness', {
      summary: 'Whether the system can do its work, with its issues',
      description:
        'The status is 503, with the same body, when D1 or KV is unreachable or projections are late. Other late ' +
        'deliveries and dead letters only degrade the system.',
      tags,
      unavailable: true,
      body: schemas.readiness,
    }),
    async (c) => {
      const readiness = await c.var.queries.GetReadiness();
      c.header('Cache-Control', 'no-store');
      return readiness.status === 'unavailable' ? c.json(readiness, 503) : c.json(readiness, 200);
    },
  );

/** Whom each route of operators serves. */
export const operationsAccess: AccessRules<typeof operationsRoutes> = {
  'GET /metrics': 'admin',
  'GET /projections': 'admin',
  'POST /projections/:view/rebuild': 'admin',
  'GET /rebuilds': 'admin',
  'GET /erasures': 'admin',
  'GET /rebuilds/:id': 'admin',
  'POST /rebuilds/:id/cancel': 'admin',
  'GET /deliveries': 'admin',
  'GET /events': 'admin',
};

/** Whom the catalogue of events serves. */
export const eventAccess: AccessRules<typeof eventRoutes> = {
  'GET /catalogue': 'everybody',
  'GET /schemas/:type/:version': 'everybody',
};

/** Whom each route of health serves. */
export const healthAccess: AccessRules<typeof healthRoutes> = {
  'GET /': 'everybody',
  'GET /ready': 'everybody',
};
