import { Hono, type Env as HonoEnv, type Schema } from 'hono';
import { createMiddleware } from 'hono/factory';
import { authPages } from './auth/pages';
import { authRoutes } from './auth/routes';
import type { compose } from './composition';
import { type Commands, errorCatalogue, type Queries } from './domains';
import { mountAssets } from './http/assets';
import { type AppEnv, commandContext, consistencyToken, type RouteEnv } from './http/context';
import { mountDocumentation } from './http/documentation';
import { applyMiddleware } from './http/middleware';
import { handleError, handleNotFound } from './http/problem';
import { introduction } from './introduction';
import { itemRoutes } from './items/routes';
import { eventRoutes, healthRoutes, operationsRoutes } from './operations/routes';
import { orderRoutes } from './orders/routes';
import { version } from './platform/version';
import { dashboardRoutes, ticketRoutes } from './tickets/routes';
import { userRoutes } from './users/routes';

/**
 * Returns the routes unchanged. Routes that call an unregistered command or query do not compile; Hono itself does not
 * compare the environments of the routes that it mounts.
 */
function registered<E extends HonoEnv, S extends Schema, P extends string>(
  routes: Hono<E, S, P>,
  ..._registerInDomainsTs: RouteEnv<Commands, Queries> extends E ? [] : [missing: never]
): Hono<E, S, P> {
  return routes;
}

/** The routes of every domain. */
const routes = new Hono<AppEnv>()
  .basePath('/v1')
  .route('/health', registered(healthRoutes))
  .route('/operations', registered(operationsRoutes))
  .route('/events', registered(eventRoutes))
  .route('/auth', registered(authRoutes))
  .route('/users', registered(userRoutes))
  .route('/items', registered(itemRoutes))
  .route('/orders', registered(orderRoutes))
  .route('/tickets', registered(ticketRoutes))
  .route('/dashboard', registered(dashboardRoutes));

/** The groups of operations in the OpenAPI document, in the order in which one meets them. */
const tags = [
  { name: 'Users', description: 'Register, and read and change accounts, their settings and their roles.' },
  { name: 'Signing in', description: 'Get, refresh and revoke tokens, and reset a forgotten password.' },
  { name: 'Items', description: 'The public catalogue of what is for sale.' },
  { name: 'Orders', description: 'Place an order, and follow it until it is delivered.' },
  { name: 'Tickets', description: 'The support desk: tickets of customers, notes of agents, and figures.' },
  { name: 'Events', description: 'What other teams can receive.' },
  { name: 'Operations', description: 'Health checks, and the work of operators.' },
];

/** The type of the API, for hono's client `hc`. */
export type AppType = typeof routes;

/** Gives each request its services, and commands and queries that are bound to the request. */
function bindRequests(composeServices: typeof compose) {
  return createMiddleware<RouteEnv<Commands, Queries>>(async (c, next) => {
    const services = composeServices(c.env, (promise) => c.executionCtx.waitUntil(promise));
    c.set('http', services.http);
    const { requestId, traceparent } = c.var;
    c.set('logger', services.logger.child({ requestId, traceparent }));
    // The headers are read when a command or query runs, because a wrong header makes the reading throw.
    c.set(
      'commands',
      services.bindCommands(() => commandContext(c)),
    );
    const isMonitor = () => c.var.isMonitor === true;
    c.set('queries', services.bindQueries({ caller: () => c.var.caller, token: () => consistencyToken(c), isMonitor }));
    await next();
  });
}

/** The HTTP app. `composeServices` makes the services of each request. */
export function createApp(composeServices: typeof compose): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(handleError);
  app.notFound(handleNotFound);
  applyMiddleware(app, bindRequests(composeServices));
  app.route('/', routes);
  app.route('/', authPages);
  mountAssets(app);
  mountDocumentation(app, { version, introduction, tags, errors: errorCatalogue });
  return app;
}
