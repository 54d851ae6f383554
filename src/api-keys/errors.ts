import { defineError } from '../platform/errors';

/** The errors of API keys. */
export const apiKeyErrors = {
  notFound: defineError({
    code: 'api-keys.not-found',
    kind: 'not-found',
    meaning: 'No API key has this id, or it was revoked, or it belongs to another account.',
    remedy: 'List your keys at GET /v1/api-keys.',
    text: ({ apiKeyId }: { apiKeyId: string }) =>
      `There is no API key ${apiKeyId} that you may revoke. List your keys.`,
  }),
  tooMany: defineError({
    code: 'api-keys.too-many',
    kind: 'conflict',
    meaning: 'The account has as many API keys as one account may have, the expired ones included.',
    remedy: 'Revoke a key that is not used any more: the list shows when each was used last.',
    text: ({ most }: { most: number }) =>
      `An account has at most ${most} API keys, the expired ones included. Revoke one that is not used any more.`,
  }),
  noServiceAccount: defineError({
    code: 'api-keys.no-service-account',
    kind: 'invalid',
    meaning: 'Admins create API keys for service accounts only: a person’s keys are created by that person.',
    remedy: 'Send the id of a service account, or leave `accountId` out to create a key of your own.',
    text: ({ accountId }: { accountId: string }) =>
      `The account ${accountId} is no service account. Send the id of one, or leave accountId out.`,
  }),
  expired: defineError({
    code: 'api-keys.expired',
    kind: 'invalid',
    meaning: 'The time at which the key should expire has passed.',
    remedy: 'Send a time in the future, or leave `expiresAt` out.',
    text: () => 'The key would have expired already. Send a time in the future, or leave expiresAt out.',
  }),
  notShownAgain: defineError({
    code: 'api-keys.not-shown-again',
    kind: 'conflict',
    meaning:
      'The key was created by the first request with this Idempotency-Key. The secret with which it was made has been replaced since, so it cannot be shown again.',
    remedy: 'Revoke the key, and create another one.',
    text: ({ apiKeyId }: { apiKeyId: string }) =>
      `The API key ${apiKeyId} was created before and cannot be shown again. Revoke it, and create another one.`,
  }),
};
