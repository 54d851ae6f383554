import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { authenticate } from '../http/authentication';
import { type AppEnv, commandContext, requireCaller } from '../http/context';
import { describe } from '../http/openapi';
import { answerList, pageQuery } from '../http/pagination';
import { limitByAddress } from '../http/rate-limits';
import { answerCommand, commandAnswer, present, readAs, setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { DomainError } from '../platform/errors';
import * as schemas from './schemas';
import { type AccountStanding, isStaff, requireStaff } from './user';
import { settingsView, userListQuery, userListView, userView } from './views';

const idParam = z.object({ id: schemas.userId });
const tags = ['Users'];
const changed = { tags, body: commandAnswer };

function notFound() {
  return new DomainError('not-found', 'users.not-found', 'There is no such user.');
}

/** What belongs to somebody else is the same 404 as what does not exist. */
function requireReadable(standing: AccountStanding, userId: string): void {
  if (standing.id !== userId && !isStaff(standing)) throw notFound();
}

async function readUser(c: Context<AppEnv>, id: string) {
  const { standing, result } = await readAs(c, { view: userView, key: id });
  requireReadable(standing, id);
  return present(c, result, notFound);
}

/** Accounts and their settings. */
export const userRoutes = new Hono<AppEnv>()
  .post(
    '/',
    describe({
      summary: 'Register',
      ...changed,
      security: 'none',
      status: 201,
      problems: [400, 409, 413, 415, 422, 429],
    }),
    limitByAddress,
    validate('json', schemas.registerUser),
    async (c) => {
      const { commands } = c.var.services;
      const outcome = await commands.execute('RegisterUser', c.req.valid('json'), commandContext(c));
      c.header('Location', `/v1/users/${outcome.result.id}`);
      return c.json(answerCommand(c, outcome), 201);
    },
  )
  .get(
    '/',
    describe({ summary: 'List users, newest first', tags, kind: 'read', body: schemas.userPage, problems: [400, 403] }),
    authenticate,
    validate('query', pageQuery),
    async (c) => {
      const { standing, result } = await readAs(c, { view: userListView, key: 'all' });
      requireStaff(standing);
      return c.json(await answerList(c, result, c.req.valid('query'), userListQuery), 200);
    },
  )
  .get(
    '/me',
    describe({ summary: 'Read your own account', tags, kind: 'read', body: schemas.userDetail, problems: [400] }),
    authenticate,
    async (c) => {
      return c.json(await readUser(c, requireCaller(c).userId), 200);
    },
  )
  .get(
    '/:id',
    describe({ summary: 'Read an account', tags, kind: 'read', body: schemas.userDetail, problems: [400, 404] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      return c.json(await readUser(c, c.req.valid('param').id), 200);
    },
  )
  .patch(
    '/:id',
    describe({ summary: 'Change an account', ...changed, problems: [400, 403, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateUser),
    async (c) => {
      const payload = { userId: c.req.valid('param').id, changes: c.req.valid('json') };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('UpdateUser', payload, commandContext(c))),
        200,
      );
    },
  )
  .delete(
    '/:id',
    describe({ summary: 'Delete an account', tags, status: 204, problems: [403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { userId: c.req.valid('param').id };
      setCommandHeaders(c, await c.var.services.commands.execute('DeleteUser', payload, commandContext(c)));
      return c.body(null, 204);
    },
  )
  .get(
    '/:id/settings',
    describe({ summary: 'Read settings', tags, kind: 'read', body: schemas.userSettings, problems: [400, 404] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const { id } = c.req.valid('param');
      const { standing, result } = await readAs(c, { view: settingsView, key: id });
      requireReadable(standing, id);
      return c.json(present(c, result, notFound), 200);
    },
  )
  .patch(
    '/:id/settings',
    describe({ summary: 'Change settings', ...changed, problems: [400, 403, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.updateSettings),
    async (c) => {
      const payload = { userId: c.req.valid('param').id, changes: c.req.valid('json') };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('UpdateSettings', payload, commandContext(c))),
        200,
      );
    },
  )
  .post(
    '/:id/role',
    describe({ summary: 'Change a role (admin)', ...changed, problems: [400, 403, 404, 409, 412, 413, 415, 422] }),
    authenticate,
    validate('param', idParam),
    validate('json', schemas.changeRole),
    async (c) => {
      const payload = { userId: c.req.valid('param').id, role: c.req.valid('json').role };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('ChangeRole', payload, commandContext(c))),
        200,
      );
    },
  )
  .post(
    '/:id/deactivate',
    describe({ summary: 'Deactivate an account (admin)', ...changed, problems: [403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { userId: c.req.valid('param').id };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('DeactivateUser', payload, commandContext(c))),
        200,
      );
    },
  )
  .post(
    '/:id/reactivate',
    describe({ summary: 'Reactivate an account (admin)', ...changed, problems: [403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { userId: c.req.valid('param').id };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('ReactivateUser', payload, commandContext(c))),
        200,
      );
    },
  );
