import type { CommandContext } from '../../src/cqrs/writing/unit-of-work';
import { newId } from '../../src/platform/ids';
import { defaultSettings, type Settings, type User } from '../../src/users/user';

export const password = 'correct horse battery';

// A real hash of `password`, so that a test pays for one hash and not for two.
export const passwordHash = '$scrypt$ln=14,r=8,p=5$quedJCThH2+QZh2m2QXbYg$3zjMq8u6R3/dJRqvdjLaY68R+LbO92kNAFxq97AyCf8';

export function aUser(overrides: Partial<User> = {}): User {
  const id = newId();
  return {
    id,
    version: 1,
    name: 'Ada Byron',
    email: `${id}@example.com`,
    passwordHash,
    role: 'customer',
    isActive: true,
    tokenGeneration: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    lastLoginAt: null,
    ...overrides,
  };
}

export function settingsOf(user: User): Settings {
  return defaultSettings(user.id, user.createdAt);
}

export function aContext(overrides: Partial<CommandContext> = {}): CommandContext {
  return { commandId: newId(), requestId: newId(), issuedAt: Date.now(), readFrom: 'first-primary', ...overrides };
}

/** A context in which the user acts with a token that was issued now. */
export function actingAs(user: { id: string }, overrides: Partial<CommandContext> = {}): CommandContext {
  const issuedAt = Date.now();
  return aContext({ issuedAt, actor: { id: user.id, issuedAt }, ...overrides });
}
