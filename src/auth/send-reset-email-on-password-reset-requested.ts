import { z } from 'zod';
import type { EmailReaction } from '../email/reaction';
import type { FindRecipient } from '../email/recipient';
import { passwordResetEmail } from '../email/templates';
import type { ResetTokens } from './secret-token';
import { lifetimes } from './session';

const dataSchema = z.object({ userId: z.uuid() });

/** Sends the link that confirms a reset. The token is in the link's fragment, which no server's log receives. */
export function sendResetEmailOnPasswordResetRequested(options: {
  findRecipient: FindRecipient;
  resetTokens: ResetTokens;
  resetUrl: string;
}): EmailReaction {
  return async (event) => {
    const recipient = await options.findRecipient(dataSchema.parse(event.data).userId);
    if (!recipient) return undefined;
    const link = `${options.resetUrl}#token=${options.resetTokens.tokenFor(event.streamId)}`;
    const validMinutes = lifetimes.passwordResetMs / 60_000;
    return {
      to: { name: recipient.name, email: recipient.email },
      messageId: event.id,
      ...passwordResetEmail({ name: recipient.name, link, validMinutes }),
    };
  };
}
