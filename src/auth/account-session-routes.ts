import { Hono } from 'hono';
import * as z from 'zod';
import { pageRequest } from '../cqrs/reading/page-request';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describePlain } from '../http/openapi';
import { sendDone, sendPage } from '../http/responses';
import { validate } from '../http/validation';
import { uuid } from '../platform/uuid';
import type { AuthCommands } from './commands';
import type { AuthQueries } from './queries';
import * as schemas from './schemas';

const tags = ['Signing in'];
const listParam = z.object({ id: uuid });
const sessionParam = z.object({ id: uuid, sessionId: uuid });

/** The sessions of an account. */
export const accountSessionRoutes = new Hono<RouteEnv<AuthCommands, AuthQueries>>()
  .get(
    '/:id/sessions',
    describePlain<AuthQueries>('ListSessions', {
      summary: 'List the open sessions of an account',
      description:
        'For the account itself and for admins; the newest first. A session is one sign-in with its refresh tokens.',
      tags,
      problems: [403],
      body: schemas.sessionPage,
    }),
    authenticate,
    validate('param', listParam),
    validate('query', pageRequest),
    async (c) => {
      const { id: userId } = c.req.valid('param');
      return sendPage(c, await c.var.queries.ListSessions({ ...c.req.valid('query'), userId }));
    },
  )
  .delete(
    '/:id/sessions/:sessionId',
    describeCommand<AuthCommands>('RevokeSession', {
      summary: 'Revoke a session',
      description:
        'For the account itself and for admins. Its refresh tokens end at once; an access token that it has works on, for 15 minutes at most.',
      ignoresIfMatch: true,
      tags,
      status: 204,
      problems: [403],
    }),
    authenticate,
    validate('param', sessionParam),
    async (c) => {
      const { id: userId, sessionId } = c.req.valid('param');
      return sendDone(c, await c.var.commands.RevokeSession({ userId, sessionId }));
    },
  );

/** Whom each of these routes serves. */
export const accountSessionAccess: AccessRules<typeof accountSessionRoutes> = {
  'GET /:id/sessions': 'owner or admin',
  'DELETE /:id/sessions/:sessionId': 'owner or admin',
};
