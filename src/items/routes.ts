import { Hono } from 'hono';
import { z } from 'zod';
import { authenticate } from '../http/authentication';
import { type AppEnv, commandContext } from '../http/context';
import { describe } from '../http/openapi';
import { answerList, pageQuery } from '../http/pagination';
import { answerCommand, commandAnswer, present, readPublic, setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { itemNotFound } from './item';
import * as schemas from './schemas';
import { itemListKey, itemListQuery, itemListView, itemView, toItemSummary } from './views';

const idParam = z.object({ id: schemas.itemId });
const listQuery = pageQuery.extend({
  active: z.enum(['true', 'false']).optional(),
  owner: z.uuid().optional(),
});
const tags = ['Items'];
const changed = { tags, body: commandAnswer };

/** The catalogue: public to read, its owners' to change. */
export const itemRoutes = new Hono<AppEnv>()
  .post(
    '/',
    describe({ summary: 'Create an item', ...changed, status: 201, problems: [400, 413, 415, 422] }),
    authenticate,
    validate('json', schemas.createItem),
    async (c) => {
      const outcome = await c.var.services.commands.execute('CreateItem', c.req.valid('json'), commandContext(c));
      c.header('Location', `/v1/items/${outcome.result.id}`);
      return c.json(answerCommand(c, outcome), 201);
    },
  )
  .get(
    '/',
    describe({
      summary: 'List items, newest first',
      tags,
      security: 'none',
      kind: 'read',
      body: schemas.itemPage,
      problems: [400],
    }),
    validate('query', listQuery),
    async (c) => {
      const { active, owner, ...page } = c.req.valid('query');
      const filter = { owner, isActive: active === undefined ? undefined : active === 'true' };
      const first = await readPublic(c, { view: itemListView, key: itemListKey(filter) });
      const list = await answerList(c, first, page, async (db, limit, after) =>
        (await itemListQuery(db, filter, limit, after)).map(toItemSummary),
      );
      return c.json(list, 200);
    },
  )
  .get(
    '/:id',
    describe({
      summary: 'Read an item',
      tags,
      security: 'none',
      kind: 'read',
      body: schemas.itemDetail,
      problems: [400, 404],
    }),
    validate('param', idParam),
    async (c) => {
      const result = await readPublic(c, { view: itemView, key: c.req.valid('param').id });
      return c.json(present(c, result, itemNotFound), 200);
    },
  )
  .patch(
    '/:id',
    describe({ summary: 'Change an item', ...changed, problems: [400, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateItem),
    async (c) => {
      const payload = { itemId: c.req.valid('param').id, changes: c.req.valid('json') };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('UpdateItem', payload, commandContext(c))),
        200,
      );
    },
  )
  .delete(
    '/:id',
    describe({ summary: 'Delete an item', tags, status: 204, problems: [404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { itemId: c.req.valid('param').id };
      setCommandHeaders(c, await c.var.services.commands.execute('DeleteItem', payload, commandContext(c)));
      return c.body(null, 204);
    },
  );
