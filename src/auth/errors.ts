import { defineError } from '../platform/errors';

/** The errors of signing in and of password resets. The token endpoint reports them in the form of RFC 6749. */
export const authErrors = {
  invalidGrant: defineError({
    code: 'auth.invalid-grant',
    kind: 'invalid',
    meaning: 'The credentials are wrong, expired or revoked. The response does not show which of these.',
    remedy: 'Check the address and the password, or sign in again instead of refreshing.',
    text: () => 'The credentials are wrong, expired or revoked. Check them, or sign in again.',
  }),
  invalidTokenRequest: defineError({
    code: 'auth.invalid-token-request',
    kind: 'bad-request',
    meaning: 'A parameter of the token request is missing, empty, repeated or malformed.',
    remedy: 'Send grant_type once, and each parameter of that grant once.',
    text: () => 'A parameter is missing, empty, repeated or malformed. Send each parameter of the grant once.',
  }),
  invalidClient: defineError({
    code: 'auth.invalid-client',
    kind: 'unauthenticated',
    meaning:
      'The client credentials are missing or wrong: the id is not that of the API key, or the key is unknown, expired or revoked.',
    remedy: 'Send the id or the prefix of an API key as client_id, and the key as client_secret.',
    text: () => 'The client credentials are missing or wrong. Send the id of an API key, and the key as client_secret.',
  }),
  invalidScope: defineError({
    code: 'auth.invalid-scope',
    kind: 'invalid',
    meaning: 'The request asks for a scope that does not exist or that the API key does not have.',
    remedy: 'Ask for scopes that the key has, or leave `scope` out to get all of them.',
    text: () => 'The API key does not have this scope. Ask for scopes that it has, or leave scope out.',
  }),
  unsupportedGrantType: defineError({
    code: 'auth.unsupported-grant-type',
    kind: 'bad-request',
    meaning: 'The token endpoint does not know the grant_type.',
    remedy: 'Use the grant_type password, refresh_token or client_credentials.',
    text: () => 'This grant_type is not known. Use password, refresh_token or client_credentials.',
  }),
  refreshRaced: defineError({
    code: 'auth.refresh-raced',
    kind: 'invalid',
    meaning: 'The refresh token was used a moment ago, probably by another tab or a parallel request.',
    remedy: 'Use the newer refresh token that the other request received.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `This refresh token was used a moment ago. Wait ${retryAfterSeconds} s for the other request, and use its newer token.`,
  }),
  sessionNotFound: defineError({
    code: 'sessions.not-found',
    kind: 'not-found',
    meaning: 'The account has no open session with this id. It may have ended.',
    remedy: 'Take an id from GET /v1/users/{id}/sessions.',
    text: ({ sessionId }: { sessionId: string }) =>
      `The account has no open session ${sessionId}. It may have ended: list the sessions again.`,
  }),
  invalidResetToken: defineError({
    code: 'auth.invalid-reset-token',
    kind: 'invalid',
    meaning:
      'The password reset link is wrong, was used before, is older than an hour, or was ended by a newer link, a new password, a new e-mail address or a deactivation.',
    remedy: 'Ask for a new password reset.',
    text: () => 'The reset token is wrong, used, replaced or expired. Ask for a new password reset.',
  }),
};
