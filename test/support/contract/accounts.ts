import { describe, expect, test } from 'vitest';
import type { PasswordReset, RefreshToken, Session } from '../../../src/auth/session';
import { lifetimes } from '../../../src/auth/session';
import { newId } from '../../../src/platform/ids';
import type { User } from '../../../src/users/user';
import { aUser, checked, createdAt, settingsOf } from '../factories';
import { type CreateImplementation, given } from './implementation';

function aSession(user: User, overrides: Partial<Session> = {}): Session {
  return { id: newId(), userId: user.id, version: 0, createdAt, revokedAt: null, network: null, ...overrides };
}

function aToken(session: Session, overrides: Partial<RefreshToken> = {}): RefreshToken {
  return { hash: newId(), sessionId: session.id, expiresAt: 1000, usedAt: null, ...overrides };
}

function aReset(user: User, overrides: Partial<PasswordReset> = {}): PasswordReset {
  return { id: newId(), userId: user.id, tokenHash: newId(), expiresAt: 1000, usedAt: null, ...overrides };
}

/** A system with an account, one session of it, and one refresh token of that. */
async function givenSession(create: CreateImplementation) {
  const system = await given(create);
  const user = await system.addUser();
  const session = aSession(user);
  const token = aToken(session);
  await system.write((tx) => {
    tx.sessions.add(session);
    tx.sessions.addToken(token);
  });
  const findToken = (hash: string) => system.read((tx) => tx.sessions.findByTokenHash(hash));
  return { ...system, user, session, token, findToken };
}

/** Accounts, settings, sessions and password resets. */
export function describeAccountRepositories(create: CreateImplementation): void {
  describe('the repository of accounts', () => {
    test('accounts are found by their ids, and unknown ids are left out', async () => {
      const { addUser, read } = await given(create);
      const [one, two] = [await addUser(), await addUser(aUser({ role: 'admin', lastLoginAt: createdAt }))];
      await addUser();
      const found = await read((tx) => tx.users.findAll([one.id, newId(), two.id]));
      expect(found.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([one, two]);
      expect(await read((tx) => tx.users.findAll([newId()]))).toEqual([]);
    });

    test('a change of one account is saved, keeps what sign-ins write, and changes no other account', async () => {
      const { addUser, findUser, write } = await given(create);
      const user = await addUser(aUser({ lastLoginAt: createdAt }));
      const other = await addUser();
      const next: User = {
        ...user,
        version: 2,
        name: 'Countess',
        email: 'countess@example.com',
        role: 'agent',
        isActive: false,
        tokenGeneration: 2,
        updatedAt: '2026-02-01T00:00:00.000Z',
        emailConfirmedAt: null,
      };
      const readBefore = { ...next, passwordHash: 'an older hash', lastLoginAt: null };
      await write((tx) => tx.users.save(readBefore, checked(user)));
      expect([await findUser(user.id), await findUser(other.id)]).toEqual([next, other]);
    });

    test('a password is saved, and nothing else of the account', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      await write((tx) => tx.users.savePassword({ ...user, name: 'X', passwordHash: 'new' }, checked(user)));
      expect([await findUser(user.id), await findUser(other.id)]).toEqual([{ ...user, passwordHash: 'new' }, other]);
    });

    test('an account is made an admin with a password only while there is no active admin (product 1.7)', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, other] = [await addUser(aUser({ isActive: false })), await addUser()];
      const next: User = {
        ...user,
        version: 2,
        role: 'admin',
        isActive: true,
        tokenGeneration: 2,
        passwordHash: 'new',
      };
      await write((tx) => tx.users.makeAdmin(next));
      expect(await findUser(user.id)).toEqual(next);
      const refused = write((tx) => tx.users.makeAdmin({ ...other, role: 'admin', passwordHash: 'new' }));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findUser(other.id)).toEqual(other);
    });

    test('accounts are found by their e-mail address', async () => {
      const { addUser, read } = await given(create);
      const user = await addUser();
      expect(await read((tx) => tx.users.findByEmail(user.email))).toEqual(user);
      expect(await read((tx) => tx.users.findByEmail('nobody@example.com'))).toBeUndefined();
    });

    test('a change to an e-mail address that another account has is refused (product 1.1)', async () => {
      const { addUser, findUser, write } = await given(create);
      const [one, two] = [await addUser(), await addUser()];
      await write((tx) => tx.users.save({ ...one, name: 'Same address' }, checked(one)));
      const refused = write((tx) => tx.users.save({ ...one, email: two.email }, checked(one)));
      await expect(refused).rejects.toMatchObject({ kind: 'already-exists', code: 'users.email-taken' });
      expect((await findUser(one.id))?.email).toBe(one.email);
    });

    test('the repository of accounts knows whether there is an active admin', async () => {
      const { addUser, read } = await given(create);
      await addUser(aUser({ role: 'agent' }));
      await addUser(aUser({ role: 'admin', isActive: false }));
      expect(await read((tx) => tx.users.hasActiveAdmin())).toBe(false);
      await addUser(aUser({ role: 'admin' }));
      expect(await read((tx) => tx.users.hasActiveAdmin())).toBe(true);
    });

    test('the answer that there is no admin is refused when there is one by the time of the commit', async () => {
      const { addUser, write } = await given(create);
      const admin = aUser({ role: 'admin' });
      const refused = write(async (tx) => {
        expect(await tx.users.hasActiveAdmin()).toBe(false);
        await addUser(admin);
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      await write((tx) => tx.users.hasActiveAdmin());
      const refusedAgain = write(async (tx) => {
        expect(await tx.users.hasActiveAdmin()).toBe(true);
        await write((other) => other.users.remove(admin, checked(admin)));
      });
      await expect(refusedAgain).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });

    test('the guard that there is another admin needs an active account with the role admin (product 1.7)', async () => {
      const { addUser, findUser, write } = await given(create);
      const admin = await addUser(aUser({ role: 'admin' }));
      const removeAdmin = () =>
        write((tx) => {
          tx.users.requireOtherAdmin(admin.id);
          tx.users.remove(admin, checked(admin));
        });
      await addUser(aUser({ role: 'admin', isActive: false }));
      await addUser(aUser({ role: 'agent' }));
      const lastAdmin = { kind: 'conflict', code: 'users.last-admin', details: { userId: admin.id } };
      await expect(removeAdmin()).rejects.toMatchObject(lastAdmin);
      await addUser(aUser({ role: 'admin' }));
      await removeAdmin();
      expect(await findUser(admin.id)).toBeUndefined();
    });

    test('settings, sessions, refresh tokens and password resets are deleted with their account (product 1.5)', async () => {
      const { addUser, findToken, findUser, read, session, token, user, write } = await givenSession(create);
      const other = await addUser();
      const [reset, otherReset] = [aReset(user), aReset(other)];
      const otherSession = aSession(other);
      const otherToken = aToken(otherSession);
      await write((tx) => {
        tx.passwordResets.add(reset, user);
        tx.passwordResets.add(otherReset, other);
        tx.sessions.add(otherSession);
        tx.sessions.addToken(otherToken);
      });
      expect(await findToken(token.hash)).toEqual({ token, session, account: user });
      await write((tx) => tx.users.remove(user, checked(user)));
      expect(await findUser(user.id)).toBeUndefined();
      expect(await findToken(token.hash)).toBeUndefined();
      expect(await read((tx) => tx.settings.find(user.id))).toBeUndefined();
      expect(await read((tx) => tx.passwordResets.find(reset.id))).toBeUndefined();
      expect(await findToken(otherToken.hash)).toBeDefined();
      expect(await read((tx) => tx.settings.find(other.id))).toBeDefined();
      expect(await read((tx) => tx.passwordResets.find(otherReset.id))).toBeDefined();
      // The rows themselves are gone, and not only their link to the account: the same keys can be added again.
      await write((tx) => {
        tx.sessions.add({ ...session, userId: other.id });
        tx.sessions.addToken(token);
        tx.passwordResets.add({ ...reset, userId: other.id }, other);
      });
    });
  });

  describe('the repository of settings', () => {
    test('every field of one account’s settings is saved, and no other settings change', async () => {
      const { addUser, read, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      const updatedAt = '2026-02-01T00:00:00.000Z';
      const values = { version: 2, locale: 'de', timezone: 'Europe/Berlin', emailNotifications: false, updatedAt };
      await write((tx) => tx.settings.save({ userId: user.id, ...values }, checked(user)));
      expect(await read((tx) => tx.settings.find(user.id))).toEqual({ userId: user.id, ...values });
      expect(await read((tx) => tx.settings.find(other.id))).toEqual(settingsOf(other));
      expect(await read((tx) => tx.settings.find(newId()))).toBeUndefined();
    });

    test('a change of settings whose account was deleted in the meantime is refused', async () => {
      const { addUser, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      const save = (owner: User) =>
        write((tx) => tx.settings.save({ ...settingsOf(owner), version: 2 }, checked(owner)));
      const saveByLink = (owner: User) => write((tx) => tx.settings.saveByLink({ ...settingsOf(owner), version: 3 }));
      await write((tx) => tx.users.remove(user, checked(user)));
      await expect(save(user)).rejects.toMatchObject({ name: 'ConcurrencyError' });
      await expect(saveByLink(user)).rejects.toMatchObject({ name: 'ConcurrencyError' });
      await save(other);
      await saveByLink(other);
    });

    test('settings without an account are refused', async () => {
      const { write } = await given(create);
      const refused = write((tx) => tx.settings.add(settingsOf(aUser())));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });
  });

  describe('the repository of sign-ins', () => {
    test('an account is found by its e-mail address', async () => {
      const { addUser, read } = await given(create);
      const user = await addUser();
      expect(await read((tx) => tx.accounts.findByEmail(user.email))).toEqual(user);
      expect(await read((tx) => tx.accounts.findByEmail('nobody@example.com'))).toBeUndefined();
    });

    test('a sign-in saves its time and nothing else, and the newest time stays (product 2.5)', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      for (const [at, lastLoginAt] of [
        ['2026-02-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'],
        ['2026-02-01T00:00:00.002Z', '2026-02-01T00:00:00.002Z'],
        ['2026-02-01T00:00:00.001Z', '2026-02-01T00:00:00.002Z'],
      ] as const) {
        await write((tx) => tx.accounts.saveSignIn(user, at));
        expect([await findUser(user.id), await findUser(other.id)]).toEqual([{ ...user, lastLoginAt }, other]);
      }
    });

    test('a sign-in is refused when its account has another address by then, or is gone (product 6.3)', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, deleted] = [await addUser(), await addUser()];
      await write((tx) => tx.users.save({ ...user, email: 'new@example.com' }, checked(user)));
      await write((tx) => tx.users.remove(deleted, checked(deleted)));
      for (const account of [user, deleted]) {
        const refused = write((tx) => tx.accounts.saveSignIn(account, '2026-02-01T00:00:00.000Z'));
        await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      }
      expect((await findUser(user.id))?.lastLoginAt).toBeNull();
    });

    test('a hash is replaced only while it is the stored one (product 1.3)', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      await write((tx) => tx.accounts.replaceHash(user, 'renewed'));
      const renewed = { ...user, passwordHash: 'renewed' };
      expect([await findUser(user.id), await findUser(other.id)]).toEqual([renewed, other]);
      await write((tx) => tx.accounts.replaceHash(user, 'too late'));
      expect(await findUser(user.id)).toEqual(renewed);
    });

    test('a new password is saved with its generation and the time of the change', async () => {
      const { addUser, findUser, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      const next = { ...user, version: 2, passwordHash: 'new', tokenGeneration: 2 };
      await write((tx) => tx.accounts.savePassword(next, '2026-02-01T00:00:00.000Z'));
      expect(await findUser(user.id)).toEqual({ ...next, updatedAt: '2026-02-01T00:00:00.000Z' });
      expect(await findUser(other.id)).toEqual(other);
    });
  });

  describe('the repository of sessions', () => {
    test('a refresh token is found with its session and its account', async () => {
      const { findToken, session, token, user } = await givenSession(create);
      expect(await findToken(token.hash)).toEqual({ token, session, account: user });
      expect(await findToken('unknown')).toBeUndefined();
    });

    test('the time at which a refresh token was used is recorded, and no other token changes', async () => {
      const { findToken, session, token, write } = await givenSession(create);
      const other = aToken(session);
      await write((tx) => tx.sessions.addToken(other));
      await write((tx) => tx.sessions.markUsed(token, 7));
      expect((await findToken(token.hash))?.token).toEqual({ ...token, usedAt: 7 });
      expect((await findToken(other.hash))?.token).toEqual(other);
    });

    test('a new refresh token is refused for a session that was revoked in the meantime (product 2.3)', async () => {
      const { findToken, session, user, write } = await givenSession(create);
      const late = aToken(session);
      const refused = write(async (tx) => {
        await write((other) => other.sessions.revokeAll(user.id, 5));
        tx.sessions.addToken(late);
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findToken(late.hash)).toBeUndefined();
    });

    test('a session whose version is saved keeps a revocation that happened in the meantime', async () => {
      const { findToken, session, token, write } = await givenSession(create);
      await write((tx) => tx.sessions.revoke({ ...session, version: 1 }, 5));
      await write((tx) => tx.sessions.saveVersion({ ...session, version: 2 }));
      expect((await findToken(token.hash))?.session).toEqual({ ...session, version: 2, revokedAt: 5 });
    });

    test('every valid session of an account is revoked, and no session of another account is (product 2.4)', async () => {
      const { addUser, findToken, token, user, write } = await givenSession(create);
      const [second, foreign] = [aSession(user), aSession(await addUser())];
      const [secondToken, foreignToken] = [aToken(second), aToken(foreign)];
      await write((tx) => {
        tx.sessions.add(second);
        tx.sessions.add(foreign);
        tx.sessions.addToken(secondToken);
        tx.sessions.addToken(foreignToken);
      });
      await write((tx) => tx.sessions.revokeAll(user.id, 9));
      const revokedAt = async ({ hash }: RefreshToken) => (await findToken(hash))?.session.revokedAt;
      expect(await revokedAt(token)).toBe(9);
      expect(await revokedAt(secondToken)).toBe(9);
      expect(await revokedAt(foreignToken)).toBeNull();
    });

    test('a session is revoked with its new version, and keeps the time of its first revocation', async () => {
      const { findToken, session, token, user, write } = await givenSession(create);
      await write((tx) => tx.sessions.revoke({ ...session, version: 1 }, 5));
      await write((tx) => tx.sessions.revokeAll(user.id, 9));
      expect((await findToken(token.hash))?.session).toEqual({ ...session, version: 1, revokedAt: 5 });
    });

    test('the revocation of a session is refused when the session was revoked or deleted in the meantime', async () => {
      const { findToken, session, token, user, write } = await givenSession(create);
      const revoke = (at: number) => write((tx) => tx.sessions.revoke({ ...session, version: 1 }, at));
      await write((tx) => tx.sessions.revokeAll(user.id, 5));
      await expect(revoke(9)).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect((await findToken(token.hash))?.session).toEqual({ ...session, revokedAt: 5 });
      await write((tx) => tx.users.remove(user, checked(user)));
      await expect(revoke(9)).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });

    test('a refresh token whose session was deleted in the meantime is refused', async () => {
      const { write } = await given(create);
      const withoutSession = write((tx) => tx.sessions.addToken(aToken(aSession(aUser()))));
      await expect(withoutSession).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });
  });

  describe('the repository of password resets', () => {
    test('a password reset whose account was deleted in the meantime is refused', async () => {
      const { write } = await given(create);
      const nobody = aUser();
      const refused = write((tx) => tx.passwordResets.add(aReset(nobody), nobody));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });

    test('a password reset is refused when its account has changed since it was read (product 2.6)', async () => {
      const { addUser, read, write } = await given(create);
      const user = await addUser();
      const reset = aReset(user);
      await write((tx) => tx.users.save({ ...user, version: 2, email: 'new@example.com' }, checked(user)));
      const refused = write((tx) => tx.passwordResets.add(reset, user));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await read((tx) => tx.passwordResets.find(reset.id))).toBeUndefined();
    });

    test.each([null, 5])('a request of an account is known for a time, also when it was used at %s', async (usedAt) => {
      const { addUser, read, write } = await given(create);
      const [user, other] = [await addUser(), await addUser()];
      const requestedAt = 1_000_000;
      const reset = aReset(user, { usedAt, expiresAt: requestedAt + lifetimes.passwordResetMs });
      await write((tx) => tx.passwordResets.add(reset, user));
      const since = (id: string, at: number) => read((tx) => tx.passwordResets.wasRequestedSince(id, at));
      expect(await since(user.id, requestedAt - 1)).toBe(true);
      expect(await since(user.id, requestedAt)).toBe(false);
      expect(await since(other.id, 0)).toBe(false);
    });

    test('of two requests that both found no other one, the second is refused (product 2.6)', async () => {
      const { addUser, read, write } = await given(create);
      const user = await addUser();
      const expiresAt = 1 + lifetimes.passwordResetMs;
      const [first, second] = [aReset(user, { expiresAt }), aReset(user, { expiresAt })];
      const request = (reset: PasswordReset, meanwhile: () => unknown) =>
        write(async (tx) => {
          expect(await tx.passwordResets.wasRequestedSince(user.id, 0)).toBe(false);
          await meanwhile();
          tx.passwordResets.add(reset, user);
        });
      const refused = request(second, () => request(first, () => {}));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await read((tx) => tx.passwordResets.find(first.id))).toBeDefined();
      expect(await read((tx) => tx.passwordResets.find(second.id))).toBeUndefined();
    });

    async function givenResets() {
      const system = await given(create);
      const [user, other] = [await system.addUser(), await system.addUser()];
      const [reset, second, foreign] = [aReset(user), aReset(user), aReset(other)];
      const used = aReset(user, { usedAt: 5 });
      await system.write((tx) => {
        for (const added of [reset, second, used]) tx.passwordResets.add(added, user);
        tx.passwordResets.add(foreign, other);
      });
      const find = (id: string) => system.read((tx) => tx.passwordResets.find(id));
      const usedAt = async () => {
        const found = await Promise.all([reset, second, foreign, used].map(({ id }) => find(id)));
        return found.map((row) => row?.reset.usedAt);
      };
      return { ...system, user, reset, foreign, find, usedAt };
    }

    test('a password reset is found with its account', async () => {
      const { find, reset, user } = await givenResets();
      expect(await find(reset.id)).toEqual({ reset, account: user });
      expect(await find('unknown')).toBeUndefined();
    });

    test('the use of a password reset ends every reset of the account, and no reset of another account (product 2.6)', async () => {
      const { find, reset, usedAt, write } = await givenResets();
      await write((tx) => tx.passwordResets.use(reset, 7));
      expect((await find(reset.id))?.reset).toEqual({ ...reset, usedAt: 7 });
      expect(await usedAt()).toEqual([7, 7, null, 5]);
    });

    test('the resets of an account are ended without a use, and a reset that was used keeps its time', async () => {
      const { usedAt, user, write } = await givenResets();
      await write((tx) => tx.passwordResets.endAll(user.id, 9));
      expect(await usedAt()).toEqual([9, 9, null, 5]);
    });

    test('the use of a password reset is refused when the reset was ended or deleted in the meantime', async () => {
      const { reset, usedAt, user, write } = await givenResets();
      const use = () => write((tx) => tx.passwordResets.use(reset, 11));
      await write((tx) => tx.passwordResets.endAll(user.id, 9));
      await expect(use()).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await usedAt()).toEqual([9, 9, null, 5]);
      await write((tx) => tx.users.remove(user, checked(user)));
      await expect(use()).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });
  });
}
