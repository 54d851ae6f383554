import { type Context, Hono, type Env as HonoEnv, type Schema } from 'hono';
import { accessErrors } from './access/errors';
import { withinScopes } from './access/within-scopes';
import { apiKeyErrors } from './api-keys/errors';
import { apiKeyAccess, apiKeyRoutes } from './api-keys/routes';
import { accountSessionAccess, accountSessionRoutes } from './auth/account-session-routes';
import { authErrors } from './auth/errors';
import { authPages } from './auth/pages';
import { authAccess, authRoutes } from './auth/routes';
import type { compose, Services } from './composition';
import { type Commands, errorCatalogue, type Queries } from './domains';
import { exportErrors } from './exports/errors';
import { accountExportAccess, accountExportRoutes, exportAccess, exportRoutes } from './exports/routes';
import { feedErrors } from './feed/errors';
import { feedAccess, feedRoutes } from './feed/routes';
import { type AccessRules, describeAccess } from './http/access';
import { mountAssets } from './http/assets';
import { mountConsole } from './http/console';
import { type AppEnv, commandContext, consistencyToken, type RouteEnv } from './http/context';
import { mountDocumentation } from './http/documentation';
import { applyMiddleware } from './http/middleware';
import { handleError, handleNotFound } from './http/problem';
import { StaticFirstRouter } from './http/router';
import { introduction } from './introduction';
import { itemErrors } from './items/errors';
import { itemAccess, itemRoutes } from './items/routes';
import { commandScopes, queryScopes } from './operation-scopes';
import { deadLetterAccess, deadLetterRoutes } from './operations/dead-letter-routes';
import { operationsErrors } from './operations/errors';
import { inspectionAccess, inspectionRoutes } from './operations/inspection-routes';
import {
  eventAccess,
  eventRoutes,
  healthAccess,
  healthRoutes,
  operationsAccess,
  operationsRoutes,
} from './operations/routes';
import { orderErrors } from './orders/errors';
import { orderAccess, orderRoutes, salesAccess, salesRoutes } from './orders/routes';
import { lazily } from './platform/lazily';
import { createFirstLogger, type LogFields } from './platform/logger';
import { version } from './platform/version';
import { mountEmailPreviews } from './previews';
import { ticketErrors } from './tickets/errors';
import { dashboardAccess, dashboardRoutes, ticketAccess, ticketRoutes } from './tickets/routes';
import { confirmPage } from './users/confirm-page';
import { confirmationAccess, confirmationRoutes } from './users/confirmation-routes';
import { userErrors } from './users/errors';
import { userPageAccess, userPages } from './users/pages';
import { userAccess, userRoutes } from './users/routes';
import { serviceAccountAccess, serviceAccountRoutes } from './users/service-account-routes';

/**
 * Describes whom the routes serve, and returns them. Routes without a declared rule of access do not compile, nor do those
 * that call an unregistered command or query; Hono itself does not compare the environments of the routes that it mounts.
 */
function registered<E extends HonoEnv, S extends Schema, P extends string>(
  routes: Hono<E, S, P>,
  access: AccessRules<Hono<E, S, P>>,
  ..._registerInDomainsTs: RouteEnv<Commands, Queries> extends E ? [] : [missing: never]
): Hono<E, S, P> {
  describeAccess(routes, access);
  return routes;
}

/** The routes of every domain. */
const routes = new Hono<AppEnv>()
  .basePath('/v1')
  .route('/health', registered(healthRoutes, healthAccess))
  .route('/operations', registered(operationsRoutes, operationsAccess))
  .route('/operations/dead-letters', registered(deadLetterRoutes, deadLetterAccess))
  .route('/operations', registered(inspectionRoutes, inspectionAccess))
  .route('/events', registered(feedRoutes, feedAccess))
  .route('/events', registered(eventRoutes, eventAccess))
  .route('/auth', registered(authRoutes, authAccess))
  .route('/users', registered(userRoutes, userAccess))
  .route('/api-keys', registered(apiKeyRoutes, apiKeyAccess))
  .route('/service-accounts', registered(serviceAccountRoutes, serviceAccountAccess))
  .route('/users', registered(accountSessionRoutes, accountSessionAccess))
  .route('/users', registered(accountExportRoutes, accountExportAccess))
  .route('/auth/email-confirmation', registered(confirmationRoutes, confirmationAccess))
  .route('/items', registered(itemRoutes, itemAccess))
  .route('/orders', registered(orderRoutes, orderAccess))
  .route('/tickets', registered(ticketRoutes, ticketAccess))
  .route('/dashboard', registered(dashboardRoutes, dashboardAccess))
  .route('/dashboard', registered(salesRoutes, salesAccess))
  .route('/exports', registered(exportRoutes, exportAccess));

const { eventSchemaNotFound, ...operatorErrors } = operationsErrors;

/**
 * The groups of operations in the OpenAPI document, in the order in which one meets them, with the errors that only their
 * operations have. An error that stands in no group is documented for every operation.
 */
const tags = [
  {
    name: 'Users',
    description: 'Register, and read and change accounts, their settings and their roles.',
    errors: [...Object.values(userErrors), accessErrors.hashingBusy],
  },
  {
    name: 'Signing in',
    description: 'Get, refresh and revoke tokens, and reset a forgotten password.',
    errors: [...Object.values(authErrors), accessErrors.hashingBusy],
  },
  { name: 'Items', description: 'The public catalogue of what is for sale.', errors: Object.values(itemErrors) },
  {
    name: 'Orders',
    description: 'Place an order, and follow it until it is delivered; the sales figures.',
    errors: Object.values(orderErrors),
  },
  {
    name: 'Tickets',
    description: 'The support desk: tickets of customers, replies, assignees, notes of agents, and figures.',
    errors: Object.values(ticketErrors),
  },
  {
    name: 'API keys',
    description: 'Keys for programs, and accounts that programs use.',
    errors: Object.values(apiKeyErrors),
  },
  {
    name: 'Events',
    description: 'What other teams can read and receive.',
    errors: [eventSchemaNotFound, ...Object.values(feedErrors)],
  },
  {
    name: 'Exports',
    description: 'Tables for reporting, and the data of one account.',
    errors: Object.values(exportErrors),
  },
  {
    name: 'Operations',
    description: 'Health checks, and the work of operators.',
    errors: Object.values(operatorErrors),
  },
];

/** The type of the API, for hono's client `hc`. */
export type AppType = typeof routes;

/** Gives each request its services, and commands and queries that are bound to the request. */
function bindRequests(composeServices: typeof compose) {
  function servicesOf(c: Context<AppEnv>, ids: LogFields): Services {
    try {
      return composeServices(c.env, (promise) => c.executionCtx.waitUntil(promise));
    } catch (error) {
      // Without a usable configuration there are no services, and the request is logged all the same.
      c.set('logger', createFirstLogger(c.env).child(ids));
      throw error;
    }
  }

  return (context: Context<AppEnv>): void => {
    // The environment of the routes has what this function sets, in addition.
    const c = context as unknown as Context<RouteEnv<Commands, Queries>>;
    const ids = { requestId: c.get('requestId'), traceparent: c.get('traceparent') };
    const services = servicesOf(context, ids);
    c.set('http', services.http);
    c.set('logger', services.logger.child(ids));
    // The headers are read when a command or query runs, because a wrong header makes the reading throw.
    c.set(
      'commands',
      lazily(() =>
        withinScopes(
          c.get('caller'),
          services.bindCommands(() => commandContext(c)),
          commandScopes,
        ),
      ),
    );
    const request = {
      caller: () => c.get('caller'),
      token: () => consistencyToken(c),
      isMonitor: () => c.get('isMonitor') === true,
    };
    c.set(
      'queries',
      lazily(() => withinScopes(c.get('caller'), services.bindQueries(request), queryScopes)),
    );
  };
}

/** The HTTP app. `composeServices` makes the services of each request. */
export function createApp(composeServices: typeof compose): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ router: new StaticFirstRouter() });
  app.onError(handleError);
  app.notFound(handleNotFound);
  applyMiddleware(app, bindRequests(composeServices));
  app.route('/', routes);
  app.route('/', authPages);
  app.route('/', confirmPage);
  app.route('/', registered(userPages, userPageAccess));
  mountEmailPreviews(app);
  mountAssets(app);
  mountConsole(app);
  mountDocumentation(app, {
    version,
    introduction,
    tags,
    errors: errorCatalogue,
    scopeOf: { ...commandScopes, ...queryScopes },
  });
  return app;
}
