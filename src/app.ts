import { Hono } from 'hono';
import { authRoutes } from './auth/routes';
import type { compose } from './composition';
import type { AppEnv } from './http/context';
import { mountDocumentation } from './http/documentation';
import { applyMiddleware } from './http/middleware';
import { handleError, handleNotFound } from './http/problem';
import { itemRoutes } from './items/routes';
import { catalogueRoutes } from './operations/catalogue';
import { healthRoutes, operationsRoutes } from './operations/routes';
import { orderRoutes } from './orders/routes';
import { dashboardRoutes, ticketRoutes } from './tickets/routes';
import { userRoutes } from './users/routes';

/** Every domain's routes. */
const routes = new Hono<AppEnv>()
  .basePath('/v1')
  .route('/health', healthRoutes)
  .route('/operations', operationsRoutes)
  .route('/events', catalogueRoutes)
  .route('/auth', authRoutes)
  .route('/users', userRoutes)
  .route('/items', itemRoutes)
  .route('/orders', orderRoutes)
  .route('/tickets', ticketRoutes)
  .route('/dashboard', dashboardRoutes);

/** The type of the API, for `hc`. */
export type AppType = typeof routes;

/** The HTTP app; `composeServices` makes the services of a request. */
export function createApp(composeServices: typeof compose): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(handleError);
  app.notFound(handleNotFound);
  app.use(async (c, next) => {
    const services = composeServices(c.env, (promise) => c.executionCtx.waitUntil(promise));
    c.set('services', services);
    c.set('logger', services.logger);
    await next();
  });
  applyMiddleware(app);
  app.route('/', routes);
  mountDocumentation(app);
  return app;
}
