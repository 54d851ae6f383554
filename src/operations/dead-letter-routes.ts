import { Hono } from 'hono';
import * as z from 'zod';
import { pageRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describePlain } from '../http/openapi';
import { sendDone, sendPage, setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import type { OperationsCommands } from './commands';
import type { InspectionQueries } from './inspection-queries';
import type { OperationsQueries } from './queries';
import * as schemas from './schemas';

const tags = ['Operations'];
const read = { tags, problems: [403] as const };
const letterParam = z.object({ id: schemas.deadLetterId });
const deadLetterQuery = pageRequest.extend({
  subscription: schemas.subscription.optional(),
  fault: schemas.fault.optional(),
  error: schemas.errorClass.optional(),
});

/** A dead letter's id consists of its position and its subscription: `42-emails`. */
function parseDeadLetterId(id: string) {
  const [position, subscription] = id.split('-');
  return { position: Number(position), subscription: schemas.subscription.parse(subscription) };
}

/** The dead letters that a body selects, by their ids or by what they have in common. */
function toSelection<Filter extends { ids?: string[] | undefined }>({ ids, ...filter }: Filter) {
  return ids ? { letters: ids.map(parseDeadLetterId) } : filter;
}

/** Dead letters: what failed for good, and what operators do about it. */
export const deadLetterRoutes = new Hono<RouteEnv<OperationsCommands, OperationsQueries & InspectionQueries>>()
  .get(
    '/',
    describePlain<OperationsQueries>('ListDeadLetters', {
      summary: 'List dead letters, newest first (admin)',
      ...read,
      body: schemas.deadLetterPage,
    }),
    authenticate,
    validate('query', deadLetterQuery),
    async (c) => sendPage(c, await c.var.queries.ListDeadLetters(c.req.valid('query'))),
  )
  .get(
    '/groups',
    describePlain<InspectionQueries>('ListDeadLetterGroups', {
      summary: 'The dead letters by subscription and error (admin)',
      ...read,
      body: schemas.deadLetterGroupList,
    }),
    authenticate,
    async (c) => c.json(await c.var.queries.ListDeadLetterGroups(), 200),
  )
  .post(
    '/replay',
    describeCommand<OperationsCommands>('ReplayDeadLetters', {
      summary:
        'Replay the dead letters that are the fault of the system, those of a subscription, a fault or an error, or some by their ids (admin)',
      tags,
      body: schemas.deadLetterResult,
      problems: [403, 404],
    }),
    authenticate,
    validate('json', schemas.deadLetterFilter),
    async (c) => {
      const outcome = await c.var.commands.ReplayDeadLetters(toSelection(c.req.valid('json')));
      setCommandHeaders(c, outcome);
      return c.json(outcome.result, 200);
    },
  )
  .post(
    '/discard',
    describeCommand<OperationsCommands>('DiscardDeadLetters', {
      summary: 'Discard the dead letters of a subscription with the same error, or some by their ids (admin)',
      tags,
      body: schemas.deadLetterResult,
      problems: [403, 404],
    }),
    authenticate,
    validate('json', schemas.deadLetterGroupFilter),
    async (c) => {
      const outcome = await c.var.commands.DiscardDeadLetters(toSelection(c.req.valid('json')));
      setCommandHeaders(c, outcome);
      return c.json(outcome.result, 200);
    },
  )
  .get(
    '/:id',
    describePlain<InspectionQueries>('GetDeadLetter', {
      summary: 'Read a dead letter with its event (admin)',
      ...read,
      body: schemas.deadLetterDetail,
    }),
    authenticate,
    validate('param', letterParam),
    async (c) => c.json(await c.var.queries.GetDeadLetter(parseDeadLetterId(c.req.valid('param').id)), 200),
  )
  .post(
    '/:id/replay',
    describeCommand<OperationsCommands>('ReplayDeadLetters', {
      summary: 'Replay a dead letter (admin)',
      operationId: 'replayDeadLetter',
      ignoresIfMatch: true,
      tags,
      body: schemas.deadLetterResult,
      problems: [403],
    }),
    authenticate,
    validate('param', letterParam),
    async (c) => {
      const outcome = await c.var.commands.ReplayDeadLetters(parseDeadLetterId(c.req.valid('param').id));
      setCommandHeaders(c, outcome);
      return c.json(outcome.result, 200);
    },
  )
  .delete(
    '/:id',
    describeCommand<OperationsCommands>('DiscardDeadLetters', {
      summary: 'Discard a dead letter (admin)',
      operationId: 'discardDeadLetter',
      ignoresIfMatch: true,
      tags,
      status: 204,
      problems: [403],
    }),
    authenticate,
    validate('param', letterParam),
    async (c) => sendDone(c, await c.var.commands.DiscardDeadLetters(parseDeadLetterId(c.req.valid('param').id))),
  );

/** Whom each of these routes serves. */
export const deadLetterAccess: AccessRules<typeof deadLetterRoutes> = {
  'GET /': 'admin',
  'GET /groups': 'admin',
  'POST /replay': 'admin',
  'POST /discard': 'admin',
  'GET /:id': 'admin',
  'POST /:id/replay': 'admin',
  'DELETE /:id': 'admin',
};
