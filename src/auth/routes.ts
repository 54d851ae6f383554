import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import type { RouteEnv } from '../http/context';
import { clientNetwork } from '../http/network';
import { describeCommand, describePlain, describeToken } from '../http/openapi';
import { limitByNetwork, limitResetConfirmations, limitResets, limitSignIns } from '../http/rate-limits';
import { sendDone, setGrantHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { DomainError } from '../platform/errors';
import type { AuthCommands } from './commands';
import { authErrors } from './errors';
import * as schemas from './schemas';

type AuthEnv = RouteEnv<AuthCommands, object>;

const tags = ['Signing in'];
const tokenSchemas = { response: schemas.tokenResponse, error: schemas.tokenError };

type TokenErrorCode = z.infer<typeof schemas.tokenError>['error'];

/** The token endpoint has the errors of RFC 6749, 5.2, and is the one exception to problem details. */
function sendTokenError(c: Context<AuthEnv>, error: TokenErrorCode, description: string) {
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

async function grantToken(c: Context<AuthEnv>, form: z.infer<typeof schemas.tokenRequest>) {
  const { commands } = c.var;
  if (form.grant_type === 'password') await limitSignIns(c, form.username);
  const { result, ...outcome } =
    form.grant_type === 'password'
      ? await commands.SignIn({ username: form.username, password: form.password, network: clientNetwork(c) })
      : await commands.RefreshSession({ refreshToken: form.refresh_token });
  if (!result) throw authErrors.invalidGrant({});
  setGrantHeaders(c, outcome);
  c.header('Cache-Control', 'no-store');
  return c.json(result, 200);
}

function handleTokenError(error: Error, c: Context<AuthEnv>) {
  c.header('Cache-Control', 'no-store');
  if (error instanceof TokenRequestError) {
    const description =
      error.error === 'unsupported_grant_type'
        ? 'grant_type must be password or refresh_token.'
        : 'A parameter is missing, repeated or malformed.';
    return sendTokenError(c, error.error, description);
  }
  if (!(error instanceof DomainError) || error.kind !== 'invalid') throw error;
  // After a refresh that lost a race the client waits for the newer token; after every other refusal it signs in again.
  const { retryAfterSeconds } = error.details;
  if (typeof retryAfterSeconds === 'number') c.header('Retry-After', String(retryAfterSeconds));
  return sendTokenError(c, 'invalid_grant', error.message);
}

/** `/token`, and the same operation as `/login`, a name that people expect. */
const tokenRoutes = new Hono<AuthEnv>()
  .post(
    '/token',
    describeToken('Sign in or refresh', tags, tokenSchemas),
    limitByNetwork,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  )
  .post(
    '/login',
    describeToken('The same as /v1/auth/token', tags, tokenSchemas),
    limitByNetwork,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  );
tokenRoutes.onError(handleTokenError);

/** Signing in and out, and password resets. */
export const authRoutes = new Hono<AuthEnv>()
  .route('/', tokenRoutes)
  .post(
    '/logout',
    describeCommand({ summary: 'Revoke a refresh token and its family', tags, status: 204 }),
    validate('json', schemas.logout),
    async (c) => sendDone(c, await c.var.commands.SignOut(c.req.valid('json'))),
  )
  .post(
    '/password-reset',
    describePlain({ summary: 'Ask for a password reset e-mail', tags, status: 202, problems: [409, 412] }),
    limitByNetwork,
    validate('json', schemas.requestPasswordReset),
    async (c) => {
      await limitResets(c, c.req.valid('json').email);
      // The response has no Consistency-Token, because a new position would show that the account exists.
      await c.var.commands.RequestPasswordReset(c.req.valid('json'));
      return c.body(null, 202);
    },
  )
  .post(
    '/password-reset/confirm',
    describeCommand({ summary: 'Set a new password with the token of the e-mail', tags, status: 204 }),
    limitByNetwork,
    validate('json', schemas.confirmPasswordReset),
    async (c) => {
      await limitResetConfirmations(c, c.req.valid('json').token);
      return sendDone(c, await c.var.commands.ConfirmPasswordReset(c.req.valid('json')));
    },
  );
