import type { ReadModels } from '../cqrs/reading/read-models';
import type { Loaded, View } from '../cqrs/reading/view';
import type { Clock } from '../platform/clock';
import { limits } from '../platform/limits';
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

type Read = [Loaded<AccountStatus> | undefined, Loaded<KnownKeys> | undefined];

const toData = ([access, known]: Read) => [access?.data, known?.data] as const;

/**
 * What D1 last said of keys, by their hashes. A key that it has confirmed is asked for again without being counted, which KV
 * cannot tell for a minute after its creation; one that it has refused is counted, although KV may show it for a minute more.
 */
function createVerdicts() {
  const verdicts = new Map<string, boolean>();
  return {
    get: (hash: string) => verdicts.get(hash),
    set(hash: string, isValid: boolean) {
      verdicts.delete(hash);
      verdicts.set(hash, isValid);
      const [oldest = hash] = verdicts.keys();
      if (verdicts.size > limits.keyVerdicts) verdicts.delete(oldest);
    },
  };
}

/** Finds out who sends a request with an API key. */
export interface KeyAccess {
  /**
   * @param isFresh whether D1's primary has to answer: a command decides on the role, and an access token outlives the answer
   * @param countUnknown counts the request of a key that nothing but D1 can confirm, before D1 is asked; it refuses by an error
   * @returns undefined for a key that is unknown, expired or revoked, and for an account that is not active
   */
  find(text: string, name: KeyName, isFresh: boolean, countUnknown: () => Promise<void>): Promise<FoundKey | undefined>;
}

export function createKeyAccess(options: {
  readModels: ReadModels;
  accessView: View<AccountStatus>;
  keyView: View<KnownKeys>;
  keyTexts: Pick<KeyTexts, 'hashesOf'>;
  clock: Clock;
}): KeyAccess {
  const { readModels, accessView, keyView, keyTexts, clock } = options;
  const verdicts = createVerdicts();

  return {
    async find(text, { keyId, userId }, isFresh, countUnknown) {
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

      const verdict = verdicts.get(hashes[0]);
      let isCounted = false;
      if (!isFresh || !verdict) {
        const stored = judge(...toData(await readModels.readStored(account, keys)));
        if (stored && !isFresh) return stored;
        isCounted = verdict === false || (!verdict && !stored);
        if (isCounted) await countUnknown();
      }
      // Before a refusal the primary is asked, because KV may not have a new key yet.
      const found = judge(...toData(await Promise.all([readModels.readFresh(account), readModels.readFresh(keys)])));
      verdicts.set(hashes[0], found !== undefined);
      if (!found && !isCounted) await countUnknown();
      return found;
    },
  };
}
