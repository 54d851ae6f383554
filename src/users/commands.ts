import * as z from 'zod';
import { activeAccount, activeAdmin, anyone, type DefineCommand } from '../access/access-rules';
import type { AccountDeletionHandler } from '../access/account-parts';
import { type CheckedActor, type Role, requireStaff } from '../access/caller';
import type { Passwords } from '../access/passwords';
import type { NewEvent } from '../cqrs/log/event';
import type { CommandDetails } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import type { Transaction } from '../cqrs/writing/unit-of-work';
import type { UnsubscribeLinks } from '../notifications/unsubscribe-links';
import { newId } from '../platform/ids';
import { limits } from '../platform/limits';
import { unusableHash } from '../platform/password';
import { uuid } from '../platform/uuid';
import type { EmailConfirmationRepository } from './confirmation-repository';
import { type EmailConfirmation, isRecent, newLink } from './email-confirmation';
import { userErrors } from './errors';
import * as events from './events';
import type { ErasureRepository, SettingsRepository, UserRepository } from './repository';
import * as schemas from './schemas';
import { applySettings, changedSettings, defaultSettings, type Settings } from './settings';
import * as rules from './user';

export interface UserTransaction {
  users: UserRepository;
  settings: SettingsRepository;
  emailConfirmations: EmailConfirmationRepository;
  erasures: ErasureRepository;
  /** Ends every session of an account; `at` is milliseconds. The auth domain provides this function. */
  revokeSessions(userId: string, at: number): void;
  /** Ends every reset link of an account; `at` is milliseconds. The auth domain provides this function. */
  endPasswordResets(userId: string, at: number): void;
  /** Revokes every API key of an account, and returns the events to record. The domain of the keys provides this function. */
  revokeApiKeys(userId: string): Promise<NewEvent[]>;
  /** The account deletion handlers of all domains, in the order in which an erasure takes their rows. */
  onAccountDeleted: readonly AccountDeletionHandler[];
}

type Tx = Transaction<UserTransaction>;

/** @param now milliseconds */
export const linkTime = (now: number) => ({ now, lifetimeMs: limits.confirmationLinkMs });

const target = z.strictObject({ userId: uuid });
const erasureStep = target.extend({ step: z.int() });
const updateUser = target.extend({ changes: schemas.updateUser });
const changeRole = target.extend(schemas.changeRole.shape);
const updateSettings = target.extend({ changes: schemas.updateSettings });

/** What an account is created with. */
type NewAccount = Pick<
  rules.User,
  'id' | 'name' | 'email' | 'passwordHash' | 'role' | 'isService' | 'emailConfirmedAt'
>;

export interface UserServices {
  passwords: Passwords;
  unsubscribeLinks: Pick<UnsubscribeLinks, 'userIdOf'>;
}

/** The commands on accounts and their settings. */
export function createUserCommands(command: DefineCommand<UserTransaction>, services: UserServices) {
  const { passwords, unsubscribeLinks } = services;

  async function addPerson(
    tx: Tx,
    { name, email, password, ...chosen }: z.infer<typeof schemas.registerUser>,
    role: Role,
    { at, issuedAt }: Pick<CommandDetails<undefined>, 'at' | 'issuedAt'>,
  ) {
    const passwordHash = await passwords.hash(password);
    // The configuration names the first admin, and whoever can write it may do everything.
    const emailConfirmedAt = role === 'admin' ? at : null;
    const stated = { id: newId(), name, email, passwordHash, role, isService: false, emailConfirmedAt };
    const created = addAccount(tx, stated, defaultSettings(stated.id, at, chosen));
    if (emailConfirmedAt === null)
      tx.emailConfirmations.add(
        newLink(stated.id, { userId: stated.id, kind: 'registration', email }, linkTime(issuedAt)),
      );
    return created;
  }

  function addAccount(tx: Tx, stated: NewAccount, settings: Settings) {
    const { updatedAt: at } = settings;
    const account: rules.User = {
      ...stated,
      version: 1,
      isActive: true,
      tokenGeneration: 1,
      createdAt: at,
      updatedAt: at,
      lastLoginAt: null,
    };
    tx.users.add(account);
    tx.settings.add(settings);
    tx.record(events.UserRegistered.create(account.id, account.version, { role: account.role }));
    return { id: account.id, version: account.version };
  }

  /** Checks the password of the caller, not of the account: a stolen token of an admin must not be enough. */
  async function requirePassword(caller: rules.User, password: string | undefined): Promise<void> {
    if (password !== undefined && (await passwords.verify(password, caller.passwordHash)).ok) return;
    const error = password === undefined ? userErrors.passwordRequired : userErrors.wrongPassword;
    throw error({}, { pointer: '/currentPassword' });
  }

  return {
    /** Creates an account with its settings, and the link with which the welcome e-mail asks to confirm the address. */
    RegisterUser: command({
      input: schemas.registerUser,
      onlyIf: anyone,
      handle: (payload, tx, details) => addPerson(tx, payload, 'customer', details),
    }),

    /** Creates an account for a program, which uses API keys: nobody can sign in to it, and it gets no e-mail. */
    CreateServiceAccount: command({
      input: schemas.createServiceAccount,
      onlyIf: activeAdmin,
      handle({ name, role }, tx, { at }) {
        const id = newId();
        const email = rules.serviceAddress(id);
        const stated = { id, name, email, passwordHash: unusableHash(), role, isService: true, emailConfirmedAt: null };
        return addAccount(tx, stated, defaultSettings(id, at));
      },
    }),

    /**
     * Gives an installation without an active admin one: the account with this address becomes an active admin with this
     * password, and its sessions and API keys end; without such an account it is created. Returns undefined if there is an active admin.
     */
    CreateFirstAdmin: command({
      input: schemas.registerUser,
      onlyIf: anyone,
      async handle(payload, tx, details) {
        const { at, issuedAt } = details;
        if (await tx.users.hasActiveAdmin()) return undefined;
        const account = await tx.users.findByEmail(payload.email);
        if (!account) return addPerson(tx, payload, 'admin', details);
        const passwordHash = await passwords.hash(payload.password);
        const changes = { passwordHash, role: 'admin', isActive: true } as const;
        const fields = rules.changedFields(account, changes);
        const created = eventsOf(rules.applyChanges(account, changes, at), fields);
        if (account.emailConfirmedAt === null) {
          const confirmed = { by: 'configuration', confirmationId: null } as const;
          created.push((version) => events.UserEmailConfirmed.create(account.id, version, confirmed));
        }
        const version = account.version + created.length;
        const emailConfirmedAt = account.emailConfirmedAt ?? at;
        tx.users.makeAdmin({ ...rules.applyChanges(account, changes, at), version, emailConfirmedAt });
        tx.emailConfirmations.useRegistration(account.id, issuedAt);
        tx.revokeSessions(account.id, issuedAt);
        tx.endPasswordResets(account.id, issuedAt);
        // Whoever had the account before gets no rights of an admin.
        for (const revoked of await tx.revokeApiKeys(account.id)) tx.record(revoked);
        for (const [index, create] of created.entries()) tx.record(create(account.version + index + 1));
        return { id: account.id, version };
      },
    }),

    /**
     * Changes name or password, and asks for a change of the e-mail address: the address changes when the link is used that
     * is mailed to the new one. A new address or password needs the caller's current password.
     */
    UpdateUser: command({
      input: updateUser,
      onlyIf: activeAccount,
      async handle({ userId, changes }, tx, details) {
        const { actor } = details;
        rules.requireSelfOrAdmin(actor, userId);
        const accounts = await tx.users.findAll([...new Set([userId, actor.id])]);
        const account = getAccount(accounts, userId);
        requireVersion(account.version, details);
        const { name, email, password, currentPassword } = changes;
        const newEmail = email === account.email ? undefined : email;
        if (password !== undefined || newEmail !== undefined) {
          rules.requirePerson(account);
          await requirePassword(getAccount(accounts, actor.id), currentPassword);
        }
        const passwordHash = password === undefined ? undefined : await passwords.hash(password);
        if (newEmail === undefined) return save(tx, account, { name, passwordHash }, details);
        tx.users.requireFreeEmail(newEmail);
        const time = linkTime(details.issuedAt);
        // A new password ends an earlier link, so that only this one is left.
        const unused = password === undefined ? await tx.emailConfirmations.findUnused(userId) : [];
        const isMailed = unused.some(
          (link) => link.kind === 'change' && link.email === newEmail && isRecent(link, time),
        );
        const link = isMailed ? undefined : newLink(newId(), { userId, kind: 'change', email: newEmail }, time);
        return save(tx, account, { name, passwordHash }, details, link);
      },
    }),

    ChangeRole: command({
      input: changeRole,
      onlyIf: activeAdmin,
      handle: ({ userId, role }, tx, details) => changeByAdmin(tx, userId, { role }, details),
    }),

    DeactivateUser: command({
      input: target,
      onlyIf: activeAdmin,
      handle: ({ userId }, tx, details) => changeByAdmin(tx, userId, { isActive: false }, details),
    }),

    ReactivateUser: command({
      input: target,
      onlyIf: activeAdmin,
      handle: ({ userId }, tx, details) => changeByAdmin(tx, userId, { isActive: true }, details),
    }),

    /**
     * Deletes an account. The handler of each domain deletes or anonymises the account's rows: all of them in this commit if
     * they are few, and else the first ones. An erasure takes the others afterwards, step by step.
     */
    DeleteUser: command({
      input: target,
      onlyIf: activeAccount,
      async handle({ userId }, tx, details) {
        rules.requireSelfOrAdmin(details.actor, userId);
        const account = getAccount(await tx.users.findAll([userId]), userId);
        requireVersion(account.version, details);
        // Rows without events disappear with what they belong to, so they come first where they are many.
        const isSmall = !(await tx.erasures.hasManyRowsWithoutEvents(userId));
        const erased = isSmall ? await eraseNext(tx, userId, details.at) : { rows: 0, isFinished: false };
        const erasure = { userId, steps: 1, rows: erased.rows, startedAt: details.at };
        if (!erased.isFinished) tx.erasures.add(erasure, details.actor);
        const version = account.version + 1;
        if (rules.isActiveAdmin(account)) tx.users.requireOtherAdmin(userId);
        tx.users.remove(account, details.actor);
        tx.record(events.UserDeleted.create(userId, version, {}));
        return { id: userId, version };
      },
    }),

    /** Takes one step of an erasure, which ends when none of its rows is left. A step that is done has no effect. */
    ContinueErasure: command({
      input: erasureStep,
      onlyIf: anyone,
      readsPrimary: true,
      async handle({ userId, step }, tx, { issuedAt }) {
        const erasure = await tx.erasures.find(userId);
        if (erasure?.steps !== step) return undefined;
        // Orders are cancelled as of the deletion, in whichever step that is done.
        const { rows, isFinished } = await eraseNext(tx, userId, erasure.startedAt);
        if (rows > 0) tx.erasures.save(erasure, rows, issuedAt);
        return { rows, isFinished };
      },
    }),

    /** Finds accounts for agents and admins. It is a command because each search is recorded, and an answer without its record is none. */
    SearchUsers: command({
      input: schemas.searchUsers,
      onlyIf: activeAccount,
      readsPrimary: true,
      async handle({ search }, tx, { actor }) {
        requireStaff(actor);
        const found = await tx.users.search(search);
        const kind = search.includes('@') ? 'email' : 'name';
        tx.record(events.UsersSearched.create(newId(), 1, { kind, results: found.length }));
        return found;
      },
    }),

    UpdateSettings: command({
      input: updateSettings,
      onlyIf: activeAccount,
      async handle({ userId, changes }, tx, details) {
        rules.requireSelfOrAdmin(details.actor, userId);
        const settings = await tx.settings.find(userId);
        if (!settings) throw userErrors.notFound({ userId });
        requireVersion(settings.version, details);
        const fields = changedSettings(settings, changes);
        if (fields.length === 0) return { id: userId, version: settings.version };
        const next = applySettings(settings, changes, details.at);
        tx.settings.save(next, details.actor);
        tx.record(events.SettingsUpdated.create(userId, next.version, { fields }));
        return { id: userId, version: next.version };
      },
    }),

    /**
     * Turns the e-mails of an account off, with the token of a link in one of them. A token that this API did not make, and
     * that of a deleted account, have no effect, and neither has a second click.
     */
    Unsubscribe: command({
      input: schemas.unsubscribe,
      onlyIf: anyone,
      async handle({ token }, tx, { at }) {
        const userId = unsubscribeLinks.userIdOf(token);
        const settings = userId === undefined ? undefined : await tx.settings.find(userId);
        if (!settings?.emailNotifications) return;
        const next = applySettings(settings, { emailNotifications: false }, at);
        tx.settings.saveByLink(next);
        tx.record(events.SettingsUpdated.create(next.userId, next.version, { fields: ['emailNotifications'] }));
      },
    }),
  };
}

export type UserCommands = ReturnType<typeof createUserCommands>;

function getAccount(accounts: readonly rules.User[], userId: string): rules.User {
  const account = accounts.find(({ id }) => id === userId);
  if (!account) throw userErrors.notFound({ userId });
  return account;
}

/** Erases the next rows of a deleted account, as many as one commit may take. */
async function eraseNext(tx: Tx, userId: string, at: string): Promise<{ rows: number; isFinished: boolean }> {
  let left = limits.rowsPerErasureStep;
  for (const handleDeletion of tx.onAccountDeleted) {
    const { events: recorded, rows, isFinished } = await handleDeletion(userId, at, left);
    for (const event of recorded) tx.record(event);
    left -= rows;
    if (!isFinished) return { rows: limits.rowsPerErasureStep - left, isFinished };
  }
  return { rows: limits.rowsPerErasureStep - left, isFinished: true };
}

async function changeByAdmin(
  tx: Tx,
  userId: string,
  changes: rules.UserChanges,
  details: CommandDetails<CheckedActor>,
) {
  const account = getAccount(await tx.users.findAll([userId]), userId);
  requireVersion(account.version, details);
  return save(tx, account, changes, details);
}

/**
 * Saves the fields that differ, with an event for each kind of change; without a difference there is no event.
 * @param link the link for a new address that was asked for in the same request
 */
function save(
  tx: Tx,
  account: rules.User,
  changes: rules.UserChanges,
  { actor, at, issuedAt }: CommandDetails<CheckedActor>,
  link?: EmailConfirmation,
) {
  const fields = rules.changedFields(account, changes);
  if (fields.length === 0 && !link) return { id: account.id, version: account.version };
  const changed = rules.applyChanges(account, changes, at);
  const created = eventsOf(changed, fields);
  if (link) {
    const requested = { purpose: 'change', confirmationId: link.id } as const;
    created.push((version) => events.EmailConfirmationRequested.create(account.id, version, requested));
  }
  const version = account.version + created.length;
  tx.users.save({ ...changed, version }, actor);
  if (fields.includes('passwordHash')) tx.users.savePassword(changed, actor);
  if (rules.isActiveAdmin(account) && !rules.isActiveAdmin(changed)) tx.users.requireOtherAdmin(account.id);
  const endsSessions = fields.includes('passwordHash') || changes.isActive === false;
  if (endsSessions) tx.revokeSessions(account.id, issuedAt);
  if (endsSessions) tx.endPasswordResets(account.id, issuedAt);
  // After the account, because a new password has just ended an earlier link.
  if (link) tx.emailConfirmations.replace(link);
  for (const [index, create] of created.entries()) tx.record(create(account.version + index + 1));
  return { id: account.id, version };
}

/** Makes one event for each kind of change; each function takes the version of its event. */
function eventsOf(
  { id, role, isActive }: rules.User,
  fields: readonly rules.ChangedField[],
): ((version: number) => NewEvent)[] {
  const created: ((version: number) => NewEvent)[] = [];
  if (fields.includes('name')) created.push((version) => events.UserUpdated.create(id, version, { fields: ['name'] }));
  if (fields.includes('passwordHash')) {
    created.push((version) => events.UserPasswordChanged.create(id, version, { by: 'change' }));
  }
  if (fields.includes('role')) created.push((version) => events.UserRoleChanged.create(id, version, { role }));
  if (fields.includes('isActive')) {
    const event = isActive ? events.UserReactivated : events.UserDeactivated;
    created.push((version) => event.create(id, version, {}));
  }
  return created;
}
