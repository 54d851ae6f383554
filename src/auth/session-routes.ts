import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { AccessRules } from '../http/access';
import { ignoreConditions, type RouteEnv } from '../http/context';
import { clientNetwork } from '../http/network';
import { describePlain } from '../http/openapi';
import { limitByNetwork, limitSignIns } from '../http/rate-limits';
import { requireSameOrigin } from '../http/same-origin';
import { validate } from '../http/validation';
import type { AuthCommands } from './commands';
import * as schemas from './schemas';
import { lifetimes } from './session';

type SessionEnv = RouteEnv<AuthCommands, object>;

const tags = ['Signing in'];
const described = { tags, problems: [403, 409, 503] as const };

/**
 * The cookie that holds the refresh token of a page of this origin. Its prefix makes browsers refuse it from anywhere else, and
 * scripts cannot read it.
 */
const cookieName = 'frontdesk-session';
const cookieOptions = { prefix: 'host', httpOnly: true, secure: true, sameSite: 'Strict', path: '/' } as const;

type Grant = NonNullable<Awaited<ReturnType<AuthCommands['RefreshSession']>>['result']>;

/** Keeps the refresh token in the cookie, and leaves the access token for the page. */
function keepSession(c: Context<SessionEnv>, { access_token, expires_in, refresh_token }: Grant) {
  setCookie(c, cookieName, refresh_token, { ...cookieOptions, maxAge: lifetimes.refreshTokenMs / 1000 });
  return { accessToken: access_token, expiresInSeconds: expires_in };
}

/** The session of a page in a browser. No other route looks at the cookie. */
export const sessionRoutes = new Hono<SessionEnv>()
  .post(
    '/',
    describePlain<AuthCommands>('SignIn', {
      operationId: 'startSession',
      summary: 'Sign in from a page of this origin',
      description:
        'For pages that this API serves itself: the refresh token goes into a cookie that no script can read. Others use `POST /v1/auth/token`.',
      body: schemas.sessionResponse,
      ...described,
    }),
    requireSameOrigin,
    ignoreConditions,
    limitByNetwork,
    validate('json', schemas.startSession),
    async (c) => {
      const { email, password } = c.req.valid('json');
      await limitSignIns(c, email);
      const signedIn = await c.var.commands.SignIn({ username: email, password, network: clientNetwork(c) });
      return c.json(keepSession(c, signedIn.result), 200);
    },
  )
  .post(
    '/refresh',
    describePlain<AuthCommands>('RefreshSession', {
      operationId: 'refreshSession',
      summary: 'Get a new access token for a page of this origin',
      body: schemas.refreshedSession,
      ...described,
      problems: [...described.problems, 422],
    }),
    requireSameOrigin,
    ignoreConditions,
    limitByNetwork,
    async (c) => {
      const refreshToken = getCookie(c, cookieName, 'host');
      const { result } = refreshToken ? await c.var.commands.RefreshSession({ refreshToken }) : {};
      // A page asks when it is opened, so that no session is an answer and no error.
      if (refreshToken && !result) deleteCookie(c, cookieName, cookieOptions);
      return c.json({ session: result ? keepSession(c, result) : null }, 200);
    },
  )
  .delete(
    '/',
    describePlain<AuthCommands>('SignOut', {
      operationId: 'endSession',
      summary: 'Sign out from a page of this origin',
      status: 204,
      ...described,
    }),
    requireSameOrigin,
    ignoreConditions,
    async (c) => {
      const refreshToken = deleteCookie(c, cookieName, cookieOptions);
      if (refreshToken) await c.var.commands.SignOut({ refreshToken });
      return c.body(null, 204);
    },
  );

/** Whom each route serves. */
export const sessionAccess: AccessRules<typeof sessionRoutes> = {
  'POST /': 'everybody',
  'POST /refresh': 'everybody',
  'DELETE /': 'everybody',
};
