import { describe, expect, test } from 'vitest';
import { activeAccount, activeAdmin, anyone } from '../../src/access/access-rules';
import {
  type AccountStatus,
  asChecked,
  type Caller,
  isStaff,
  isTokenValid,
  type Role,
  requireAdmin,
  requireStaff,
  roles,
} from '../../src/access/caller';
import { newId } from '../../src/platform/ids';
import { aUser, checked } from '../support/factories';

function actorOf(role: Role) {
  return checked(aUser({ role }));
}

function refusal(role: Role, allowed: Role[]) {
  return expect.objectContaining({
    kind: 'forbidden',
    code: 'auth.insufficient-role',
    details: { role, allowed },
  });
}

describe('the role rules (product 1.7)', () => {
  test('the roles are customer, agent and admin', () => expect(roles).toEqual(['customer', 'agent', 'admin']));

  test.each<[Role, boolean]>([
    ['customer', false],
    ['agent', true],
    ['admin', true],
  ])('the role %s belongs to staff: %s', (role, expected) => {
    const actor = actorOf(role);
    expect(isStaff(actor)).toBe(expected);
    if (expected) expect(requireStaff(actor)).toBe(actor);
    else expect(() => requireStaff(actor)).toThrow(refusal(role, ['agent', 'admin']));
  });

  test.each<[Role, boolean]>([
    ['customer', false],
    ['agent', false],
    ['admin', true],
  ])('the role %s may do what an admin may do: %s', (role, expected) => {
    const actor = actorOf(role);
    if (expected) expect(requireAdmin(actor)).toBe(actor);
    else expect(() => requireAdmin(actor)).toThrow(refusal(role, ['admin']));
  });
});

describe('a token is valid (product 1.7)', () => {
  const caller: Caller = { userId: newId(), role: 'customer', tokenGeneration: 4 };
  const status: AccountStatus = { id: caller.userId, role: 'customer', isActive: true, tokenGeneration: 4 };

  test.each<[string, AccountStatus | undefined, boolean]>([
    ['a token is valid for an active account of the same generation', status, true],
    ['a token is not valid after the generation was raised', { ...status, tokenGeneration: 5 }, false],
    [
      'a token is not valid for a generation that the account has not reached',
      { ...status, tokenGeneration: 3 },
      false,
    ],
    ['a token is not valid for another role, whatever the generation', { ...status, role: 'agent' }, false],
    ['a token is not valid for an inactive account', { ...status, isActive: false }, false],
    ['a token is not valid for an account that does not exist', undefined, false],
  ])('%s', (_, account, expected) => expect(isTokenValid(account, caller)).toBe(expected));
});

describe('an access rule of commands', () => {
  /** Runs a rule, and returns its outcome and the tokens for which the rule added a guard. */
  function check(rule: typeof activeAccount, role: Role | undefined) {
    const guarded: Caller[] = [];
    const access = {
      requireValidToken: (caller: Caller) => void guarded.push(caller),
      requireUnchanged: () => expect.unreachable('A rule checks the token of the caller.'),
    };
    const caller = role && { userId: newId(), role, tokenGeneration: 7 };
    try {
      return { caller, guarded, actor: rule(caller, { access }) };
    } catch (error) {
      return { caller, guarded, error };
    }
  }

  test.each([
    ['activeAccount', activeAccount],
    ['activeAdmin', activeAdmin],
  ] as const)('%s refuses a request without a token', (_, rule) => {
    const { error, guarded } = check(rule, undefined);
    expect(error).toMatchObject({ kind: 'unauthenticated', code: 'auth.required' });
    expect(guarded).toEqual([]);
  });

  test.each(roles)('activeAccount returns a caller with the role %s, and guards the caller’s token', (role) => {
    const { actor, caller, guarded } = check(activeAccount, role);
    expect(actor).toEqual({ id: caller?.userId, role });
    expect(guarded).toEqual([caller]);
  });

  test('activeAdmin returns an admin, and guards the admin’s token', () => {
    const { actor, caller, guarded } = check(activeAdmin, 'admin');
    expect(actor).toEqual({ id: caller?.userId, role: 'admin' });
    expect(guarded).toEqual([caller]);
  });

  test.each(['customer', 'agent'] as const)(
    'activeAdmin guards the token before it refuses the role %s, so a revoked caller learns nothing of roles',
    (role) => {
      const { caller, error, guarded } = check(activeAdmin, role);
      expect(error).toEqual(refusal(role, ['admin']));
      expect(guarded).toEqual([caller]);
    },
  );

  test('the rule anyone needs no token', () => expect(anyone()).toBeUndefined());

  test('a checked actor has the id and the role that the token states', () => {
    const caller: Caller = { userId: newId(), role: 'agent', tokenGeneration: 1 };
    expect(asChecked(caller)).toEqual({ id: caller.userId, role: 'agent' });
  });
});
