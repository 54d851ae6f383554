import { Hono } from 'hono';
import * as z from 'zod';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeCommand, describePlain } from '../http/openapi';
import { sendCreated, sendDone } from '../http/responses';
import { validate } from '../http/validation';
import { uuid } from '../platform/uuid';
import type { ApiKeyCommands } from './commands';
import { apiKeyErrors } from './errors';
import type { ApiKeyQueries } from './queries';
import * as schemas from './schemas';

const tags = ['API keys'];
const idParam = z.object({ id: schemas.apiKeyId });
const listQuery = z.object({
  account: uuid.optional().meta({ description: 'The account whose keys are listed (admin).' }),
});

/** API keys. */
export const apiKeyRoutes = new Hono<RouteEnv<ApiKeyCommands, ApiKeyQueries>>()
  .post(
    '/',
    describeCommand<ApiKeyCommands>('CreateApiKey', {
      summary: 'Create an API key',
      description:
        'The response shows the key, which is not stored. A repeat with the same `Idempotency-Key` shows it again for 24 hours.',
      tags,
      status: 201,
      body: schemas.createdApiKey,
    }),
    authenticate,
    validate('json', schemas.createApiKey),
    async (c) => {
      const request = c.req.valid('json');
      const { result, ...outcome } = await c.var.commands.CreateApiKey(request);
      const { id, version, prefix, seed, hash } = result;
      const userId = request.accountId ?? c.var.caller?.userId ?? '';
      const key = c.get('http').keyTexts.textOf({ keyId: id, userId }, seed, hash);
      if (key === undefined) throw apiKeyErrors.notShownAgain({ apiKeyId: id });
      return sendCreated(c, { ...outcome, result: { id, version, prefix, key } });
    },
  )
  .get(
    '/',
    describePlain<ApiKeyQueries>('ListApiKeys', {
      summary: 'List your API keys',
      description: 'Admins list those of another account with `account`.',
      tags,
      body: schemas.apiKeyList,
    }),
    authenticate,
    validate('query', listQuery),
    async (c) => c.json(await c.var.queries.ListApiKeys(c.req.valid('query')), 200),
  )
  .delete(
    '/:id',
    describeCommand<ApiKeyCommands>('RevokeApiKey', {
      summary: 'Revoke an API key',
      description: 'At once for commands, and for reads within a minute at most.',
      ignoresIfMatch: true,
      tags,
      status: 204,
    }),
    authenticate,
    validate('param', idParam),
    async (c) => sendDone(c, await c.var.commands.RevokeApiKey({ keyId: c.req.valid('param').id })),
  );

/** Whom each route serves. */
export const apiKeyAccess: AccessRules<typeof apiKeyRoutes> = {
  'POST /': 'account',
  'GET /': 'account',
  'DELETE /:id': 'owner or admin',
};
