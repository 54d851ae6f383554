import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import { limits } from '../../../src/platform/limits';
import { userErrors } from '../../../src/users/errors';
import type { ErasureRepository, SettingsRepository, UserRepository } from '../../../src/users/repository';
import { foldText } from '../../../src/users/search';
import type { Settings } from '../../../src/users/settings';
import { isActiveAdmin, type User } from '../../../src/users/user';
import { removeSessions } from './auth';
import { beforeAccountChanges } from './confirmations';
import type { MemoryContext } from './context';
import { releaseOrders } from './orders';
import type { MemoryState } from './state';
import { find, insert, remove, requireCheck, requireParent, requireUnique, select, update } from './table';
import { removeTickets } from './tickets';

function requireEmail({ users }: MemoryState, { id, email }: Pick<User, 'id' | 'email'>): void {
  requireCheck('users_email_is_lower_case', email === email.toLowerCase());
  requireUnique(users, 'users.email', id, (other) => other.email === email);
}

const isAnyAdmin = ({ users }: MemoryState) => select(users, isActiveAdmin).length > 0;

export function createUserRepository({ read, stage, guard }: MemoryContext): UserRepository {
  // The repository on D1 leaves these columns out, too.
  const save = ({ passwordHash: _, lastLoginAt: __, createdAt: ___, ...user }: User) =>
    stage((next) => {
      requireEmail(next, user);
      update(next.users, user.id, { ...user, ...beforeAccountChanges(next, user.id, user) });
    });
  const savePassword = ({ id, passwordHash }: User) => stage((next) => update(next.users, id, { passwordHash }));
  return {
    add: (user) =>
      stage((next) => {
        requireEmail(next, user);
        insert(next.users, 'users.id', user.id, user);
      }),
    save,
    savePassword,
    saveWithoutCaller: save,
    makeAdmin(user) {
      guard(
        (state) => !isAnyAdmin(state),
        () => new ConcurrencyError(),
      );
      save(user);
      savePassword(user);
    },
    remove: ({ id }) =>
      stage((next) => {
        remove(next.users, (user) => user.id === id);
        remove(next.settings, ({ userId }) => userId === id);
        remove(next.passwordResets, ({ userId }) => userId === id);
        remove(next.emailConfirmations, ({ userId }) => userId === id);
        if (next.erasures.has(id)) return;
        removeSessions(next, id);
        releaseOrders(next, id);
        remove(next.shippingAddresses, ({ customerId }) => customerId === id);
        removeTickets(next, ({ customerId }) => customerId === id);
        for (const ticket of select(next.tickets, ({ assigneeId }) => assigneeId === id)) {
          update(next.tickets, ticket.id, { assigneeId: null });
        }
      }),
    findAll: async (ids) => select(read().users, ({ id }) => ids.includes(id)),
    search: async (text) => {
      const [email, name] = [text.toLowerCase(), foldText(text)];
      const names = (user: User) => [foldText(user.name), foldText(user.name).split(' ').at(-1) ?? ''];
      const isFound = (user: User) =>
        user.email.startsWith(email) || (name !== '' && names(user).some((one) => one.startsWith(name)));
      const rankOf = (user: User) => [user.email === email ? 0 : 1, foldText(user.name), user.id].join('\u0000');
      return select(read().users, isFound)
        .sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1))
        .slice(0, limits.accountsPerSearch)
        .map(({ id, name: called, email: address, role, isActive }) => ({
          ...{ id, name: called, email: address, role, isActive },
        }));
    },
    findByEmail: async (email) => select(read().users, (user) => user.email === email)[0],
    async hasActiveAdmin() {
      const found = isAnyAdmin(read());
      guard(
        (state) => isAnyAdmin(state) === found,
        () => new ConcurrencyError(),
      );
      return found;
    },
    requireFreeEmail: (email) =>
      guard(
        ({ users }) => select(users, (user) => user.email === email).length === 0,
        () => userErrors.emailTaken({ field: 'email' }),
      ),
    requireOtherAdmin: (userId) =>
      guard(
        ({ users }) => select(users, ({ id, ...user }) => id !== userId && isActiveAdmin(user)).length > 0,
        () => userErrors.lastAdmin({ userId }),
      ),
  };
}

export function createSettingsRepository({ read, stage, guard }: MemoryContext): SettingsRepository {
  const save = (settings: Settings) => {
    guard(
      (state) => state.settings.has(settings.userId),
      () => new ConcurrencyError(),
    );
    stage((next) => update(next.settings, settings.userId, settings));
  };
  return {
    add: (settings) =>
      stage((next) => {
        requireParent(next.users, settings.userId);
        insert(next.settings, 'settings.user_id', settings.userId, settings);
      }),
    save,
    saveByLink: save,
    find: async (userId) => find(read().settings, userId),
  };
}

export function createErasureRepository({ read, stage, guard }: MemoryContext): ErasureRepository {
  return {
    add: (erasure) => stage((next) => insert(next.erasures, 'erasures.user_id', erasure.userId, erasure)),
    save({ userId, steps, rows: before }, rows) {
      guard(
        ({ erasures }) => erasures.get(userId)?.steps === steps,
        () => new ConcurrencyError(),
      );
      stage((next) => update(next.erasures, userId, { steps: steps + 1, rows: before + rows }));
    },
    find: async (userId) => find(read().erasures, userId),
    async hasManyRowsWithoutEvents(ownerId) {
      const { refreshTokens, sessions, ticketNotes, ticketReplies, tickets } = read();
      const own = select(sessions, ({ userId }) => userId === ownerId).map(({ id }) => id);
      const theirs = select(tickets, ({ customerId }) => customerId === ownerId).map(({ id }) => id);
      const tokens = select(refreshTokens, ({ sessionId }) => own.includes(sessionId));
      const isMany = (table: Map<string, { ticketId: string }>) =>
        select(table, ({ ticketId }) => theirs.includes(ticketId)).length > limits.notesPerErasureStep;
      return own.length + tokens.length > limits.sessionsPerErasureStep || isMany(ticketNotes) || isMany(ticketReplies);
    },
  };
}
