import { Hono } from 'hono';
import * as z from 'zod';
import { listRequest } from '../cqrs/reading/page-request';
import { fromPrimary } from '../cqrs/reading/read-models';
import type { AccessRules } from '../http/access';
import { authenticate, authenticateForSearch } from '../http/authentication';
import { ignoreConditions, type RouteEnv } from '../http/context';
import { describeCommand, describeQuery } from '../http/openapi';
import {
  limitByNetwork,
  limitConfirmationRequests,
  limitPasswordChecks,
  limitRegistrations,
  limitSearches,
} from '../http/rate-limits';
import { commandResult, sendCreated, sendDocument, sendDone, sendPage, sendResult } from '../http/responses';
import { validate } from '../http/validation';
import type { UserCommands } from './commands';
import type { ConfirmationCommands } from './confirmation-commands';
import type { UserQueries } from './queries';
import * as schemas from './schemas';

const idParam = z.object({ id: schemas.userId });
type UserRow = z.infer<typeof schemas.userPage>['data'][number];
const listQuery = listRequest
  .extend(schemas.userListFilter)
  .refine(({ cursor, search }) => cursor === undefined || search === undefined, {
    path: ['cursor'],
    error: 'cannot be combined with search',
  })
  .refine(({ ids, search }) => ids === undefined || search === undefined, {
    path: ['ids'],
    error: 'cannot be combined with search',
  });
const tags = ['Users'];
const changed = { tags, body: commandResult };

/** Accounts and their settings. */
export const userRoutes = new Hono<RouteEnv<UserCommands & ConfirmationCommands, UserQueries>>()
  .post(
    '/',
    describeCommand<UserCommands>('RegisterUser', { summary: 'Register', ...changed, status: 201 }),
    limitByNetwork,
    validate('json', schemas.registerUser),
    async (c) => {
      await limitRegistrations(c);
      return sendCreated(c, await c.var.commands.RegisterUser(c.req.valid('json')));
    },
  )
  .get(
    '/',
    describeQuery<UserQueries>('ListUsers', {
      summary: 'List or find users (agent)',
      description: 'With `search` it finds people by the beginning of their name or e-mail address.',
      tags,
      body: schemas.userPage,
      problems: [403],
    }),
    authenticateForSearch,
    ignoreConditions,
    limitSearches,
    validate('query', listQuery),
    async (c) => {
      const { search, ...page } = c.req.valid('query');
      if (search === undefined) return sendPage<UserRow>(c, await c.var.queries.ListUsers(page));
      const { result } = await c.var.commands.SearchUsers({ search });
      return sendPage<UserRow>(c, { data: result.slice(0, page.limit), nextCursor: null, freshness: fromPrimary });
    },
  )
  .get(
    '/me',
    describeQuery<UserQueries>('GetOwnUser', {
      summary: 'Read your own account',
      tags,
      body: schemas.userDetail,
      problems: [404],
    }),
    authenticate,
    async (c) => sendDocument(c, await c.var.queries.GetOwnUser()),
  )
  .get(
    '/:id',
    describeQuery<UserQueries>('GetUser', { summary: 'Read an account', tags, body: schemas.userDetail }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetUser(c.req.valid('param'))),
  )
  .patch(
    '/:id',
    describeCommand<UserCommands>('UpdateUser', {
      summary: 'Change an account',
      description:
        'A new `email` is pending until its owner uses the link that is mailed to it; a newer one replaces it. Until then the account keeps the address that it has.',
      ...changed,
      problems: [403],
    }),
    authenticate,
    limitByNetwork,
    validate('param', idParam),
    validate('json', schemas.updateUser),
    async (c) => {
      const changes = c.req.valid('json');
      const usesPassword = changes.password !== undefined || changes.currentPassword !== undefined;
      if (usesPassword && c.var.caller) await limitPasswordChecks(c, c.var.caller.userId);
      return sendResult(c, await c.var.commands.UpdateUser({ userId: c.req.valid('param').id, changes }));
    },
  )
  .delete(
    '/:id',
    describeCommand<UserCommands>('DeleteUser', { summary: 'Delete an account', tags, status: 204, problems: [403] }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDone(c, await c.var.commands.DeleteUser({ userId: c.req.valid('param').id })),
  )
  .get(
    '/:id/settings',
    describeQuery<UserQueries>('GetSettings', { summary: 'Read settings', tags, body: schemas.userSettings }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDocument(c, await c.var.queries.GetSettings(c.req.valid('param'))),
  )
  .patch(
    '/:id/settings',
    describeCommand<UserCommands>('UpdateSettings', { summary: 'Change settings', ...changed, problems: [403] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateSettings),
    async (c) =>
      sendResult(
        c,
        await c.var.commands.UpdateSettings({ userId: c.req.valid('param').id, changes: c.req.valid('json') }),
      ),
  )
  .post(
    '/:id/email-confirmation',
    describeCommand<ConfirmationCommands>('RequestEmailConfirmation', {
      summary: 'Ask for another link that confirms the e-mail address',
      description:
        'The link goes to the address of a pending change, or else to the address of the account, and ends the older link. Within 15 minutes of the last link nothing is sent, and the response has the version that the account already had.',
      ...changed,
      problems: [403],
    }),
    authenticate,
    limitByNetwork,
    validate('param', idParam),
    async (c) => {
      const { id } = c.req.valid('param');
      await limitConfirmationRequests(c, id);
      return sendResult(c, await c.var.commands.RequestEmailConfirmation({ userId: id }));
    },
  )
  .post(
    '/:id/role',
    describeCommand<UserCommands>('ChangeRole', { summary: 'Change a role (admin)', ...changed, problems: [403] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.changeRole),
    async (c) =>
      sendResult(c, await c.var.commands.ChangeRole({ userId: c.req.valid('param').id, ...c.req.valid('json') })),
  )
  .post(
    '/:id/deactivate',
    describeCommand<UserCommands>('DeactivateUser', {
      summary: 'Deactivate an account (admin)',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.DeactivateUser({ userId: c.req.valid('param').id })),
  )
  .post(
    '/:id/reactivate',
    describeCommand<UserCommands>('ReactivateUser', {
      summary: 'Reactivate an account (admin)',
      ...changed,
      problems: [403],
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendResult(c, await c.var.commands.ReactivateUser({ userId: c.req.valid('param').id })),
  );

/** Whom each route serves. */
export const userAccess: AccessRules<typeof userRoutes> = {
  'POST /': 'everybody',
  'GET /': 'staff',
  'GET /me': 'account',
  'GET /:id': 'owner or staff',
  'PATCH /:id': 'owner or admin',
  'DELETE /:id': 'owner or admin',
  'GET /:id/settings': 'owner or staff',
  'PATCH /:id/settings': 'owner or admin',
  'POST /:id/email-confirmation': 'owner or admin',
  'POST /:id/role': 'admin',
  'POST /:id/deactivate': 'admin',
  'POST /:id/reactivate': 'admin',
};
