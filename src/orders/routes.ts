import { Hono } from 'hono';
import * as z from 'zod';
import { listRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describeQuery } from '../http/openapi';
import { commandResult, sendCreated, sendDocument, sendPage, sendResult, setFreshness } from '../http/responses';
import { validate } from '../http/validation';
import { uuid } from '../platform/uuid';
import type { OrderCommands } from './commands';
import { orderStatuses } from './order-status';
import type { OrderQueries } from './queries';
import * as schemas from './schemas';

const idParam = z.object({ id: schemas.orderId });
const listQuery = listRequest.extend({
  status: z.enum(orderStatuses).optional(),
  number: schemas.numberQuery.optional(),
  customer: uuid.optional().meta({ description: 'For agents and admins; customers see their own orders.' }),
});
const tags = ['Orders'];
const changed = { tags, body: commandResult };

/** Orders: customers place them, and agents ship and deliver them. */
export const orderRoutes = new Hono<RouteEnv<OrderCommands, OrderQueries>>()
  .post(
    '/',
    describeCommand<OrderCommands>('PlaceOrder', { summary: 'Place an order', ...changed, status: 201 }),
    authenticate,
    validate('json', schemas.placeOrder),
    async (c) => sendCreated(c, await c.var.commands.PlaceOrder(c.req.valid('json'))),
  )
  .get(
    '/',
    describeQuery<OrderQueries>('ListOrders', {
      summary: 'List orders',
      description: 'With `number`, the list has the order of this number, or nothing.',
      tags,
      body: schemas.orderPage,
    }),
    authenticate,
    validate('query', listQuery),
    async (c) => sendPage(c, await c.var.queries.ListOrders(c.req.valid('query'))),
  )
  .get(
    '/:id',
    describeQuery<OrderQueries>('GetOrder', { summary: 'Read an order', tags, body: schemas.orderDetail }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetOrder(c.req.valid('param'))),
  )
  .post(
    '/:id/cancel',
    describeCommand<OrderCommands>('CancelOrder', { summary: 'Cancel an order and put its stock back', ...changed }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.CancelOrder({ orderId: c.req.valid('param').id })),
  )
  .post(
    '/:id/ship',
    describeCommand<OrderCommands>('ShipOrder', { summary: 'Ship an order (agent)', ...changed, problems: [403] }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.ShipOrder({ orderId: c.req.valid('param').id })),
  )
  .post(
    '/:id/deliver',
    describeCommand<OrderCommands>('DeliverOrder', {
      summary: 'Deliver an order (agent)',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.DeliverOrder({ orderId: c.req.valid('param').id })),
  );

/** The sales figures. */
export const salesRoutes = new Hono<RouteEnv<OrderCommands, OrderQueries>>().get(
  '/sales',
  describeQuery<OrderQueries>('GetSalesDashboard', {
    summary: 'The sales dashboard (agent)',
    tags,
    body: schemas.salesDashboard,
    problems: [403],
  }),
  authenticate,
  async (c) => {
    const { dashboard, ...freshness } = await c.var.queries.GetSalesDashboard();
    setFreshness(c, freshness);
    return c.json(dashboard, 200);
  },
);

/** Whom each route of orders serves. */
export const orderAccess: AccessRules<typeof orderRoutes> = {
  'POST /': 'account',
  'GET /': 'account',
  'GET /:id': 'owner or staff',
  'POST /:id/cancel': 'owner or staff',
  'POST /:id/ship': 'staff',
  'POST /:id/deliver': 'staff',
};

/** Whom the sales figures serve. */
export const salesAccess: AccessRules<typeof salesRoutes> = {
  'GET /sales': 'staff',
};
