import { type Context, Hono } from 'hono';
import * as z from 'zod';
import type { AccessRules } from '../http/access';
import { checkConditions, ignoreConditions, type RouteEnv } from '../http/context';
import { clientNetwork } from '../http/network';
import { describeCommand, describePlain, describeToken } from '../http/openapi';
import { limitByNetwork, limitResetConfirmations, limitResets, limitSignIns } from '../http/rate-limits';
import { sendDone, setGrantHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { grantToClient } from './client-grant';
import type { AuthCommands } from './commands';
import { authErrors } from './errors';
import * as schemas from './schemas';
import { sessionAccess, sessionRoutes } from './session-routes';

type AuthEnv = RouteEnv<AuthCommands, object>;

const tags = ['Signing in'];
/** Whether a form has one `grant_type`, which is not known. A form without one, or with two, is malformed (RFC 6749, 5.2). */
const unsupportedGrant = z.object({
  grant_type: z
    .string()
    .min(1)
    .refine((type) => !schemas.isGrantType(type)),
});

function refuseForm(_: z.core.$ZodError, form: unknown): Error {
  const isUnsupported = unsupportedGrant.safeParse(form).success;
  return isUnsupported ? authErrors.unsupportedGrantType({}) : authErrors.invalidTokenRequest({});
}

async function grantToken(c: Context<AuthEnv>, form: z.infer<typeof schemas.tokenRequest>) {
  const { commands } = c.var;
  if (form.grant_type === 'client_credentials') return grantToClient(c, form);
  if (form.grant_type === 'password') await limitSignIns(c, form.username);
  const { result, ...outcome } =
    form.grant_type === 'password'
      ? await commands.SignIn({ username: form.username, password: form.password, network: clientNetwork(c) })
      : await commands.RefreshSession({ refreshToken: form.refresh_token });
  if (!result) throw authErrors.invalidGrant({});
  setGrantHeaders(c, outcome);
  return c.json(result, 200);
}

/** `/token`, and the same operation as `/login`, a name that people expect. */
const tokenRoutes = new Hono<AuthEnv>()
  .post(
    '/token',
    describeToken('requestToken', { summary: 'Sign in or refresh', tags, body: schemas.tokenResponse }),
    ignoreConditions,
    limitByNetwork,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  )
  .post(
    '/login',
    describeToken('logIn', {
      summary: 'Sign in or refresh, at a second address',
      description: 'Use `POST /v1/auth/token`. This address does the same, for those who look for it under this name.',
      tags,
      body: schemas.tokenResponse,
    }),
    ignoreConditions,
    limitByNetwork,
    validate('form', schemas.tokenRequest, refuseForm),
    async (c) => grantToken(c, c.req.valid('form')),
  );

/** Signing in and out, and password resets. */
export const authRoutes = new Hono<AuthEnv>()
  .route('/', tokenRoutes)
  .route('/session', sessionRoutes)
  .post(
    '/logout',
    describeCommand<AuthCommands>('SignOut', { summary: 'Revoke a refresh token and its family', tags, status: 204 }),
    validate('json', schemas.logout),
    async (c) => sendDone(c, await c.var.commands.SignOut(c.req.valid('json'))),
  )
  .post(
    '/password-reset',
    describePlain<AuthCommands>('RequestPasswordReset', {
      summary: 'Ask for a password reset e-mail',
      description:
        'The response is the same for every address, and comes before the API looks for an account. It is no promise of an e-mail: an account gets one in five minutes at most, so ask again after that time if none arrives.',
      tags,
      status: 202,
      problems: [400, 412],
    }),
    checkConditions,
    limitByNetwork,
    validate('json', schemas.requestPasswordReset),
    async (c) => {
      const request = c.req.valid('json');
      await limitResets(c, request.email);
      // Neither the response nor its duration shows whether there is an account.
      c.var.http.inBackground('password-reset.failed', () => c.var.commands.RequestPasswordReset(request));
      return c.body(null, 202);
    },
  )
  .post(
    '/password-reset/confirm',
    describeCommand<AuthCommands>('ConfirmPasswordReset', {
      summary: 'Set a new password with the token of the e-mail',
      description: 'Ends all sessions of the account, and revokes all of its API keys.',
      tags,
      status: 204,
    }),
    limitByNetwork,
    validate('json', schemas.confirmPasswordReset),
    async (c) => {
      await limitResetConfirmations(c, c.req.valid('json').token);
      return sendDone(c, await c.var.commands.ConfirmPasswordReset(c.req.valid('json')));
    },
  );

/** Whom each route serves. */
export const authAccess: AccessRules<typeof authRoutes> = {
  'POST /token': 'everybody',
  'POST /login': 'everybody',
  'POST /session': sessionAccess['POST /'],
  'POST /session/refresh': sessionAccess['POST /refresh'],
  'DELETE /session': sessionAccess['DELETE /'],
  'POST /logout': 'everybody',
  'POST /password-reset': 'everybody',
  'POST /password-reset/confirm': 'everybody',
};
