import { apiKeyErrors } from '../../../src/api-keys/errors';
import type { ApiKeyRepository } from '../../../src/api-keys/repository';
import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { MemoryContext } from './context';
import type { MemoryState } from './state';
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
    async removeAllOf(userId) {
      const keysIn = ({ apiKeys }: Pick<MemoryState, 'apiKeys'>) => select(apiKeys, (key) => key.userId === userId);
      const ids = keysIn(read()).map(({ id }) => id);
      guard(
        (state) => keysIn(state).every(({ id }) => ids.includes(id)),
        () => new ConcurrencyError(),
      );
      stage((next) => remove(next.apiKeys, (key) => key.userId === userId));
      return ids;
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
