import { eq, inArray, sql } from 'drizzle-orm';
import type { RowsWithoutEvents } from '../access/account-parts';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { type Database, openSession } from '../platform/d1';
import { userErrors } from './errors';
import { type FoundUser, foldText, searchUsers } from './search';
import type { Settings } from './settings';
import { accountColumns, erasures, settings, users } from './tables';
import type { User } from './user';

/** The accounts of the write model. */
export interface UserRepository {
  /** Adds an account; anybody may register. */
  add(user: User): void;
  /**
   * Saves what changes of an account change. The hash and the time of the last sign-in stay, because a sign-in writes them
   * without a new version of the account.
   */
  save(user: User, by: CheckedActor): void;
  savePassword(user: User, by: CheckedActor): void;
  /** Saves an account for whoever has a link of an e-mail, or for the schedule, because the time of a link has ended. */
  saveWithoutCaller(user: User): void;
  /** Saves an account and its password without a caller. The commit fails if there is an active admin by then. */
  makeAdmin(user: User): void;
  /**
   * Deletes an account. Foreign keys delete its settings and password resets as well, and a trigger deletes its sessions,
   * unless an erasure takes care of what is left of the account.
   */
  remove(user: User, by: CheckedActor): void;
  /** One round trip, in no particular order; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<User[]>;
  findByEmail(email: string): Promise<User | undefined>;
  /** Finds accounts by the beginning of their address or name; see {@link searchUsers}. */
  search(text: string): Promise<FoundUser[]>;
  /** Whether an active account has the role admin. The commit fails if the answer is another one by then. */
  hasActiveAdmin(): Promise<boolean>;
  /** Adds the guard that no account has an address. */
  requireFreeEmail(email: string): void;
  /** Adds the guard that another account is an active admin. */
  requireOtherAdmin(userId: string): void;
}

/** The settings of the write model. */
export interface SettingsRepository {
  /** Adds the settings of a new account. */
  add(settings: Settings): void;
  /** The commit fails if the account was deleted by then, because its deletion leaves no event among its settings. */
  save(settings: Settings, by: CheckedActor): void;
  /** Saves settings for whoever has a signed link of the account. The commit fails as that of `save` does. */
  saveByLink(settings: Settings): void;
  /** The settings of an account; undefined when there is no such account. */
  find(userId: string): Promise<Settings | undefined>;
}

/** The erasure of what a deleted account still owns. */
export interface Erasure {
  userId: string;
  /** How many steps are done. */
  steps: number;
  /** How many rows were erased so far. */
  rows: number;
  startedAt: string;
}

/** The erasures at work. */
export interface ErasureRepository {
  /** Adds an erasure, before the account is deleted in the same commit. */
  add(erasure: Erasure, by: CheckedActor): void;
  /** Saves the progress of a step. The commit fails if the step is done by then. */
  save(before: Erasure, rows: number, at: number): void;
  find(userId: string): Promise<Erasure | undefined>;
  /** Whether an account has more rows without events than one commit is to delete. */
  hasManyRowsWithoutEvents(userId: string): Promise<boolean>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const userConstraints = {
  'users.email': () => userErrors.emailTaken({ field: 'email' }),
  // Another request deleted the account in the meantime. The next attempt finds no account.
  'erasures.user_id': () => new ConcurrencyError(),
};

const existsActiveAdmin = sql`EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND is_active = 1)`;

async function findActiveAdmin(db: Database): Promise<boolean> {
  const [row] = await db.all<{ found: number }>(sql`SELECT ${existsActiveAdmin} AS found`);
  return row?.found === 1;
}

/** Whether an active account has the role admin. */
export function hasActiveAdmin(database: D1Database): Promise<boolean> {
  return findActiveAdmin(openSession(database, 'first-primary').db);
}

export function createUserRepository({ db, stage, guard }: RepositoryContext): UserRepository {
  function save({
    id,
    version,
    name,
    email,
    role,
    isActive,
    tokenGeneration,
    updatedAt,
    emailConfirmedAt,
  }: User): void {
    const account = { version, name, email, role, isActive, tokenGeneration, updatedAt, emailConfirmedAt };
    const saved = { ...account, searchName: foldText(name) };
    stage(db.update(users).set(saved).where(eq(users.id, id)));
  }
  const savePassword = ({ id, passwordHash }: User) =>
    stage(db.update(users).set({ passwordHash }).where(eq(users.id, id)));
  return {
    add: (user) => stage(db.insert(users).values({ ...user, searchName: foldText(user.name) })),
    save,
    savePassword,
    saveWithoutCaller: save,
    makeAdmin(user) {
      guard(sql`NOT ${existsActiveAdmin}`, () => new ConcurrencyError());
      save(user);
      savePassword(user);
    },
    remove: ({ id }) => stage(db.delete(users).where(eq(users.id, id))),
    findAll: (ids) =>
      db
        .select(accountColumns)
        .from(users)
        .where(inArray(users.id, [...ids])),
    findByEmail: async (email) => (await db.select(accountColumns).from(users).where(eq(users.email, email)))[0],
    search: (text) => searchUsers(db, text),
    async hasActiveAdmin() {
      const found = await findActiveAdmin(db);
      guard(sql`${existsActiveAdmin} = ${Number(found)}`, () => new ConcurrencyError());
      return found;
    },
    requireFreeEmail: (email) =>
      guard(sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.email} = ${email})`, () =>
        userErrors.emailTaken({ field: 'email' }),
      ),
    requireOtherAdmin: (userId) =>
      guard(sql`EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND is_active = 1 AND id <> ${userId})`, () =>
        userErrors.lastAdmin({ userId }),
      ),
  };
}

export function createSettingsRepository({ db, stage, guard }: RepositoryContext): SettingsRepository {
  const save = ({ userId, ...values }: Settings) => {
    guard(sql`EXISTS (SELECT 1 FROM settings WHERE user_id = ${userId})`, () => new ConcurrencyError());
    stage(db.update(settings).set(values).where(eq(settings.userId, userId)));
  };
  return {
    add: (row) => stage(db.insert(settings).values(row)),
    save,
    saveByLink: save,
    find: async (userId) => (await db.select().from(settings).where(eq(settings.userId, userId)))[0],
  };
}

/** @param rowsWithoutEvents what each domain has of an account without events */
export function createErasureRepository(
  { db, stage, guard }: RepositoryContext,
  rowsWithoutEvents: readonly RowsWithoutEvents[],
): ErasureRepository {
  return {
    add: (erasure) =>
      stage(db.insert(erasures).values({ ...erasure, attempts: 0, progressedAt: Date.parse(erasure.startedAt) })),
    save({ userId, steps, rows: before }, rows, at) {
      guard(
        sql`EXISTS (SELECT 1 FROM ${erasures} WHERE ${erasures.userId} = ${userId} AND ${erasures.steps} = ${steps})`,
        () => new ConcurrencyError(),
      );
      const progress = { steps: steps + 1, rows: before + rows, attempts: 0, lastError: null, progressedAt: at };
      stage(db.update(erasures).set(progress).where(eq(erasures.userId, userId)));
    },
    find: async (userId) => (await db.select().from(erasures).where(eq(erasures.userId, userId)))[0],
    async hasManyRowsWithoutEvents(userId) {
      const isMore = rowsWithoutEvents.map(
        (part) => sql`EXISTS (SELECT 1 FROM (${part.select(userId)}) LIMIT 1 OFFSET ${part.most()})`,
      );
      const [row] = await db.all<{ many: number }>(sql`SELECT ${sql.join(isMore, sql` OR `)} AS many`);
      return row?.many === 1;
    },
  };
}
