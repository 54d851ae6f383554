import { Hono } from 'hono';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand } from '../http/openapi';
import { commandResult, setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import type { UserCommands } from './commands';
import * as schemas from './schemas';

/** Accounts for programs. All other routes for them are those of accounts. */
export const serviceAccountRoutes = new Hono<RouteEnv<UserCommands, object>>().post(
  '/',
  describeCommand<UserCommands>('CreateServiceAccount', {
    summary: 'Create an account for a program (admin)',
    description:
      'Programs use it by API keys. It has no password and no mailbox: nobody can sign in to it, and it gets no e-mail. Read, ' +
      'change and delete it at `/v1/users/{id}`.',
    tags: ['API keys'],
    status: 201,
    body: commandResult,
    problems: [403],
  }),
  authenticate,
  validate('json', schemas.createServiceAccount),
  async (c) => {
    const outcome = await c.var.commands.CreateServiceAccount(c.req.valid('json'));
    setCommandHeaders(c, outcome, outcome.result.version);
    c.header('Location', `/v1/users/${outcome.result.id}`);
    return c.json(outcome.result, 201);
  },
);

/** Whom the route serves. */
export const serviceAccountAccess: AccessRules<typeof serviceAccountRoutes> = { 'POST /': 'admin' };
