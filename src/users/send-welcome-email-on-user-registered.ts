import type { EmailReaction } from '../email/reaction';
import type { FindRecipient } from '../email/recipient';
import { welcomeEmail } from '../email/templates';

/** Welcomes a new account. An account that has been deleted or deactivated since gets no e-mail. */
export function sendWelcomeEmailOnUserRegistered(findRecipient: FindRecipient): EmailReaction {
  return async (event) => {
    const recipient = await findRecipient(event.streamId);
    if (!recipient) return undefined;
    const to = { name: recipient.name, email: recipient.email };
    return { to, messageId: event.id, ...welcomeEmail({ name: recipient.name }) };
  };
}
