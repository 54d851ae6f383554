import { Hono } from 'hono';
import { z } from 'zod';
import { authenticate } from '../http/authentication';
import { type AppEnv, commandContext, requireCaller } from '../http/context';
import { describe } from '../http/openapi';
import { answerList, pageQuery } from '../http/pagination';
import { answerCommand, commandAnswer, present, readAs } from '../http/responses';
import { validate } from '../http/validation';
import { isStaff } from '../users/user';
import { orderNotFound, orderStatuses } from './order';
import * as schemas from './schemas';
import { orderListKey, orderListQuery, orderListView, orderView, toOrderSummary } from './views';

const idParam = z.object({ id: schemas.orderId });
const listQuery = pageQuery.extend({
  status: z.enum(orderStatuses).optional(),
  customer: z.uuid().optional().meta({ description: 'For agents and admins; customers see their own orders.' }),
});
const tags = ['Orders'];
const changed = { tags, body: commandAnswer };

/** Orders: placed by customers, moved on by agents. */
export const orderRoutes = new Hono<AppEnv>()
  .post(
    '/',
    describe({ summary: 'Place an order', ...changed, status: 201, problems: [400, 409, 413, 415, 422] }),
    authenticate,
    validate('json', schemas.placeOrder),
    async (c) => {
      const outcome = await c.var.services.commands.execute('PlaceOrder', c.req.valid('json'), commandContext(c));
      c.header('Location', `/v1/orders/${outcome.result.id}`);
      return c.json(answerCommand(c, outcome), 201);
    },
  )
  .get(
    '/',
    describe({ summary: 'List orders, newest first', tags, kind: 'read', body: schemas.orderPage, problems: [400] }),
    authenticate,
    validate('query', listQuery),
    async (c) => {
      const { status, customer, ...page } = c.req.valid('query');
      // A customer sees their own, whatever they ask for. The role in a token is the account's: changing it revokes
      // the token, which `readAs` sees.
      const { role, userId } = requireCaller(c);
      const filter = { customer: role === 'customer' ? userId : customer, status };
      const { result } = await readAs(c, { view: orderListView, key: orderListKey(filter) });
      const list = await answerList(c, result, page, async (db, limit, after) =>
        (await orderListQuery(db, filter, limit, after)).map(toOrderSummary),
      );
      return c.json(list, 200);
    },
  )
  .get(
    '/:id',
    describe({ summary: 'Read an order', tags, kind: 'read', body: schemas.orderDetail, problems: [400, 404] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const { standing, result } = await readAs(c, { view: orderView, key: c.req.valid('param').id });
      const isOwn = result.document?.data.customerId === standing.id;
      if (!isOwn && !isStaff(standing)) throw orderNotFound();
      return c.json(present(c, result, orderNotFound), 200);
    },
  )
  .post(
    '/:id/cancel',
    describe({ summary: 'Cancel an order and put its stock back', ...changed, problems: [400, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { orderId: c.req.valid('param').id };
      const outcome = await c.var.services.commands.execute('CancelOrder', payload, commandContext(c));
      return c.json(answerCommand(c, outcome), 200);
    },
  )
  .post(
    '/:id/ship',
    describe({ summary: 'Ship an order (agent)', ...changed, problems: [400, 403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { orderId: c.req.valid('param').id };
      const outcome = await c.var.services.commands.execute('ShipOrder', payload, commandContext(c));
      return c.json(answerCommand(c, outcome), 200);
    },
  )
  .post(
    '/:id/deliver',
    describe({ summary: 'Deliver an order (agent)', ...changed, problems: [400, 403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { orderId: c.req.valid('param').id };
      const outcome = await c.var.services.commands.execute('DeliverOrder', payload, commandContext(c));
      return c.json(answerCommand(c, outcome), 200);
    },
  );
