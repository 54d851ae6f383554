import { Hono } from 'hono';
import { z } from 'zod';
import { pageRequest } from '../cqrs/reading/pages';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describeQuery } from '../http/openapi';
import { commandResult, sendCreated, sendDocument, sendDone, sendPage, sendResult } from '../http/responses';
import { validate } from '../http/validation';
import { uuid } from '../platform/uuid';
import type { ItemCommands } from './commands';
import type { ItemQueries } from './queries';
import * as schemas from './schemas';

const idParam = z.object({ id: schemas.itemId });
const listQuery = pageRequest.extend({
  active: z.enum(['true', 'false']).optional(),
  owner: uuid.optional(),
});
const tags = ['Items'];
const changed = { tags, body: commandResult };

/** The catalogue of items, which is public; owners change their items. */
export const itemRoutes = new Hono<RouteEnv<ItemCommands, ItemQueries>>()
  .post(
    '/',
    describeCommand({ summary: 'Create an item', ...changed, status: 201 }),
    authenticate,
    validate('json', schemas.createItem),
    async (c) => sendCreated(c, await c.var.commands.CreateItem(c.req.valid('json'))),
  )
  .get(
    '/',
    describeQuery({ summary: 'List items, newest first', tags, body: schemas.itemPage }),
    validate('query', listQuery),
    async (c) => {
      const { active, ...query } = c.req.valid('query');
      const isActive = active === undefined ? undefined : active === 'true';
      return sendPage(c, await c.var.queries.ListItems({ ...query, isActive }));
    },
  )
  .get(
    '/:id',
    describeQuery({ summary: 'Read an item', tags, body: schemas.itemDetail }),
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetItem(c.req.valid('param'))),
  )
  .patch(
    '/:id',
    describeCommand({ summary: 'Change an item', ...changed }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateItem),
    async (c) =>
      sendResult(c, await c.var.commands.UpdateItem({ itemId: c.req.valid('param').id, changes: c.req.valid('json') })),
  )
  .delete(
    '/:id',
    describeCommand({ summary: 'Delete an item', tags, status: 204 }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDone(c, await c.var.commands.DeleteItem({ itemId: c.req.valid('param').id })),
  );

/** Whom each route serves. */
export const itemAccess: AccessRules<typeof itemRoutes> = {
  'POST /': 'account',
  'GET /': 'everybody',
  'GET /:id': 'everybody',
  'PATCH /:id': 'owner or admin',
  'DELETE /:id': 'owner or admin',
};
