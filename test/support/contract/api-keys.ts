import { describe, expect, test } from 'vitest';
import { newId } from '../../../src/platform/ids';
import { anApiKey, aUser, checked } from '../factories';
import { type CreateImplementation, given } from './implementation';

const admin = checked(aUser({ role: 'admin' }));

async function givenOwner(create: CreateImplementation) {
  const system = await given(create);
  const owner = await system.addUser();
  const add = (key = anApiKey({ userId: owner.id }), most = 2) =>
    system.write((tx) => tx.apiKeys.add(key, most, admin)).then(() => key);
  const findKey = (id: string) => system.read((tx) => tx.apiKeys.find(id));
  return { ...system, add, findKey, owner };
}

/** API keys. */
export function describeApiKeyRepository(create: CreateImplementation): void {
  describe('the repository of API keys', () => {
    test('a key is found with its owner, until it is removed', async () => {
      const { add, findKey, owner, write } = await givenOwner(create);
      const { id } = await add();
      expect(await findKey(id)).toEqual({ id, userId: owner.id });
      await write((tx) => tx.apiKeys.remove({ id }, admin));
      expect(await findKey(id)).toBeUndefined();
    });

    test('a key that is gone at the commit is not removed twice', async () => {
      const { add, write } = await givenOwner(create);
      const { id } = await add();
      await write((tx) => tx.apiKeys.remove({ id }, admin));
      await expect(write((tx) => tx.apiKeys.remove({ id }, admin))).rejects.toMatchObject({
        code: 'concurrency.conflict',
      });
    });

    test('an account has a largest number of keys, and those of others do not count (product 9.1)', async () => {
      const { add, addUser, findKey, owner } = await givenOwner(create);
      await add();
      await add(anApiKey({ userId: (await addUser()).id }));
      await add();
      const third = anApiKey({ userId: owner.id });
      await expect(add(third)).rejects.toMatchObject({ code: 'api-keys.too-many', details: { most: 2 } });
      expect(await findKey(third.id)).toBeUndefined();
    });

    test('the keys of an account are deleted with it (product 9.5)', async () => {
      const { add, findKey, owner, write } = await givenOwner(create);
      const { id } = await add();
      await write((tx) => tx.users.remove(owner, admin));
      expect(await findKey(id)).toBeUndefined();
      await expect(add(anApiKey({ userId: owner.id }))).rejects.toMatchObject({ code: 'concurrency.conflict' });
    });

    test.each(['person', 'unknown'])(
      'a key for a service account is refused where the account is %s at the commit (product 9.4)',
      async (which) => {
        const { addUser, owner, write } = await givenOwner(create);
        const service = await addUser(aUser({ isService: true }));
        await write((tx) => tx.apiKeys.requireServiceAccount(service.id));
        const accountId = which === 'person' ? owner.id : newId();
        await expect(write((tx) => tx.apiKeys.requireServiceAccount(accountId))).rejects.toMatchObject({
          code: 'api-keys.no-service-account',
          errors: [{ pointer: '/accountId' }],
        });
      },
    );

    test('a caller with a key needs the key, and that it is the account’s own (product 9.3)', async () => {
      const { add, addUser, owner, unitOfWork, write } = await givenOwner(create);
      const key = await add();
      const other = anApiKey({ userId: (await addUser()).id });
      await add(other);
      const runWith = (id: string) =>
        unitOfWork.run(
          { commandId: newId(), requestId: newId(), issuedAt: 0, readFrom: 'first-primary' },
          {
            authorize: ({ access }) =>
              access.requireValidToken({
                userId: owner.id,
                role: owner.role,
                tokenGeneration: 1,
                key: { id, scopes: [] },
              }),
            handle: () => 'done',
          },
        );
      expect((await runWith(key.id)).result).toBe('done');
      await expect(runWith(other.id)).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-key' });
      await write((tx) => tx.apiKeys.remove(key, admin));
      await expect(runWith(key.id)).rejects.toMatchObject({ kind: 'unauthenticated', code: 'auth.invalid-key' });
    });

    test('an active admin that is a service account does not count as one who can sign in (product 9.4)', async () => {
      const { addUser, read, write } = await givenOwner(create);
      const robot = await addUser(aUser({ role: 'admin', isService: true }));
      expect(await read((tx) => tx.users.hasActiveAdmin())).toBe(false);
      const person = await addUser(aUser({ role: 'admin' }));
      expect(await read((tx) => tx.users.hasActiveAdmin())).toBe(true);
      await expect(write((tx) => tx.users.requireOtherAdmin(person.id))).rejects.toMatchObject({
        code: 'users.last-admin',
      });
      await write((tx) => tx.users.requireOtherAdmin(robot.id));
    });
  });
}
