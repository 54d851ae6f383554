import { apiKeyErrors } from '../../../src/api-keys/errors';
import type { ApiKeyRepository } from '../../../src/api-keys/repository';
import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { MemoryContext } from './context';
import { find, insert, remove, requireParent, select } from './table';

export function createApiKeyRepository({ read, stage, guard }: MemoryContext): ApiKeyRepository {
  return {
    add(key, most) {
      guard(
        ({ apiKeys }) => select(apiKeys, ({ userId }) => userId === key.userId).length < most,
        () => apiKeyErrors.tooMany({ most }),
      );
      stage((next) => {
        requireParent(next.users, key.userId);
        insert(next.apiKeys, 'api_keys.id', key.id, key);
      });
    },
    remove({ id }) {
      guard(
        ({ apiKeys }) => apiKeys.has(id),
        () => new ConcurrencyError(),
      );
      stage((next) => remove(next.apiKeys, (key) => key.id === id));
    },
    async find(keyId) {
      const key = find(read().apiKeys, keyId);
      return key && { id: key.id, userId: key.userId };
    },
    requireServiceAccount: (userId) =>
      guard(
        ({ users }) => users.get(userId)?.isService === true,
        () => apiKeyErrors.noServiceAccount({ accountId: userId }, { pointer: '/accountId' }),
      ),
  };
}
