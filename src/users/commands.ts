import { z } from 'zod';
import type { SessionRepository } from '../auth/repository';
import type { NewEvent } from '../cqrs/log/event';
import { defineCommand } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { type CommandContext, requireActor, type Transaction, type UnitOfWork } from '../cqrs/writing/unit-of-work';
import { isoTime } from '../platform/clock';
import { DomainError } from '../platform/errors';
import { newId } from '../platform/ids';
import { hashPassword, verifyPassword } from '../platform/password';
import * as events from './events';
import type { SettingsRepository, UserRepository } from './repository';
import * as schemas from './schemas';
import * as user from './user';

/** What another domain does when an account is deleted: it stages its changes and answers the events to record. */
export type AccountOwned = (userId: string) => Promise<NewEvent[]>;

export interface UserTransaction {
  users: UserRepository;
  settings: SettingsRepository;
  sessions: SessionRepository;
  ownedByAccount: readonly AccountOwned[];
}

// Made once: the services themselves are made for every request.
const target = z.strictObject({ userId: z.uuid() });
const updateUser = target.extend({ changes: schemas.updateUser });
const changeRole = target.extend({ role: z.enum(user.roles) });
const updateSettings = target.extend({ changes: schemas.updateSettings });

/** The commands on accounts and their settings. */
export function createUserCommands(unitOfWork: UnitOfWork<UserTransaction>) {
  return {
    RegisterUser: defineCommand(schemas.registerUser, async (payload, context) => {
      const account = await newAccount(payload, 'customer', context);
      return unitOfWork.run(context, async (tx) => addAccount(tx, account));
    }),

    CreateFirstAdmin: defineCommand(schemas.registerUser, (payload, context) =>
      unitOfWork.run(context, async (tx) => {
        if (await tx.users.hasAdmin()) return undefined;
        return addAccount(tx, await newAccount(payload, 'admin', context));
      }),
    ),

    UpdateUser: defineCommand(updateUser, ({ userId, changes }, context) =>
      unitOfWork.run(context, async (tx) => {
        const { actor, account } = await loadForChange(tx, userId, context);
        const { password, currentPassword, ...rest } = changes;
        const isSensitive = password !== undefined || (rest.email !== undefined && rest.email !== account.email);
        if (isSensitive) await requirePassword(actor, currentPassword);
        const passwordHash = password === undefined ? undefined : await hashPassword(password);
        return save(tx, account, { ...rest, passwordHash }, context);
      }),
    ),

    ChangeRole: defineCommand(changeRole, ({ userId, role }, context) =>
      unitOfWork.run(context, async (tx) => save(tx, await loadForAdmin(tx, userId, context), { role }, context)),
    ),

    DeactivateUser: defineCommand(target, ({ userId }, context) =>
      unitOfWork.run(context, async (tx) =>
        save(tx, await loadForAdmin(tx, userId, context), { isActive: false }, context),
      ),
    ),

    ReactivateUser: defineCommand(target, ({ userId }, context) =>
      unitOfWork.run(context, async (tx) =>
        save(tx, await loadForAdmin(tx, userId, context), { isActive: true }, context),
      ),
    ),

    DeleteUser: defineCommand(target, ({ userId }, context) =>
      unitOfWork.run(context, async (tx) => {
        const { account } = await loadForChange(tx, userId, context);
        const version = account.version + 1;
        for (const release of tx.ownedByAccount) {
          for (const event of await release(account.id)) tx.record(event);
        }
        tx.users.remove(account);
        tx.record(events.UserDeleted.create(account.id, version, {}));
        return { id: account.id, version };
      }),
    ),

    UpdateSettings: defineCommand(updateSettings, ({ userId, changes }, context) =>
      unitOfWork.run(context, async (tx) => {
        const found = await tx.settings.findWithUsers(userId, accountIds(userId, context));
        authorizeChange(found.users, userId, context);
        const settings = getSettings(found.settings);
        requireVersion(settings.version, context);
        const next = user.applySettings(settings, changes, isoTime(context.issuedAt));
        if (next !== settings) {
          tx.settings.save(next);
          const fields = user.changedSettings(settings, next);
          tx.record(events.SettingsChanged.create(userId, next.version, { fields }));
        }
        return { id: userId, version: next.version };
      }),
    ),
  };
}

async function newAccount(
  { name, email, password }: z.infer<typeof schemas.registerUser>,
  role: user.Role,
  context: CommandContext,
): Promise<user.User> {
  const at = isoTime(context.issuedAt);
  return {
    id: newId(),
    version: 1,
    name,
    email,
    passwordHash: await hashPassword(password),
    role,
    isActive: true,
    tokensValidFrom: 0,
    createdAt: at,
    updatedAt: at,
    lastLoginAt: null,
  };
}

function addAccount(tx: Transaction<UserTransaction>, account: user.User) {
  tx.users.add(account);
  tx.settings.add(user.defaultSettings(account.id, account.createdAt));
  tx.record(events.UserRegistered.create(account.id, account.version, { role: account.role }));
  return { id: account.id, version: account.version };
}

function accountIds(userId: string, context: CommandContext): string[] {
  return [...new Set([userId, requireActor(context).id])];
}

function getSettings(settings: user.Settings | undefined): user.Settings {
  if (!settings) throw notFound();
  return settings;
}

function notFound() {
  return new DomainError('not-found', 'users.not-found', 'There is no such user.');
}

/** The acting account, whose token D1 still accepts, and the account to change. */
function authorizeChange(accounts: readonly user.User[], userId: string, context: CommandContext) {
  const { id, issuedAt } = requireActor(context);
  const actor = user.requireValidToken(
    accounts.find((account) => account.id === id),
    issuedAt,
  );
  user.requireSelfOrAdmin(actor, userId);
  const account = accounts.find((candidate) => candidate.id === userId);
  if (!account) throw notFound();
  return { actor, account };
}

async function loadForChange(tx: Transaction<UserTransaction>, userId: string, context: CommandContext) {
  const accounts = await tx.users.findAll(accountIds(userId, context));
  const found = authorizeChange(accounts, userId, context);
  requireVersion(found.account.version, context);
  return found;
}

async function loadForAdmin(tx: Transaction<UserTransaction>, userId: string, context: CommandContext) {
  const { id, issuedAt } = requireActor(context);
  const accounts = await tx.users.findAll(accountIds(userId, context));
  const actor = accounts.find((account) => account.id === id);
  user.requireAdmin(user.requireValidToken(actor, issuedAt));
  const account = accounts.find((candidate) => candidate.id === userId);
  if (!account) throw notFound();
  requireVersion(account.version, context);
  return account;
}

/** The one who acts proves to be the one who signed in, also where an admin changes another's account. */
async function requirePassword(actor: user.User, password: string | undefined): Promise<void> {
  if (password !== undefined && (await verifyPassword(password, actor.passwordHash)).ok) return;
  const [code, detail] =
    password === undefined
      ? ['users.password-required', 'The current password is needed for this change.']
      : ['users.wrong-password', 'The current password is wrong.'];
  throw new DomainError('invalid', code, detail, { errors: [{ pointer: '/currentPassword', detail, code }] });
}

/** Saves what really changes, with an event for each kind of change; nothing changed, nothing recorded. */
function save(
  tx: Transaction<UserTransaction>,
  account: user.User,
  changes: user.UserChanges,
  context: CommandContext,
) {
  const fields = user.changedFields(account, changes);
  if (fields.length === 0) return { id: account.id, version: account.version };
  const at = { iso: isoTime(context.issuedAt), ms: context.issuedAt };
  const happened = eventsOf(account.id, fields, { ...account, ...changes });
  const next = { ...user.applyChanges(account, changes, at), version: account.version + happened.length };
  tx.users.save(next);
  if (fields.includes('passwordHash') || changes.isActive === false) tx.sessions.revokeAll(account.id, at.ms);
  for (const [index, create] of happened.entries()) tx.record(create(account.version + index + 1));
  return { id: next.id, version: next.version };
}

/** One event for each kind of change, still to be given its version. */
function eventsOf(
  id: string,
  fields: readonly user.ChangedField[],
  { role, isActive }: { role?: user.Role | undefined; isActive?: boolean | undefined },
): ((version: number) => NewEvent)[] {
  const profile = (['name', 'email'] as const).filter((field) => fields.includes(field));
  const happened: ((version: number) => NewEvent)[] = [];
  if (profile.length > 0) happened.push((version) => events.UserUpdated.create(id, version, { fields: profile }));
  if (fields.includes('passwordHash')) {
    happened.push((version) => events.UserPasswordChanged.create(id, version, { by: 'change' }));
  }
  if (role && fields.includes('role')) happened.push((version) => events.UserRoleChanged.create(id, version, { role }));
  if (fields.includes('isActive')) {
    happened.push((version) => (isActive ? events.UserReactivated : events.UserDeactivated).create(id, version, {}));
  }
  return happened;
}
