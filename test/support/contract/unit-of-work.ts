import { describe, expect, test } from 'vitest';
import { newId } from '../../../src/platform/ids';
import { SettingsUpdated, UserRegistered, UserUpdated } from '../../../src/users/events';
import { aContext, aUser, checked, settingsOf } from '../factories';
import { type CreateImplementation, given, refusedByTest, type Tx } from './implementation';

const hourMs = 3_600_000;

/** A clock that stands still until a test moves it. */
function createClock(start: number) {
  let now = start;
  return {
    now: () => now,
    advance(ms: number) {
      now += ms;
    },
  };
}

/** Renames an account from the state that the command reads, with something that happens between read and commit. */
function rename(id: string, name: string, meanwhile: () => Promise<unknown> = async () => {}) {
  return async (tx: Tx) => {
    const [user] = await tx.users.findAll([id]);
    if (!user) throw new Error('There is no such user.');
    await meanwhile();
    tx.users.save({ ...user, name, version: user.version + 1 }, checked(user));
    tx.record(UserUpdated.create(id, user.version + 1, { fields: ['name'] }));
  };
}

/** The contract of commits: atomic writes, the order of commits, repeated commands, and events. */
export function describeCommits(create: CreateImplementation): void {
  describe('a commit', () => {
    test('a commit stores the state, and its position is one higher than that of the commit before', async () => {
      const { addUser, findUser, run } = await given(create);
      const user = await addUser();
      expect(await findUser(user.id)).toEqual(user);
      const first = await run(rename(user.id, 'One'));
      const second = await run(rename(user.id, 'Two'));
      expect(second.commit.position).toBe(first.commit.position + 1);
    });

    test('a commit with several events has the position of its last event, and the events follow each other', async () => {
      const { addUser, eventsOf, run } = await given(create);
      const user = await addUser();
      const { commit } = await run((tx) => {
        tx.users.save({ ...user, version: 3 }, checked(user));
        tx.record(UserUpdated.create(user.id, 2, { fields: ['name'] }));
        tx.record(UserUpdated.create(user.id, 3, { fields: ['email'] }));
      });
      const [, second, third] = await eventsOf(user.id);
      expect([second?.version, third?.version]).toEqual([2, 3]);
      expect([second?.position, third?.position]).toEqual([commit.position - 1, commit.position]);
    });

    test('a commit writes its events together with their deliveries (product 7.1)', async () => {
      const clock = createClock(Date.parse('2026-02-03T04:05:06.000Z'));
      const { addUser, deliveriesOf, run } = await given(create, clock);
      const user = await addUser();
      const { commit } = await run(rename(user.id, 'One'));
      const delivery = {
        status: 'pending',
        attempts: 0,
        failures: 0,
        lastError: null,
        availableAt: clock.now() + 30_000,
      };
      expect(await deliveriesOf(commit.position)).toEqual([
        { subscription: 'emails', ...delivery },
        { subscription: 'projections', ...delivery },
      ]);
    });

    test('an event is stored with its time, and with the command, the request and the account that it came from', async () => {
      const clock = createClock(Date.parse('2026-02-03T04:05:06.789Z'));
      const { eventsOf, run } = await given(create, clock);
      const [id, actorId] = [newId(), newId()];
      const origin = { commandId: newId(), requestId: newId(), traceparent: '00-1-2-01', actorId };
      await run((tx) => tx.record(UserRegistered.create(id, 1, { role: 'agent' })), aContext(origin));
      expect(await eventsOf(id)).toEqual([
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          position: expect.any(Number),
          type: 'UserRegistered',
          streamType: 'user',
          streamId: id,
          version: 1,
          schemaVersion: 1,
          data: { role: 'agent' },
          metadata: origin,
          occurredAt: '2026-02-03T04:05:06.789Z',
        },
      ]);
    });

    test('a commit does not happen when the handler throws', async () => {
      const { eventsOf, findUser, run } = await given(create);
      const user = aUser();
      const refused = run((tx) => {
        tx.users.add(user);
        tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
        throw new Error('The handler changed its mind.');
      });
      await expect(refused).rejects.toThrow('The handler changed its mind.');
      expect([await findUser(user.id), await eventsOf(user.id)]).toEqual([undefined, []]);
    });

    test('a commit with a write but without an event is refused', async () => {
      const { findUser, run } = await given(create);
      const user = aUser();
      await expect(run((tx) => tx.users.add(user))).rejects.toThrow('without an event');
      expect(await findUser(user.id)).toBeUndefined();
    });

    test('a commit that was decided on a state that another commit changed is refused (product 6.3)', async () => {
      const { addUser, findUser, run } = await given(create);
      const user = await addUser();
      const loser = run(rename(user.id, 'Loser', () => run(rename(user.id, 'Winner'))));
      await expect(loser).rejects.toMatchObject({ name: 'ConcurrencyError', code: 'concurrency.conflict' });
      expect(await findUser(user.id)).toMatchObject({ name: 'Winner', version: 2 });
    });

    test('a version belongs to one stream: streams with the same id and another type have their own versions', async () => {
      const { addUser, eventsOf, run } = await given(create);
      const user = await addUser();
      await run((tx) => {
        tx.settings.save({ ...settingsOf(user), locale: 'de' }, checked(user));
        tx.record(SettingsUpdated.create(user.id, 1, { fields: ['locale'] }));
      });
      expect((await eventsOf(user.id)).map(({ type }) => type)).toEqual(['UserRegistered', 'SettingsUpdated']);
    });

    test('a commit that breaks a constraint after other writes leaves none of them', async () => {
      const { addUser, eventsOf, findUser, read, run } = await given(create);
      const user = await addUser();
      const twin = aUser({ email: user.email });
      const refused = run((tx) => {
        tx.users.save({ ...user, name: 'Somebody else', version: 2 }, checked(user));
        tx.users.add(twin);
        tx.settings.add(settingsOf(twin));
        tx.record(UserRegistered.create(twin.id, 1, { role: 'customer' }));
      });
      await expect(refused).rejects.toMatchObject({ code: 'users.email-taken' });
      expect(await findUser(user.id)).toEqual(user);
      expect(await findUser(twin.id)).toBeUndefined();
      expect(await read((tx) => tx.settings.find(twin.id))).toBeUndefined();
      expect(await eventsOf(twin.id)).toEqual([]);
    });
  });

  describe('an event that its own schema refuses', () => {
    const wrongEvents = [
      [
        'has data that does not fit',
        { ...UserRegistered.create(newId(), 1, { role: 'customer' }), data: { role: 'x' } },
      ],
      [
        'has a field too many',
        { ...UserRegistered.create(newId(), 1, { role: 'customer' }), data: { role: 'agent', name: 'Ada' } },
      ],
      [
        'has a type that the catalogue does not know',
        { ...UserRegistered.create(newId(), 1, { role: 'customer' }), type: 'UserRenamed' },
      ],
    ] as const;

    test.each(wrongEvents)('an event that %s is refused by record(), and leaves nothing', async (_, wrong) => {
      const { eventsOf, findUser, run } = await given(create);
      const user = aUser();
      const thrown: unknown[] = [];
      const refused = run((tx) => {
        tx.users.add(user);
        tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
        try {
          tx.record(wrong);
        } catch (error) {
          thrown.push(error);
          throw error;
        }
      });
      await expect(refused).rejects.toThrow();
      expect(thrown).toHaveLength(1);
      expect(await findUser(user.id)).toBeUndefined();
      expect([...(await eventsOf(user.id)), ...(await eventsOf(wrong.streamId))]).toEqual([]);
    });
  });

  describe('a command with nothing to change', () => {
    test('a command with nothing to change returns the position of the end of the log', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser();
      const renamed = await run(rename(user.id, 'Renamed'));
      const { commit, result } = await run((tx) => tx.users.findAll([user.id]));
      expect(commit.position).toBe(renamed.commit.position);
      expect(result).toHaveLength(1);
    });

    test.each(['first-unconstrained', '00000000-00000001-00000000-abc'])(
      'a command without a change on a replica (%s) must be decided on the primary',
      async (readFrom) => {
        const { run } = await given(create);
        const replica = run(() => 'unchanged', aContext({ readFrom, requestHashes: ['hash'], commandId: 'command' }));
        await expect(replica).rejects.toMatchObject({ name: 'ConcurrencyError' });
        const primary = await run(() => 'changed', aContext({ requestHashes: ['hash'], commandId: 'command' }));
        expect(primary).toMatchObject({ result: 'changed' });
        expect(primary.isReplayed).toBeUndefined();
      },
    );
  });

  describe('a repeatable command (product 6.2)', () => {
    const commandId = 'command';

    test('a repeatable command is carried out once, and its repetition returns the stored response', async () => {
      const { findUser, run } = await given(create);
      const user = aUser();
      const register = (requestHash: string) =>
        run(
          (tx) => {
            tx.users.add(user);
            tx.record(UserRegistered.create(user.id, 1, { role: user.role }));
            return { id: user.id, once: newId() };
          },
          aContext({ commandId, requestHashes: [requestHash] }),
        );
      const first = await register('first');
      expect(first.isReplayed).toBeUndefined();
      const { position } = first.commit;
      const repeated = await register('first');
      expect(repeated).toMatchObject({ result: first.result, commit: { position }, isReplayed: true });
      await expect(register('second')).rejects.toMatchObject({ code: 'http.idempotency-key-reused' });
      expect((await findUser(user.id))?.version).toBe(1);
    });

    test('a stored response is recognised by any of the hashes of its payload, and keeps the hash that it was stored with', async () => {
      const { run } = await given(create);
      const send = (...requestHashes: [string, ...string[]]) =>
        run(() => newId(), aContext({ commandId, requestHashes }));
      const first = await send('of the old secret');
      for (let repetition = 0; repetition < 2; repetition++) {
        const repeated = await send('of the new secret', 'of the old secret');
        expect(repeated).toMatchObject({ result: first.result, isReplayed: true });
      }
      await expect(send('of the new secret')).rejects.toMatchObject({ code: 'http.idempotency-key-reused' });
    });

    test('a response is stored with the first hash of its payload', async () => {
      const { run } = await given(create);
      const send = (...requestHashes: [string, ...string[]]) =>
        run(() => newId(), aContext({ commandId, requestHashes }));
      const first = await send('of the new secret', 'of the old secret');
      expect(await send('of the new secret')).toMatchObject({ result: first.result, isReplayed: true });
      await expect(send('of the old secret')).rejects.toMatchObject({ code: 'http.idempotency-key-reused' });
    });

    test('a command with a stored response is not handled again, and the response keeps its original position', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser();
      const context = aContext({ commandId, requestHashes: ['hash'] });
      const first = await run(rename(user.id, 'One'), context);
      await run(rename(user.id, 'Two'));
      const replayed = await run(() => expect.unreachable('The handler ran a second time.'), context);
      expect(replayed.commit.position).toBe(first.commit.position);
    });

    test('a command that returned nothing returns null when it is repeated', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser();
      const context = aContext({ commandId, requestHashes: ['hash'] });
      await run(rename(user.id, 'One'), context);
      expect(await run(() => 'again', context)).toMatchObject({ result: null, isReplayed: true });
    });

    test('a repeatable command that had nothing to change has its response stored too', async () => {
      const { run } = await given(create);
      const context = aContext({ commandId, requestHashes: ['hash'] });
      const first = await run(() => newId(), context);
      expect(await run(() => newId(), context)).toMatchObject({ result: first.result, isReplayed: true });
    });

    test('a stranger’s repeatable command that had nothing to change stores nothing, and one that changed something does', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser();
      const context = aContext({ commandId, requestHashes: ['hash'], storesOnlyChanges: true });
      const [first, second] = [await run(() => newId(), context), await run(() => newId(), context)];
      expect(second).toMatchObject({ result: expect.not.stringMatching(first.result) });
      expect(second.isReplayed).toBeUndefined();
      await run(rename(user.id, 'Changed'), context);
      expect(await run(rename(user.id, 'Again'), context)).toMatchObject({ isReplayed: true });
    });

    test('a stranger’s command that has nothing to change any more because its twin changed it gets the response of the twin', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser();
      const context = aContext({ commandId, requestHashes: ['hash'], storesOnlyChanges: true });
      let twin: Awaited<ReturnType<typeof run>> | undefined;
      const response = await run(async () => {
        twin = await run(rename(user.id, 'Twin'), context);
      }, context);
      expect(response).toMatchObject({ isReplayed: true, commit: { position: twin?.commit.position } });
    });

    test('a command that is refused because its twin succeeded in the meantime gets the response of the twin', async () => {
      const { addUser, eventsOf, run } = await given(create);
      const user = await addUser();
      const context = aContext({ commandId, requestHashes: ['hash'] });
      const response = await run(async () => {
        await run(rename(user.id, 'Twin'), context);
        throw refusedByTest({});
      }, context);
      expect(response.isReplayed).toBe(true);
      expect(await eventsOf(user.id)).toHaveLength(2);
    });

    test('a repeatable command that was refused has no stored response, so it can succeed later', async () => {
      const { run } = await given(create);
      const context = aContext({ commandId, requestHashes: ['hash'] });
      await expect(
        run(() => {
          throw refusedByTest({});
        }, context),
      ).rejects.toMatchObject({ code: 'test.refused' });
      expect(await run(() => 'done', context)).toMatchObject({ result: 'done' });
    });

    test('a command whose twin commits first is refused, and finds the response of the twin in its next attempt', async () => {
      const { addUser, eventsOf, run } = await given(create);
      const [one, two] = [await addUser(), await addUser()];
      const context = aContext({ commandId, requestHashes: ['hash'] });
      const twin = () => run(rename(two.id, 'Twin'), context);
      await expect(run(rename(one.id, 'Late', twin), context)).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await eventsOf(one.id)).toHaveLength(1);
      expect(await run(() => 'again', context)).toMatchObject({ isReplayed: true });
    });

    test('a repeatable command is a new command when its stored response is 24 hours old', async () => {
      const clock = createClock(Date.now());
      const { run } = await given(create, clock);
      const context = aContext({ commandId, requestHashes: ['hash'] });
      await run(() => 'first', context);
      clock.advance(24 * hourMs - 1);
      expect(await run(() => 'second', context)).toMatchObject({ result: 'first', isReplayed: true });
      clock.advance(1);
      expect((await run(() => 'third', context)).result).toBe('third');
      expect(await run(() => 'fourth', context)).toMatchObject({ result: 'third', isReplayed: true });
    });

    test('a command without a request hash stores no response', async () => {
      const { run } = await given(create);
      const context = aContext({ commandId });
      await run(() => 'first', context);
      expect((await run(() => 'second', context)).result).toBe('second');
    });
  });
}
