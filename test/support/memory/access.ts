import type { AccessRepository } from '../../../src/access/access-repository';
import type { AccountStatus } from '../../../src/access/caller';
import { accessErrors } from '../../../src/access/errors';
import type { MemoryContext } from './context';
import type { MemoryState } from './state';

function isValid({ users }: MemoryState, { id, role, tokenGeneration }: Omit<AccountStatus, 'isActive'>): boolean {
  const account = users.get(id);
  return account?.isActive === true && account.tokenGeneration === tokenGeneration && account.role === role;
}

export function createAccessRepository({ guard }: MemoryContext): AccessRepository {
  return {
    requireValidToken({ userId, key, ...stated }) {
      guard(
        (state) => isValid(state, { id: userId, ...stated }),
        () => accessErrors.invalidToken({ reason: 'revoked' }),
      );
      if (!key) return;
      guard(
        ({ apiKeys }) => apiKeys.get(key.id)?.userId === userId,
        () => accessErrors.invalidKey({ reason: 'revoked' }),
      );
    },
    requireUnchanged: (account, refuse) => guard((state) => isValid(state, account), refuse),
  };
}
