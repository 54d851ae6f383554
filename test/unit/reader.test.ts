import { describe, expect, test } from 'vitest';
import type { AccountStatus } from '../../src/access/caller';
import type { KnownKeys } from '../../src/access/key-view';
import { createReader, type Reader } from '../../src/access/reader';
import type { ListView } from '../../src/cqrs/reading/list-view';
import type { ReadModels, ReadResult } from '../../src/cqrs/reading/read-models';
import type { View } from '../../src/cqrs/reading/view';
import type { Statement } from '../../src/platform/d1';

const status: AccountStatus = { id: 'a', role: 'agent', isActive: true, tokenGeneration: 1 };

const keyView = {} as View<KnownKeys>;

/** A list without rows. */
const aList = {} as unknown as ListView<{ id: string }>;

/** A reader whose access document comes from KV or from a replica of D1, with another status on the primary. */
function given(source: 'kv' | 'd1', cached: AccountStatus, onPrimary: AccountStatus) {
  const read = (data: unknown): ReadResult<unknown> => ({
    document: { version: 1, data },
    consistency: 'eventual',
    ageSeconds: 0,
    source,
  });
  let primaryReads = 0;
  const readModels = {
    read: async () => [read(cached), read('the document')],
    readFresh: async () => {
      primaryReads++;
      return { version: 1, data: onPrimary };
    },
    readPast: async () => ({ rows: [], freshness: {} }),
    // The reader under test calls these three functions only.
  } as unknown as ReadModels;
  // Neither the database nor the views are used by a single read of these read models.
  const options = { readModels, database: {} as D1Database, accessView: {} as View<AccountStatus>, keyView };
  const caller = { userId: 'a', role: 'agent', tokenGeneration: 1 } as const;
  const reader = createReader(options, { caller: () => caller, token: () => undefined });
  return {
    primaryReads: () => primaryReads,
    readDocument: () => reader.read({} as View<string>, 'key'),
    readUnstored: () =>
      reader.readList({ view: aList, key: undefined, page: { limit: 1 }, query: () => ({}) as Statement }),
  };
}

describe('the check of the access document (product 1.7)', () => {
  test('a valid document in KV is enough, without a read of D1', async () => {
    const { primaryReads, readDocument } = given('kv', status, status);
    expect((await readDocument()).actor).toMatchObject({ id: 'a', role: 'agent' });
    expect(primaryReads()).toBe(0);
  });

  test('a valid status from a replica of D1 is confirmed on the primary, because a replica may lag for longer', async () => {
    const { readDocument } = given('d1', status, { ...status, tokenGeneration: 2 });
    await expect(readDocument()).rejects.toMatchObject({ code: 'auth.invalid-token' });
  });

  test('a token that an old document in KV refuses is accepted when the primary accepts it', async () => {
    const { readDocument } = given('kv', { ...status, tokenGeneration: 0 }, status);
    expect((await readDocument()).actor).toMatchObject({ id: 'a' });
  });

  test('a token of an earlier generation is refused', async () => {
    const { readDocument } = given('kv', { ...status, tokenGeneration: 2 }, { ...status, tokenGeneration: 2 });
    await expect(readDocument()).rejects.toMatchObject({ code: 'auth.invalid-token' });
  });

  test('a list without a document is for a valid token alone', async () => {
    expect(await given('kv', status, status).readUnstored()).toMatchObject({ actor: { id: 'a' } });
    const revoked = { ...status, tokenGeneration: 2 };
    await expect(given('kv', revoked, revoked).readUnstored()).rejects.toMatchObject({ code: 'auth.invalid-token' });
  });
});

describe('the check of an API key (product 9.3)', () => {
  const known = { keys: [{ id: 'k', hash: '', scopes: ['orders:read'], expiresAt: null }] };
  const none = { keys: [] };

  /** A reader for a caller with a key, whose documents come from KV or from a replica, with other keys on the primary. */
  function given(source: 'kv' | 'd1', cached: object, onPrimary: object) {
    const read = (data: unknown, from: string) => ({ document: { version: 1, data }, source: from });
    const primaryReads: unknown[] = [];
    const readModels = {
      read: async () => [read(status, 'kv'), read(cached, source), read('the document', 'kv')],
      async readFresh({ view }: { view: unknown }) {
        primaryReads.push(view);
        return { version: 1, data: view === keyView ? onPrimary : status };
      },
      // The reader under test calls these two functions only.
    } as unknown as ReadModels;
    const options = { readModels, database: {} as D1Database, accessView: {} as View<AccountStatus>, keyView };
    const key = { id: 'k', scopes: ['orders:read'] } as const;
    const caller = { userId: 'a', role: 'agent', tokenGeneration: 1, key } as const;
    const reader = createReader(options, { caller: () => caller, token: () => undefined });
    return { reads: [() => reader.read({} as View<string>, 'key'), () => reader.read(keyView, 'key')], primaryReads };
  }

  test('a key in KV is enough, without a read of D1', async () => {
    const { primaryReads, reads } = given('kv', known, none);
    expect((await reads[0]?.())?.actor).toMatchObject({ id: 'a' });
    expect(primaryReads).toEqual([]);
  });

  test('a key that is in no document is refused, and one that KV does not know yet is confirmed', async () => {
    for (const read of given('kv', none, none).reads) {
      await expect(read()).rejects.toMatchObject({ code: 'auth.invalid-key' });
    }
    expect((await given('kv', none, known).reads[0]?.())?.actor).toMatchObject({ id: 'a' });
  });

  test('a key that a replica knows is confirmed on the primary', async () => {
    await expect(given('d1', known, none).reads[0]?.()).rejects.toMatchObject({ code: 'auth.invalid-key' });
  });
});

describe('the Consistency-Token of a request (product 7.4)', () => {
  const token = { position: 7, bookmark: 'b', epoch: '1' };
  const view = aList;
  const cursor = btoa(JSON.stringify(['01900000-0000-7000-8000-000000000000']));
  const list = { view, key: 'k', page: { limit: 1, cursor }, query: () => ({}) as Statement };

  /** A reader that records with which token documents and deeper pages are read. */
  function given() {
    const reads: { token: unknown; ignores: boolean[] }[] = [];
    const pages: unknown[] = [];
    const result = { document: { version: 1, data: status }, consistency: 'strong', ageSeconds: 0, source: 'kv' };
    const readModels = {
      async read(sent: unknown, ...wanted: { ignoreToken?: boolean }[]) {
        reads.push({ token: sent, ignores: wanted.map(({ ignoreToken = false }) => ignoreToken) });
        return wanted.map(() => result);
      },
      async readPast(sent: unknown) {
        pages.push(sent);
        return { rows: [], freshness: result };
      },
      // The reader under test calls these two functions only.
    } as unknown as ReadModels;
    const options = { readModels, database: {} as D1Database, accessView: {} as View<AccountStatus>, keyView };
    const caller = { userId: 'a', role: 'agent', tokenGeneration: 1 } as const;
    return { reader: createReader(options, { caller: () => caller, token: () => token }), reads, pages };
  }

  test('is used for the document of a read, and not for the access document', async () => {
    const { reader, reads } = given();
    await reader.read(view, 'k');
    expect(reads).toEqual([{ token, ignores: [true, false] }]);
  });

  test('is used for a public document', async () => {
    const { reader, reads } = given();
    await reader.publicRead(view, 'k');
    expect(reads).toEqual([{ token, ignores: [false] }]);
  });

  test.each<[string, (reader: Reader) => Promise<unknown>]>([
    ['a list', (reader) => reader.readList(list)],
    ['a list without a document', (reader) => reader.readList({ ...list, key: undefined, page: { limit: 1 } })],
    ['a public list', (reader) => reader.publicList(list)],
    [
      'a list whose first rows are a part of a document',
      (reader) =>
        reader.readPart({
          ...list,
          toList: () => ({ rows: [], total: undefined }),
          firstRows: (_, freshness) => ({ rows: [], total: undefined, freshness }),
        }),
    ],
  ])('is used for the deeper pages of %s', async (_, read) => {
    const { reader, reads, pages } = given();
    await read(reader);
    expect(new Set(reads.map((read) => read.token).concat(token))).toEqual(new Set([token]));
    expect(pages).toEqual([token]);
  });
});
