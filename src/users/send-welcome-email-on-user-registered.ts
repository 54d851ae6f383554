import type { EmailLimit } from '../email/email-limiter';
import type { EmailReaction } from '../email/reaction';
import type { FindRecipient } from '../email/recipient';
import { welcomeEmail } from '../email/templates';

/** A stranger can register with an address, delete the account and register again. */
const oneWelcomeADay: EmailLimit = { kind: 'welcome', everyMs: 24 * 3_600_000 };

/** Welcomes a new account. An account that has been deleted or deactivated since gets no e-mail. */
export function sendWelcomeEmailOnUserRegistered({
  findRecipient,
  brand,
}: {
  findRecipient: FindRecipient;
  brand: string;
}): EmailReaction {
  return async (event) => {
    const recipient = await findRecipient(event.streamId);
    if (!recipient) return undefined;
    return { to: recipient, messageId: event.id, limit: oneWelcomeADay, ...welcomeEmail({ ...recipient, brand }) };
  };
}
