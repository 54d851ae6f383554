import { eq, inArray, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { userErrors } from './errors';
import type { Settings } from './settings';
import { settings, users } from './tables';
import type { User } from './user';

/** The accounts of the write model. */
export interface UserRepository {
  /** Adds an account; anybody may register. */
  add(user: User): void;
  save(user: User, by: CheckedActor): void;
  /** Deletes an account. Foreign keys delete its settings, sessions and password resets as well. */
  remove(user: User, by: CheckedActor): void;
  /** One round trip, in no particular order; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<User[]>;
  /** Whether an account has the role admin. The commit fails if the answer is another one by then. */
  hasAdmin(): Promise<boolean>;
  /** Adds the guard that another account is an active admin. */
  requireOtherAdmin(userId: string): void;
}

/** The settings of the write model. */
export interface SettingsRepository {
  /** Adds the settings of a new account. */
  add(settings: Settings): void;
  /** The commit fails if the account was deleted by then, because its deletion leaves no event among its settings. */
  save(settings: Settings, by: CheckedActor): void;
  /** The settings of an account; undefined when there is no such account. */
  find(userId: string): Promise<Settings | undefined>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const userConstraints = {
  'users.email': () => userErrors.emailTaken({ field: 'email' }),
};

export function createUserRepository({ db, stage, guard }: RepositoryContext): UserRepository {
  return {
    add: (user) => stage(db.insert(users).values(user)),
    save: ({ id, ...values }) => stage(db.update(users).set(values).where(eq(users.id, id))),
    remove: ({ id }) => stage(db.delete(users).where(eq(users.id, id))),
    findAll: (ids) =>
      db
        .select()
        .from(users)
        .where(inArray(users.id, [...ids])),
    async hasAdmin() {
      const admins = await db.select({ id: users.id }).from(users).where(eq(users.role, 'admin')).limit(1);
      guard(sql`EXISTS (SELECT 1 FROM users WHERE role = 'admin') = ${admins.length}`, () => new ConcurrencyError());
      return admins.length > 0;
    },
    requireOtherAdmin: (userId) =>
      guard(sql`EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND is_active = 1 AND id <> ${userId})`, () =>
        userErrors.lastAdmin({ userId }),
      ),
  };
}

export function createSettingsRepository({ db, stage, guard }: RepositoryContext): SettingsRepository {
  return {
    add: (row) => stage(db.insert(settings).values(row)),
    save({ userId, ...values }) {
      guard(sql`EXISTS (SELECT 1 FROM settings WHERE user_id = ${userId})`, () => new ConcurrencyError());
      stage(db.update(settings).set(values).where(eq(settings.userId, userId)));
    },
    find: async (userId) => (await db.select().from(settings).where(eq(settings.userId, userId)))[0],
  };
}
