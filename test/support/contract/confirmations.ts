import { describe, expect, test } from 'vitest';
import { aLink, checked } from '../factories';
import { type CreateImplementation, given } from './implementation';

/** The contract of the repository of links that confirm e-mail addresses, and of the triggers on accounts that concern them. */
export function describeConfirmationRepository(create: CreateImplementation): void {
  async function givenLinks() {
    const system = await given(create);
    const [user, other] = [await system.addUser(), await system.addUser()];
    const change = aLink({ userId: user.id, email: 'next@example.com' });
    const registration = aLink({ userId: user.id, email: user.email, kind: 'registration' });
    const used = aLink({ userId: user.id, email: 'old@example.com', usedAt: 5 });
    const foreign = aLink({ userId: other.id, email: 'foreign@example.com' });
    const links = [change, registration, used, foreign];
    await system.write((tx) => {
      for (const link of links) tx.emailConfirmations.add(link);
    });
    const find = async (id: string) => (await system.read((tx) => tx.emailConfirmations.find(id)))?.confirmation;
    /** Which of the four links are left, and when each was used. */
    const left = async () => (await Promise.all(links.map(({ id }) => find(id)))).map((link) => link?.usedAt);
    return { ...system, user, other, change, registration, foreign, find, left };
  }

  describe('the repository of links that confirm addresses', () => {
    test('a link is found with its account, and the unused links of an account alone', async () => {
      const { change, find, read, registration, user } = await givenLinks();
      const found = await read((tx) => tx.emailConfirmations.find(change.id));
      expect(found).toEqual({ confirmation: change, account: user });
      expect(await find('unknown')).toBeUndefined();
      const unused = await read((tx) => tx.emailConfirmations.findUnused(user.id));
      expect(unused.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toEqual([change, registration]);
    });

    test('a new link replaces the unused one of its kind and account, and no other one (product 1.13)', async () => {
      const { change, find, left, user, write } = await givenLinks();
      const next = aLink({ userId: user.id, email: 'other@example.com' });
      await write((tx) => tx.emailConfirmations.replace(next));
      expect(await left()).toEqual([undefined, null, 5, null]);
      expect(await find(next.id)).toEqual(next);
      expect(await find(change.id)).toBeUndefined();
    });

    test('the use of a link is saved, and refused when it was used or deleted in the meantime (product 1.12)', async () => {
      const { change, find, user, write } = await givenLinks();
      const after = { ...change, usedAt: 7, expiresAt: 8, previousEmail: user.email, isPreviousConfirmed: true };
      const use = () => write((tx) => tx.emailConfirmations.use(after));
      await use();
      expect(await find(change.id)).toEqual(after);
      await expect(use()).rejects.toMatchObject({ name: 'ConcurrencyError' });
      await write((tx) => tx.users.remove(user, checked(user)));
      await expect(use()).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });

    test('the unused link of a kind is ended, or marked as used, and every other link stays', async () => {
      const { left, user, write } = await givenLinks();
      await write((tx) => tx.emailConfirmations.useRegistration(user.id, 9));
      expect(await left()).toEqual([null, 9, 5, null]);
      await write((tx) => tx.emailConfirmations.end(user.id, 'change'));
      expect(await left()).toEqual([undefined, 9, 5, null]);
    });

    test('a link whose account was deleted in the meantime is refused, and links are deleted with their account (product 1.5)', async () => {
      const { left, other, user, write } = await givenLinks();
      await write((tx) => tx.users.remove(user, checked(user)));
      expect(await left()).toEqual([undefined, undefined, undefined, null]);
      const orphan = aLink({ userId: user.id, email: 'orphan@example.com' });
      const refused = write((tx) => tx.emailConfirmations.add(orphan));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      await write((tx) => tx.emailConfirmations.end(other.id, 'registration'));
      expect(await left()).toEqual([undefined, undefined, undefined, null]);
    });

    test('what ends the tokens of an account ends its pending change, and what does not keeps it (product 1.13)', async () => {
      const { left, user, write } = await givenLinks();
      await write((tx) => tx.users.save({ ...user, version: 2, name: 'Countess' }, checked(user)));
      expect(await left()).toEqual([null, null, 5, null]);
      await write((tx) => tx.users.save({ ...user, version: 3, tokenGeneration: 2 }, checked(user)));
      expect(await left()).toEqual([undefined, null, 5, null]);
    });

    test('a new password ends the pending change, too (product 1.13)', async () => {
      const { left, user, write } = await givenLinks();
      const next = { ...user, version: 2, tokenGeneration: 2, emailConfirmedAt: null };
      await write((tx) => tx.accounts.savePassword(next, user.updatedAt));
      expect(await left()).toEqual([undefined, null, 5, null]);
    });

    test('an address is confirmed only where a used link of the account is for it (product 1.13)', async () => {
      const { change, findUser, foreign, user, write } = await givenLinks();
      const confirmed = { ...user, version: 2, emailConfirmedAt: '2026-02-01T00:00:00.000Z' };
      // Version 0.6.0 changes an address like this, and does not know the column.
      await write((tx) => tx.users.saveWithoutCaller({ ...confirmed, email: 'next@example.com' }));
      expect(await findUser(user.id)).toMatchObject({ email: 'next@example.com', emailConfirmedAt: null });
      await write((tx) => {
        tx.emailConfirmations.use({ ...foreign, usedAt: 7 });
        tx.users.saveWithoutCaller({ ...confirmed, email: foreign.email });
      });
      expect(await findUser(user.id)).toMatchObject({ email: foreign.email, emailConfirmedAt: null });
      await write((tx) => {
        tx.emailConfirmations.use({ ...change, usedAt: 7 });
        tx.users.saveWithoutCaller({ ...confirmed, email: change.email });
      });
      expect(await findUser(user.id)).toEqual({ ...confirmed, email: change.email });
      await write((tx) => tx.users.saveWithoutCaller({ ...confirmed, email: change.email, name: 'Countess' }));
      expect(await findUser(user.id)).toMatchObject({ name: 'Countess', emailConfirmedAt: confirmed.emailConfirmedAt });
    });

    test('an address is free unless an account has it', async () => {
      const { other, write } = await givenLinks();
      await write((tx) => tx.users.requireFreeEmail('nobody@example.com'));
      const refused = write((tx) => tx.users.requireFreeEmail(other.email));
      await expect(refused).rejects.toMatchObject({ kind: 'already-exists', code: 'users.email-taken' });
    });
  });
}
