import { describe, expect, test } from 'vitest';
import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { CommandContext } from '../../../src/cqrs/writing/unit-of-work';
import { newId } from '../../../src/platform/ids';
import { UserPasswordChanged } from '../../../src/users/events';
import type { User } from '../../../src/users/user';
import { aContext, aUser, callerOf, checked } from '../factories';
import { anyEvent, type CreateImplementation, given, refusedByTest, type Tx } from './implementation';

/** A system with an account, and commands that are sent with a token of that account. */
async function givenCaller(create: CreateImplementation) {
  const system = await given(create);
  const user = await system.addUser();

  /** Runs a command whose access rule requires the token that `account` describes. */
  function runAs<Result>(
    account: User,
    handle: (tx: Tx) => Promise<Result> | Result,
    context: CommandContext = aContext(),
  ) {
    return system.unitOfWork.run(context, {
      authorize: ({ access }) => access.requireValidToken(callerOf(account)),
      handle: (_, tx) => handle(tx),
    });
  }

  /** Adds an account with an event, which is what a commit would leave behind. */
  const addAccount = (added: User) => (tx: Tx) => {
    tx.users.add(added);
    tx.record(anyEvent());
    return added.id;
  };

  return { ...system, user, runAs, addAccount };
}

const revoked = { kind: 'unauthenticated', code: 'auth.invalid-token', details: { reason: 'revoked' } };

/** A guard is checked on every way out of a command. */
export function describeGuards(create: CreateImplementation): void {
  describe('a guard', () => {
    test('a guard that holds lets the commit happen', async () => {
      const { addAccount, findUser, runAs, user } = await givenCaller(create);
      const { result } = await runAs(user, addAccount(aUser()));
      expect(await findUser(result)).toBeDefined();
    });

    test('a guard that does not hold refuses the commit with its own error, and leaves nothing (product 1.7)', async () => {
      const { addAccount, findUser, revokeTokens, run, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      const added = aUser();
      const context = aContext({ commandId: 'command', requestHashes: ['hash'] });
      await expect(runAs(user, addAccount(added), context)).rejects.toMatchObject(revoked);
      expect(await findUser(added.id)).toBeUndefined();
      expect((await run(() => 'nothing was stored', context)).isReplayed).toBeUndefined();
    });

    test('a guard that stops holding between the read and the commit refuses the commit (product 1.7)', async () => {
      const { addAccount, findUser, revokeTokens, runAs, user } = await givenCaller(create);
      const added = aUser();
      const refused = runAs(user, async (tx) => {
        await revokeTokens(user);
        return addAccount(added)(tx);
      });
      await expect(refused).rejects.toMatchObject(revoked);
      expect(await findUser(added.id)).toBeUndefined();
    });

    test('a guard is checked before the writes of its commit, so a command may end the token it was sent with', async () => {
      const { findUser, runAs, user } = await givenCaller(create);
      const next = { ...user, version: 2, tokenGeneration: 2 };
      await runAs(user, (tx) => {
        tx.users.save(next, checked(user));
        tx.record(UserPasswordChanged.create(user.id, 2, { by: 'change' }));
      });
      expect(await findUser(user.id)).toEqual(next);
    });

    test('a guard decides before a constraint does', async () => {
      const { addAccount, revokeTokens, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      const twin = aUser({ email: user.email });
      await expect(runAs(user, addAccount(twin))).rejects.toMatchObject(revoked);
    });

    test('a guard refuses a command that has nothing to change', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      await expect(runAs(user, () => 'unchanged')).rejects.toMatchObject(revoked);
    });

    test('a guard refuses a repeatable command that has nothing to change, and no response is stored', async () => {
      const { revokeTokens, run, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      const context = aContext({ commandId: 'command', requestHashes: ['hash'] });
      await expect(runAs(user, () => 'unchanged', context)).rejects.toMatchObject(revoked);
      expect((await run(() => 'new', context)).result).toBe('new');
    });

    test('a guard replaces the refusal of a handler, so that a revoked caller learns nothing else', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      const refuse = () => {
        throw refusedByTest({});
      };
      await expect(runAs(user, refuse)).rejects.toMatchObject({ code: 'test.refused' });
      await revokeTokens(user);
      await expect(runAs(user, refuse)).rejects.toMatchObject(revoked);
    });

    test('a guard replaces the refusal of the access rule itself', async () => {
      const { revokeTokens, unitOfWork, user } = await givenCaller(create);
      await revokeTokens(user);
      const refused = unitOfWork.run(aContext(), {
        authorize({ access }) {
          access.requireValidToken(callerOf(user));
          throw refusedByTest({});
        },
        handle: () => expect.unreachable('The access rule refused, so no handler may run.'),
      });
      await expect(refused).rejects.toMatchObject(revoked);
    });

    test('a guard leaves a refusal on a replica as it is, because the command runner asks the primary', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      const refuse = () => {
        throw refusedByTest({});
      };
      const refused = runAs(user, refuse, aContext({ readFrom: 'first-unconstrained' }));
      await expect(refused).rejects.toMatchObject({ code: 'test.refused' });
    });

    test('a guard leaves an error that is no refusal as it is', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      const broken = runAs(user, () => {
        throw new Error('The handler is broken.');
      });
      await expect(broken).rejects.toThrow('The handler is broken.');
    });

    test('a guard refuses to replay a stored response, on the primary and on a replica', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      const context = aContext({ commandId: 'command', requestHashes: ['hash'] });
      await runAs(user, () => 'first', context);
      expect(await runAs(user, () => 'second', context)).toMatchObject({ result: 'first', isReplayed: true });
      await revokeTokens(user);
      await expect(runAs(user, () => 'third', context)).rejects.toMatchObject(revoked);
      const replica = { ...context, readFrom: 'first-unconstrained' };
      await expect(runAs(user, () => 'fourth', replica)).rejects.toMatchObject(revoked);
    });

    test('a guard replaces the refusal of an Idempotency-Key that was used before', async () => {
      const { revokeTokens, runAs, user } = await givenCaller(create);
      const context = aContext({ commandId: 'command', requestHashes: ['hash'] });
      await runAs(user, () => 'first', context);
      await revokeTokens(user);
      const reused = runAs(user, () => 'second', { ...context, requestHashes: ['other'] });
      await expect(reused).rejects.toMatchObject(revoked);
    });

    test('a guard can refuse with a ConcurrencyError, after which the command runner makes another attempt', async () => {
      const { addAccount, findUser, revokeTokens, run, user } = await givenCaller(create);
      await revokeTokens(user);
      const added = aUser();
      const refused = run((tx) => {
        tx.access.requireUnchanged(user, () => new ConcurrencyError());
        return addAccount(added)(tx);
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError', code: 'concurrency.conflict' });
      expect(await findUser(added.id)).toBeUndefined();
    });

    test('a guard that a handler added is checked like a guard of the access rule', async () => {
      const { revokeTokens, run, user } = await givenCaller(create);
      await revokeTokens(user);
      const guarded = (refuse: boolean) =>
        run((tx) => {
          tx.access.requireValidToken(callerOf(user));
          if (refuse) throw refusedByTest({});
          return 'unchanged';
        });
      await expect(guarded(true)).rejects.toMatchObject(revoked);
      await expect(guarded(false)).rejects.toMatchObject(revoked);
    });

    test('a guard that was added first refuses first', async () => {
      const { run, user } = await givenCaller(create);
      const unknown = aUser();
      const refused = run((tx) => {
        tx.access.requireUnchanged(user, () => expect.unreachable('This guard holds.'));
        tx.access.requireUnchanged(unknown, () => refusedByTest({}));
        tx.access.requireValidToken(callerOf(unknown));
        tx.record(anyEvent());
      });
      await expect(refused).rejects.toMatchObject({ code: 'test.refused' });
    });

    test('a guard is checked for one command only', async () => {
      const { addAccount, findUser, revokeTokens, run, runAs, user } = await givenCaller(create);
      await revokeTokens(user);
      await expect(runAs(user, () => 'unchanged')).rejects.toMatchObject(revoked);
      const { result } = await run(addAccount(aUser()));
      expect(await findUser(result)).toBeDefined();
    });
  });

  describe('the check of a caller’s token (product 1.7)', () => {
    const cases: [string, Partial<User>, boolean][] = [
      ['accepts the generation of the active account', {}, true],
      ['refuses an older generation', { tokenGeneration: 3 }, false],
      ['refuses a newer generation', { tokenGeneration: 5 }, false],
      ['refuses another role than that of the account, whatever the generation', { role: 'admin' }, false],
      ['refuses an account that does not exist', { id: newId() }, false],
    ];

    test.each(cases)('the check of a token %s', async (_, token, isValid) => {
      const { addUser, run } = await given(create);
      const user = await addUser(aUser({ tokenGeneration: 4 }));
      const stated = { ...user, ...token };
      const byToken = run((tx) => tx.access.requireValidToken(callerOf(stated)));
      const byState = run((tx) => tx.access.requireUnchanged(stated, () => refusedByTest({})));
      const outcomes = await Promise.allSettled([byToken, byState]);
      const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'accepted'));
      expect(codes).toEqual(isValid ? ['accepted', 'accepted'] : ['auth.invalid-token', 'test.refused']);
    });

    test('the check of a token refuses an account that is not active, whatever its generation', async () => {
      const { addUser, run } = await given(create);
      const user = await addUser(aUser({ isActive: false }));
      await expect(run((tx) => tx.access.requireValidToken(callerOf(user)))).rejects.toMatchObject(revoked);
      const unchanged = run((tx) => tx.access.requireUnchanged(user, () => refusedByTest({})));
      await expect(unchanged).rejects.toMatchObject({ code: 'test.refused' });
    });
  });
}
