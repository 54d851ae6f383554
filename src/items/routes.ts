import { Hono } from 'hono';
import * as z from 'zod';
import { listRequest } from '../cqrs/reading/page-request';
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
const listQuery = listRequest.extend({
  active: z.enum(['true', 'false']).optional(),
  owner: uuid.optional(),
});
const tags = ['Items'];
const changed = { tags, body: commandResult };

/** The catalogue of items, which is public; owners change their items, and the staff takes items down. */
export const itemRoutes = new Hono<RouteEnv<ItemCommands, ItemQueries>>()
  .post(
    '/',
    describeCommand<ItemCommands>('CreateItem', {
      summary: 'Create an item (agent)',
      description: 'For customers too where the shop lets everybody sell.',
      ...changed,
      status: 201,
      problems: [403],
    }),
    authenticate,
    validate('json', schemas.createItem),
    async (c) => sendCreated(c, await c.var.commands.CreateItem(c.req.valid('json'))),
  )
  .get(
    '/',
    describeQuery<ItemQueries>('ListItems', { summary: 'List items', tags, body: schemas.itemPage }),
    validate('query', listQuery),
    async (c) => {
      const { active, ...query } = c.req.valid('query');
      const isActive = active === undefined ? undefined : active === 'true';
      return sendPage(c, await c.var.queries.ListItems({ ...query, isActive }));
    },
  )
  .get(
    '/:id',
    describeQuery<ItemQueries>('GetItem', { summary: 'Read an item', tags, body: schemas.itemDetail }),
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetItem(c.req.valid('param'))),
  )
  .patch(
    '/:id',
    describeCommand<ItemCommands>('UpdateItem', {
      summary: 'Change an item',
      description:
        'The owner and admins change everything. An agent takes any item off sale with `{"isActive": false}` alone. What an agent or an admin took off sale, only they put back on sale.',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateItem),
    async (c) =>
      sendResult(c, await c.var.commands.UpdateItem({ itemId: c.req.valid('param').id, changes: c.req.valid('json') })),
  )
  .delete(
    '/:id',
    describeCommand<ItemCommands>('DeleteItem', { summary: 'Delete an item', tags, status: 204, problems: [403] }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDone(c, await c.var.commands.DeleteItem({ itemId: c.req.valid('param').id })),
  );

/** Whom each route serves. */
export const itemAccess: AccessRules<typeof itemRoutes> = {
  'POST /': 'seller',
  'GET /': 'everybody',
  'GET /:id': 'everybody',
  'PATCH /:id': 'owner or staff',
  'DELETE /:id': 'owner or admin',
};
