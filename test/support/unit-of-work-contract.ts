import { describe, expect, test } from 'vitest';
import type { UnitOfWork } from '../../src/cqrs/writing/unit-of-work';
import { newId } from '../../src/platform/ids';
import { UserRegistered, UserUpdated } from '../../src/users/events';
import { aContext, aUser, settingsOf } from './factories';
import type { Repositories } from './memory-unit-of-work';

/** What every unit of work promises, whatever it stores in. */
export function describeUnitOfWork(name: string, create: () => UnitOfWork<Repositories>): void {
  async function registered(unitOfWork: UnitOfWork<Repositories>, user = aUser()) {
    await unitOfWork.run(aContext(), async (tx) => {
      tx.users.add(user);
      tx.settings.add(settingsOf(user));
      tx.record(UserRegistered.create(user.id, 1, { role: user.role }));
    });
    return user;
  }

  function rename(unitOfWork: UnitOfWork<Repositories>, id: string, name: string, meanwhile?: () => Promise<unknown>) {
    return unitOfWork.run(aContext(), async (tx) => {
      const [user] = await tx.users.findAll([id]);
      if (!user) throw new Error('no such user');
      await meanwhile?.();
      tx.users.save({ ...user, name, version: user.version + 1 });
      tx.record(UserUpdated.create(id, user.version + 1, { fields: ['name'] }));
    });
  }

  async function find(unitOfWork: UnitOfWork<Repositories>, id: string) {
    const { result } = await unitOfWork.run(aContext(), (tx) => tx.users.findAll([id]));
    return result[0];
  }

  describe(`the unit of work ${name}`, () => {
    test('commits state and answers a position that grows', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      expect(await find(unitOfWork, user.id)).toEqual(user);
      const first = await rename(unitOfWork, user.id, 'One');
      const second = await rename(unitOfWork, user.id, 'Two');
      expect(second.commit.position).toBe(first.commit.position + 1);
    });

    test('leaves nothing behind when the work throws', async () => {
      const unitOfWork = create();
      const user = aUser();
      const work = unitOfWork.run(aContext(), async (tx) => {
        tx.users.add(user);
        tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
        throw new Error('changed my mind');
      });
      await expect(work).rejects.toThrow('changed my mind');
      expect(await find(unitOfWork, user.id)).toBeUndefined();
    });

    test('refuses state without an event', async () => {
      const unitOfWork = create();
      const user = aUser();
      await expect(unitOfWork.run(aContext(), async (tx) => tx.users.add(user))).rejects.toThrow('without an event');
      expect(await find(unitOfWork, user.id)).toBeUndefined();
    });

    test('lets one of two concurrent changes win and tells the other', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      const loser = rename(unitOfWork, user.id, 'Loser', () => rename(unitOfWork, user.id, 'Winner'));
      await expect(loser).rejects.toMatchObject({ code: 'concurrency.conflict' });
      expect(await find(unitOfWork, user.id)).toMatchObject({ name: 'Winner', version: 2 });
    });

    test('holds e-mail addresses unique, and leaves no half of the refused account', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      const twin = aUser({ email: user.email });
      await expect(registered(unitOfWork, twin)).rejects.toMatchObject({ code: 'users.email-taken' });
      expect(await find(unitOfWork, twin.id)).toBeUndefined();
      const { result } = await unitOfWork.run(aContext(), (tx) => tx.settings.findWithUsers(twin.id, []));
      expect(result.settings).toBeUndefined();
    });

    test('carries out a repeatable command once, and answers it the same again', async () => {
      const unitOfWork = create();
      const user = aUser();
      const context = aContext({ requestHash: 'first' });
      const register = (requestHash: string) =>
        unitOfWork.run({ ...context, requestHash }, async (tx) => {
          tx.users.add(user);
          tx.record(UserRegistered.create(user.id, 1, { role: user.role }));
          return { id: user.id, at: newId() };
        });
      const first = await register('first');
      const { position } = first.commit;
      expect(await register('first')).toEqual({ ...first, commit: { position, bookmark: null }, isReplayed: true });
      await expect(register('second')).rejects.toMatchObject({ code: 'http.idempotency-key-reused' });
      expect((await find(unitOfWork, user.id))?.version).toBe(1);
    });

    test('keeps the answer of a command that had nothing to change', async () => {
      const unitOfWork = create();
      const run = () => unitOfWork.run(aContext({ commandId: 'same', requestHash: 'x' }), async () => newId());
      const first = await run();
      expect(await run()).toMatchObject({ result: first.result, isReplayed: true });
    });

    test('answers where the log stands when there was nothing to change', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      const renamed = await rename(unitOfWork, user.id, 'Renamed');
      const { commit } = await unitOfWork.run(aContext(), (tx) => tx.users.findAll([user.id]));
      expect(commit.position).toBe(renamed.commit.position);
    });

    test('deletes what belongs to an account with it', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      const session = { id: newId(), userId: user.id, version: 0, createdAt: user.createdAt, revokedAt: null };
      const token = { hash: newId(), sessionId: session.id, expiresAt: 1, usedAt: null };
      await unitOfWork.run(aContext(), async (tx) => {
        tx.sessions.add(session);
        tx.sessions.addToken(token);
        tx.record(UserUpdated.create(user.id, 2, { fields: [] }));
      });
      await unitOfWork.run(aContext(), async (tx) => {
        expect(await tx.sessions.findByTokenHash(token.hash)).toEqual({ token, session, user });
        tx.users.remove(user);
        tx.record(UserUpdated.create(user.id, 3, { fields: [] }));
      });
      const { result } = await unitOfWork.run(aContext(), (tx) => tx.sessions.findByTokenHash(token.hash));
      expect(result).toBeUndefined();
    });

    test('refuses a new token for a family that was revoked meanwhile', async () => {
      const unitOfWork = create();
      const user = await registered(unitOfWork);
      const session = { id: newId(), userId: user.id, version: 0, createdAt: user.createdAt, revokedAt: null };
      await unitOfWork.run(aContext(), async (tx) => {
        tx.sessions.add(session);
        tx.record(UserUpdated.create(user.id, 2, { fields: [] }));
      });
      await unitOfWork.run(aContext(), async (tx) => {
        tx.sessions.revokeAll(user.id, 5);
        tx.record(UserUpdated.create(user.id, 3, { fields: [] }));
      });
      const late = unitOfWork.run(aContext(), async (tx) => {
        tx.sessions.addToken({ hash: newId(), sessionId: session.id, expiresAt: 1, usedAt: null });
        tx.record(UserUpdated.create(user.id, 4, { fields: [] }));
      });
      await expect(late).rejects.toMatchObject({ code: 'concurrency.conflict' });
    });
  });
}
