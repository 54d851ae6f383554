import * as z from 'zod';
import { pageFields } from '../cqrs/reading/pages';
import { ordinal } from '../platform/numbers';
import { anyPassword, newPassword } from '../platform/password-schemas';
import { uuid } from '../platform/uuid';

const secret = z.string().min(1).max(512);
const username = z.string().trim().toLowerCase().min(1).max(254);

/** `network` is the client's network as the HTTP layer knows it. */
export const signIn = z.strictObject({ username, password: anyPassword, network: z.string().optional() });
export const refresh = z.strictObject({ refreshToken: secret });

const grantTypes = {
  password: z.literal('password'),
  refresh: z.literal('refresh_token'),
  client: z.literal('client_credentials'),
};

export function isGrantType(text: string): boolean {
  return Object.values(grantTypes).some(({ value }) => value === text);
}

/** The OAuth 2.0 form (RFC 6749, 4.3.2 and 6). Unknown parameters are ignored, as the RFC requires. */
export const tokenRequest = z
  .discriminatedUnion('grant_type', [
    z
      .object({ grant_type: grantTypes.password, username, password: anyPassword })
      .meta({ ref: 'PasswordGrant', title: 'Sign in' }),
    z.object({ grant_type: grantTypes.refresh, refresh_token: secret }).meta({ ref: 'RefreshGrant', title: 'Refresh' }),
    z
      .object({
        grant_type: grantTypes.client,
        client_id: secret.optional().meta({ description: 'The id or the prefix of an API key.' }),
        client_secret: secret.optional().meta({ description: 'The API key. Both may come by HTTP Basic instead.' }),
        scope: z
          .string()
          .max(512)
          .optional()
          .meta({ description: 'Some of the scopes of the key, with spaces between; without it, all of them.' }),
      })
      .meta({ ref: 'ClientCredentialsGrant', title: 'Exchange an API key' }),
  ])
  .meta({
    ref: 'TokenRequest',
    examples: [{ grant_type: 'password', username: 'ada@example.com', password: 'correct horse battery' }],
  });

export const tokenResponse = z
  .object({
    access_token: z.string().meta({ examples: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk4YzdhMiJ9.c2lnbmF0dXJl'] }),
    token_type: z.literal('Bearer'),
    expires_in: ordinal.meta({ examples: [900], description: 'Seconds until the access token expires.' }),
    refresh_token: z
      .string()
      .optional()
      .meta({
        examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11.c2VjcmV0'],
        description: 'Missing for an API key, which can be exchanged again.',
      }),
    scope: z
      .string()
      .optional()
      .meta({ examples: ['orders:read'], description: 'The scopes of a token for an API key.' }),
  })
  .meta({ ref: 'TokenResponse' });

export const startSession = z.strictObject({ email: username.meta({ format: 'email' }), password: anyPassword }).meta({
  ref: 'StartSession',
  examples: [{ email: 'ada@example.com', password: 'correct horse battery' }],
});
export const sessionResponse = z
  .object({
    accessToken: z.string().meta({ examples: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk4YzdhMiJ9.c2lnbmF0dXJl'] }),
    expiresInSeconds: ordinal.meta({ examples: [900], description: 'Seconds until the access token expires.' }),
  })
  .meta({ ref: 'Session' });
export const refreshedSession = z
  .object({
    session: sessionResponse.nullable().meta({ description: 'Null when there is no session, or none any more.' }),
  })
  .meta({ ref: 'RefreshedSession' });

export const logout = z.strictObject({ refreshToken: secret }).meta({
  ref: 'Logout',
  examples: [{ refreshToken: 'the refresh_token of the last token response' }],
});
export const requestPasswordReset = z.strictObject({ email: username.meta({ format: 'email' }) }).meta({
  ref: 'RequestPasswordReset',
  examples: [{ email: 'ada@example.com' }],
});
export const confirmPasswordReset = z.strictObject({ token: secret, password: newPassword }).meta({
  ref: 'ConfirmPasswordReset',
  examples: [{ token: 'the token in the link of the e-mail', password: 'another horse battery' }],
});

export const revokeSession = z.strictObject({ userId: uuid, sessionId: uuid });

export const session = z
  .object({
    id: z.string().meta({ examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
    startedAt: z.iso.datetime(),
    lastUsedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When it got its newest tokens; a client gets new ones every 15 minutes of use.' }),
    expiresAt: z.iso.datetime().meta({ description: 'When it ends, if it is not used before.' }),
    isCurrent: z.boolean().meta({ description: 'Whether it is the session of this request.' }),
  })
  .meta({ ref: 'AccountSession' });

export const sessionPage = z.object({ data: z.array(session), ...pageFields }).meta({ ref: 'SessionPage' });
