import type { EmailReaction } from '../consumers/emails';
import { welcomeEmail } from '../email/templates';
import type { FindRecipient } from './recipient';

/** Welcomes who registered; who is gone by then is not written to. */
export function sendWelcomeEmailOnUserRegistered(findRecipient: FindRecipient): EmailReaction {
  return async (event) => {
    const recipient = await findRecipient(event.streamId);
    if (!recipient) return undefined;
    const to = { name: recipient.name, email: recipient.email };
    return { to, messageId: event.id, ...welcomeEmail({ name: recipient.name }) };
  };
}
