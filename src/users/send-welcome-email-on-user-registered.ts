import type { EmailReaction } from '../email/reaction';
import type { FindRecipient } from '../email/recipient';
import { welcomeEmail } from '../email/templates';

/** Welcomes a new user; an account that is deleted or inactive by now gets no e-mail. */
export function sendWelcomeEmailOnUserRegistered(findRecipient: FindRecipient): EmailReaction {
  return async (event) => {
    const recipient = await findRecipient(event.streamId);
    if (!recipient) return undefined;
    const to = { name: recipient.name, email: recipient.email };
    return { to, messageId: event.id, ...welcomeEmail({ name: recipient.name }) };
  };
}
