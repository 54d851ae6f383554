import * as z from 'zod';
import { activeAccount, anyone, type DefineCommand } from '../access/access-rules';
import type { LinkTokens } from '../access/link-tokens';
import { requireVersion } from '../cqrs/writing/expected-version';
import { newId } from '../platform/ids';
import { uuid } from '../platform/uuid';
import { linkTime, type UserTransaction } from './commands';
import { isExpiredChange, isRecent, newLink, requireUsable, useLink } from './email-confirmation';
import { userErrors } from './errors';
import { EmailChangeExpired, EmailConfirmationRequested, UserEmailConfirmed, UserUpdated } from './events';
import * as schemas from './schemas';
import { requirePerson, requireSelfOrAdmin, withConfirmedEmail } from './user';

export interface ConfirmationServices {
  confirmationTokens: LinkTokens;
}

const target = z.strictObject({ userId: uuid });
const expired = z.strictObject({ confirmationId: uuid });

/** The commands on links that confirm e-mail addresses. */
export function createConfirmationCommands(
  command: DefineCommand<UserTransaction>,
  { confirmationTokens }: ConfirmationServices,
) {
  return {
    /**
     * Mails the link of a pending change once more, or that of an address that nobody has confirmed. The new link ends the
     * older one. A link that was mailed a moment ago stays, so that nobody can fill a mailbox.
     */
    RequestEmailConfirmation: command({
      input: target,
      onlyIf: activeAccount,
      async handle({ userId }, tx, details) {
        const { actor, at, issuedAt } = details;
        requireSelfOrAdmin(actor, userId);
        const [account] = await tx.users.findAll([userId]);
        if (!account) throw userErrors.notFound({ userId });
        requireVersion(account.version, details);
        requirePerson(account);
        const time = linkTime(issuedAt);
        const unused = await tx.emailConfirmations.findUnused(userId);
        const pending = unused.find(({ kind }) => kind === 'change');
        if (!pending && account.emailConfirmedAt !== null) throw userErrors.emailConfirmed({ userId });
        const { kind, email } = pending ?? { kind: 'registration' as const, email: account.email };
        const isMailed = unused.some((link) => link.kind === kind && link.email === email && isRecent(link, time));
        if (isMailed) return { id: userId, version: account.version };
        if (pending) tx.users.requireFreeEmail(email);
        const link = newLink(newId(), { userId, kind, email }, time);
        const version = account.version + 1;
        tx.users.save({ ...account, version, updatedAt: at }, actor);
        tx.emailConfirmations.replace(link);
        tx.record(EmailConfirmationRequested.create(userId, version, { purpose: 'again', confirmationId: link.id }));
        return { id: userId, version };
      },
    }),

    /**
     * Confirms an address with the token of a link: that of a new account, or a new one, to which the account then changes.
     * Whoever signs in needs the new address from now on, and reset links to the old mailbox end.
     */
    ConfirmEmail: command({
      input: schemas.confirmEmail,
      onlyIf: anyone,
      async handle({ token }, tx, { at, issuedAt }) {
        const id = confirmationTokens.idOf(token);
        if (id === undefined) throw userErrors.invalidConfirmation({});
        const found = await tx.emailConfirmations.find(id);
        if (!found) throw userErrors.confirmationEnded({});
        const { confirmation, account } = found;
        requireUsable(confirmation, account, issuedAt);
        const { email, kind } = confirmation;
        const isNew = email !== account.email;
        const version = account.version + (isNew ? 2 : 1);
        // First, because the database takes a new address as confirmed only if a used link says so.
        const previous = { previousEmail: account.email, isPreviousConfirmed: account.emailConfirmedAt !== null };
        tx.emailConfirmations.use(useLink(confirmation, isNew ? previous : undefined, linkTime(issuedAt)));
        tx.users.saveWithoutCaller(withConfirmedEmail(account, email, version, at));
        if (isNew) {
          tx.emailConfirmations.end(account.id, 'registration');
          tx.endPasswordResets(account.id, issuedAt);
          tx.record(UserUpdated.create(account.id, version - 1, { fields: ['email'] }));
        }
        tx.record(UserEmailConfirmed.create(account.id, version, { by: kind, confirmationId: id }));
      },
    }),

    /** Ends a pending change that nobody has confirmed in time. The schedule sends it; a change that is not expired stays. */
    ExpireEmailChange: command({
      input: expired,
      onlyIf: anyone,
      readsPrimary: true,
      async handle({ confirmationId }, tx, { issuedAt }) {
        const found = await tx.emailConfirmations.find(confirmationId);
        if (!found || !isExpiredChange(found.confirmation, issuedAt)) return undefined;
        const { account } = found;
        const version = account.version + 1;
        // Nobody has changed the account, so the time of its last change stays.
        tx.users.saveWithoutCaller({ ...account, version });
        tx.emailConfirmations.end(account.id, 'change');
        tx.record(EmailChangeExpired.create(account.id, version, {}));
        return { id: account.id, version };
      },
    }),
  };
}

export type ConfirmationCommands = ReturnType<typeof createConfirmationCommands>;
