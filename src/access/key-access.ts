import type { ReadModels } from '../cqrs/reading/read-models';
import type { View } from '../cqrs/reading/view';
import type { Clock } from '../platform/clock';
import type { AccountStatus, Caller, UsedKey } from './caller';
import type { KeyName, KeyTexts } from './key-text';
import type { KnownKeys } from './key-view';

/** A valid API key, with its account as it is now. */
export interface FoundKey {
  caller: Caller & { key: UsedKey };
  /** Milliseconds; null for a key that does not expire. */
  expiresAt: number | null;
  /** The hash with the current secret, where a former one is stored. */
  newHash?: string | undefined;
}

/** Finds out who sends a request with an API key. */
export interface KeyAccess {
  /**
   * @param isFresh whether D1's primary has to answer: a command decides on the role, and an access token outlives the answer
   * @returns undefined for a key that is unknown, expired or revoked, and for an account that is not active
   */
  find(text: string, name: KeyName, isFresh: boolean): Promise<FoundKey | undefined>;
}

export function createKeyAccess(options: {
  readModels: ReadModels;
  accessView: View<AccountStatus>;
  keyView: View<KnownKeys>;
  keyTexts: Pick<KeyTexts, 'hashesOf'>;
  clock: Clock;
}): KeyAccess {
  const { readModels, accessView, keyView, keyTexts, clock } = options;

  return {
    async find(text, { keyId, userId }, isFresh) {
      const hashes = keyTexts.hashesOf(text);
      const account = { view: accessView, key: userId };
      const keys = { view: keyView, key: userId };

      function judge(status: AccountStatus | undefined, known: KnownKeys | undefined): FoundKey | undefined {
        const key = known?.keys.find(({ id, hash }) => id === keyId && hashes.includes(hash));
        if (!status?.isActive || !key) return undefined;
        const { expiresAt, hash, scopes } = key;
        if (expiresAt !== null && expiresAt <= clock.now()) return undefined;
        const { role, tokenGeneration } = status;
        const caller = { userId, role, tokenGeneration, key: { id: keyId, scopes } };
        return { caller, expiresAt, newHash: hash === hashes[0] ? undefined : hashes[0] };
      }

      if (!isFresh) {
        const [access, known] = await readModels.read(undefined, account, keys);
        const isFromKv = access.source === 'kv' && known.source === 'kv';
        const found = isFromKv ? judge(access.document?.data, known.document?.data) : undefined;
        if (found) return found;
      }
      // Before a refusal the primary is asked, because KV may not have a new key yet.
      const [access, known] = await Promise.all([readModels.readFresh(account), readModels.readFresh(keys)]);
      return judge(access?.data, known?.data);
    },
  };
}
