import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { authRoutes } from './auth/routes';
import type { compose } from './composition';
import { type Commands, errorCatalogue, type Queries } from './domains';
import { type AppEnv, commandContext, consistencyToken, type RouteEnv } from './http/context';
import { mountDocumentation } from './http/documentation';
import { applyMiddleware } from './http/middleware';
import { handleError, handleNotFound } from './http/problem';
import { itemRoutes } from './items/routes';
import { eventRoutes, healthRoutes, operationsRoutes } from './operations/routes';
import { orderRoutes } from './orders/routes';
import { version } from './platform/version';
import { dashboardRoutes, ticketRoutes } from './tickets/routes';
import { userRoutes } from './users/routes';

/** The routes of every domain. */
const routes = new Hono<AppEnv>()
  .basePath('/v1')
  .route('/health', healthRoutes)
  .route('/operations', operationsRoutes)
  .route('/events', eventRoutes)
  .route('/auth', authRoutes)
  .route('/users', userRoutes)
  .route('/items', itemRoutes)
  .route('/orders', orderRoutes)
  .route('/tickets', ticketRoutes)
  .route('/dashboard', dashboardRoutes);

/** The type of the API, for `hc`. */
export type AppType = typeof routes;

/** Gives each request its services, and the commands and queries that are bound to it. */
function bindRequests(composeServices: typeof compose) {
  return createMiddleware<RouteEnv<Commands, Queries>>(async (c, next) => {
    const services = composeServices(c.env, (promise) => c.executionCtx.waitUntil(promise));
    c.set('http', services.http);
    c.set('logger', services.logger);
    // Headers are read when a command or query runs, because reading them may refuse the request.
    c.set(
      'commands',
      services.bindCommands(() => commandContext(c)),
    );
    c.set('queries', services.bindQueries({ caller: () => c.var.caller, token: () => consistencyToken(c) }));
    await next();
  });
}

/** The HTTP app. `composeServices` makes the services of each request. */
export function createApp(composeServices: typeof compose): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(handleError);
  app.notFound(handleNotFound);
  app.use(bindRequests(composeServices));
  applyMiddleware(app);
  app.route('/', routes);
  mountDocumentation(app, { version, errors: errorCatalogue });
  return app;
}
