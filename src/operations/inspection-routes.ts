import { Hono } from 'hono';
import * as z from 'zod';
import { pageRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describePlain } from '../http/openapi';
import { commandResult, sendPage, sendResult } from '../http/responses';
import { validate } from '../http/validation';
import type { OperationsCommands } from './commands';
import { eventDetail } from './event-schemas';
import type { InspectionQueries } from './inspection-queries';
import { queueList, schedule } from './inspection-schemas';
import { projectedKey, recheckPage } from './key-schemas';
import { documentKeyText, viewName } from './schemas';
import { deadLetterDecision } from './work-schemas';

const tags = ['Operations'];
const positionParam = z.object({
  position: z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number)
    .meta({ type: 'integer', pattern: undefined, minimum: 1, description: 'The position in the log.' }),
});
const decisionParam = z.object({
  decision: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .transform(Number)
    .meta({
      type: 'integer',
      pattern: undefined,
      minimum: 1,
      description: 'The number in the answer of a replay or a discard.',
    }),
});
const recheckQuery = pageRequest.extend({ view: viewName.optional() });
const keyParam = z.object({ view: viewName, key: documentKeyText });

/** With these an operator looks into one thing. */
export const inspectionRoutes = new Hono<RouteEnv<OperationsCommands, InspectionQueries>>()
  .get(
    '/projections/:view/keys/:key',
    describePlain<InspectionQueries>('GetProjectedKey', {
      summary: 'What KV and the database have of a document, and why it is up to date or not (admin)',
      description:
        'It shows the content of the document, so no API key may ask. `verdict.detail` says in a sentence what `verdict.code` names.',
      tags,
      problems: [403],
      body: projectedKey,
    }),
    authenticate,
    validate('param', keyParam),
    async (c) => c.json(await c.var.queries.GetProjectedKey(c.req.valid('param')), 200),
  )
  .post(
    '/projections/:view/keys/:key/project',
    describeCommand<OperationsCommands>('RequestProjection', {
      summary: 'Project a document now (admin)',
      description:
        'Marks the document and projects it before the response; what cannot be done at once, the relay does. Read the document afterwards.',
      ignoresIfMatch: true,
      tags,
      problems: [403],
      body: commandResult,
    }),
    authenticate,
    validate('param', keyParam),
    async (c) => sendResult(c, await c.var.commands.RequestProjection(c.req.valid('param'))),
  )
  .get(
    '/rechecks',
    describePlain<InspectionQueries>('ListRechecks', {
      summary: 'List the documents that are projected once more, those first that are due first (admin)',
      description:
        'Because an earlier put may still arrive in KV, or a repair was asked for. With `view` a page searches 5,000 marks, so it may be ' +
        'short or empty and name a next one.',
      tags,
      problems: [403, 404],
      body: recheckPage,
    }),
    authenticate,
    validate('query', recheckQuery),
    async (c) => sendPage(c, await c.var.queries.ListRechecks(c.req.valid('query'))),
  )
  .get(
    '/events/:position',
    describePlain<InspectionQueries>('GetEvent', {
      summary: 'Read an event of the log, with what belongs to it and what it caused (admin)',
      tags,
      problems: [403],
      body: eventDetail,
    }),
    authenticate,
    validate('param', positionParam),
    async (c) => c.json(await c.var.queries.GetEvent(c.req.valid('param')), 200),
  )
  .get(
    '/dead-letter-decisions/:decision',
    describePlain<InspectionQueries>('GetDeadLetterDecision', {
      summary: 'What became of the dead letters that were replayed or discarded together (admin)',
      description:
        'The decisions are the events of the stream `dead-letters/all`; a decision has the number of its `version`.',
      tags,
      problems: [403],
      body: deadLetterDecision,
    }),
    authenticate,
    validate('param', decisionParam),
    async (c) => c.json(await c.var.queries.GetDeadLetterDecision(c.req.valid('param')), 200),
  )
  .get(
    '/schedule',
    describePlain<InspectionQueries>('GetSchedule', {
      summary: 'The last run of each task of the schedule (admin)',
      tags,
      problems: [403],
      body: schedule,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.GetSchedule(), 200),
  )
  .get(
    '/queues',
    describePlain<InspectionQueries>('ListQueues', {
      summary: 'What waits in each queue (admin)',
      tags,
      problems: [403],
      body: queueList,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.ListQueues(), 200),
  );

/** Whom each of these routes serves. */
export const inspectionAccess: AccessRules<typeof inspectionRoutes> = {
  'GET /events/:position': 'admin',
  'GET /dead-letter-decisions/:decision': 'admin',
  'GET /schedule': 'admin',
  'GET /queues': 'admin',
  'GET /rechecks': 'admin',
  'GET /projections/:view/keys/:key': 'admin',
  'POST /projections/:view/keys/:key/project': 'admin',
};
