import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { type AppEnv, commandContext } from '../http/context';
import { describe, describeToken } from '../http/openapi';
import { limitByAccount, limitByAddress } from '../http/rate-limits';
import { setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { DomainError } from '../platform/errors';
import * as schemas from './schemas';

const tags = ['Signing in'];
const tokenSchemas = { answer: schemas.tokenAnswer, error: schemas.tokenError };

type TokenErrorCode = z.infer<typeof schemas.tokenError>['error'];

/** The one exception to problem details: the token endpoint speaks RFC 6749, 5.2. */
function tokenError(c: Context<AppEnv>, error: TokenErrorCode, description: string) {
  return c.json({ error, error_description: description }, 400);
}

class TokenRequestError extends Error {
  constructor(readonly error: TokenErrorCode) {
    super(error);
  }
}

function refuseForm(error: z.core.$ZodError): Error {
  const isUnsupported = error.issues.some(({ code, path }) => code === 'invalid_union' && path[0] === 'grant_type');
  return new TokenRequestError(isUnsupported ? 'unsupported_grant_type' : 'invalid_request');
}

async function grantToken(c: Context<AppEnv>, form: z.infer<typeof schemas.tokenRequest>) {
  const { accessTokens, commands } = c.var.services;
  if (form.grant_type === 'password') await limitByAccount(c, form.username);
  // Never repeatable: the answer holds a refresh token, which is stored nowhere but as a hash.
  const context = { ...commandContext(c), isRepeatable: false, readFrom: 'first-primary' };
  const { result, ...outcome } =
    form.grant_type === 'password'
      ? await commands.execute('SignIn', { username: form.username, password: form.password }, context)
      : await commands.execute('RefreshSession', { refreshToken: form.refresh_token }, context);
  const { token, expiresInSeconds } = await accessTokens.issue({ userId: result.user.id, role: result.user.role });
  setCommandHeaders(c, outcome);
  c.header('Cache-Control', 'no-store');
  return c.json(
    {
      access_token: token,
      token_type: 'Bearer' as const,
      expires_in: expiresInSeconds,
      refresh_token: result.refreshToken,
    },
    200,
  );
}

function handleTokenError(error: Error, c: Context<AppEnv>) {
  c.header('Cache-Control', 'no-store');
  if (error instanceof TokenRequestError) {
    const description =
      error.error === 'unsupported_grant_type'
        ? 'grant_type must be password or refresh_token.'
        : 'A parameter is missing, repeated or malformed.';
    return tokenError(c, error.error, description);
  }
  if (!(error instanceof DomainError) || error.kind !== 'invalid') throw error;
  // Only a race is worth trying again; everything else asks for a new sign-in.
  const retryAfter = error.details?.retryAfterSeconds;
  if (typeof retryAfter === 'number') c.header('Retry-After', String(retryAfter));
  return tokenError(c, 'invalid_grant', error.message);
}

/** `/token`, and `/login`, the name that people look for. */
const tokenRoutes = new Hono<AppEnv>()
  .post(
    '/token',
    describeToken('Sign in or refresh', tags, tokenSchemas),
    limitByAddress,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  )
  .post(
    '/login',
    describeToken('The same as /v1/auth/token', tags, tokenSchemas),
    limitByAddress,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  );
tokenRoutes.onError(handleTokenError);

/** Signing in and out, and getting back in. */
export const authRoutes = new Hono<AppEnv>()
  .route('/', tokenRoutes)
  .post(
    '/logout',
    describe({
      summary: 'Revoke a refresh token and its family',
      tags,
      security: 'none',
      status: 204,
      problems: [400, 413, 415, 422],
    }),
    validate('json', schemas.logout),
    async (c) => {
      setCommandHeaders(c, await c.var.services.commands.execute('SignOut', c.req.valid('json'), commandContext(c)));
      return c.body(null, 204);
    },
  )
  .post(
    '/password-reset',
    describe({
      summary: 'Ask for a password reset e-mail',
      tags,
      kind: 'plain',
      security: 'none',
      status: 202,
      problems: [400, 413, 415, 422, 429],
    }),
    limitByAddress,
    validate('json', schemas.requestPasswordReset),
    async (c) => {
      await limitByAccount(c, c.req.valid('json').email);
      // No Consistency-Token: a new position would tell that the account exists.
      await c.var.services.commands.execute('RequestPasswordReset', c.req.valid('json'), commandContext(c));
      return c.body(null, 202);
    },
  )
  .post(
    '/password-reset/confirm',
    describe({
      summary: 'Set a new password with the token of the e-mail',
      tags,
      security: 'none',
      status: 204,
      problems: [400, 413, 415, 422, 429],
    }),
    limitByAddress,
    validate('json', schemas.confirmPasswordReset),
    async (c) => {
      const { commands } = c.var.services;
      setCommandHeaders(c, await commands.execute('ConfirmPasswordReset', c.req.valid('json'), commandContext(c)));
      return c.body(null, 204);
    },
  );
