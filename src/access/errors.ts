import { defineError } from '../platform/errors';
import type { Scope } from './scopes';

/** The errors of authentication and authorization. */
export const accessErrors = {
  required: defineError({
    code: 'auth.required',
    kind: 'unauthenticated',
    meaning: 'The operation needs an access token, and the request had none.',
    remedy: 'Sign in at POST /v1/auth/token and send the access token as `Authorization: Bearer …`.',
    text: () => 'This operation needs an access token. Sign in and send the token as a Bearer credential.',
  }),
  invalidToken: defineError({
    code: 'auth.invalid-token',
    kind: 'unauthenticated',
    meaning:
      'The access token is malformed, expired or revoked. A new password, a new role, a deactivation and a deletion revoke every token of the account.',
    remedy: 'Refresh the token. If the refresh is refused too, sign in again.',
    text: ({ reason }: { reason: 'malformed' | 'invalid-or-expired' | 'revoked' }) =>
      `The access token is ${reason === 'invalid-or-expired' ? 'invalid or expired' : reason}. Refresh it or sign in again.`,
  }),
  invalidKey: defineError({
    code: 'auth.invalid-key',
    kind: 'unauthenticated',
    meaning:
      'The API key is malformed, unknown, expired or revoked, or its account was deactivated or deleted. A key with a typing error is found by its checksum.',
    remedy:
      'Compare the key with the one that was shown when it was created. If it has expired or is revoked, create another one.',
    text: ({ reason }: { reason: 'malformed' | 'unknown' | 'revoked' }) =>
      reason === 'unknown'
        ? 'The API key is unknown, expired or revoked. Create another one.'
        : `The API key is ${reason}. ${reason === 'revoked' ? 'Create another one.' : 'Compare it with the one that was shown to you.'}`,
  }),
  insufficientScope: defineError({
    code: 'auth.insufficient-scope',
    kind: 'forbidden',
    meaning:
      'The API key, or the access token that was made from it, is valid, but it does not have the scope that the operation needs.',
    remedy:
      'Ask for the scope when you exchange the key, or create a key that has it as well; the scopes of a key never change.',
    text: ({ scope }: { scope: Scope }) =>
      `This operation needs the scope ${scope}, which your API key, or the token made from it, does not have. Use one with this scope.`,
  }),
  keyNotAllowed: defineError({
    code: 'auth.key-not-allowed',
    kind: 'forbidden',
    meaning:
      'No API key may carry out the operation, whatever its scopes are: passwords, addresses, roles, deletions of accounts and keys themselves are for people.',
    remedy: 'Sign in with e-mail and password, and send that access token.',
    text: () => 'An API key may not carry out this operation. Sign in with e-mail and password for it.',
  }),
  hashingBusy: defineError({
    code: 'auth.hashing-busy',
    kind: 'unavailable',
    meaning:
      'Many requests wait to have a password hashed or checked, which takes long by design. Nothing was changed, and the password was not checked.',
    remedy: 'Wait for the seconds of `Retry-After`, then send the request again.',
    text: ({ retryAfterSeconds }: { retryAfterSeconds: number }) =>
      `Too many passwords are being checked. Wait ${retryAfterSeconds} seconds, then send the request again.`,
  }),
  insufficientRole: defineError({
    code: 'auth.insufficient-role',
    kind: 'forbidden',
    meaning: 'The account is valid, but its role does not allow the operation.',
    remedy: 'Ask an admin for the role, or use an account that has it.',
    text: ({ role, allowed }: { role: string; allowed: readonly string[] }) =>
      `This operation needs the role ${allowed.join(' or ')}; your account has the role ${role}.`,
  }),
};
