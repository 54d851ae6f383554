import { describe, expect, test } from 'vitest';
import type { AccountStatus } from '../../src/access/caller';
import { createKeyAccess } from '../../src/access/key-access';
import type { KnownKey, KnownKeys } from '../../src/access/key-view';
import type { ReadModels } from '../../src/cqrs/reading/read-models';
import type { View } from '../../src/cqrs/reading/view';
import { limits } from '../../src/platform/limits';

const now = 1_000_000;
const [accessView, keyView] = [{ name: 'access' } as View<AccountStatus>, { name: 'api-keys' } as View<KnownKeys>];
const status: AccountStatus = { id: 'a', role: 'agent', isActive: true, tokenGeneration: 2 };
const key: KnownKey = { id: 'k', hash: 'current text', scopes: ['orders:read'], expiresAt: null };

interface Stored {
  status?: AccountStatus | undefined;
  keys?: readonly KnownKey[];
}

/** Looks for keys of the account `a` in KV, or on the primary, which may know something else; `reads` has what was asked. */
function given(stored: { inKv: Stored | undefined; onPrimary: Stored }) {
  const reads: string[] = [];
  const documentsOf = ({ status: of = status, keys = [key] }: Stored) =>
    new Map<unknown, unknown>([
      [accessView, of],
      [keyView, { keys }],
    ]);
  const readModels = {
    async readStored(...wanted: { view: unknown }[]) {
      reads.push('KV');
      const { inKv } = stored;
      return wanted.map(({ view }) => inKv && { data: documentsOf(inKv).get(view) });
    },
    async readFresh({ view }: { view: unknown }) {
      reads.push('primary');
      return { data: documentsOf(stored.onPrimary).get(view) };
    },
    // The function under test calls these two functions only.
  } as unknown as ReadModels;
  const keyTexts = { hashesOf: (text: string) => [`current ${text}`, `former ${text}`] as const };
  const access = createKeyAccess({ readModels, accessView, keyView, keyTexts, clock: { now: () => now } });
  const count = async () => {
    reads.push('count');
  };
  const ask = async ({ isFresh = false, text = 'text', countUnknown = count } = {}) => {
    reads.splice(0);
    const found = await access.find(text, { keyId: 'k', userId: 'a' }, isFresh, countUnknown);
    return { found, reads: reads.join() };
  };
  return { ask, reads };
}

/** Finds the key `k` in a new isolate. */
const find = (inKv: Stored | undefined, onPrimary: Stored = inKv ?? {}, options = {}) =>
  given({ inKv, onPrimary }).ask(options);

describe('who sends a request with an API key (product 9.3)', () => {
  test('is the account as it is now, with the scopes of the key, and KV tells it alone', async () => {
    const { found, reads } = await find({}, { keys: [] });
    expect(found?.caller).toEqual({
      userId: 'a',
      role: 'agent',
      tokenGeneration: 2,
      key: { id: 'k', scopes: ['orders:read'] },
    });
    expect(reads).toBe('KV');
  });

  test('is asked of the primary for a command, which decides on the role', async () => {
    const { found, reads } = await find({}, { status: { ...status, role: 'customer' } }, { isFresh: true });
    expect(found?.caller.role).toBe('customer');
    expect(reads).toBe('KV,primary,primary');
  });

  test('is asked of the primary before a refusal', async () => {
    expect((await find({ keys: [] }, {})).found).toBeDefined();
    expect((await find(undefined, {})).found).toBeDefined();
  });

  test.each<[string, Stored]>([
    ['a key that is revoked', { keys: [] }],
    ['another key of the account', { keys: [{ ...key, id: 'another' }] }],
    ['a key whose secret part is wrong', { keys: [{ ...key, hash: 'current other text' }] }],
    ['a key that ends now', { keys: [{ ...key, expiresAt: now }] }],
    ['the key of an account that is not active', { status: { ...status, isActive: false } }],
  ])('is nobody for %s', async (_, stored) => {
    expect((await find(stored)).found).toBeUndefined();
  });

  test('is found for a key that ends later', async () => {
    expect((await find({ keys: [{ ...key, expiresAt: now + 1 }] })).found?.expiresAt).toBe(now + 1);
  });

  test('is found by the hash with a former secret, which is to be replaced (product 9.1)', async () => {
    expect((await find({ keys: [{ ...key, hash: 'former text' }] })).found?.newHash).toBe('current text');
    expect((await find({})).found?.newHash).toBeUndefined();
  });
});

describe('a flood of wrong keys (product 9.3)', () => {
  const refuse = async () => {
    throw new Error('too many');
  };

  test.each([false, true])(
    'is counted before D1 is asked, and costs it nothing when it is refused (fresh: %s)',
    async (isFresh) => {
      const { ask, reads } = given({ inKv: { keys: [] }, onPrimary: { keys: [] } });
      for (let time = 0; time < 2; time++)
        expect(await ask({ isFresh })).toEqual({ found: undefined, reads: 'KV,count,primary,primary' });
      await expect(ask({ isFresh, countUnknown: refuse })).rejects.toThrow('too many');
      expect(reads).toEqual(['KV']);
    },
  );

  test('does not count a key that KV knows', async () => {
    const { ask } = given({ inKv: {}, onPrimary: {} });
    expect((await ask({ countUnknown: refuse })).found).toBeDefined();
    expect((await ask({ isFresh: true, countUnknown: refuse })).found).toBeDefined();
  });

  test('counts a key once that KV does not know yet and D1 has confirmed', async () => {
    const { ask } = given({ inKv: undefined, onPrimary: {} });
    expect((await ask()).reads).toBe('KV,count,primary,primary');
    expect((await ask({ countUnknown: refuse })).reads).toBe('KV,primary,primary');
    expect((await ask({ isFresh: true, countUnknown: refuse })).reads).toBe('primary,primary');
  });

  test('counts a key that KV still knows after its end: first after the refusal, then before D1 is asked', async () => {
    const { ask, reads } = given({ inKv: {}, onPrimary: { keys: [] } });
    expect((await ask({ isFresh: true })).reads).toBe('KV,primary,primary,count');
    expect((await ask({ isFresh: true })).reads).toBe('KV,count,primary,primary');
    await expect(ask({ isFresh: true, countUnknown: refuse })).rejects.toThrow('too many');
    expect(reads).toEqual(['KV']);
  });

  test('makes an isolate forget the oldest keys, so that its memory has a bound', async () => {
    const most = limits.keyVerdicts;
    limits.keyVerdicts = 1;
    try {
      const { ask } = given({ inKv: undefined, onPrimary: { keys: [key, { ...key, hash: 'current other' }] } });
      for (const text of ['text', 'other', 'other', 'text']) await ask({ text, isFresh: true });
      expect((await ask({ text: 'other', isFresh: true })).reads).toBe('KV,count,primary,primary');
      expect((await ask({ text: 'other', isFresh: true })).reads).toBe('primary,primary');
    } finally {
      limits.keyVerdicts = most;
    }
  });
});
