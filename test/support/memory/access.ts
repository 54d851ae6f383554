import type { AccessRepository } from '../../../src/access/access-repository';
import { accessErrors } from '../../../src/access/errors';
import type { MemoryContext } from './context';
import type { MemoryState } from './state';

function isValid({ users }: MemoryState, id: string, tokenGeneration: number): boolean {
  const account = users.get(id);
  return account?.isActive === true && account.tokenGeneration === tokenGeneration;
}

export function createAccessRepository({ guard }: MemoryContext): AccessRepository {
  return {
    requireValidToken: ({ userId, tokenGeneration }) =>
      guard(
        (state) => isValid(state, userId, tokenGeneration),
        () => accessErrors.invalidToken({ reason: 'revoked' }),
      ),
    requireUnchanged: ({ id, tokenGeneration }, refuse) =>
      guard((state) => isValid(state, id, tokenGeneration), refuse),
  };
}
