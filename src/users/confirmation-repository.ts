import { and, eq, isNull, sql } from 'drizzle-orm';
import { ConcurrencyError } from '../cqrs/writing/errors';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import type { ConfirmationKind, EmailConfirmation } from './email-confirmation';
import { accountColumns, emailConfirmations, users } from './tables';
import type { User } from './user';

/**
 * The links that confirm e-mail addresses. Whatever adds, uses or ends the link of an account also records an event of the account,
 * whose version is the lock.
 */
export interface EmailConfirmationRepository {
  /** Adds the link of a new account. */
  add(confirmation: EmailConfirmation): void;
  /** Adds a link in place of the unused one of the same kind. */
  replace(confirmation: EmailConfirmation): void;
  /** Saves a link that was used. The commit fails if it was used or deleted by then. */
  use(confirmation: EmailConfirmation): void;
  /** Deletes the unused link of a kind, so that it no longer works. */
  end(userId: string, kind: ConfirmationKind): void;
  /** Marks the unused link of a registration as used, because its address was confirmed in another way. */
  useRegistration(userId: string, at: number): void;
  find(id: string): Promise<{ confirmation: EmailConfirmation; account: User } | undefined>;
  /** The unused links of an account, one of each kind at most; also those that have expired and are not deleted yet. */
  findUnused(userId: string): Promise<EmailConfirmation[]>;
}

export function createEmailConfirmationRepository({
  db,
  stage,
  guard,
}: RepositoryContext): EmailConfirmationRepository {
  const isUnused = (userId: string) => and(eq(emailConfirmations.userId, userId), isNull(emailConfirmations.usedAt));
  const isUnusedOf = (userId: string, kind: ConfirmationKind) =>
    and(isUnused(userId), eq(emailConfirmations.kind, kind));
  const add = (confirmation: EmailConfirmation) => stage(db.insert(emailConfirmations).values(confirmation));
  const end = (userId: string, kind: ConfirmationKind) =>
    stage(db.delete(emailConfirmations).where(isUnusedOf(userId, kind)));
  return {
    add,
    replace(confirmation) {
      end(confirmation.userId, confirmation.kind);
      add(confirmation);
    },
    use({ id, usedAt, expiresAt, previousEmail, isPreviousConfirmed }) {
      guard(
        sql`EXISTS (SELECT 1 FROM ${emailConfirmations}
          WHERE ${emailConfirmations.id} = ${id} AND ${emailConfirmations.usedAt} IS NULL)`,
        () => new ConcurrencyError(),
      );
      const used = { usedAt, expiresAt, previousEmail, isPreviousConfirmed };
      stage(db.update(emailConfirmations).set(used).where(eq(emailConfirmations.id, id)));
    },
    end,
    useRegistration: (userId, at) =>
      stage(db.update(emailConfirmations).set({ usedAt: at }).where(isUnusedOf(userId, 'registration'))),
    async find(id) {
      const [confirmation, account] = await db.batch([
        db.select().from(emailConfirmations).where(eq(emailConfirmations.id, id)),
        db
          .select(accountColumns)
          .from(users)
          .where(sql`${users.id} = (SELECT user_id FROM email_confirmations WHERE id = ${id})`),
      ]);
      return confirmation[0] && account[0] && { confirmation: confirmation[0], account: account[0] };
    },
    findUnused: (userId) => db.select().from(emailConfirmations).where(isUnused(userId)),
  };
}
