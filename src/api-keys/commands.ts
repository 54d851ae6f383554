import * as z from 'zod';
import { activeAccount, type DefineCommand } from '../access/access-rules';
import { type KeyTexts, keyPrefix } from '../access/key-text';
import type { NewEvent } from '../cqrs/log/event';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import { endOf, keysPerAccount, requireOwnAccount, requireOwnKey } from './api-key';
import { apiKeyErrors } from './errors';
import * as events from './events';
import type { ApiKeyRepository } from './repository';
import * as schemas from './schemas';

export interface ApiKeyTransaction {
  apiKeys: ApiKeyRepository;
}

export interface ApiKeyServices {
  keyTexts: KeyTexts;
}

const target = z.strictObject({ keyId: uuid });

/** The commands on API keys. */
export function createApiKeyCommands(command: DefineCommand<ApiKeyTransaction>, { keyTexts }: ApiKeyServices) {
  return {
    /**
     * Creates a key, for the caller or, by an admin, for a service account. The result has no key, because it may be stored
     * under an Idempotency-Key: who has the result, the account and the secrets of the configuration can make the key from the seed.
     */
    CreateApiKey: command({
      input: schemas.createApiKey,
      onlyIf: activeAccount,
      handle({ accountId, name, scopes, expiresAt }, tx, { actor, at, issuedAt }) {
        const userId = accountId ?? actor.id;
        requireOwnAccount(actor, userId);
        if (userId !== actor.id) tx.apiKeys.requireServiceAccount(userId);
        const end = endOf(expiresAt, issuedAt);
        const id = newId();
        const seed = keyTexts.newSeed();
        const text = keyTexts.textOf({ keyId: id, userId }, seed);
        if (text === undefined) throw new Error('The configuration has no secret.');
        const [hash] = keyTexts.hashesOf(text);
        const key = { id, userId, name, hash, scopes, createdAt: at, expiresAt: end };
        tx.apiKeys.add(key, keysPerAccount, actor);
        const ends = end === null ? null : new Date(end).toISOString();
        tx.record(events.ApiKeyCreated.create(id, 1, { userId, scopes, expiresAt: ends }));
        return { id, version: 1, prefix: keyPrefix(id), seed, hash };
      },
    }),

    /** Revokes a key, at once for commands. */
    RevokeApiKey: command({
      input: target,
      onlyIf: activeAccount,
      async handle({ keyId }, tx, { actor }) {
        const key = await tx.apiKeys.find(keyId);
        if (!key) throw apiKeyErrors.notFound({ apiKeyId: keyId });
        requireOwnKey(actor, key);
        tx.apiKeys.remove(key, actor);
        tx.record(events.ApiKeyRevoked.create(keyId, 2, { userId: key.userId }));
      },
    }),
  };
}

/** Revokes every key of an account, and returns the events to record. */
export function revokeKeysOfAccount(apiKeys: Pick<ApiKeyRepository, 'removeAllOf'>) {
  return async (userId: string): Promise<NewEvent[]> =>
    (await apiKeys.removeAllOf(userId)).map((id) => events.ApiKeyRevoked.create(id, 2, { userId }));
}

export type ApiKeyCommands = ReturnType<typeof createApiKeyCommands>;
