import { describe, expect, test } from 'vitest';
import type { AccountStatus } from '../../src/access/caller';
import { createKeyAccess } from '../../src/access/key-access';
import type { KnownKey, KnownKeys } from '../../src/access/key-view';
import type { ReadModels } from '../../src/cqrs/reading/read-models';
import type { View } from '../../src/cqrs/reading/view';

const now = 1_000_000;
const [accessView, keyView] = [{ name: 'access' } as View<AccountStatus>, { name: 'api-keys' } as View<KnownKeys>];
const status: AccountStatus = { id: 'a', role: 'agent', isActive: true, tokenGeneration: 2 };
const key: KnownKey = { id: 'k', hash: 'current text', scopes: ['orders:read'], expiresAt: null };

interface Stored {
  status?: AccountStatus | undefined;
  keys?: readonly KnownKey[];
}

/** Finds the key `k` in KV, or on the primary, which may know something else. */
function find(inKv: Stored, onPrimary: Stored = inKv, { isFresh = false, source = 'kv' } = {}) {
  const reads: string[] = [];
  const documentsOf = ({ status: of = status, keys = [key] }: Stored) =>
    new Map<unknown, unknown>([
      [accessView, of],
      [keyView, { keys }],
    ]);
  const readModels = {
    async read(_: unknown, ...wanted: { view: unknown }[]) {
      reads.push('KV');
      return wanted.map(({ view }) => ({ source, document: { data: documentsOf(inKv).get(view) } }));
    },
    async readFresh({ view }: { view: unknown }) {
      reads.push('primary');
      return { data: documentsOf(onPrimary).get(view) };
    },
    // The function under test calls these two functions only.
  } as unknown as ReadModels;
  const keyTexts = { hashesOf: (text: string) => [`current ${text}`, `former ${text}`] as const };
  const access = createKeyAccess({ readModels, accessView, keyView, keyTexts, clock: { now: () => now } });
  return access.find('text', { keyId: 'k', userId: 'a' }, isFresh).then((found) => ({ found, reads }));
}

describe('who sends a request with an API key (product 9.3)', () => {
  test('is the account as it is now, with the scopes of the key, and KV tells it alone', async () => {
    const { found, reads } = await find({}, { keys: [] });
    expect(found?.caller).toEqual({
      userId: 'a',
      role: 'agent',
      tokenGeneration: 2,
      key: { id: 'k', scopes: ['orders:read'] },
    });
    expect(reads).toEqual(['KV']);
  });

  test('is asked of the primary for a command, which decides on the role', async () => {
    const { found, reads } = await find({}, { status: { ...status, role: 'customer' } }, { isFresh: true });
    expect(found?.caller.role).toBe('customer');
    expect(reads).toEqual(['primary', 'primary']);
  });

  test('is asked of the primary before a refusal, and after an answer of a replica', async () => {
    expect((await find({ keys: [] }, {})).found).toBeDefined();
    expect((await find({}, { keys: [] }, { source: 'd1' })).found).toBeUndefined();
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
