import { eq, inArray } from 'drizzle-orm';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import { DomainError } from '../platform/errors';
import { settings, users } from './tables';
import type { Settings, User } from './user';

/** The accounts of the write model. Reads see what is committed; writes are staged for the unit of work's commit. */
export interface UserRepository {
  add(user: User): void;
  save(user: User): void;
  remove(user: User): void;
  /** One round trip, in no particular order; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<User[]>;
  findByEmail(email: string): Promise<User | undefined>;
  hasAdmin(): Promise<boolean>;
}

export interface SettingsRepository {
  add(settings: Settings): void;
  save(settings: Settings): void;
  /** The settings of one account together with the accounts named by `ids`, in one round trip. */
  findWithUsers(userId: string, ids: readonly string[]): Promise<{ settings: Settings | undefined; users: User[] }>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const userConstraints = {
  'users.email': () =>
    new DomainError('already-exists', 'users.email-taken', 'This e-mail address is already registered.'),
};

export function createUserRepository({ db, stage }: RepositoryContext): UserRepository {
  return {
    add: (user) => stage(db.insert(users).values(user)),
    save: ({ id, ...values }) => stage(db.update(users).set(values).where(eq(users.id, id))),
    // What belongs to the account (settings, sessions, resets) goes with it: the foreign keys cascade.
    remove: ({ id }) => stage(db.delete(users).where(eq(users.id, id))),
    findAll: (ids) =>
      db
        .select()
        .from(users)
        .where(inArray(users.id, [...ids])),
    findByEmail: async (email) => (await db.select().from(users).where(eq(users.email, email)))[0],
    hasAdmin: async () =>
      (await db.select({ id: users.id }).from(users).where(eq(users.role, 'admin')).limit(1)).length > 0,
  };
}

export function createSettingsRepository({ db, stage }: RepositoryContext): SettingsRepository {
  return {
    add: (row) => stage(db.insert(settings).values(row)),
    save: ({ userId, ...values }) => stage(db.update(settings).set(values).where(eq(settings.userId, userId))),
    async findWithUsers(userId, ids) {
      const [found, accounts] = await db.batch([
        db.select().from(settings).where(eq(settings.userId, userId)),
        db
          .select()
          .from(users)
          .where(inArray(users.id, [...ids])),
      ]);
      return { settings: found[0], users: accounts };
    },
  };
}
