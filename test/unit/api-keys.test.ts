import { readFileSync } from 'node:fs';
import { crc32 as referenceCrc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createAccessTokens } from '../../src/access/access-token';
import type { Caller } from '../../src/access/caller';
import { crc32, createKeyTexts, keyPattern, keyPrefix, readKeyText } from '../../src/access/key-text';
import { scopeMeanings, scopes } from '../../src/access/scopes';
import { withinScopes } from '../../src/access/within-scopes';
import { createKeyedHashes } from '../../src/auth/secret-token';
import { newId } from '../../src/platform/ids';
import type { User } from '../../src/users/user';
import { anApiKey, aUser, password } from '../support/factories';
import { givenCommands, keyTexts, resetTokens } from '../support/given-commands';

const api = readFileSync('docs/api.md', 'utf8');
const name = { keyId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11', userId: 'ffffffff-ffff-ffff-bfff-ffffffffffff' };
const text = keyTexts.textOf(name, 'seed') ?? '';
const textsWith = (...secrets: [string, ...string[]]) => createKeyTexts(secrets, createKeyedHashes(secrets));

describe('the text of an API key (product 9.1)', () => {
  test('is read as what it names, whatever the ids are', () => {
    expect(readKeyText(text)).toEqual(name);
    const smallest = { keyId: '00000000-0000-0000-0000-000000000000', userId: newId() };
    expect(readKeyText(keyTexts.textOf(smallest, 'seed') ?? '')).toEqual(smallest);
    expect(text.startsWith(keyPrefix(name.keyId))).toBe(true);
    expect(text).toHaveLength(96);
  });

  test('fits the expression for secret scanners that docs/api.md gives', () => {
    const [, expression = ''] = /`\\b(fd_[^`]+)\\b`/.exec(api) ?? [];
    expect(text).toMatch(new RegExp(`^${expression}$`));
    expect(text).toMatch(keyPattern);
  });

  test('has the checksum of CRC-32, as any library computes it', () => {
    for (const sample of ['', 'a', '123456789', text]) expect(crc32(sample)).toBe(referenceCrc32(sample));
  });

  test('is not read with one character changed, left out, added or swapped', () => {
    for (let index = 0; index < text.length; index++) {
      const [before, own, after] = [text.slice(0, index), text[index], text.slice(index + 1)];
      expect(readKeyText(`${before}${own === 'x' ? 'y' : 'x'}${after}`)).toBeUndefined();
      expect(readKeyText(`${before}${after}`)).toBeUndefined();
      expect(readKeyText(`${before}0${own}${after}`)).toBeUndefined();
      const swapped = `${before}${after[0] ?? ''}${own}${after.slice(1)}`;
      if (swapped !== text) expect(readKeyText(swapped)).toBeUndefined();
    }
  });

  test('is made of a seed and the secret, so that neither tells it alone', () => {
    expect(keyTexts.textOf(name, 'seed')).toBe(text);
    expect(keyTexts.textOf(name, 'another seed')).not.toBe(text);
    expect(textsWith('another').textOf(name, 'seed')).not.toBe(text);
    expect(keyTexts.newSeed()).not.toBe(keyTexts.newSeed());
  });

  test('can be shown again after the secret was replaced, as long as the former one is configured (product 9.1)', () => {
    const [before, during, after] = [textsWith('old'), textsWith('new', 'old'), textsWith('new')];
    const made = before.textOf(name, 'seed') ?? '';
    const [hash] = before.hashesOf(made);
    expect(during.textOf(name, 'seed', hash)).toBe(made);
    expect(during.hashesOf(made)).toContain(hash);
    expect(after.textOf(name, 'seed', hash)).toBeUndefined();
    expect(after.hashesOf(made)[0]).toBe(during.hashesOf(made)[0]);
  });
});

const key = { id: newId(), scopes: ['orders:read', 'tickets:write'] as const };
const caller: Caller = { userId: newId(), role: 'agent', tokenGeneration: 3, key };

describe('an access token for an API key (product 9.6)', () => {
  const clock = { now: () => Date.parse('2026-03-01T10:00:00.000Z') };
  const config = { issuer: 'https://a.example', audience: 'a', tokenSecrets: ['a-secret'] as const };
  const tokens = createAccessTokens(config, clock);
  const claimsOf = (token: string) =>
    JSON.parse(atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/')));

  test('states the key and its scopes', async () => {
    const { token, expiresInSeconds } = await tokens.issue(caller);
    expect(await tokens.verify(token)).toEqual(caller);
    expect(expiresInSeconds).toBe(900);
    expect(claimsOf(token)).toMatchObject({ client_id: key.id, scope: 'orders:read tickets:write' });
  });

  test('has no claim `role`, so that version 0.6.0, which knows no scopes, refuses it', async () => {
    expect(claimsOf((await tokens.issue(caller)).token)).not.toHaveProperty('role');
    const { key: _, ...person } = caller;
    expect(claimsOf((await tokens.issue(person)).token)).toMatchObject({ role: 'agent' });
    expect(await tokens.verify((await tokens.issue(person)).token)).toEqual(person);
  });

  test('does not outlive the key', async () => {
    expect((await tokens.issue(caller, clock.now() + 60_000)).expiresInSeconds).toBe(60);
    expect((await tokens.issue(caller, clock.now() + 3_600_000)).expiresInSeconds).toBe(900);
    expect((await tokens.issue(caller, null)).expiresInSeconds).toBe(900);
  });
});

describe('operations within the scopes of a key (product 9.2)', () => {
  const operations = { Read: () => 'read', Write: () => 'written', Manage: () => 'managed' };
  const scopeOf = { Read: 'orders:read', Write: 'orders:write' } as const;

  test('are called with their scope, and refused without it', () => {
    const limited = withinScopes(caller, operations, scopeOf);
    expect(limited.Read()).toBe('read');
    expect(limited.Write).toThrow(
      expect.objectContaining({ code: 'auth.insufficient-scope', details: { scope: 'orders:write' } }),
    );
  });

  test('are refused to every key where no scope is declared', () => {
    const all = { ...caller, key: { ...key, scopes } };
    expect(withinScopes(all, operations, scopeOf).Manage).toThrow(
      expect.objectContaining({ code: 'auth.key-not-allowed' }),
    );
  });

  test('are not limited for people and visitors', () => {
    const { key: _, ...person } = caller;
    for (const sender of [person, undefined])
      expect(withinScopes(sender, operations, scopeOf).Manage()).toBe('managed');
  });

  test('docs/api.md explains each scope', () => {
    for (const scope of scopes) expect(api).toContain(`| \`${scope}\` | ${scopeMeanings[scope]} |`);
  });
});

describe('the commands on API keys', () => {
  const payload = { name: 'Scanner', scopes: ['orders:read' as const] };

  test('a key is stored as a hash, and neither row, event nor result contains it (product 9.1)', async () => {
    const user = aUser();
    const { as, lastEvent, state } = givenCommands({ users: [user] });
    const { result } = await as(user).CreateApiKey(payload);
    const made = keyTexts.textOf({ keyId: result.id, userId: user.id }, result.seed, result.hash) ?? '';
    expect(readKeyText(made)).toEqual({ keyId: result.id, userId: user.id });
    const stored = state().apiKeys.get(result.id);
    expect(stored).toMatchObject({ userId: user.id, name: 'Scanner', scopes: ['orders:read'], expiresAt: null });
    expect(stored?.hash).toBe(keyTexts.hashesOf(made)[0]);
    expect(lastEvent()).toMatchObject({
      type: 'ApiKeyCreated',
      data: { userId: user.id, scopes: ['orders:read'], expiresAt: null },
    });
    expect(JSON.stringify([result, stored, state().events])).not.toContain(made);
    expect(JSON.stringify(state().events)).not.toMatch(/Scanner/);
  });

  test('the end of a key is in the future, and the event has it in UTC (product 9.1)', async () => {
    const user = aUser();
    const { as, lastEvent } = givenCommands({ users: [user] });
    const issuedAt = Date.parse('2026-03-01T10:00:00Z');
    const until = (expiresAt: string) => as(user, { issuedAt }).CreateApiKey({ ...payload, expiresAt });
    await expect(until('2026-03-01T10:00:00Z')).rejects.toMatchObject({
      code: 'api-keys.expired',
      errors: [{ pointer: '/expiresAt' }],
    });
    await until('2026-03-01T12:00:00+01:00');
    expect(lastEvent()?.data).toMatchObject({ expiresAt: '2026-03-01T11:00:00.000Z' });
  });

  test('an admin creates keys for service accounts, and nobody creates one for another person (product 9.4)', async () => {
    const [customer, admin, service] = [aUser(), aUser({ role: 'admin' }), aUser({ isService: true })];
    const { as, lastEvent } = givenCommands({ users: [customer, admin, service] });
    await as(admin).CreateApiKey({ ...payload, accountId: service.id });
    expect(lastEvent()?.data).toMatchObject({ userId: service.id });
    await as(customer).CreateApiKey({ ...payload, accountId: customer.id });
    for (const [by, accountId, code] of [
      [customer, service.id, 'auth.insufficient-role'],
      [admin, customer.id, 'api-keys.no-service-account'],
    ] as const) {
      await expect(as(by).CreateApiKey({ ...payload, accountId })).rejects.toMatchObject({ code });
    }
  });

  test('the metadata of an event names the key that acted, and no key for a person (product 9.7)', async () => {
    const user = aUser();
    const { as, lastEvent, state } = givenCommands({ users: [user] });
    const used = anApiKey({ userId: user.id });
    state().apiKeys.set(used.id, used);
    await as(user, { keyId: used.id }).OpenTicket({ subject: 'a', message: 'b' });
    expect(lastEvent()?.metadata).toMatchObject({ actorId: user.id, keyId: used.id });
    await as(user).OpenTicket({ subject: 'a', message: 'b' });
    expect(lastEvent()?.metadata.keyId).toBeUndefined();
  });
});

describe('the keys of an account whose password was known to somebody else (product 9.5)', () => {
  /** An account that somebody registered with an address that may be another one's, with keys, and one with a key of its own. */
  function given(overrides: Partial<User> = {}) {
    const [user, other] = [aUser(overrides), aUser()];
    const commands = givenCommands({ users: [user, other] });
    const { apiKeys } = commands.state();
    const keys = [anApiKey({ userId: user.id }), anApiKey({ userId: user.id }), anApiKey({ userId: other.id })];
    for (const key of keys) apiKeys.set(key.id, key);
    async function reset() {
      const { anonymous, state } = commands;
      await anonymous().RequestPasswordReset({ email: user.email });
      const [id = ''] = state().passwordResets.keys();
      await anonymous().ConfirmPasswordReset({ token: resetTokens.tokenFor(id), password: 'another long password' });
    }
    return { ...commands, user, keys, reset, left: () => [...commands.state().apiKeys.keys()] };
  }

  test('end when its owner sets a password with a link, because somebody else may have made them', async () => {
    const { keys, left, reset, types } = given({ emailConfirmedAt: null });
    await reset();
    expect(left()).toEqual([keys[2]?.id]);
    expect(types().slice(1).toSorted()).toEqual([
      ...['ApiKeyRevoked', 'ApiKeyRevoked', 'UserEmailConfirmed', 'UserPasswordChanged'],
    ]);
  });

  test('end with a link also where the address was confirmed, because a thief of the password may have made them', async () => {
    const { keys, left, reset, types } = given({ emailConfirmedAt: '2026-01-01T00:00:00.000Z' });
    await reset();
    expect(left()).toEqual([keys[2]?.id]);
    expect(types().slice(1).toSorted()).toEqual(['ApiKeyRevoked', 'ApiKeyRevoked', 'UserPasswordChanged']);
  });

  test('stay when the owner changes the password, who knows the old one', async () => {
    const { as, keys, left, user } = given();
    const changes = { password: 'another long password', currentPassword: password };
    await as(user).UpdateUser({ userId: user.id, changes });
    expect(left()).toEqual(keys.map(({ id }) => id));
  });

  test('end when the configuration makes it the first admin, which gives nobody the rights of an admin', async () => {
    const { anonymous, keys, left, user } = given({ emailConfirmedAt: null });
    await anonymous().CreateFirstAdmin({ name: 'a', email: user.email, password: 'a long password' });
    expect(left()).toEqual([keys[2]?.id]);
  });
});

describe('a service account (product 9.4)', () => {
  test('has an address that no mailbox can have, and a password that nobody knows', async () => {
    const admin = aUser({ role: 'admin' });
    const { account, anonymous, as } = givenCommands({ users: [admin] });
    const { result } = await as(admin).CreateServiceAccount({ name: 'Robot', role: 'agent' });
    const service = account(result.id);
    expect(service).toMatchObject({
      name: 'Robot',
      role: 'agent',
      isService: true,
      email: expect.stringMatching(/\.invalid$/),
    });
    for (const guess of [password, '', service.passwordHash]) {
      await expect(anonymous().SignIn({ username: service.email, password: guess || 'x' })).rejects.toMatchObject({
        code: 'auth.invalid-grant',
      });
    }
  });

  test('cannot be signed in to with a password that version 0.6.0 has set', async () => {
    const service = aUser({ isService: true });
    const { anonymous } = givenCommands({ users: [service] });
    await expect(anonymous().SignIn({ username: service.email, password })).rejects.toMatchObject({
      code: 'auth.invalid-grant',
    });
  });

  test('gets no reset link, and no address and no password from anybody', async () => {
    const admin = aUser({ role: 'admin' });
    const service = aUser({ isService: true });
    const { anonymous, as, types } = givenCommands({ users: [admin, service] });
    await anonymous().RequestPasswordReset({ email: service.email });
    const change = (changes: object) => as(admin).UpdateUser({ userId: service.id, changes });
    for (const changes of [{ email: 'a@example.com' }, { password: 'a long password' }]) {
      await expect(change({ ...changes, currentPassword: password })).rejects.toMatchObject({
        code: 'users.service-account',
      });
    }
    const asks = as(admin).RequestEmailConfirmation({ userId: service.id });
    await expect(asks).rejects.toMatchObject({ code: 'users.service-account' });
    expect(types()).toEqual([]);
    await change({ name: 'Another robot' });
    expect(types()).toEqual(['UserUpdated']);
  });
});
