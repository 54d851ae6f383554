import type { Reader } from '../access/reader';
import { requireOwnAccount } from './api-key';
import { findApiKeys } from './key-list';

/** The queries on API keys. */
export function createApiKeyQueries(reader: Reader) {
  return {
    /**
     * Lists the keys of the caller, or of another account for admins. It reads D1's primary: the last use has no event, and
     * who looks for a key that leaked needs the truth.
     */
    async ListApiKeys({ account }: { account?: string | undefined }) {
      const { actor, db } = await reader.openPrimary();
      const userId = account ?? actor.id;
      requireOwnAccount(actor, userId);
      return { data: await findApiKeys(db, userId) };
    },
  };
}

export type ApiKeyQueries = ReturnType<typeof createApiKeyQueries>;
