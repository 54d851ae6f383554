import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { EmailConfirmationRepository } from '../../../src/users/confirmation-repository';
import type { EmailConfirmation } from '../../../src/users/email-confirmation';
import type { User } from '../../../src/users/user';
import type { MemoryContext } from './context';
import type { MemoryState } from './state';
import { find, insert, remove, requireParent, select, update } from './table';

const isUnusedOf = (ownerId: string, wanted: EmailConfirmation['kind']) => (link: EmailConfirmation) =>
  link.userId === ownerId && link.kind === wanted && link.usedAt === null;

/** What the triggers do before an account changes: its tokens end, or its address changes without a link. */
export function beforeAccountChanges(
  next: MemoryState,
  id: string,
  changes: Partial<Pick<User, 'email' | 'emailConfirmedAt' | 'tokenGeneration'>>,
): Partial<User> {
  const before = next.users.get(id);
  const endsTokens = changes.tokenGeneration !== undefined && changes.tokenGeneration !== before?.tokenGeneration;
  if (endsTokens) remove(next.emailConfirmations, isUnusedOf(id, 'change'));
  if (changes.email === undefined || changes.email === before?.email) return {};
  const confirming = select(next.emailConfirmations, (link) => link.userId === id && link.email === changes.email);
  return confirming.some(({ usedAt }) => usedAt !== null) ? {} : { emailConfirmedAt: null };
}

export function createEmailConfirmationRepository({ read, stage, guard }: MemoryContext): EmailConfirmationRepository {
  const add = (link: EmailConfirmation) =>
    stage((next) => {
      requireParent(next.users, link.userId);
      insert(next.emailConfirmations, 'email_confirmations.id', link.id, link);
    });
  const end: EmailConfirmationRepository['end'] = (userId, kind) =>
    stage((next) => remove(next.emailConfirmations, isUnusedOf(userId, kind)));
  return {
    add,
    replace(link) {
      end(link.userId, link.kind);
      add(link);
    },
    use({ id, usedAt, expiresAt, previousEmail, isPreviousConfirmed }) {
      guard(
        ({ emailConfirmations }) => emailConfirmations.get(id)?.usedAt === null,
        () => new ConcurrencyError(),
      );
      stage((next) => update(next.emailConfirmations, id, { usedAt, expiresAt, previousEmail, isPreviousConfirmed }));
    },
    end,
    useRegistration: (userId, usedAt) =>
      stage((next) => {
        const unused = select(next.emailConfirmations, isUnusedOf(userId, 'registration'));
        for (const { id } of unused) update(next.emailConfirmations, id, { usedAt });
      }),
    async find(id) {
      const { emailConfirmations, users } = read();
      const confirmation = find(emailConfirmations, id);
      const account = confirmation && find(users, confirmation.userId);
      return confirmation && account && { confirmation, account };
    },
    findUnused: async (ownerId) =>
      select(read().emailConfirmations, ({ userId, usedAt }) => userId === ownerId && usedAt === null),
  };
}
